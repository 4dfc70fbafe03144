"""Speech: the configuration, the utterances, their features and letters, and batches (NumPy)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets.formant_speech import RATE, WORDS, Utterance, utterances
from tutorials_lib.datasets.fsdd import load_fsdd, string_together
from tutorials_lib.layers.ctc import BLANK
from tutorials_lib.layers.log_mel import log_mel, mel_bank

LETTERS = " " + "".join(sorted(set("".join(WORDS))))
"""A space, and the letters of the ten words; the first of them is the class 1."""

NUM_CLASSES = len(LETTERS) + 1
"""The letters, and blank."""

WINDOW, HOP, TRANSFORM = 200, 80, 256
"""Samples that are looked at together (25 ms), from one look to the next (10 ms), transformed."""

CONTEXT, STRIDE = 5, 2
"""Looks that make one frame, and by how many one frame is behind the other (20 ms)."""

SHORT, LONG = (2, 5), (7, 8)
"""The fewest and the most digits of an utterance of training, and of one that is longer."""

LONGEST = {"offline": 120, "real": 160}
"""The most frames of an utterance of training, by source; the few longer ones are left out, since
all others would be padded to their length.
"""

MAX_NORM = 1.0
"""Of the gradients of a step; longer ones are shortened."""

WARM_UP = 0.1
"""The share of the training steps in which the learning rate rises."""

MAX_SHIFT, MAX_MASK = 2, 6
"""Bands by which a voice is moved in training, and bands that are hidden, at the most."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: utterances to learn from.
        num_development: utterances to choose settings by.
        num_test: utterances by unseen men and women.
        num_child: utterances by children, whom training has not either.
        num_long: utterances with more digits than in training.
        utterances_per_speaker: how many are spoken with one voice.
        num_bands: bands of frequencies of a look.
        dense_size: numbers that stand for a frame.
        hidden_size: numbers that each direction carries from frame to frame.
        num_steps: training steps.
        batch_size: utterances in one training step.
        learning_rate: the highest; it rises to it in a straight line and falls along a cosine.
        num_beams: beginnings that prefix beam search keeps.
        source: `offline` for formant speech, `real` for recorded digits.

    Raises:
        ValueError: a setting cannot work; the message says which.
    """

    num_train: int = 1_000
    num_development: int = 150
    num_test: int = 240
    num_child: int = 160
    num_long: int = 100
    utterances_per_speaker: int = 10
    num_bands: int = 32
    dense_size: int = 128
    hidden_size: int = 80
    num_steps: int = 500
    batch_size: int = 32
    learning_rate: float = 4e-3
    num_beams: int = 8
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "source" and value <= 0:
                raise ValueError(f"{field.name} is {value}; it must be more than zero")
        if self.batch_size > self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} utterances to "
                "learn from; take fewer, or raise num_train"
            )


TINY = Config(
    num_train=12,
    num_development=4,
    num_test=4,
    num_child=3,
    num_long=2,
    utterances_per_speaker=2,
    num_bands=8,
    dense_size=6,
    hidden_size=4,
    num_steps=3,
    batch_size=4,
    num_beams=3,
)
PAGE = Config()
FULL = Config(num_train=8_000, num_steps=5_000, hidden_size=160)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Split(NamedTuple):
    """Utterances, and what is made of them.

    Attributes:
        utterances: the sounds, what was said, and where.
        features: log-mel energies of every look, silence of the mean behind the end.
        lengths: how many frames of each are real.
        labels: the classes of the letters of each, filled up with `BLANK`.
    """

    utterances: tuple[Utterance, ...]
    features: Float32[np.ndarray, "utterances looks bands"]
    lengths: Int32[np.ndarray, " utterances"]
    labels: Int32[np.ndarray, "utterances letters"]

    @property
    def texts(self) -> list[str]:
        """What was said."""
        return [text_of(each.digits) for each in self.utterances]


class Data(NamedTuple):
    """The splits.

    Attributes:
        train: what is learned from.
        development: what settings are chosen by; speakers of its own.
        unseen: what judges, by name; speakers of their own.
    """

    train: Split
    development: Split
    unseen: dict[str, Split]


class Batch(NamedTuple):
    """A few rows of a split."""

    features: Any
    lengths: Any
    labels: Any


class Draws(NamedTuple):
    """Which utterances each step takes, and how it distorts them.

    Attributes:
        places: in the split.
        shifts: bands by which the voice moves up.
        starts: the first band that is hidden.
        widths: how many are.
    """

    places: Any
    shifts: Any
    starts: Any
    widths: Any


def text_of(digits: Sequence[int]) -> str:
    """Digits as words."""
    return " ".join(WORDS[digit] for digit in digits)


def encode(text: str) -> list[int]:
    """The classes of the letters of a text."""
    return [LETTERS.index(letter) + 1 for letter in text]


def decode(labels: Sequence[int]) -> str:
    """The text of these classes, none of which is `BLANK`."""
    return "".join(LETTERS[label - 1] for label in labels)


def load(config: Config, *, seed: int = 0) -> Data:
    """Formant speech, or recorded digits in a row; no speaker is in two splits.

    Raises:
        DatasetError: the recordings were asked for and cannot be had.
    """
    if config.source == "real":
        return _load_real(config, seed)
    splits = (
        (config.num_train, SHORT, False),
        (config.num_development, SHORT, False),
        (config.num_test, SHORT, False),
        (config.num_child, SHORT, True),
        (config.num_long, LONG, False),
    )
    train, development, *unseen = (
        utterances(
            count,
            seed=[seed, number],
            speakers=max(2, count // config.utterances_per_speaker),
            digits=digits,
            child=child,
        )
        for number, (count, digits, child) in enumerate(splits)
    )
    named: dict[str, tuple[Utterance, ...]] = dict(
        zip(("new", "child", "long"), unseen, strict=True)
    )
    return _as_data(train, development, named, config)


def _load_real(config: Config, seed: int) -> Data:
    """Each seed leaves out another speaker to judge by, and another to choose by."""
    recordings = load_fsdd()
    speakers = sorted({each.speaker for each in recordings})
    test, development = (speakers[(seed + i) % len(speakers)] for i in range(2))
    rng = np.random.default_rng([seed, 11])

    def speak(names: Sequence[str], count: int, digits: tuple[int, int]) -> tuple[Utterance, ...]:
        spoken = [each for each in recordings if each.speaker in names]
        return string_together(spoken, count, digits=digits, rng=rng)

    others = [name for name in speakers if name not in (test, development)]
    train = speak(others, config.num_train, SHORT)
    chooses = speak([development], config.num_development, SHORT)
    unseen = {
        "new": speak([test], config.num_test, SHORT),
        "long": speak([test], config.num_long, LONG),
    }
    return _as_data(train, chooses, unseen, config)


def _as_data(
    train: tuple[Utterance, ...],
    development: tuple[Utterance, ...],
    unseen: dict[str, tuple[Utterance, ...]],
    config: Config,
) -> Data:
    longest = LONGEST[config.source]
    short = tuple(each for each in train if num_frames(each) <= longest)
    judged = {name: as_split(each, config) for name, each in unseen.items()}
    return Data(as_split(short, config, longest), as_split(development, config), judged)


def num_frames(utterance: Utterance) -> int:
    """How many frames an utterance has."""
    return len(utterance.sound) // HOP // STRIDE


def features_of(sound: np.ndarray, config: Config) -> Float32[np.ndarray, "looks bands"]:
    """Log-mel energies without the mean of the utterance, which tells of the microphone."""
    bank = mel_bank(config.num_bands, TRANSFORM, RATE).astype(np.float32)
    energies = log_mel(sound, bank, window=WINDOW, hop=HOP)
    return (energies - energies.mean(0)) / 2  # so that their standard deviation is about one


def as_split(spoken: tuple[Utterance, ...], config: Config, longest: int | None = None) -> Split:
    """The utterances with their features and letters, padded to `longest` frames or the longest."""
    each = [features_of(utterance.sound, config) for utterance in spoken]
    lengths = np.array([num_frames(utterance) for utterance in spoken], np.int32)
    looks = STRIDE * (longest or int(lengths.max()))
    features = np.zeros((len(each), looks, config.num_bands), np.float32)
    classes = [encode(text_of(utterance.digits)) for utterance in spoken]
    labels = np.full((len(each), max(map(len, classes))), BLANK, np.int32)
    for row, (found, length, letters) in enumerate(zip(each, lengths, classes, strict=True)):
        features[row, : STRIDE * length] = found[: STRIDE * length]
        labels[row, : len(letters)] = letters
    return Split(spoken, features, lengths, labels)


def draw(num_utterances: int, config: Config, *, rng: np.random.Generator) -> Draws:
    """All utterances once in a new order, then all again; and how each is distorted."""
    size = config.num_steps, config.batch_size
    rounds = -(-config.num_steps * config.batch_size // num_utterances)
    places = np.concatenate([rng.permutation(num_utterances) for _ in range(rounds)])
    return Draws(
        places[: config.num_steps * config.batch_size].reshape(size).astype(np.int32),
        rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, size, np.int32),
        rng.integers(0, config.num_bands, size, np.int32),
        rng.integers(0, MAX_MASK + 1, size, np.int32),
    )


def take(split: Batch, draws: Draws) -> Batch:
    """The utterances of one step, distorted; a product with a matrix each, in either library.

    The matrix of an utterance moves all bands up, as a shorter vocal tract does, and hides some
    (Park et al. 2019).
    """
    xp = split.features.__array_namespace__()
    bands = xp.arange(split.features.shape[-1])
    source = (bands - draws.shifts[:, None]).clip(0, len(bands) - 1)
    hidden = (bands >= draws.starts[:, None]) & (bands < (draws.starts + draws.widths)[:, None])
    maps = (bands[:, None] == source[:, None, :]) & ~hidden[:, None, :]
    features = split.features[draws.places] @ maps.astype(split.features.dtype)
    return Batch(features, split.lengths[draws.places], split.labels[draws.places])


def learning_rates(config: Config) -> schedules.Schedule:
    """Up in a straight line, down along a cosine."""
    return schedules.one_cycle(config.num_steps, config.learning_rate, rising=WARM_UP)
