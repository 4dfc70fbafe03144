"""ISBI 2012: read, or refused with a reason; and the published stack."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError
from tutorials_lib.datasets.isbi2012 import LABELS, PICTURES, load_isbi2012, read_section


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """A made stack of two sections in a mirror of its own, with its own checksums."""
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    remotes = {}
    for name, files in {"pictures": PICTURES[:2], "labels": LABELS[:2]}.items():
        made = []
        for number, remote in enumerate(files):
            path = tmp_path / remote.mirror_path
            path.parent.mkdir(parents=True, exist_ok=True)
            section = np.full((512, 512), 255, np.uint8)
            section[number * 8 : number * 8 + 8] = 0
            Image.fromarray(section).save(path)
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            made.append(replace(remote, sha256=sha256, num_bytes=len(content)))
        remotes[name] = tuple(made)
    return remotes


def test_sections_come_in_the_order_of_the_stack_and_walls_are_black(published: dict):
    pictures, walls = load_isbi2012(**published)
    assert pictures.dtype == np.uint8
    assert walls.shape == (2, 512, 512)
    np.testing.assert_array_equal(walls, pictures == 0)
    assert walls[1, 8:16].all()
    assert walls.sum() == 2 * 8 * 512


def test_other_bytes_than_the_pinned_ones_are_refused(published: dict):
    published["labels"] = (replace(published["labels"][0], sha256="0" * 64),)
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_isbi2012(**published)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"no picture", "UnidentifiedImageError"),
        (Image.new("L", (8, 8)), r"the shape \(8, 8\)"),
        (Image.new("RGB", (512, 512)), "the mode RGB"),
    ],
)
def test_a_file_that_is_no_such_section_is_named(tmp_path: Path, content, found: str):
    path = tmp_path / "7.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.save(path)
    with pytest.raises(MalformedDataError, match=rf"7\.png: expected a picture of 512.*{found}"):
        read_section(path)


def test_a_picture_that_ends_early_is_named(tmp_path: Path):
    path = tmp_path / "8.png"
    Image.new("L", (512, 512)).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(MalformedDataError, match=r"8\.png: expected a picture"):
        read_section(path)


@pytest.mark.usefixtures("published_data")
def test_the_published_stack_has_thirty_sections_with_dark_walls():
    pictures, walls = load_isbi2012()
    assert pictures.shape == walls.shape == (30, 512, 512)
    assert walls.mean() == pytest.approx(0.2196, abs=1e-3)
    assert pictures[walls].mean() < pictures[~walls].mean() - 30
