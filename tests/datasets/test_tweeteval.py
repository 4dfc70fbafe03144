"""TweetEval: a text in every line, and its label in the same line of another file."""

from pathlib import Path

import numpy as np
import pytest

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.tweeteval import CLASS_NAMES, load_tweeteval, parse_tweets

TEXTS = "so good 😍 \n\u2028still the same line \n".encode()


def test_texts_and_labels_belong_together():
    texts, labels = parse_tweets(TEXTS, b"1\n0\n", file="labels")
    assert texts == ("so good 😍", "still the same line")
    np.testing.assert_array_equal(labels, [1, 0])
    assert labels.dtype == np.int32


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, b"1\n", "found 1 labels"),
        (TEXTS, b"1\n4\n", "from 1 to 4"),
        (TEXTS, b"1\njoy\n", "a number in each line"),
        (b"\xff\n\n", b"0\n0\n", "UTF-8"),
    ],
)
def test_what_does_not_fit_is_named(texts: bytes, labels: bytes, message: str):
    with pytest.raises(MalformedDataError, match=message):
        parse_tweets(texts, labels, file="labels")


def test_the_published_splits_have_the_published_sizes(published_data: Path):
    sizes = {split: len(load_tweeteval(split).texts) for split in ("train", "val", "test")}
    assert sizes == {"train": 3_257, "val": 374, "test": 1_421}
    assert set(load_tweeteval("test").labels.tolist()) == set(range(len(CLASS_NAMES)))
