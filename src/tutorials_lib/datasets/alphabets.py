"""Alphabets that nobody has ever written: invented characters, each drawn by twenty hands."""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter

SIZE = 28
"""Height and width of a picture, in pixels."""

NUM_DRAWERS = 20
"""Drawings of every character."""

_STROKES, _CONTROLS = 4, 6
"""Strokes of a character, and points that shape a stroke: so many at most."""

_POINTS = 72
"""Points of ink that a stroke leaves."""

_PENS = ((-0.4, 0.8, 2.6), (0.5, 1.1, 3.4), (np.inf, 1.5, 4.4))
"""Up to which pressure, with how wide a blur (in half pixels), and how dark."""

Pictures = Float32[np.ndarray, "characters 20 28 28"]
Ink = Float[np.ndarray, "characters 20 strokes points 2"]
"""Where the pen has been: right and down from the middle of the paper; NaN where it was not."""


class Style(NamedTuple):
    """What the characters of one alphabet have in common.

    Attributes:
        curviness: 0 for straight lines with corners, 1 for smooth curves.
        num_strokes: the mean number of strokes.
        slant: how far the top leans to the left for a height of one.
        width: of a character, for a height of one.
    """

    curviness: float
    num_strokes: float
    slant: float
    width: float


def alphabets(
    num_alphabets: int, num_characters: int, *, seed: int
) -> Float32[np.ndarray, "alphabets characters 20 28 28"]:
    """Drawings of characters, from 0 (paper) to 1 (ink).

    A character is one to four strokes, each a blend of straight lines and a spline (de Boor 1978)
    through the same few points of a 5 x 5 lattice; how curved, how many and how slanted is the
    style of its alphabet. A drawer has a slant and a pen of their own, and moves, turns,
    stretches and bends the character anew each time.
    """
    rngs = np.random.default_rng(seed).spawn(num_alphabets)
    return np.stack([_alphabet(num_characters, rng) for rng in rngs])


def _alphabet(num_characters: int, rng: np.random.Generator) -> Pictures:
    style = Style(
        rng.uniform(0, 1), rng.uniform(1.4, 3.2), rng.normal(0, 0.12), rng.uniform(0.75, 1.1)
    )
    num_strokes = np.rint(rng.normal(style.num_strokes, 0.8, num_characters)).clip(1, _STROKES)
    num_controls = rng.integers(3, _CONTROLS + 1, (num_characters, _STROKES))
    num_controls[rng.random(num_controls.shape) < 0.35] = 3
    is_stroke = np.arange(_STROKES) < num_strokes[:, None]
    is_control = is_stroke[..., None] & (np.arange(_CONTROLS) < num_controls[..., None])
    controls = _fit_to_square(_skeletons(num_characters, rng), is_control)
    curves = np.stack([[_curve(int(n), style.curviness) for n in each] for each in num_controls])
    ink = _by_hand(controls, curves, style, rng)
    return _expose(np.where(is_stroke[:, None, :, None, None], ink, np.nan), rng)


def _skeletons(
    num_characters: int, rng: np.random.Generator
) -> Float[np.ndarray, "characters strokes controls 2"]:
    """Points on the lattice: walks, most of which start on the first stroke."""
    controls = np.empty((num_characters, _STROKES, _CONTROLS, 2))
    places = rng.integers(0, 5, (num_characters, _STROKES, 2))
    for i in range(_CONTROLS):
        controls[:, :, i] = places
        steps = rng.integers(-2, 3, places.shape)
        steps[(steps == 0).all(-1)] = 1, -1  # nobody stands still
        places = 4 - abs(4 - abs(places + steps))  # folded back where it leaves the lattice
    crossing = controls[np.arange(num_characters), 0, rng.integers(0, 3, num_characters)]
    joins = rng.random((num_characters, _STROKES - 1, 1, 1)) < 0.6
    move = crossing[:, None, None] - controls[:, 1:, :1]
    controls[:, 1:] += np.where(joins, move, 0)
    return controls


def _fit_to_square(controls: np.ndarray, is_control: np.ndarray) -> np.ndarray:
    """The points in use, centred, and scaled so that the longer side goes from -1 to 1.

    Nothing grows by more than a third, so that a dash stays a dash.
    """
    used = is_control[..., None]
    low = np.where(used, controls, np.inf).min((1, 2), keepdims=True)
    high = np.where(used, controls, -np.inf).max((1, 2), keepdims=True)
    return (controls - (low + high) / 2) * 2 / (high - low).max(-1, keepdims=True).clip(1.5)


def _curve(num_controls: int, curviness: float) -> Float[np.ndarray, "points controls"]:
    """How much each control point counts at each point of a stroke; unused ones count zero."""
    smooth = _spline(num_controls, min(3, num_controls - 1))
    return curviness * smooth + (1 - curviness) * _spline(num_controls, 1)


@cache
def _spline(num_controls: int, degree: int) -> Float[np.ndarray, "points controls"]:
    """The basis of a B-spline that starts and ends at control points; of degree 1, a polyline."""
    inner = np.linspace(0, 1, num_controls - degree + 1)
    knots = np.concatenate([np.zeros(degree), inner, np.ones(degree)])
    basis = BSpline.design_matrix(np.linspace(0, 1, _POINTS), knots, degree).toarray()
    return np.pad(basis, ((0, 0), (0, _CONTROLS - num_controls)))


def _by_hand(
    controls: np.ndarray, curves: np.ndarray, style: Style, rng: np.random.Generator
) -> Ink:
    """Every drawer's version of every character."""
    shape = len(controls), NUM_DRAWERS
    bent = controls[:, None] + rng.normal(0, 0.13, (*shape, _STROKES, _CONTROLS, 2))
    bent += rng.normal(0, 0.09, (*shape, _STROKES, 1, 2))  # a whole stroke is off
    slant = style.slant + rng.normal(0, 0.12, NUM_DRAWERS) + rng.normal(0, 0.08, shape)
    turn = rng.normal(0, 0.17, shape)
    wide = style.width * np.exp(rng.normal(0, 0.13, shape))
    tall = np.exp(rng.normal(0, 0.13, shape))
    rows = [np.cos(turn) * wide, slant - np.sin(turn) * tall, np.sin(turn) * wide]
    linear = np.stack([*rows, np.cos(turn) * tall], axis=-1).reshape(*shape, 1, 2, 2)
    return curves[:, None] @ bent @ linear.swapaxes(-1, -2)


def _expose(ink: Ink, rng: np.random.Generator) -> Pictures:
    """The paper with the ink on it, drawn at twice the size and shrunk; a pen has three widths."""
    shape, fine = ink.shape[:2], 2 * SIZE
    pixels = 2 * (9 * ink + SIZE / 2 + rng.normal(0, 0.9, (*shape, 1, 1, 2)))
    character, drawer, *_ = np.nonzero(drawn := ~np.isnan(ink[..., 0]))
    column, row = pixels[drawn].clip(0, fine - 1).astype(int).T
    paper = np.zeros((*shape, fine, fine), np.float32)
    paper[character, drawer, row, column] = 1
    pressure = rng.normal(0, 1, NUM_DRAWERS) + rng.normal(0, 0.5, shape)
    pens = np.digitize(pressure, [limit for limit, *_ in _PENS[:-1]])
    for pen, (_, blur, darkness) in enumerate(_PENS):
        soft = gaussian_filter(paper[pens == pen], (0, blur, blur))
        paper[pens == pen] = (darkness * soft).clip(0, 1)
    return paper.reshape(*shape, SIZE, 2, SIZE, 2).mean((3, 5))
