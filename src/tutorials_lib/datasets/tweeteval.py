"""TweetEval, emotion: 5,052 posts of Twitter with one of four emotions (Barbieri et al. 2020)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

CLASS_NAMES = ("anger", "joy", "optimism", "sadness")
"""The emotions; a label is an index into this tuple."""

_FILES = {
    "train_text": ("2c62f67aeb3eac1aea0e5a9c3d0f4bc337992581f3f858061786a1fb4d79d95e", 306_630),
    "train_labels": ("987e767d8679e18abdf7de37a6d2bcd0a40a296ddd704e8d515cf0e3033c8d9c", 6_514),
    "val_text": ("e2e30c86b8cbb97944d6543aedc06eace3bb275cb2f381aba787b838b4f23ca5", 34_556),
    "val_labels": ("313730630160b7e0a6b4235b800c76683f4aeeb72d094eb69646630cd5cfe338", 748),
    "test_text": ("7e1070f5d3e3fcece5bc73680bff9981e90d8f7b2f1009bfe7a01d059d1c6091", 132_523),
    "test_labels": ("245072348c711961785be6d395997f97cf7fcda3effeae7805664171dc75f913", 2_842),
}

TWEETEVAL = {
    name: RemoteFile(
        name=f"tweeteval-emotion-{name}.txt",
        url="https://raw.githubusercontent.com/cardiffnlp/tweeteval/"
        f"4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66/datasets/emotion/{name}.txt",
        sha256=sha256,
        num_bytes=num_bytes,
        mirror_path=f"tweeteval/emotion/{name}.txt",
        licence="no restrictions by its makers; the terms of Twitter hold",
        citation="F. Barbieri et al. (2020), TweetEval: unified benchmark and comparative "
        "evaluation for tweet classification, https://github.com/cardiffnlp/tweeteval",
    )
    for name, (sha256, num_bytes) in _FILES.items()
}
"""Texts and labels of three splits, pinned by their commit."""


class Tweets(NamedTuple):
    """Texts as they were published; labels index `CLASS_NAMES`."""

    texts: tuple[str, ...]
    labels: Int32[np.ndarray, " posts"]


def load_tweeteval(split: str) -> Tweets:
    """One of the published splits: `train`, `val` or `test`.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, or holds something else.
    """
    paths = [fetch(TWEETEVAL[f"{split}_{part}"]) for part in ("text", "labels")]
    return parse_tweets(*(path.read_bytes() for path in paths), file=str(paths[1]))


def parse_tweets(texts: bytes, labels: bytes, *, file: str) -> Tweets:
    """A text in every line of one file, its label in the same line of the other.

    Raises:
        MalformedDataError: a file is no text, the numbers of lines differ, or a label is no class.
    """
    way_out = "Check that both files are of one split of TweetEval."
    with reading(file, expected="texts in UTF-8 and a number in each line", way_out=way_out):
        lines = [line.strip() for line in texts.decode("utf-8").rstrip("\n").split("\n")]
        numbers = [int(line) for line in labels.decode("ascii").split()]
    if len(lines) != len(numbers) or not set(numbers) <= set(range(len(CLASS_NAMES))):
        raise MalformedDataError(
            file,
            expected=f"{len(lines)} labels from 0 to {len(CLASS_NAMES) - 1}, one for each text",
            found=f"{len(numbers)} labels, from {min(numbers, default=0)} to "
            f"{max(numbers, default=0)}",
            way_out=way_out,
        )
    return Tweets(tuple(lines), np.array(numbers, np.int32))
