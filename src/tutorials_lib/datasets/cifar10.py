"""CIFAR-10: 60,000 colour photographs of 32 by 32 pixels in ten classes (Krizhevsky 2009).

The binary form is read, never the pickled one: a record is one byte of label, then the red, the
green and the blue plane, row by row.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from tutorials_lib.datasets.archives import read_tar_members
from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
"""The ten classes; a label is an index into this tuple."""

CIFAR10 = RemoteFile(
    name="cifar-10-binary.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    num_bytes=170_052_171,
    mirror_path="cifar10/cifar-10-binary.tar.gz",
    licence="see the source",
    citation="A. Krizhevsky (2009), Learning multiple layers of features from tiny images, "
    "https://www.cs.toronto.edu/~kriz/cifar.html",
)
"""The published archive in its binary form."""

_RECORD_BYTES = 1 + 3 * 32 * 32
_MAX_FILE_BYTES = 10_000 * _RECORD_BYTES
_TRAIN_FILES = tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6))
_TEST_FILES = ("cifar-10-batches-bin/test_batch.bin",)

Images = UInt8[np.ndarray, "images 32 32 3"]
Labels = Int32[np.ndarray, " images"]


class Cifar10(NamedTuple):
    """Images with red, green and blue last, from 0 to 255; labels index `CLASS_NAMES`."""

    train_images: UInt8[np.ndarray, "train 32 32 3"]
    train_labels: Int32[np.ndarray, " train"]
    test_images: UInt8[np.ndarray, "test 32 32 3"]
    test_labels: Int32[np.ndarray, " test"]


def load_cifar10(
    num_train: int = 50_000, num_test: int = 10_000, *, remote: RemoteFile = CIFAR10
) -> Cifar10:
    """The first `num_train` training images and the first `num_test` test images.

    The published order is random, so that the first images are a fair sample of the classes.

    Raises:
        ValueError: a number of images is negative; nothing is fetched then.
        DatasetError: the archive cannot be had, is not the pinned one, or holds fewer images
            (which of these, the subclass and the message say).
    """
    for name, number in (("num_train", num_train), ("num_test", num_test)):
        if number < 0:
            raise ValueError(f"{name} is {number}; ask for 0 images or more")
    path = fetch(remote)
    members = read_tar_members(path, dict.fromkeys(_TRAIN_FILES + _TEST_FILES, _MAX_FILE_BYTES))
    train_members = {file: members[file] for file in _TRAIN_FILES}
    test_members = {file: members[file] for file in _TEST_FILES}
    train = _first_images(path, train_members, num_train, "training images")
    test = _first_images(path, test_members, num_test, "test images")
    return Cifar10(*train, *test)


def parse_records(content: bytes, file: str) -> tuple[Images, Labels]:
    """The images and labels of one file of 3,073-byte records.

    Raises:
        MalformedDataError: the last record is cut, or a label is above nine.
    """
    if len(content) % _RECORD_BYTES:
        raise MalformedDataError(
            file,
            expected=f"records of {_RECORD_BYTES:,} bytes",
            found=f"{len(content):,} bytes, {len(content) % _RECORD_BYTES:,} too many",
            way_out="Check that this is the binary form of CIFAR-10.",
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD_BYTES)
    images, labels = records[:, 1:], records[:, 0].astype(np.int32)
    if (wrong := labels >= len(CLASS_NAMES)).any():
        first = wrong.argmax()
        raise MalformedDataError(
            file,
            expected="labels from 0 to 9",
            found=f"label {labels[first]} in record {first}",
            way_out="Check that this is the binary form of CIFAR-10 (not CIFAR-100).",
        )
    # images[i, byte] -> images[i, channel, row, column] -> images[i, row, column, channel]
    return images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _first_images(
    path: Path, contents: Mapping[str, bytes], num_images: int, kind: str
) -> tuple[Images, Labels]:
    images = np.empty((num_images, 32, 32, 3), np.uint8)
    labels = np.empty(num_images, np.int32)
    start = 0
    for file, content in contents.items():
        file_images, file_labels = parse_records(content, f"{file} in {path}")
        stop = min(start + len(file_labels), num_images)
        images[start:stop] = file_images[: stop - start]
        labels[start:stop] = file_labels[: stop - start]
        start = stop
    if start < num_images:
        raise MalformedDataError(
            path,
            expected=f"at least {num_images:,} {kind}",
            found=f"{start:,}",
            way_out="Ask for fewer images.",
        )
    return images, labels
