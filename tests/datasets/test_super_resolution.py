"""T91, Set5 and Set14: read, or refused with a reason; and the published pictures."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError, RemoteFile
from tutorials_lib.datasets.super_resolution import (
    SET5,
    SET14,
    T91,
    load_super_resolution,
    read_picture,
)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, RemoteFile]]:
    """A made picture of each set in a mirror of its own, with its own checksums; one is grey."""
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    made = {}
    for kind, files in {"t91": T91, "set5": SET5, "set14": SET14}.items():
        name, remote = next(iter(files.items()))
        path = tmp_path / remote.mirror_path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L" if kind == "set14" else "RGB", (6, 4), 51).save(path)
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        made[kind] = {name: replace(remote, sha256=sha256, num_bytes=len(content))}
    return made


def test_pictures_come_by_name_and_grey_ones_have_one_channel(published: dict):
    t91, set5, set14 = load_super_resolution(**published)
    assert t91["t1"].shape == (4, 6, 3)
    assert list(set5) == ["baby"]
    assert set14["baboon"].shape == (4, 6, 1)
    assert set14["baboon"].dtype == np.float32
    np.testing.assert_allclose(set14["baboon"], 0.2)


def test_other_bytes_than_the_pinned_ones_are_refused(published: dict):
    published["set5"] = {"baby": replace(published["set5"]["baby"], sha256="0" * 64)}
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_super_resolution(**published)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path):
    path = tmp_path / "t1.bmp"
    path.write_bytes(b"no picture")
    with pytest.raises(MalformedDataError, match=r"t1\.bmp: expected a picture"):
        read_picture(path)


def test_no_two_files_have_one_name_in_the_cache():
    files = [remote for each in (T91, SET5, SET14) for remote in each.values()]
    assert len(files) == len({remote.name for remote in files}) == 91 + 5 + 14


@pytest.mark.usefixtures("published_data")
def test_the_published_test_pictures_have_their_known_sizes():
    _, set5, set14 = load_super_resolution(t91={})
    assert set5["baby"].shape == (512, 512, 3)
    assert set14["bridge"].shape == (512, 512, 1)
    assert set14["zebra"].shape == (391, 586, 3)
