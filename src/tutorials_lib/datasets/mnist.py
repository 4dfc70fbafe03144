"""MNIST: 70,000 handwritten digits of 28 by 28 pixels (LeCun et al. 1998).

Every file is an array in the IDX format, compressed with gzip: two zero bytes, a code for the
type of the numbers, the number of dimensions, each length as a big-endian integer of four bytes,
and then the numbers, the last dimension fastest.
"""

import gzip
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

CLASS_NAMES = tuple("0123456789")
"""The ten classes; a label is an index into this tuple, and the digit itself."""


def _remote(name: str, sha256: str, num_bytes: int) -> RemoteFile:
    return RemoteFile(
        name=f"mnist-{name}",
        url=f"https://storage.googleapis.com/cvdf-datasets/mnist/{name}",
        sha256=sha256,
        num_bytes=num_bytes,
        mirror_path=f"mnist/{name}",
        licence="CC BY-SA 3.0",
        citation="Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten "
        "digits, http://yann.lecun.com/exdb/mnist/",
    )


MNIST: Mapping[str, RemoteFile] = MappingProxyType(
    {
        "train_images": _remote(
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            9_912_422,
        ),
        "train_labels": _remote(
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            28_881,
        ),
        "test_images": _remote(
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            1_648_877,
        ),
        "test_labels": _remote(
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            4_542,
        ),
    }
)
"""The four published files, by what they hold."""

_UNSIGNED_BYTE = 0x08
_MAX_FILE_BYTES = 16 + 60_000 * 28 * 28
_WAY_OUT = "Check that this is the published file of MNIST."

Images = UInt8[np.ndarray, "images 28 28"]
Labels = Int32[np.ndarray, " images"]


class Mnist(NamedTuple):
    """Pictures of digits, the paper 0 and the ink up to 255; a label is the digit."""

    train_images: UInt8[np.ndarray, "train 28 28"]
    train_labels: Int32[np.ndarray, " train"]
    test_images: UInt8[np.ndarray, "test 28 28"]
    test_labels: Int32[np.ndarray, " test"]


def load_mnist(
    num_train: int = 60_000, num_test: int = 10_000, *, remotes: Mapping[str, RemoteFile] = MNIST
) -> Mnist:
    """The first `num_train` training digits and the first `num_test` test digits.

    The published order of the training digits is random. Of the test digits the first half comes
    from the cleaner of two collections, so that the first few are easier than the whole.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, is no such array, or holds
            fewer digits (which of these, the subclass and the message say).
    """
    train = _first_digits(remotes["train_images"], remotes["train_labels"], num_train)
    test = _first_digits(remotes["test_images"], remotes["test_labels"], num_test)
    return Mnist(*train, *test)


def parse_images(content: bytes, file: str) -> Images:
    """The pictures in the decompressed `content` of an IDX file.

    Raises:
        MalformedDataError: the header, the size of the pictures or the length is wrong.
    """
    images = parse_idx(content, file, num_dimensions=3)
    if images.shape[1:] != (28, 28):
        height, width = images.shape[1:]
        raise _malformed(
            file, expected="pictures of 28 by 28 pixels", found=f"{height} by {width} pixels"
        )
    return images


def parse_labels(content: bytes, file: str) -> Labels:
    """The labels in the decompressed `content` of an IDX file.

    Raises:
        MalformedDataError: the header or the length is wrong, or a label is above nine.
    """
    labels = parse_idx(content, file, num_dimensions=1)
    if (wrong := labels >= len(CLASS_NAMES)).any():
        first = wrong.argmax()
        raise _malformed(
            file, expected="labels from 0 to 9", found=f"label {labels[first]} at index {first}"
        )
    return labels.astype(np.int32)


def parse_idx(content: bytes, file: str, *, num_dimensions: int) -> UInt8[np.ndarray, "..."]:
    """The array of unsigned bytes in `content`, in the IDX format.

    Raises:
        MalformedDataError: the header announces another kind of array, or the numbers are
            fewer or more than it announces.
    """
    magic = bytes([0, 0, _UNSIGNED_BYTE, num_dimensions])
    start = len(magic) + 4 * num_dimensions
    if content[:4] != magic:
        raise _malformed(
            file,
            expected=f"a header that begins with {magic.hex(' ')}",
            found=content[:4].hex(" ") or "nothing",
        )
    if len(content) < start:
        raise _malformed(
            file, expected=f"a header of {start} bytes", found=f"{len(content)} bytes in all"
        )
    shape = struct.unpack(f">{num_dimensions}I", content[4:start])
    announced, there = int(np.prod(shape, dtype=object)), len(content) - start
    if announced != there:
        raise _malformed(
            file,
            expected=f"{announced:,} bytes after the header, {' × '.join(map(str, shape))}",
            found=f"{there:,}",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _first_digits(
    images_remote: RemoteFile, labels_remote: RemoteFile, num_digits: int
) -> tuple[Images, Labels]:
    images_path, labels_path = fetch(images_remote), fetch(labels_remote)
    images = parse_images(_decompress(images_path), str(images_path))
    labels = parse_labels(_decompress(labels_path), str(labels_path))
    if len(images) != len(labels):
        raise _malformed(
            str(labels_path),
            expected=f"a label for each of the {len(images):,} pictures",
            found=f"{len(labels):,} labels",
        )
    if not 0 <= num_digits <= len(images):
        raise MalformedDataError(
            images_path,
            expected=f"at least {num_digits:,} pictures",
            found=f"{len(images):,}",
            way_out="Ask for fewer digits, and for none at least.",
        )
    return images[:num_digits], labels[:num_digits]


def _decompress(path: Path) -> bytes:
    """The bytes in the gzip file at `path`, of which no more than the largest file has."""
    way_out = "Delete the file, so that it is fetched again."
    with (
        reading(path, expected="a file compressed with gzip", way_out=way_out),
        gzip.open(path) as file,
    ):
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise _malformed(
            str(path), expected=f"at most {_MAX_FILE_BYTES:,} bytes inside", found="more"
        )
    return content


def _malformed(file: str, *, expected: str, found: str) -> MalformedDataError:
    return MalformedDataError(file, expected=expected, found=found, way_out=_WAY_OUT)
