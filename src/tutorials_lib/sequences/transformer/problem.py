"""Translation: the configuration, the sentences, their words as numbers, and batches (NumPy)."""

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib import presets, schedules
from tutorials_lib.datasets.translation import MAX_TRAIN_WORDS, Pair
from tutorials_lib.text.corpus import Corpus, Limits, draw_places, load_corpus
from tutorials_lib.text.parallel import Sentences, Vocabularies, encode_pairs

MOMENTS = {"b1": 0.9, "b2": 0.98, "eps": 1e-6}
"""Of Adam: a shorter memory for the squares than its usual one (Vaswani et al. 2017, 5.3)."""

MAX_NORM = 1.0
"""Of the gradients of a step; longer ones are shortened."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A transformer, the sentences that it learns from, and for how long.

    Attributes:
        num_train: sentences to learn from; the published set has as many as it has.
        num_test: sentences of each other split, likewise.
        source_words: rows of the English table; rarer words become unknown.
        target_words: rows of the French table, likewise.
        source_length: the most English words of a training sentence.
        target_length: the most French words that are predicted, with the end of the sentence.
        read_length: the most words that are read of a sentence to be translated.
        max_length: the most words that a translation may have.
        width: numbers that stand for a word.
        num_layers: blocks of the encoder, and of the decoder.
        num_heads: patterns of attention in each; they share the width.
        max_start: the positions of a training sentence begin anywhere from 0 to this.
        num_steps: training steps.
        batch_size: sentences in each.
        learning_rate: the highest; it rises to it in a straight line and falls along a cosine.
        warm_up: the share of the steps in which it rises.
        smoothing: the share of every label that goes to all words alike.
        num_beams: sentences that beam search keeps.
        source: `offline` for the grammar's sentences, `real` for Multi30k.

    Raises:
        ValueError: a setting cannot work; the message says which.
    """

    num_train: int = 16_000
    num_test: int = 400
    source_words: int = 224
    target_words: int = 368
    source_length: int = MAX_TRAIN_WORDS
    target_length: int = 25
    read_length: int = 28
    max_length: int = 40
    width: int = 64
    num_layers: int = 2
    num_heads: int = 4
    max_start: int = 12
    num_steps: int = 1_000
    batch_size: int = 64
    learning_rate: float = 4e-3
    warm_up: float = 0.15
    smoothing: float = 0.1
    num_beams: int = 4
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        for name in ("num_train", "num_layers", "num_steps", "batch_size", "num_beams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.max_start < 0:
            raise ValueError(f"max_start is {self.max_start}; a position must not be negative")
        if not 0 < self.warm_up < 1:
            raise ValueError(f"warm_up is {self.warm_up}; it must be a share between 0 and 1")
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is {self.smoothing}; it must be at least 0 and below 1")
        if self.width % self.num_heads or self.width % 2:
            raise ValueError(
                f"width is {self.width} for {self.num_heads} heads; it must be even and a "
                "multiple of their number"
            )

    @property
    def num_positions(self) -> int:
        """Rows of the table of positions."""
        trained = self.max_start + max(self.source_length, self.target_length)
        return max(self.read_length, self.max_length, trained)


PAGE = Config()
TINY = Config(
    num_train=300,
    num_test=20,
    source_length=18,
    target_length=25,
    width=16,
    num_layers=1,
    num_heads=2,
    num_steps=60,
    batch_size=16,
    learning_rate=1e-2,
)
FULL = Config(num_train=64_000, num_steps=8_000, width=128)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}

_REAL = {
    "source_words": 3_000,
    "target_words": 3_000,
    "source_length": 24,
    "target_length": 28,
    "read_length": 40,
    "max_length": 48,
}
_REAL_STEPS = 1_500  # at the least: every caption more than three times


def for_source(config: Config) -> Config:
    """With the sizes of Multi30k and enough steps where the source is `real`, else `config`."""
    if config.source != "real":
        return config
    return dataclasses.replace(config, **_REAL, num_steps=max(config.num_steps, _REAL_STEPS))


Data = Corpus
"""`Data(train, development, test, further, words)`."""


def load(config: Config, *, seed: int = 0) -> Data:
    """The grammar's sentences, or Multi30k.

    Raises:
        DatasetError: Multi30k was asked for and cannot be had.
    """
    config = for_source(config)
    return load_corpus(
        config.source,
        num_train=config.num_train,
        num_test=config.num_test,
        limits=Limits(
            ids=(config.source_words, config.target_words),
            words=(config.source_length, config.target_length - 1),
        ),
        seed=seed,
    )


def encode(pairs: tuple[Pair, ...], words: Vocabularies, config: Config) -> Sentences:
    """Training sentences as ids, in the shape that all batches have."""
    return encode_pairs(pairs, words, config.source_length, config.target_length + 1)


Ids = Any
"""An int32 array of NumPy or of JAX: both twins read batches."""


class Batch(NamedTuple):
    """What a training step reads.

    Attributes:
        source: `[batch, source_time]`, ids of English words, padded.
        target: `[batch, target_time]`, ids of French words between `START` and `END`, padded.
        starts: `[2]`, the position of the first word of all sources, and that of all targets.
    """

    source: Ids
    target: Ids
    starts: Ids


def make_batch(sentences: Sentences, config: Config, *, start: int = 0) -> Batch:
    """All sentences as one batch whose positions begin at `start`.

    Raises:
        ValueError: a position would lie beyond the table of positions. (In JAX, reading an array
            beyond its end is no error.)
    """
    last = start + max(sentences.source.shape[1], sentences.target.shape[1] - 1)
    if start < 0 or last > config.num_positions:
        raise ValueError(
            f"the positions {start} to {last - 1} are asked for, but the table has 0 to "
            f"{config.num_positions - 1}; start earlier, or enlarge max_start"
        )
    return Batch(*sentences, np.full(2, start, np.int32))


class Batches(NamedTuple):
    """What each step reads.

    Attributes:
        places: `[steps, batch]`, which sentences.
        starts: `[steps, 2]`, see `Batch`.
    """

    places: Ids
    starts: Ids


def draw_batches(num_sentences: int, config: Config, *, rng: np.random.Generator) -> Batches:
    """Every sentence once, in a new order, then every sentence again.

    Positions begin at random places, so that the later ones, which only long sentences reach, are
    trained too.
    """
    places = draw_places(num_sentences, config.num_steps, config.batch_size, rng=rng)
    starts = rng.integers(0, config.max_start + 1, (config.num_steps, 2))
    return Batches(places, starts.astype(np.int32))


def learning_rates(config: Config) -> schedules.Schedule:
    """Up in a straight line, down along a cosine."""
    return schedules.one_cycle(config.num_steps, config.learning_rate, rising=config.warm_up)


@cache
def waves(num_positions: int, width: int) -> Float[np.ndarray, "positions width"]:
    r"""Positions as sines and cosines of growing wavelengths (Vaswani et al. 2017, section 3.5).

    $\sin(p / 10000^{2i/d})$ in column $2i$ and the cosine in the next one.
    """
    angles = np.arange(num_positions)[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    table = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(num_positions, width)
    table.flags.writeable = False  # every call returns the same array
    return table
