"""Scenes: one to three coloured shapes in front of a blurred background, drawn by NumPy.

An object has a size, a colour and a shape, and no two objects of a scene are the same. They stand
alone at one of five places, or two or three of them in a row or a column; neighbours may touch or
hide a part of each other. Turned shapes, stripes, hues that vary, slanting light and noise make
small shapes hard to tell apart.

Some pairs of a colour and a shape are *unseen*: scenes to learn from have none of them, so that
other scenes can ask whether a model has learned colours and shapes, or pairs of them.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, UInt8

PICTURE_SIZE = 48
"""Height and width of a picture, in pixels."""

SIZES = ("small", "big")
COLORS = ("red", "orange", "yellow", "green", "blue", "purple")
SHAPES = ("circle", "square", "triangle", "cross")

UNSEEN_PAIRS = frozenset(
    {
        ("red", "circle"),
        ("yellow", "square"),
        ("blue", "triangle"),
        ("green", "cross"),
        ("purple", "triangle"),
    }
)
"""Colours with shapes that no scene to learn from has."""

LAYOUTS = (
    "left", "right", "top", "bottom", "middle",
    "row of two", "column of two", "row of three", "column of three",
)  # fmt: skip
"""Where the objects of a scene stand; a layout is an index into this tuple."""

OBJECTS_IN = (1, 1, 1, 1, 1, 2, 2, 3, 3)
"""How many objects each layout has."""

MAX_OBJECTS = 3
NOTHING = -1
"""In the place of an object that is not there."""

_RADII = ((4.2, 5.2), (7.2, 8.6))
_HUES = (0.0, 0.085, 0.16, 0.36, 0.6, 0.78)
_SHARES = (0.2, 0.5, 0.3)  # of scenes with one, two and three objects
_CHUNK = 500  # pictures drawn at once: 14 MB for each float32 array of pictures

Plane = Float32[np.ndarray, "scenes 48 48"]
Pictures = Float32[np.ndarray, "scenes 48 48 3"]
Objects = Int32[np.ndarray, "scenes objects 3"]
Places = Float32[np.ndarray, "scenes objects 3"]


class Scenes(NamedTuple):
    """Pictures, and what is to be seen on them, from left to right or from top to bottom.

    Attributes:
        pictures: red, green and blue from 0 to 255.
        objects: indices into `SIZES`, `COLORS` and `SHAPES`; `NOTHING` three times for none.
        layouts: indices into `LAYOUTS`.
        places: column and row of the center and the radius of each object, in pixels; zeros for
            none.
    """

    pictures: UInt8[np.ndarray, "scenes 48 48 3"]
    objects: Objects
    layouts: Int32[np.ndarray, " scenes"]
    places: Places


def draw_scenes(count: int, *, unseen: bool = False, rng: np.random.Generator) -> Scenes:
    """So many scenes.

    Args:
        count: how many.
        unseen: whether each scene has one object of `UNSEEN_PAIRS`, or none has any.
        rng: where all draws come from.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError(f"count is {count}; expected zero or more")
    objects, layouts = _draw_objects(count, unseen, rng)
    places = _draw_places(objects, layouts, rng)
    pictures = np.empty((count, PICTURE_SIZE, PICTURE_SIZE, 3), np.uint8)
    for start in range(0, count, _CHUNK):
        now = slice(start, start + _CHUNK)
        pictures[now] = np.rint(255 * _paint(objects[now], places[now], rng))
    return Scenes(pictures, objects, layouts, places)


def take(scenes: Scenes, which: slice | np.ndarray) -> Scenes:
    """Some of the scenes."""
    return Scenes(*(each[which] for each in scenes))


# ---------------------------------------------------------------- what stands where


def _draw_objects(
    count: int, unseen: bool, rng: np.random.Generator
) -> tuple[Objects, Int32[np.ndarray, " scenes"]]:
    kinds = np.array(
        list(product(range(len(SIZES)), range(len(COLORS)), range(len(SHAPES)))), np.int32
    )
    is_unseen = np.array([(COLORS[c], SHAPES[s]) in UNSEEN_PAIRS for _, c, s in kinds])
    known, new = kinds[~is_unseen], kinds[is_unseen]
    how_many = rng.choice(3, size=count, p=_SHARES) + 1
    order = rng.random((count, len(known))).argsort(1)[:, :MAX_OBJECTS]  # no object twice
    objects = known[order]
    rows = np.arange(count)
    chosen, place = rng.integers(len(new), size=count), rng.integers(how_many)
    if unseen:
        objects[rows, place] = new[chosen]
    objects[np.arange(MAX_OBJECTS) >= how_many[:, None]] = NOTHING
    alone, together = rng.integers(5, size=count), 3 + 2 * (how_many - 1)
    layouts = np.where(how_many == 1, alone, together + rng.integers(2, size=count))
    return objects, layouts.astype(np.int32)


def _draw_places(
    objects: Objects, layouts: Int32[np.ndarray, " scenes"], rng: np.random.Generator
) -> Places:
    count, middle = len(objects), PICTURE_SIZE / 2
    how_many = (objects[..., 0] != NOTHING).sum(1)
    away = np.array([(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)], np.float32)
    alone = middle + away[layouts % 5] * rng.uniform(10, 14, (count, 1))
    alone += rng.uniform(-3, 3, (count, 2))

    gap = rng.uniform(7.5, 13, (count, 1))
    two = middle + gap * np.array([-1, 1, 1]) + rng.uniform(-3, 3, (count, 1))
    three = np.array([10, middle, PICTURE_SIZE - 10])
    along = np.where(how_many[:, None] == 2, two, three) + rng.uniform(-1.5, 1.5, (count, 3))
    across = rng.uniform(12, PICTURE_SIZE - 12, (count, 1)) + rng.uniform(-5, 5, (count, 3))
    across = across.clip(9, PICTURE_SIZE - 9)
    is_column = (layouts >= 5) & (layouts % 2 == 0)
    columns = np.where(is_column[:, None], across, along)
    rows = np.where(is_column[:, None], along, across)

    places = np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.float32)
    single = how_many == 1
    places[single, 0, :2] = alone[single]
    low, high = np.array(_RADII)[objects[..., 0]].transpose(2, 0, 1)
    places[..., 2] = rng.uniform(low, high)
    places[objects[..., 0] == NOTHING] = 0
    return places


# ---------------------------------------------------------------- painting

_SHAPE_OF: dict[str, Callable[[Plane, Plane, Plane], Plane]] = {
    "circle": lambda u, v, r: np.hypot(u, v) - r,
    "square": lambda u, v, r: np.maximum(abs(u), abs(v)) - 0.87 * r,
    "triangle": lambda u, v, r: np.maximum(0.87 * abs(u) - 0.5 * v, v) - 0.62 * r,
    "cross": lambda u, v, r: np.maximum(np.minimum(abs(u), abs(v)) - 0.38 * r,
                                        np.maximum(abs(u), abs(v)) - r),
}  # fmt: skip
"""About how far a pixel lies outside of the outline, by its place in the shape's own axes."""

_PIXELS = np.arange(PICTURE_SIZE, dtype=np.float32) + np.float32(0.5)


def _paint(objects: Objects, places: Places, rng: np.random.Generator) -> Pictures:
    """The pictures of a few hundred scenes, from 0 to 1."""
    count = len(objects)
    pictures = _background(count, rng)
    for slot in range(MAX_OBJECTS):
        there = np.flatnonzero(objects[:, slot, 0] != NOTHING)
        cover, color = _surface(objects[there, slot], places[there, slot], rng)
        pictures[there] += cover[..., None] * (color - pictures[there])
    slant = _uniform(rng, -0.25, 0.25, (2, count, 1, 1))
    light = 1 + (slant[0] * _PIXELS + slant[1] * _PIXELS[:, None]) / PICTURE_SIZE
    pictures *= (light - slant.sum(0) / 2)[..., None]
    pictures += np.float32(0.03) * rng.standard_normal(pictures.shape, np.float32)
    return pictures.clip(0, 1)


def _background(count: int, rng: np.random.Generator) -> Pictures:
    """Blurred noise around a colour of its own for each picture."""
    blur = _uniform(rng, 1.0, 4.0, (count, 1, 1))
    distance = (_PIXELS[:, None] - _PIXELS) ** 2 / (2 * blur**2)
    window = np.exp(-distance.clip(max=30))  # smaller numbers would slow the products down
    window /= window.sum(-1, keepdims=True)
    noise = rng.standard_normal((3, count, PICTURE_SIZE, PICTURE_SIZE), np.float32)
    blurred = window @ noise @ window.swapaxes(1, 2)
    blurred *= _uniform(rng, 0.05, 0.12, (count, 1, 1)) / blurred.std((0, 2, 3))[:, None, None]
    tint = _uniform(rng, 0.2, 0.75, (3, count, 1, 1)) * np.float32(0.6)
    blurred += tint + _uniform(rng, 0.0, 0.2, (count, 1, 1))
    return np.ascontiguousarray(blurred.transpose(1, 2, 3, 0))


def _surface(
    kinds: Int32[np.ndarray, "scenes 3"],
    places: Float32[np.ndarray, "scenes 3"],
    rng: np.random.Generator,
) -> tuple[Plane, Pictures]:
    """How much of each pixel an object covers, and its colour there."""
    count = len(kinds)
    column, row, radius = places.T[:, :, None, None]
    angle = _uniform(rng, -0.35, 0.35, (count, 1, 1))
    right, down = _PIXELS - column, _PIXELS[:, None] - row
    u = np.cos(angle) * right + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * right
    outside = np.empty_like(u)
    for index, shape in enumerate(SHAPES):
        these = kinds[:, 2] == index
        outside[these] = _SHAPE_OF[shape](u[these], v[these], radius[these])
    cover = 1 / (1 + np.exp((outside / np.float32(0.35)).clip(-30, 30)))

    hue = np.array(_HUES, np.float32)[kinds[:, 1]] + rng.normal(0, 0.012, count)
    color = _to_rgb(hue, rng.uniform(0.6, 1, count), rng.uniform(0.55, 1, count))
    turn, wave = _uniform(rng, 0.0, np.pi, (count, 1, 1)), _uniform(rng, 0.6, 1.6, (count, 1, 1))
    stripes = np.sin(wave * (np.cos(turn) * right + np.sin(turn) * down))
    stripes = 1 + _uniform(rng, 0.0, 0.2, (count, 1, 1)) * stripes
    return cover, color[:, None, None] * stripes[..., None]


def _to_rgb(
    hue: np.ndarray, saturation: np.ndarray, value: np.ndarray
) -> Float32[np.ndarray, "scenes 3"]:
    """Red, green and blue of a hue from 0 to 1, all the way round."""
    sector = (np.array([5, 3, 1]) + hue[:, None] * 6) % 6
    faded = np.minimum(sector, 4 - sector).clip(0, 1)
    return (value[:, None] * (1 - saturation[:, None] * faded)).astype(np.float32)


def _uniform(
    rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]
) -> Float32[np.ndarray, "*shape"]:
    return rng.uniform(low, high, shape).astype(np.float32)
