"""Judging film reviews: the configuration, the reviews, and how they become arrays (NumPy)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from tutorials_lib import presets
from tutorials_lib.datasets.reviews import reviews
from tutorials_lib.datasets.sentence_polarity import load_sentence_polarity
from tutorials_lib.text.batches import bucket, pad
from tutorials_lib.text.vocabulary import Vocabulary, build_vocabulary

CLASS_NAMES = ("negative", "positive")
"""The judgements; a label is an index into this tuple."""

CELLS = ("elman", "gru")
"""The recurrent layers that a network can have."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: reviews of this book to learn from.
        num_real_train: the most published sentences to learn from.
        num_test: reviews held out.
        min_count: how often a word must occur in the training reviews to be in the vocabulary.
        bucket_lengths: the lengths, in words, to which reviews are padded; a longer review
            keeps its beginning.
        cell: the recurrent layer, one of `CELLS`.
        embedding_size: numbers that stand for a word.
        hidden_size: numbers that the network carries from word to word.
        batch_size: reviews in one training step.
        num_epochs: passes over the book's own training reviews.
        num_real_epochs: passes over the published sentences. A fifth of the training sentences,
            held out from the others, was judged best after two to four passes.
        learning_rate: of Adam.
        max_norm: the length to which the gradients of all parameters together are clipped.
        truncate: if given, no gradient crosses from a word whose place is a multiple of this
            to the word before it.
        source: `offline` for the book's own reviews, `real` for sentence polarity.

    Raises:
        ValueError: a setting cannot work; the message says which.
    """

    num_train: int = 4_000
    num_real_train: int = 10_000
    num_test: int = 2_000
    min_count: int = 2
    bucket_lengths: tuple[int, ...] = (32, 52, 84)
    cell: str = "gru"
    embedding_size: int = 32
    hidden_size: int = 32
    batch_size: int = 64
    num_epochs: int = 12
    num_real_epochs: int = 3
    learning_rate: float = 3e-3
    max_norm: float = 1.0
    truncate: int | None = None
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ValueError(f"cell is {self.cell!r}; expected one of: {', '.join(CELLS)}")
        if not 1 <= self.batch_size <= self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} reviews to "
                "learn from"
            )
        if self.truncate is not None and self.truncate < 1:
            raise ValueError(f"truncate is {self.truncate}; it must be 1 or more, or None")
        presets.check_source(self.source)

    @property
    def num_passes(self) -> int:
        """Passes over the training reviews of the source that is used."""
        return self.num_real_epochs if self.source == "real" else self.num_epochs


TINY = Config(
    num_train=64,
    num_real_train=64,
    num_test=32,
    bucket_lengths=(44, 84),
    embedding_size=4,
    hidden_size=4,
    batch_size=8,
    num_epochs=2,
)
PAGE = Config()
FULL = Config(num_train=50_000, num_test=10_000, embedding_size=64, hidden_size=128)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Split(NamedTuple):
    """Texts, words separated by spaces, with their judgements."""

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " reviews"]


class Data(NamedTuple):
    """Reviews to learn from, and reviews held out.

    `new` are reviews that join aspects and words which never stand together in the others; the
    published set knows no such thing, and there it is None.
    """

    train: Split
    test: Split
    new: Split | None


class Examples(NamedTuple):
    """Reviews of similar lengths as arrays: word ids, numbers of words, judgements."""

    ids: Int[np.ndarray, "batch time"]
    lengths: Int[np.ndarray, " batch"]
    labels: Int[np.ndarray, " batch"]


def load(config: Config, *, seed: int = 0) -> Data:
    """The training and the held-out reviews of the source that `config` names.

    The book's own are drawn with `seed`. The sentences of the published set are shuffled with
    it; the last `num_test` of them are held out, or a fifth if there are fewer.

    Raises:
        DatasetError: the published set was asked for and cannot be had.
    """
    if config.source == "offline":
        splits = (
            reviews(config.num_train, seed=3 * seed),
            reviews(config.num_test, seed=3 * seed + 1),
            reviews(config.num_test, seed=3 * seed + 2, pairs="new"),
        )
        return Data(*(Split(*split) for split in splits))
    texts, labels = load_sentence_polarity()
    order = np.random.default_rng(seed).permutation(len(texts))
    test = order[-min(config.num_test, len(order) // 5) :]
    train = order[: -len(test)][: config.num_real_train]
    splits = (Split(tuple(texts[i] for i in rows), labels[rows]) for rows in (train, test))
    return Data(*splits, new=None)


def learn_vocabulary(train: Split, config: Config) -> Vocabulary:
    """The words that occur often enough in the training reviews."""
    texts = (text.split(" ") for text in train.texts)
    return build_vocabulary(texts, min_count=config.min_count)


def to_ids(texts: Sequence[str], vocabulary: Vocabulary) -> list[list[int]]:
    """The word ids of each text."""
    return [vocabulary.encode(text.split(" ")) for text in texts]


def to_buckets(split: Split, vocabulary: Vocabulary, config: Config) -> tuple[Examples, ...]:
    """The reviews, padded to the smallest length that holds them, one array for each length.

    A bucket that cannot fill one batch is left out.
    """
    buckets = bucket(to_ids(split.texts, vocabulary), config.bucket_lengths)
    return tuple(
        Examples(each.padded.ids, each.padded.lengths, split.labels[each.places])
        for each in buckets
        if len(each.places) >= config.batch_size
    )


def to_examples(split: Split, vocabulary: Vocabulary, config: Config) -> Examples:
    """All reviews padded to the largest length, in their order; a longer one is cut."""
    longest = config.bucket_lengths[-1]
    ids = [each[:longest] for each in to_ids(split.texts, vocabulary)]
    padded = pad(ids, longest)
    return Examples(padded.ids, padded.lengths, split.labels)


def pick(texts: Sequence[str], phrase: str, *, shortest: int = 14, longest: int = 22) -> int:
    """The place of the first text of this many words with `phrase` in it.

    Where there is none, the first text that is as long.
    """
    rows = [i for i, text in enumerate(texts) if shortest <= len(text.split(" ")) <= longest]
    return next((i for i in rows if phrase in texts[i]), rows[0])


def commonest_length(examples: Examples) -> Examples:
    """Those of the reviews that have the most frequent length, cut to it."""
    length = int(np.bincount(examples.lengths).argmax())
    rows = examples.lengths == length
    return Examples(examples.ids[rows, :length], examples.lengths[rows], examples.labels[rows])
