"""A painting by formula: brush strokes that follow whirls around four suns, from one seed."""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

Picture = Float32[np.ndarray, "side side 3"]
Field = Float[np.ndarray, "side side"]
"""A number for every pixel."""

SIDE = 384
"""Height and width of a painting, in pixels."""

SHOWS = "whirls of brush strokes around four suns, drawn by code"
"""What is to be seen, for captions."""

_NUM_STROKES = 1_300
_WIDTH = 0.036
"""Mean width of a stroke, in shares of the picture; early strokes are wider."""

_SUNS = (
    (0.30, 0.30, 0.20, 1),
    (0.66, 0.70, 0.25, -1),
    (0.16, 0.80, 0.12, 1),
    (0.86, 0.18, 0.14, 1),
)
"""Centre (down, across) and radius in shares of the picture; which way the whirl turns."""

_PALETTE = np.array(
    [
        [0.04, 0.07, 0.26],  # night
        [0.07, 0.20, 0.52],
        [0.13, 0.42, 0.72],
        [0.55, 0.80, 0.86],  # mist
        [0.98, 0.95, 0.82],  # cream
        [0.99, 0.78, 0.18],  # yellow
        [0.90, 0.40, 0.08],  # orange
        [0.52, 0.10, 0.12],  # red
    ]
)
_NIGHT, _MIST, _CREAM, _YELLOW, _ORANGE, _RED = 0, 3, 4, 5, 6, 7


class _Scene(NamedTuple):
    """What the strokes follow: the direction of the flow, warmth (1 on a sun), light and dark."""

    direction: Field
    warmth: Field
    tone: Field

    def at(self, centers: Float[np.ndarray, "strokes 2"]) -> "_Scene":
        """The three below each of some places, which are given in shares of the picture."""
        down, across = (centers * SIDE).astype(int).clip(0, SIDE - 1).T
        return _Scene(*(field[down, across] for field in self))


class _Strokes(NamedTuple):
    """Strokes in the order in which they are laid down; lengths in shares of the picture."""

    center: Float32[np.ndarray, "strokes 2"]
    direction: Float32[np.ndarray, " strokes"]
    curvature: Float32[np.ndarray, " strokes"]
    length: Float32[np.ndarray, " strokes"]
    width: Float32[np.ndarray, " strokes"]
    color: Float32[np.ndarray, "strokes 3"]
    bristles: Float32[np.ndarray, "strokes 2"]


@cache
def paint_whirls(seed: int = 0) -> Picture:
    """The painting, from 0 to 1; it cannot be written to, since all who ask share it."""
    rng = np.random.default_rng(seed)
    strokes = _draw_strokes(rng, _compose(rng))
    picture = _color(strokes, _lay_down(strokes))
    picture.flags.writeable = False
    return picture


def _compose(rng: np.random.Generator) -> _Scene:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    across, down = np.ones((SIDE, SIDE)), 0.5 * _noise(rng, 3)
    tone, warmth = 0.7 * _noise(rng, 5), np.zeros((SIDE, SIDE))
    for row, column, radius, turn in _SUNS:
        distance = np.hypot(y - row, x - column)
        near = distance / radius
        pull = 6 * turn * np.exp(-0.6 * near**2) / (distance + 0.02)
        across -= pull * (y - row)
        down += pull * (x - column)
        warmth = np.maximum(warmth, 1.25 - near)
        tone += 0.7 * np.cos(8 * near) * np.exp(-((near / 1.6) ** 2))
    return _Scene(np.arctan2(down, across), warmth, tone)


def _noise(rng: np.random.Generator, cells: int) -> Field:
    """Random heights at the corners of `cells` by `cells` squares, joined smoothly."""
    heights = rng.normal(size=(cells + 2, cells + 2))
    place = np.arange(SIDE) / SIDE * cells
    corner = place.astype(int)
    share = place - corner
    share = share**2 * (3 - 2 * share)
    rows = heights[corner] * (1 - share)[:, None] + heights[corner + 1] * share[:, None]
    return rows[:, corner] * (1 - share) + rows[:, corner + 1] * share


def _draw_strokes(rng: np.random.Generator, scene: _Scene) -> _Strokes:
    count = _NUM_STROKES
    width = _WIDTH * np.linspace(1.35, 0.55, count) * rng.uniform(0.75, 1.15, count)
    length = width * rng.uniform(4, 7, count)
    center = rng.uniform(-0.02, 1.02, (count, 2))
    below = scene.at(center)
    half = length[:, None] / 2
    ahead = center + half * np.stack([np.sin(below.direction), np.cos(below.direction)], 1)
    turn = (scene.at(ahead).direction - below.direction + np.pi) % (2 * np.pi) - np.pi
    curvature = (turn / (length / 2)).clip(-1 / (1.2 * width), 1 / (1.2 * width))
    color = _choose_colors(rng, below)
    for i, (row, column, radius, _) in enumerate(_SUNS):  # the heart of each sun, a cream dab
        center[i], curvature[i], color[i] = (row, column), 0, _PALETTE[_CREAM]
        width[i] = length[i] = radius / 2
    bristles = rng.uniform(0, 2 * np.pi, (count, 2))
    found = center, below.direction, curvature, length, width, color, bristles
    return _Strokes(*(each.astype(np.float32) for each in found))


def _choose_colors(rng: np.random.Generator, below: _Scene) -> Float[np.ndarray, "strokes 3"]:
    count = len(below.warmth)
    warmth = below.warmth + 0.1 * rng.normal(size=count)
    tone = below.tone + 0.5 * rng.normal(size=count)
    rim = np.select([tone > 0.3, tone > -0.6], [_ORANGE, _MIST], _RED)
    chosen = np.select(
        [warmth > 0.85, warmth > 0.55, warmth > 0.36],
        [np.where(tone > 0, _CREAM, _YELLOW), np.where(tone > -0.4, _YELLOW, _ORANGE), rim],
        np.round(1.1 + 1.1 * tone).clip(_NIGHT, _MIST).astype(int),
    )
    shade = 0.05 * rng.normal(size=(count, 1))
    return _PALETTE[chosen] + shade + 0.04 * rng.normal(size=(count, 3))


def _lay_down(strokes: _Strokes) -> Int[np.ndarray, "side side"]:
    """Which stroke lies on top at every pixel; -1 where none does."""
    cos, sin = np.abs(np.cos(strokes.direction)), np.abs(np.sin(strokes.direction))
    along = strokes.length / 2
    beside = strokes.width / 2 + np.abs(strokes.curvature) * along**2 / 2
    reach = np.stack([sin * along + cos * beside, cos * along + sin * beside], 1)
    first = np.floor((strokes.center - reach) * SIDE).astype(int).clip(0, SIDE)
    last = np.ceil((strokes.center + reach) * SIDE).astype(int).clip(0, SIDE)
    places = np.arange(SIDE, dtype=np.float32) / SIDE
    top = np.full((SIDE, SIDE), -1)
    for i, ((y0, x0), (y1, x1)) in enumerate(zip(first, last, strict=True)):
        stroke = _Strokes(*(each[i] for each in strokes))
        u, v = _within(stroke, places[y0:y1, None], places[x0:x1])
        ragged = u + np.float32(0.12) * np.sin(9 * v + stroke.bristles[0])
        top[y0:y1, x0:x1][np.abs(v) < 1 - ragged**6] = i
    return top


def _within(stroke: _Strokes, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels lie in a stroke, from -1 to 1: along its bent middle, and beside it."""
    down, across = y - stroke.center[..., 0], x - stroke.center[..., 1]
    cos, sin = np.cos(stroke.direction), np.sin(stroke.direction)
    along, beside = across * cos + down * sin, down * cos - across * sin
    bent = beside - stroke.curvature * along**2 / 2
    return 2 * along / stroke.length, 2 * bent / stroke.width


def _color(strokes: _Strokes, top: Int[np.ndarray, "side side"]) -> Picture:
    """The colour of the top stroke, ridged by its bristles and lit from one side."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    on_top = _Strokes(*(each[top] for each in strokes))
    u, v = _within(on_top, y, x)
    first, second = np.moveaxis(on_top.bristles, -1, 0)
    ridges = np.sin(9 * v + first) + np.sin(15 * v + second + np.float32(0.8) * u)
    light = np.float32(0.028) * ridges - np.float32(0.16) * v * np.abs(v)
    picture = on_top.color + light[..., None]
    picture[top < 0] = _PALETTE[1]
    return picture.clip(0, 1).astype(np.float32)
