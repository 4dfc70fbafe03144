"""The Olivetti faces: what is read from MATLAB's file, and how every failure reads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tutorials_lib import datasets
from tutorials_lib.datasets.download import RemoteFile
from tutorials_lib.datasets.olivetti import OLIVETTI, load_olivetti, to_images

MIRRORED = replace(
    OLIVETTI,
    sha256="b1988d02c72fe5b8ee82b5ef3bb7982eafc74f1e1ff0ae0ade35061ad0af534d",
    num_bytes=1_432_511,
)
"""A copy that MATLAB wrote on another day; its pictures are the published ones."""


def published(folder: Path, monkeypatch: pytest.MonkeyPatch, **variables: object) -> RemoteFile:
    """A mirror in `folder` with a MATLAB file of `variables`, and the file's own pin."""
    import hashlib

    path = folder / OLIVETTI.mirror_path
    path.parent.mkdir(parents=True)
    savemat(path, variables)
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(folder))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(OLIVETTI, sha256=sha256, num_bytes=path.stat().st_size)


def test_a_column_of_the_file_is_a_picture_written_column_by_column():
    picture = np.zeros((64, 64), np.float32)
    picture[:2, 2:4] = [[255, 0], [255, 255]]
    images = to_images(picture.reshape(-1, order="F")[:, None])
    assert images.dtype == np.float32
    assert images[0, 0, 1] == 0.75
    assert np.count_nonzero(images) == 1


def test_a_file_of_the_published_form_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    faces = np.random.default_rng(0).integers(0, 256, (4096, 400)).astype(np.uint8)
    remote = published(tmp_path, monkeypatch, faces=faces, another=np.zeros(3))
    images, people = load_olivetti(remote=remote)
    assert images.shape == (400, 32, 32)
    assert people[[0, 9, 10, 399]].tolist() == [0, 0, 1, 39]
    of_third = faces[:, 2].reshape(64, 64, order="F")
    assert images[2, 5, 7] == pytest.approx(of_third[10:12, 14:16].mean() / 255)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"pictures": np.zeros((4096, 400))}, "no such variable"),
        ({"faces": np.zeros((400, 4096))}, "shape (400, 4096)"),
        ({"faces": np.full((4096, 400), -1.0)}, "values from -1 to -1"),
        ({"faces": np.full((4096, 400), np.nan)}, "values from nan"),
        ({"faces": "faces"}, "of shape (1,)"),
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict, found: str
):
    remote = published(tmp_path, monkeypatch, **variables)
    with pytest.raises(datasets.MalformedDataError) as error:
        load_olivetti(remote=remote)
    assert found in str(error.value)
    assert "4096 x 400" in str(error.value)


def test_a_file_that_is_not_matlab_s_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import hashlib

    remote = published(tmp_path, monkeypatch, faces=np.zeros(1))
    content = b"no MATLAB file\n" * 50
    (tmp_path / OLIVETTI.mirror_path).write_bytes(content)
    remote = replace(remote, sha256=hashlib.sha256(content).hexdigest(), num_bytes=len(content))
    with pytest.raises(datasets.MalformedDataError, match="Check that this is the file"):
        load_olivetti(remote=remote)


def test_the_published_photographs_are_read(published_data: Path):
    images, people = load_olivetti(remote=MIRRORED)
    assert images.shape == (400, 32, 32)
    assert len(people) == 400
    assert 0 <= images.min() < 0.1
    assert 0.8 < images.max() <= 1
    # Pictures of one person are nearer to each other than to those of other people.
    flat = images.reshape(400, -1)
    distances = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    same = people[:, None] == people
    assert distances[same].mean() < 0.7 * distances[~same].mean()
    # Faces are upright and nearly symmetric: a mirrored mean face is close, a turned one is not.
    mean = images.mean(0)
    assert np.abs(mean - mean[:, ::-1]).mean() < np.abs(mean - mean.T).mean()


def test_the_shipped_pin_refuses_a_copy_with_another_checksum(published_data: Path):
    with pytest.raises(datasets.ChecksumError) as error:
        load_olivetti()
    assert OLIVETTI.sha256 in str(error.value)
    assert MIRRORED.sha256 in str(error.value)
