"""Sentence polarity: the published archive, and what is refused in its place."""

import hashlib
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tutorials_lib.datasets import MalformedDataError, UnsafeArchiveError
from tutorials_lib.datasets.archives import read_zip_members
from tutorials_lib.datasets.sentence_polarity import (
    SENTENCE_POLARITY,
    load_sentence_polarity,
    parse_sentences,
)

ALLOWED = {"folder/data.txt": 100}


def write_zip(path: Path, members: dict[str, bytes], kind: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = kind << 16
            archive.writestr(info, content)
    return path


def test_the_published_set_has_its_sentences_balanced(published_data: Path):
    content = (published_data / SENTENCE_POLARITY.mirror_path).read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert md5 == "5cdc0cae7f558040d050c90eb2b72e97"  # as NLTK's own index lists it
    texts, labels = load_sentence_polarity()
    assert len(texts) == len(labels) == 10_662
    np.testing.assert_array_equal(np.bincount(labels), [5_331, 5_331])
    assert texts[0] == "simplistic , silly and tedious ."
    assert labels[0] == 0
    assert all(text == " ".join(text.split(" ")) and "" not in text.split(" ") for text in texts)


def test_a_small_archive_of_the_same_form_is_read_in_latin_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = write_zip(
        tmp_path / "small.zip",
        {
            "sentence_polarity/README.txt": b"about",
            "sentence_polarity/rt-polarity.neg": b"too  long . \ndull\n",
            "sentence_polarity/rt-polarity.pos": "a caf\u00e9 classic .\n".encode("latin-1"),
        },
    )
    content = file.read_bytes()
    remote = replace(
        SENTENCE_POLARITY,
        sha256=hashlib.sha256(content).hexdigest(),
        num_bytes=len(content),
        mirror_path=file.name,
    )
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    texts, labels = load_sentence_polarity(remote=remote)
    assert texts == ("too long .", "dull", "a caf\u00e9 classic .")
    np.testing.assert_array_equal(labels, [0, 0, 1])


def test_a_file_without_a_sentence_is_named():
    with pytest.raises(MalformedDataError, match=r"empty\.txt"):
        parse_sentences(b"\n \n", "empty.txt")


# ---------------------------------------------------------------- zip archives


def test_allowed_members_are_read_and_others_passed_over(tmp_path: Path):
    members = {"folder/": b"", "folder/data.txt": b"text", "folder/other.txt": b"no"}
    assert read_zip_members(write_zip(tmp_path / "a.zip", members), ALLOWED) == {
        "folder/data.txt": b"text"
    }


@pytest.mark.parametrize(
    ("name", "size", "kind", "reason"),
    [
        ("../data.txt", 1, 0, "out of the archive's folder"),
        ("/etc/data.txt", 1, 0, "out of the archive's folder"),
        ("C:\\data.txt", 1, 0, "out of the archive's folder"),
        ("folder/data.txt", 101, 0, "holds 101 bytes where 100"),
        ("folder/other.txt", 101, 0, "holds 101 bytes where 100"),
        ("folder/data.txt", 1, stat.S_IFLNK | 0o777, "neither a file nor a folder"),
    ],
)
def test_a_member_with_no_business_there_makes_the_archive_suspect(
    tmp_path: Path, name: str, size: int, kind: int, reason: str
):
    file = write_zip(tmp_path / "a.zip", {name: b"x" * size}, kind)
    with pytest.raises(UnsafeArchiveError, match=reason):
        read_zip_members(file, ALLOWED)


def test_a_member_that_occurs_twice_is_refused(tmp_path: Path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("folder/data.txt", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("folder/data.txt", b"two")
    with pytest.raises(UnsafeArchiveError, match="occurs twice"):
        read_zip_members(file, ALLOWED)


def test_an_archive_that_is_damaged_or_lacks_a_file_is_malformed(tmp_path: Path):
    file = write_zip(tmp_path / "a.zip", {"folder/data.txt": b"text" * 20})
    with pytest.raises(MalformedDataError, match=r"without folder/more\.txt"):
        read_zip_members(file, {**ALLOWED, "folder/more.txt": 10})
    content = bytearray(file.read_bytes())
    content[40:50] = b"0123456789"
    file.write_bytes(content)
    with pytest.raises(MalformedDataError, match="a zip archive"):
        read_zip_members(file, ALLOWED)
    file.write_bytes(b"no archive")
    with pytest.raises(MalformedDataError, match="a zip archive"):
        read_zip_members(file, ALLOWED)
