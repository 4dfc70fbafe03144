"""Ants and bees: read, or refused with a reason; and the published photographs."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, RemoteFile
from tutorials_lib.datasets.hymenoptera import TRAIN, VALIDATION, load_hymenoptera


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[RemoteFile, ...]]:
    """A made picture of each class in a mirror of its own, with its own checksum."""
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    made = {}
    for kind, grey in {"ants": 51, "bees": 204}.items():
        remote = TRAIN[kind][0]
        path = tmp_path / remote.mirror_path
        path.parent.mkdir(parents=True)
        Image.new("RGB", (60, 40), (grey, grey, grey)).save(path)
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        made[kind] = (replace(remote, sha256=sha256, num_bytes=len(content)),)
    return made


def test_photographs_come_as_squares_class_after_class(published: dict):
    images, labels = load_hymenoptera(published, size=16)
    assert images.shape == (2, 16, 16, 3)
    assert labels.tolist() == [0, 1]
    assert labels.dtype == np.int32
    np.testing.assert_allclose(images.mean((1, 2, 3)), [0.2, 0.8], atol=0.01)


def test_other_bytes_than_the_pinned_ones_are_refused(published: dict):
    published["bees"] = (replace(published["bees"][0], sha256="0" * 64),)
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_hymenoptera(published, size=16)


def test_no_two_files_have_one_name_in_the_cache():
    files = [each for split in (TRAIN, VALIDATION) for kind in split.values() for each in kind]
    assert len(files) == len({remote.name for remote in files}) == 100


@pytest.mark.usefixtures("published_data")
def test_the_published_photographs_have_both_classes():
    few = {kind: files[:2] for kind, files in VALIDATION.items()}
    images, labels = load_hymenoptera(few, size=32)
    assert labels.tolist() == [0, 0, 1, 1]
    assert images.std() > 0.1
