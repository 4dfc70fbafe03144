"""Classifying posts: the configuration, the posts, and how they become arrays (NumPy only)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import posts, tweeteval
from tutorials_lib.text.batches import pad
from tutorials_lib.text.wordpiece import (
    FIRST,
    LAST,
    MASK,
    PAD,
    SPECIAL,
    WordPiece,
    learn_wordpieces,
)

CLASS_NAMES = {"offline": posts.CLASS_NAMES, "real": tweeteval.CLASS_NAMES}
"""The labels of both sources; a label is an index."""

MOMENTS = {"b1": 0.9, "b2": 0.98}
"""How long Adam remembers; the second is shorter than usual, since the training is."""

EPSILON = 1e-12
"""What keeps BERT's normalization from dividing by zero."""

Ids = Int32[np.ndarray, "batch time"]
"""Numbers of pieces: one that begins every text, the text, one that ends it, padding (0)."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network, its pretraining, and its fine-tuning.

    Attributes:
        num_unlabelled: posts without a label, to fill gaps in.
        num_labelled: how many labelled posts there are to learn from, in growing order.
        num_development: labelled posts that choose settings.
        num_test: posts held out.
        wrong_share: the share of wrong labels among those to learn from.
        max_pieces: the most pieces of words that the tokenizer learns.
        num_positions: the most pieces of a post, those at its ends included; more are cut off.
        num_types: kinds of text that the network tells apart; posts are all of the first.
        width: numbers that stand for a piece.
        num_layers: blocks.
        num_heads: patterns of attention in a block.
        num_masked: pieces of a post that are to be guessed.
        rarity: pieces are drawn for guessing by their frequency to the power of minus this.
        pretraining_batch: posts in one step of pretraining.
        num_pretraining_steps: steps of pretraining.
        pretraining_rate: the highest learning rate of pretraining.
        batch_size: posts in one step of fine-tuning.
        num_steps: steps of fine-tuning.
        learning_rate: the highest of fine-tuning.
        weight_decay: the pull towards zero in fine-tuning, times the learning rate.
        rising: the share of the steps in which the rate rises.
        max_norm: the length to which the gradients of all parameters together are clipped.
        source: `offline` for the book's own posts, `real` for TweetEval.

    Raises:
        ValueError: a setting cannot work; the message says which.
    """

    num_unlabelled: int = 30_000
    num_labelled: tuple[int, ...] = (300, 1_000)
    num_development: int = 1_000
    num_test: int = 2_000
    wrong_share: float = 0.03
    max_pieces: int = 3_000
    num_positions: int = 26
    num_types: int = 2
    width: int = 64
    num_layers: int = 2
    num_heads: int = 4
    num_masked: int = 3
    rarity: float = 0.5
    pretraining_batch: int = 96
    num_pretraining_steps: int = 1_200
    pretraining_rate: float = 4e-3
    batch_size: int = 32
    num_steps: int = 400
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    rising: float = 0.05
    max_norm: float = 1.0
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        if self.width % self.num_heads:
            raise ValueError(
                f"width is {self.width}; it must divide into num_heads={self.num_heads} parts"
            )
        for name in (
            "num_unlabelled", "num_development", "num_test", "num_types", "num_layers",
            "num_masked", "pretraining_batch", "num_pretraining_steps", "batch_size", "num_steps",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if self.num_positions < self.num_masked + 2:
            raise ValueError(
                f"num_positions is {self.num_positions}: too few for num_masked="
                f"{self.num_masked} pieces between a beginning and an end"
            )
        if not self.num_labelled or min(self.num_labelled) < 1:
            raise ValueError(f"num_labelled is {self.num_labelled}; name one number or more")
        if list(self.num_labelled) != sorted(set(self.num_labelled)):
            raise ValueError(f"num_labelled is {self.num_labelled}; the numbers must grow")
        if not 0 < self.rising < 1:
            raise ValueError(f"rising is {self.rising}; it must be a share between 0 and 1")

    @property
    def num_classes(self) -> int:
        """How many labels there are."""
        return len(CLASS_NAMES[self.source])


PAGE = Config()
TINY = Config(
    num_unlabelled=200,
    num_labelled=(16, 32),
    num_development=24,
    num_test=24,
    max_pieces=400,
    width=8,
    num_layers=1,
    num_heads=2,
    pretraining_batch=8,
    num_pretraining_steps=4,
    batch_size=8,
    num_steps=4,
)
FULL = dataclasses.replace(
    PAGE,
    num_unlabelled=200_000,
    width=128,
    num_layers=4,
    pretraining_batch=256,
    num_pretraining_steps=20_000,
    pretraining_rate=1e-3,
)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


def for_source(config: Config) -> Config:
    """`config` with what the published posts call for.

    They have more words and longer posts, and there are few of them: more steps would only show
    them again and again.
    """
    if config.source == "offline":
        return config
    return dataclasses.replace(
        config,
        num_positions=max(config.num_positions, 48),
        max_pieces=max(config.max_pieces, 4_000),
        num_masked=max(config.num_masked, 5),
        num_pretraining_steps=min(config.num_pretraining_steps, 400),
    )


class Split(NamedTuple):
    """Texts with their labels."""

    texts: tuple[str, ...]
    labels: Int32[np.ndarray, " posts"]


class Data(NamedTuple):
    """What there is to learn from and to be judged by.

    Attributes:
        unlabelled: posts without labels.
        train: labelled posts; the smaller numbers of `Config.num_labelled` take the first of them.
        development: posts that choose settings.
        test: posts held out.
        tokenizer: learned from the unlabelled posts.
    """

    unlabelled: tuple[str, ...]
    train: Split
    development: Split
    test: Split
    tokenizer: WordPiece


def load(config: Config, *, seed: int = 0) -> Data:
    """The posts of the source that `config` names.

    The book's own are all drawn with `seed`. Of the published set it draws which of the training
    posts have their labels shown; all of them, without labels, are for pretraining.

    Raises:
        DatasetError: the published set was asked for and cannot be had.
    """
    num_train = config.num_labelled[-1]
    if config.source == "offline":
        unlabelled = posts.posts(config.num_unlabelled, 4 * seed).texts
        train = posts.posts(num_train, 4 * seed + 1, wrong_share=config.wrong_share)
        development = posts.posts(config.num_development, 4 * seed + 2)
        test = posts.posts(config.num_test, 4 * seed + 3)
    else:
        train, development, test = map(tweeteval.load_tweeteval, ("train", "val", "test"))
        unlabelled = train.texts
        rows = np.random.default_rng(seed).permutation(len(train.texts))[:num_train]
        train = Split(tuple(train.texts[i] for i in rows), train.labels[rows])
    tokenizer = learn_wordpieces(unlabelled, max_pieces=config.max_pieces)
    return Data(unlabelled, Split(*train), Split(*development), Split(*test), tokenizer)


def to_ids(texts: Sequence[str], tokenizer: WordPiece, config: Config) -> Ids:
    """The numbers of the pieces of each text, between those of a beginning and an end."""
    first, last = tokenizer.ids[FIRST], tokenizer.ids[LAST]
    most = config.num_positions - 2
    rows = [[first, *tokenizer.encode(text)[:most], last] for text in texts]
    return pad(rows, config.num_positions).ids


def by_length(ids: Ids, num_parts: int) -> tuple[Int32[np.ndarray, "_ _"], ...]:
    """The texts from the shortest to the longest in some parts, each cut to its own longest."""
    lengths = (ids != 0).sum(1)
    parts = np.array_split(np.argsort(lengths, kind="stable"), num_parts)
    return tuple(ids[rows, : lengths[rows[-1]]] for rows in parts)


# ---------------------------------------------------------------- batches


class Masked(NamedTuple):
    """Texts with pieces to guess: which text, at which places, and what is shown there instead.

    With an axis of steps in front it is a whole training.
    """

    rows: Int32[np.ndarray, "*steps batch"]
    places: Int32[np.ndarray, "*steps batch masked"]
    shown: Int32[np.ndarray, "*steps batch masked"]


def draw_masked(
    ids: Ids, tokenizer: WordPiece, config: Config, *, rng: np.random.Generator
) -> Masked:
    """Draw texts for every step of pretraining, and the pieces that are to be guessed.

    Of these, 80 % are hidden, 10 % replaced by another piece, and 10 % left (Devlin et al. 2019).
    A text too short for all of them has some of its ends guessed, too.
    """
    steps, batch = config.num_pretraining_steps, config.pretraining_batch
    num_special = len(SPECIAL)
    counts = np.bincount(ids.ravel(), minlength=len(tokenizer)).clip(1)
    weights = counts**-config.rarity
    weights[[tokenizer.ids[piece] for piece in SPECIAL]] = 1e-9
    weights[tokenizer.ids[PAD]] = 1e-30
    shape = steps, batch, config.num_masked
    rows = rng.integers(len(ids), size=(steps, batch), dtype=np.int32)
    places = np.empty(shape, np.int32)
    for step in range(steps):
        # The smallest of exponential times with these rates: a draw without replacement.
        times = rng.standard_exponential((batch, ids.shape[1])) / weights[ids[rows[step]]]
        places[step] = times.argpartition(config.num_masked, axis=1)[:, : config.num_masked]
    targets = ids[rows[..., None], places]
    other = rng.integers(num_special, len(tokenizer), shape, dtype=np.int32)
    fate = rng.random(shape)
    shown = np.where(fate < 0.8, tokenizer.ids[MASK], np.where(fate < 0.9, other, targets))
    return Masked(rows, places, shown.astype(np.int32))


def draw_batches(
    num_posts: int, config: Config, *, rng: np.random.Generator
) -> Int32[np.ndarray, "steps batch"]:
    """Which posts are in each step of fine-tuning: all of them, in a new order every time round."""
    needed = config.num_steps * config.batch_size
    rounds = [rng.permutation(num_posts) for _ in range(-(-needed // num_posts))]
    order = np.concatenate(rounds)[:needed].astype(np.int32)
    return order.reshape(config.num_steps, config.batch_size)


# ---------------------------------------------------------------- schedules


def pretraining_rates(config: Config) -> schedules.Schedule:
    """The learning rate of every step of pretraining: up in a line, down along a cosine."""
    return schedules.one_cycle(
        config.num_pretraining_steps, config.pretraining_rate, rising=config.rising
    )


def learning_rates(config: Config) -> schedules.Schedule:
    """The learning rate of every step of fine-tuning, of the same form."""
    return schedules.one_cycle(config.num_steps, config.learning_rate, rising=config.rising)
