"""Set12 and BSD68: read, or refused with a reason; and the published pictures."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError, RemoteFile
from tutorials_lib.datasets.denoising_sets import BSD68, SET12, load_denoising_sets, read_grey


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, RemoteFile]]:
    """A made picture of each set in a mirror of its own, with its own checksums."""
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    made = {}
    for kind, files in {"set12": SET12, "bsd68": BSD68}.items():
        name, remote = next(iter(files.items()))
        path = tmp_path / remote.mirror_path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 4), 51).save(path)
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        made[kind] = {name: replace(remote, sha256=sha256, num_bytes=len(content))}
    return made


def test_pictures_come_by_name_from_black_to_white(published: dict):
    set12, bsd68 = load_denoising_sets(**published)
    assert list(set12) == ["01"]
    assert list(bsd68) == ["test001"]
    assert bsd68["test001"].dtype == np.float32
    np.testing.assert_allclose(set12["01"], np.full((4, 6), 0.2), rtol=1e-6)


def test_other_bytes_than_the_pinned_ones_are_refused(published: dict):
    published["set12"] = {"01": replace(published["set12"]["01"], sha256="0" * 64)}
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_denoising_sets(**published)


def test_a_picture_in_colour_is_refused(tmp_path: Path):
    path = tmp_path / "01.png"
    Image.new("RGB", (6, 4)).save(path)
    with pytest.raises(MalformedDataError, match="expected a grey picture; found 3 channels"):
        read_grey(path)


@pytest.mark.usefixtures("published_data")
def test_the_published_pictures_have_their_known_sizes():
    set12, bsd68 = load_denoising_sets()
    assert (len(set12), len(bsd68)) == (12, 68)
    assert {picture.shape for picture in set12.values()} == {(256, 256), (512, 512)}
    assert {picture.shape for picture in bsd68.values()} == {(321, 481), (481, 321)}
