"""What the two trainings read, step by step, in arrays of either library (NumPy only)."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from tutorials_lib.sequences.captioning.problem import NUM_FORMS, Captions, Config
from tutorials_lib.text.corpus import draw_places

_COLOR_GAINS = (0.88, 1.12)  # of the channels of a picture whose colours are not turned


class Pictures(NamedTuple):
    """All from which the encoder learns; in either library.

    Attributes:
        pictures: red, green and blue from 0 to 255.
        cells: which object is in each cell; see `cells_of`.
        objects: what they are; see `Scenes`.
    """

    pictures: UInt8[Any, "scenes 48 48 3"]
    cells: Int32[Any, "scenes cells"]
    objects: Int32[Any, "scenes objects 3"]


class Viewings(NamedTuple):
    """Which pictures each step of the encoder reads, and what becomes of their colours.

    Attributes:
        places: which of all pictures.
        turns: by which red, green and blue are mixed.
        kept: whether the colours can still be named.
    """

    places: Int32[Any, "*steps batch"]
    turns: Float[Any, "*steps batch 3 3"]
    kept: Bool[Any, "*steps batch"]


class Views(NamedTuple):
    """What one step of the encoder reads; see `Pictures` and `Viewings`."""

    pictures: UInt8[Any, "batch 48 48 3"]
    cells: Int32[Any, "batch cells"]
    objects: Int32[Any, "batch objects 3"]
    turns: Float[Any, "batch 3 3"]
    kept: Bool[Any, " batch"]


def view(lessons: Pictures, now: Viewings) -> Views:
    """What one step reads; in either library."""
    pictures, cells, objects = (each[now.places] for each in lessons)
    return Views(pictures, cells, objects, now.turns, now.kept)


def draw_viewings(config: Config, *, rng: np.random.Generator) -> Viewings:
    """Pictures in turn; of a share of them the colours are turned, others get other light."""
    places = draw_places(config.num_train, config.encoder_steps, config.batch_size, rng=rng)
    kept = rng.random(places.shape) >= config.turned_share
    light = np.eye(3) * rng.uniform(*_COLOR_GAINS, (*places.shape, 3, 1))
    turns = np.where(kept[..., None, None], light, draw_turns(places.shape, rng=rng))
    return Viewings(places, turns.astype(np.float32), kept)


def draw_turns(
    shape: tuple[int, ...], *, rng: np.random.Generator
) -> Float32[np.ndarray, "*shape 3 3"]:
    """Rotations, by which red, green and blue change places, or anything between."""
    return np.linalg.qr(rng.standard_normal((*shape, 3, 3), np.float32))[0]


class Glances(NamedTuple):
    """What the encoder has seen of pictures, and a sentence about each; in either library.

    Attributes:
        presence: the probability that an object is in a cell.
        features: what the encoder has found there.
        kept: whether the colours can still be named.
        cells: which object is in each cell.
        ids: a sentence, see `Captions`.
        about: which object each of its words is about.
    """

    presence: Float[Any, "pictures cells"]
    features: Float[Any, "pictures cells features"]
    kept: Bool[Any, " pictures"]
    cells: Int32[Any, "pictures cells"]
    ids: Int32[Any, "pictures length_and_start"]
    about: Int32[Any, "pictures length"]


class Lessons(NamedTuple):
    """All from which the decoder learns: every scene with its colours turned, and as it is.

    Attributes:
        presence: see `Glances`; the first axis is 0 where colours are turned, 1 where not.
        features: likewise, in half precision, since there are many.
        cells: see `Glances`.
        captions: all sentences of every scene.
    """

    presence: Float[Any, "2 scenes cells"]
    features: Float[Any, "2 scenes cells features"]
    cells: Int32[Any, "scenes cells"]
    captions: Captions


class Choices(NamedTuple):
    """What each step of the decoder reads; in either library.

    Attributes:
        places: which scenes.
        forms: which sentence of each.
        kept: 0 for turned colours, 1 for those that are kept.
    """

    places: Int32[Any, "*steps batch"]
    forms: Int32[Any, "*steps batch"]
    kept: Int32[Any, "*steps batch"]


def glance(lessons: Lessons, now: Choices) -> Glances:
    """What one step reads; in either library."""
    return Glances(
        lessons.presence[now.kept, now.places],
        lessons.features[now.kept, now.places].astype(lessons.presence.dtype),
        now.kept > 0,
        lessons.cells[now.places],
        lessons.captions.ids[now.places, now.forms],
        lessons.captions.about[now.places, now.forms],
    )


def draw_choices(config: Config, *, rng: np.random.Generator) -> Choices:
    """Scenes in turn, and of each a random sentence, with its colours turned or as they are."""
    places = draw_places(config.num_train, config.decoder_steps, config.batch_size, rng=rng)
    forms = rng.integers(NUM_FORMS, size=places.shape, dtype=np.int32)
    kept = (rng.random(places.shape) >= config.turned_share).astype(np.int32)
    return Choices(places, forms, kept)
