"""Translation: the configuration, the sentences, their words as numbers, and batches (NumPy)."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets.translation import MAX_TRAIN_WORDS
from tutorials_lib.text.corpus import Corpus, Limits, Pairs, draw_places, load_corpus
from tutorials_lib.text.parallel import Sentences, Vocabularies, encode_pairs, encode_sources

MAX_NORM = 1.0
"""Of the gradients of a step; longer ones are shortened."""

WARM_UP = 0.1
"""The share of the training steps in which the learning rate rises."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: sentences to learn from; the published set has as many as it has.
        num_test: sentences of each other split, likewise.
        source_words: rows of the English table; rarer words become unknown.
        target_words: rows of the French table, likewise.
        source_length: the most English words of a training sentence.
        target_length: the most French words that are predicted, with the end of the sentence.
        longest_source: the most English words of a sentence that is to be translated.
        longest_target: the most French words of a translation, with its end.
        embedding_size: numbers that stand for a word.
        hidden_size: numbers that the decoder carries from word to word; each direction of the
            encoder has half of them.
        attention: whether the decoder looks back at every word of the source, or has only what
            the encoder remembers at the end.
        num_steps: training steps.
        batch_size: sentences in one training step.
        learning_rate: the highest; it rises to it in a straight line and falls along a cosine.
        num_beams: beginnings that beam search keeps.
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
    longest_source: int = 28
    longest_target: int = 40
    embedding_size: int = 64
    hidden_size: int = 128
    attention: bool = True
    num_steps: int = 700
    batch_size: int = 64
    learning_rate: float = 4e-3
    num_beams: int = 4
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in ("attention", "source") and value <= 0:
                raise ValueError(f"{field.name} is {value}; it must be more than zero")
        if self.hidden_size % 2:
            raise ValueError(
                f"hidden_size is {self.hidden_size}; it must be even, half for each direction"
            )
        if self.batch_size > self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} sentences to "
                "learn from; take fewer, or raise num_train"
            )


TINY = Config(
    num_train=64,
    num_test=6,
    longest_target=8,
    embedding_size=4,
    hidden_size=6,
    num_steps=4,
    batch_size=8,
    num_beams=2,
)
PAGE = Config()
FULL = Config(num_train=64_000, num_steps=6_000, hidden_size=256)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}

_REAL = {
    "source_words": 3_000,
    "target_words": 3_000,
    "source_length": 24,
    "target_length": 28,
    "longest_source": 40,
    "longest_target": 48,
}
_REAL_STEPS = 1_000  # at the least: every caption about twice


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


def encode(pairs: Pairs, words: Vocabularies, config: Config) -> Sentences:
    """Training sentences as ids, in the shape that all batches have."""
    return encode_pairs(pairs, words, config.source_length, config.target_length + 1)


def encode_english(
    pairs: Pairs, words: Vocabularies, config: Config
) -> Int32[np.ndarray, "sentences longest_source"]:
    """The English of pairs that are to be translated."""
    return encode_sources([pair.english for pair in pairs], words.source, config.longest_source)


def draw_batches(
    num_sentences: int, config: Config, *, rng: np.random.Generator
) -> Int32[np.ndarray, "steps batch"]:
    """Which sentences each step reads: all of them once in a new order, then all again."""
    return draw_places(num_sentences, config.num_steps, config.batch_size, rng=rng)


def learning_rates(config: Config) -> schedules.Schedule:
    """Up in a straight line, down along a cosine."""
    return schedules.one_cycle(config.num_steps, config.learning_rate, rising=WARM_UP)
