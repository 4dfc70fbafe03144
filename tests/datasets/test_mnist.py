"""MNIST: what its files hold, and how every failure reads."""

import gzip
import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tutorials_lib.datasets import ChecksumError, MalformedDataError, RemoteFile
from tutorials_lib.datasets.mnist import MNIST, load_mnist, parse_images, parse_labels

IMAGES = np.arange(6 * 28 * 28).astype(np.uint8).reshape(6, 28, 28)
LABELS = np.array([3, 1, 4, 1, 5, 9], np.uint8)

Write = Callable[..., Mapping[str, RemoteFile]]


def to_idx(array: np.ndarray) -> bytes:
    """An array of unsigned bytes in the IDX format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write four files into a mirror, some of them other than the right ones; pins them."""
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    (tmp_path / "mnist").mkdir()

    def write_files(**others: bytes) -> dict[str, RemoteFile]:
        contents = {
            f"{split}_{kind}": gzip.compress(to_idx(array))
            for split in ("train", "test")
            for kind, array in (("images", IMAGES), ("labels", LABELS))
        } | others
        for name, content in contents.items():
            (tmp_path / MNIST[name].mirror_path).write_bytes(content)
        return {
            name: replace(
                MNIST[name],
                sha256=hashlib.sha256(content).hexdigest(),
                num_bytes=len(content),
            )
            for name, content in contents.items()
        }

    return write_files


def test_the_first_digits_are_read_as_they_were_written(write: Write):
    data = load_mnist(4, 2, remotes=write())
    np.testing.assert_array_equal(data.train_images, IMAGES[:4])
    np.testing.assert_array_equal(data.train_labels, LABELS[:4])
    np.testing.assert_array_equal(data.test_images, IMAGES[:2])
    np.testing.assert_array_equal(data.test_labels, LABELS[:2])
    assert (data.train_images.dtype, data.train_labels.dtype) == (np.uint8, np.int32)


def test_no_digits_at_all_are_two_empty_arrays(write: Write):
    data = load_mnist(0, 0, remotes=write())
    assert data.train_images.shape == (0, 28, 28)
    assert data.test_labels.shape == (0,)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ("begins with 00 00 08 03", "nothing")),
        (to_idx(LABELS), ("begins with 00 00 08 03", "00 00 08 01")),
        (b"\0\0\x0d\3" + to_idx(IMAGES)[4:], ("begins with 00 00 08 03", "00 00 0d 03")),
        (to_idx(IMAGES)[:10], ("a header of 16 bytes", "10 bytes")),
        (to_idx(IMAGES)[:-1], ("4,704 bytes after the header, 6 × 28 × 28", "4,703")),
        (to_idx(IMAGES) + b"!", ("4,704 bytes after the header, 6 × 28 × 28", "4,705")),
        (to_idx(IMAGES[:, :14]), ("28 by 28 pixels", "14 by 28 pixels")),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 4), ("18,446,744,073,709,551,616", "0")),
    ],
)
def test_malformed_pictures_are_named(content: bytes, parts: tuple[str, ...]):
    with pytest.raises(MalformedDataError) as error:
        parse_images(content, "images.gz")
    for part in ("images.gz", "published file of MNIST", *parts):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (to_idx(IMAGES), ("begins with 00 00 08 01", "00 00 08 03")),
        (to_idx(LABELS)[:-2], ("6 bytes after the header", "4")),
        (to_idx(np.array([9, 10, 200], np.uint8)), ("from 0 to 9", "label 10 at index 1")),
    ],
)
def test_malformed_labels_are_named(content: bytes, parts: tuple[str, ...]):
    with pytest.raises(MalformedDataError) as error:
        parse_labels(content, "labels.gz")
    for part in ("labels.gz", "published file of MNIST", *parts):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("others", "parts"),
    [
        ({"train_labels": gzip.compress(to_idx(LABELS[:5]))}, ("6 pictures", "5 labels")),
        ({"test_images": to_idx(IMAGES)}, ("compressed with gzip", "BadGzipFile")),
        ({"test_images": gzip.compress(to_idx(IMAGES))[:-9]}, ("with gzip", "EOFError")),
        ({"train_images": gzip.compress(bytes(47_040_017))}, ("at most 47,040,016", "more")),
    ],
)
def test_a_set_that_does_not_fit_together_is_named(
    write: Write, others: dict[str, bytes], parts: tuple[str, ...]
):
    with pytest.raises(MalformedDataError) as error:
        load_mnist(1, 1, remotes=write(**others))
    for part in ("ubyte.gz", *parts):
        assert part in str(error.value)


@pytest.mark.parametrize("num_train", [7, -1])
def test_more_or_fewer_digits_than_there_are_is_an_error(write: Write, num_train: int):
    with pytest.raises(MalformedDataError, match=f"at least {num_train} pictures; found 6"):
        load_mnist(num_train, 1, remotes=write())


def test_another_file_than_the_pinned_one_is_never_opened(write: Write):
    remotes = write()
    wrong = {**remotes, "train_labels": replace(remotes["train_labels"], sha256="0" * 64)}
    with pytest.raises(ChecksumError):
        load_mnist(1, 1, remotes=wrong)


@pytest.mark.usefixtures("published_data")
def test_the_published_digits_are_read():
    data = load_mnist()
    assert data.train_images.shape == (60_000, 28, 28)
    assert data.test_images.shape == (10_000, 28, 28)
    # The first labels, and how often each digit occurs, as the set is described everywhere.
    assert data.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    counts = [5_923, 6_742, 5_958, 6_131, 5_842, 5_421, 5_918, 6_265, 5_851, 5_949]
    assert np.bincount(data.train_labels).tolist() == counts
    assert round(float(data.train_images.mean() / 255), 4) == 0.1307
