"""The pictures of the first style transfer: pinned, read and cut, or refused with a reason."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError
from tutorials_lib.datasets.style_pair import CONTENT, STYLE, load_style_pair, read_picture


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Two small pictures in a mirror of their own, with their own checksums."""
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    (tmp_path / "style").mkdir()
    remotes = {}
    for name, remote, size in (("content", CONTENT, (40, 30)), ("style", STYLE, (24, 50))):
        path = tmp_path / remote.mirror_path
        Image.new("L", size, 51).save(path)
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        remotes[name] = replace(remote, sha256=sha256, num_bytes=len(content))
    return remotes


def test_pictures_come_as_they_are_or_as_squares(published: dict):
    pair = load_style_pair(**published)
    assert pair.content.shape == (30, 40, 3)
    assert pair.style.shape == (50, 24, 3)
    square = load_style_pair(size=16, **published)
    for picture in square:
        assert picture.shape == (16, 16, 3)
        assert picture.dtype == np.float32
        np.testing.assert_allclose(picture, 0.2, atol=1e-6)


def test_other_bytes_than_the_pinned_ones_are_refused(published: dict):
    published["content"] = replace(published["content"], sha256="0" * 64)
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_style_pair(**published)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path):
    path = tmp_path / "notes.jpg"
    path.write_text("no picture")
    with pytest.raises(MalformedDataError, match=r"notes\.jpg: expected a picture"):
        read_picture(path)


def test_the_published_pair_is_the_photograph_and_the_painting(published_data: Path):
    pair = load_style_pair()
    assert pair.content.shape == (768, 1024, 3)
    assert pair.style.shape == (768, 970, 3)
    assert pair.style[..., 2].mean() > pair.style[..., 0].mean()  # a blue night
