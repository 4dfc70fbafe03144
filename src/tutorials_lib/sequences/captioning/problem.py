"""Captions of scenes: the configuration, the scenes, their cells and their words (NumPy only)."""

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, UInt8

from tutorials_lib import presets, schedules
from tutorials_lib.datasets.errors import DatasetError
from tutorials_lib.datasets.scene_captions import (
    FORMS,
    LONGEST,
    Words,
    captions_of,
    named_objects,
)
from tutorials_lib.datasets.scenes import (
    COLORS,
    NOTHING,
    PICTURE_SIZE,
    SHAPES,
    SIZES,
    Scenes,
    draw_scenes,
)
from tutorials_lib.text.batches import pad
from tutorials_lib.text.parallel import END, START
from tutorials_lib.text.vocabulary import PADDING, Vocabulary, build_vocabulary

GRID = 12
"""Cells on a side of the picture."""

NUM_CELLS = GRID**2

ATTRIBUTES = (len(SIZES), len(COLORS), len(SHAPES))
"""How many values size, colour and shape have."""

NUM_LOGITS = 1 + sum(ATTRIBUTES)
"""Numbers that the encoder is asked for in a cell: is an object there, and its attributes."""

ATTRIBUTE_WEIGHTS = (0.5, 1.0, 1.5)
"""Of size, colour and shape in the loss of the encoder: the harder, the more."""

OBJECT_WEIGHT = 4.0
"""Of the question whether an object is there."""

ATTENTION_WEIGHT = 0.3
"""Of the attention's loss beside that of the words."""

SHARPNESS = 2.0
"""By which scores of cells are multiplied at first, beside the root of the key's size."""

EPSILON = 1e-3
"""Beside the mean square of a cell's features, by the root of which they are divided."""

NUM_FORMS = 5
"""Sentences that are true of a scene."""

SENTENCE_LENGTH = LONGEST + 1
"""Words that are predicted, with the end of the sentence."""

MAX_NORM = 1.0
"""Of the gradients of a step; longer ones are shortened."""

WARM_UP = 0.07
"""The share of the training steps in which the learning rate rises."""

_MIDDLE = 0.45  # of the range of colours, around which they are turned
_CONTRAST = 3.0  # from colours to the numbers that the network reads


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and its training, first of the encoder, then of the decoder.

    Attributes:
        num_train: scenes to learn from.
        num_development: scenes that choose the rivals' settings.
        num_test: scenes of each of the two splits that judge.
        channels: feature maps of the four convolutions of the encoder.
        embedding_size: numbers that stand for a word.
        hidden_size: numbers that the decoder carries from word to word.
        key_size: numbers by which the decoder compares what it looks for with a cell.
        glance_size: numbers from which the decoder's first state is made.
        encoder_steps: training steps of the encoder.
        decoder_steps: training steps of the decoder.
        batch_size: scenes in one training step.
        learning_rate: the highest, of both trainings.
        turned_share: the share of pictures whose colours are turned and not asked for.
        num_beams: beginnings that beam search keeps.
        source: `offline` for drawn scenes, `real` for Flickr8k.

    Raises:
        ValueError: a setting cannot work; the message says which.
    """

    num_train: int = 7_000
    num_development: int = 300
    num_test: int = 500
    channels: tuple[int, int, int, int] = (24, 48, 64, 64)
    embedding_size: int = 32
    hidden_size: int = 96
    key_size: int = 64
    glance_size: int = 128
    encoder_steps: int = 700
    decoder_steps: int = 600
    batch_size: int = 64
    learning_rate: float = 5e-3
    turned_share: float = 0.5
    num_beams: int = 3
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and field.name != "turned_share" and value <= 0:
                raise ValueError(f"{field.name} is {value}; it must be more than zero")
        if not 0 <= self.turned_share <= 1:
            raise ValueError(f"turned_share is {self.turned_share}; it must lie between 0 and 1")
        if self.channels[2] != self.channels[3]:
            raise ValueError(
                f"channels are {self.channels}; the last two must be the same, since the last "
                "convolution is added to what it reads"
            )
        if self.batch_size > self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} scenes to learn "
                "from; take fewer, or raise num_train"
            )


TINY = Config(
    num_train=48,
    num_development=8,
    num_test=8,
    channels=(4, 6, 6, 6),
    embedding_size=4,
    hidden_size=6,
    key_size=5,
    glance_size=7,
    encoder_steps=4,
    decoder_steps=4,
    batch_size=8,
    num_beams=2,
)
PAGE = Config()
FULL = Config(
    num_train=40_000, channels=(48, 96, 128, 128), encoder_steps=6_000, decoder_steps=4_000
)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Data(NamedTuple):
    """Scenes to learn from, to choose by, and to judge with; the last have unseen pairs."""

    train: Scenes
    development: Scenes
    test: Scenes
    pairs: Scenes


def load(config: Config, *, seed: int = 0) -> Data:
    """Scenes drawn with `seed`, each split with draws of its own.

    Raises:
        DatasetError: the published set was asked for.
    """
    if config.source == "real":
        raise DatasetError(
            "Flickr8k_Dataset.zip",
            expected="the published photographs and captions, with a checksum to verify them by",
            found="no such copy, so that nothing can be verified",
            way_out="This tutorial reads no file of Flickr8k. Ask for it at its makers "
            "(Hodosh et al. 2013), or run with TUTORIALS_DATA=offline.",
        )
    counts = config.num_train, config.num_development, config.num_test, config.num_test
    return Data(
        *(
            draw_scenes(count, unseen=part == 3, rng=np.random.default_rng([seed, part]))
            for part, count in enumerate(counts)
        )
    )


# ---------------------------------------------------------------- pictures


def turn_colors(
    pictures: UInt8[Any, "batch 48 48 3"], turns: Float[Any, "batch 3 3"]
) -> Float[Any, "batch 48 48 3"]:
    """What the network reads: colours around zero, mixed by a matrix for each picture.

    In either library, in the dtype of `turns`.
    """
    xp = turns.__array_namespace__()
    colors = pictures.astype(turns.dtype) / 255 - _MIDDLE
    rows = colors.reshape(len(pictures), PICTURE_SIZE**2, 3) @ turns
    inside = xp.clip(rows, -_MIDDLE, 1 - _MIDDLE)  # as a picture would have it
    return inside.reshape(pictures.shape) * _CONTRAST


def to_images(pictures: UInt8[Any, "batch 48 48 3"], dtype: Any) -> Float[Any, "batch 48 48 3"]:
    """The same for colours that are left as they are; in either library."""
    return (pictures.astype(dtype) / 255 - _MIDDLE) * _CONTRAST


def cells_of(scenes: Scenes) -> Int32[np.ndarray, "scenes cells"]:
    """Which object is in each cell, row by row: 0, 1 or 2, or `NOTHING`.

    An object is in the cells whose middle lies within three quarters of its radius, and within
    three pixels at the least; where there are two, it is the nearer one by this measure.
    """
    middle = (np.arange(GRID, dtype=np.float32) + 0.5) * (PICTURE_SIZE // GRID)
    column, row, radius = scenes.places.transpose(2, 0, 1)[..., None, None]
    distance = np.hypot(middle - column, middle[:, None] - row) / np.maximum(0.75 * radius, 3)
    distance[scenes.objects[..., 0] == NOTHING] = np.inf
    nearest = np.where(distance.min(1) < 1, distance.argmin(1), NOTHING)
    return nearest.reshape(len(nearest), NUM_CELLS).astype(np.int32)


# ---------------------------------------------------------------- words


@cache
def vocabulary() -> Vocabulary:
    """The words of all sentences, with `START` and `END`."""
    one_of_each = [
        [*form.text.replace("X", "a").split(), *SIZES, *COLORS, *SHAPES]
        for forms in FORMS
        for form in forms
    ]
    words = build_vocabulary(one_of_each).words
    return Vocabulary((*words[:START], "<s>", "</s>", *words[START:]))


NUM_WORDS = len(vocabulary())


@cache
def asked_words() -> Bool[np.ndarray, "2 words"]:
    """Which words the decoder is asked for where colours are turned, and where they are kept.

    A colour that has been turned has no name.
    """
    words = vocabulary().words
    is_word = np.arange(NUM_WORDS) != PADDING
    return np.stack([is_word & ~np.isin(words, COLORS), is_word])


@cache
def heard_as() -> Int32[np.ndarray, " words"]:
    """The id as which the decoder reads each word: all colours are read as one.

    That a *red* object has been named cannot tell then which shapes red objects had in training.
    """
    words = vocabulary()
    ids = np.arange(NUM_WORDS, dtype=np.int32)
    ids[np.isin(words.words, COLORS)] = words.ids[COLORS[0]]
    return ids


class Captions(NamedTuple):
    """All sentences of scenes, in arrays of one length; in either library.

    Attributes:
        ids: word ids with `START` in front and `END` behind, padded.
        about: the object that each word but `START` is about: 0, 1 or 2, or `NOTHING`.
    """

    ids: Int32[Any, "*sentences length_and_start"]
    about: Int32[Any, "*sentences length"]


def encode(scenes: Scenes) -> Captions:
    """The sentences of every scene; the first axis is that of scenes, the second that of forms."""
    words, ids, about = vocabulary(), [], []
    for objects, layout in zip(scenes.objects, scenes.layouts.tolist(), strict=True):
        ids += [[START, *words.encode(each), END] for each in captions_of(objects, layout)]
        about += [named_objects(layout, form) for form in range(NUM_FORMS)]
    padded = np.full((len(about), SENTENCE_LENGTH), NOTHING, np.int32)
    for row, each in zip(padded, about, strict=True):
        row[: len(each)] = each
    shape = len(scenes.layouts), NUM_FORMS, -1
    return Captions(pad(ids, SENTENCE_LENGTH + 1).ids.reshape(shape), padded.reshape(shape))


def to_sentences(ids: Int[Any, "sentences length"]) -> list[Words]:
    """The words before the first `END` of each row."""
    sentences = []
    for row in np.asarray(ids).tolist():
        stop = row.index(END) if END in row else len(row)
        sentences.append(tuple(vocabulary().decode(row[:stop])))
    return sentences


def references_of(scenes: Scenes) -> list[tuple[Words, ...]]:
    """The sentences that are true of each scene."""
    each = zip(scenes.objects, scenes.layouts.tolist(), strict=True)
    return [captions_of(objects, layout) for objects, layout in each]


# ---------------------------------------------------------------- training


def learning_rates(num_steps: int, config: Config) -> schedules.Schedule:
    """Up in a straight line, down along a cosine."""
    return schedules.one_cycle(num_steps, config.learning_rate, rising=WARM_UP)
