"""Omniglot: read, or refused with a reason; and the published small sets."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError, RemoteFile
from tutorials_lib.datasets.omniglot import OMNIGLOT, load_omniglot, read_characters, read_drawing


def png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def drawing(row: int) -> bytes:
    """White paper with one black row."""
    paper = np.ones((105, 105), bool)
    paper[row] = False
    return png(Image.fromarray(paper))


def write_set(path: Path, *, drawers: int = 20) -> RemoteFile:
    """An archive with two alphabets, of two characters and of one; how it would be published."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small/readme.txt", "not a drawing")
        for number, folder in enumerate(("Old/character01", "Old/character02", "New/character01")):
            for drawer in range(1, drawers + 1):
                name = f"small/{folder}/{number:04}_{drawer:02}.png"
                archive.writestr(name, drawing(10 * number + drawer))
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return replace(OMNIGLOT["small1"], sha256=sha256, num_bytes=len(content))


def test_characters_come_by_alphabet_and_drawings_by_drawer(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    remote = write_set(tmp_path / OMNIGLOT["small1"].mirror_path)
    characters = load_omniglot(remote)
    assert characters.alphabets == ("New", "Old", "Old")
    assert characters.drawings.shape == (3, 20, 105, 105)
    inked = characters.drawings.all(-1).argmax(-1)
    np.testing.assert_array_equal(inked[0], 20 + np.arange(1, 21))
    assert characters.drawings.sum() == 3 * 20 * 105


def test_other_bytes_than_the_pinned_ones_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    remote = write_set(tmp_path / OMNIGLOT["small1"].mirror_path)
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_omniglot(replace(remote, sha256="0" * 64))


def test_an_archive_without_drawings_or_with_too_few_is_named(tmp_path: Path):
    path = tmp_path / "set.zip"
    write_set(path, drawers=19)
    with pytest.raises(MalformedDataError, match="20 drawings of every character; found 19 in"):
        read_characters(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing else")
    with pytest.raises(MalformedDataError, match="expected drawings; found none"):
        read_characters(path)
    path.write_bytes(b"no archive")
    with pytest.raises(MalformedDataError, match="expected a zip archive"):
        read_characters(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"no picture", "UnidentifiedImageError"),
        (drawing(3)[:60], "Error"),
        (png(Image.new("1", (28, 28))), r"the shape \(28, 28\)"),
        (png(Image.new("L", (105, 105))), "the mode L"),
    ],
)
def test_what_is_no_such_drawing_is_named(content: bytes, found: str):
    with pytest.raises(MalformedDataError, match=rf"7\.png: expected a picture of 105.*{found}"):
        read_drawing(content, "7.png")


@pytest.mark.usefixtures("published_data")
@pytest.mark.parametrize(("name", "count"), [("small1", 136), ("small2", 156)])
def test_the_published_sets_have_five_alphabets(name: str, count: int):
    characters = load_omniglot(OMNIGLOT[name])
    assert len(characters.drawings) == len(characters.alphabets) == count
    assert len(set(characters.alphabets)) == 5
    assert {"Greek", "Latin"} < set(characters.alphabets)
    assert 0.01 < characters.drawings.mean() < 0.1
