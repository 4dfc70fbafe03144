"""FACES: grey portraits of 32 by 32 pixels, drawn by NumPy from factors that are known.

Every face is drawn from 21 numbers, such as the tilt of the head, the length of the hair and the
curve of the mouth, and these numbers come with the pictures. What a model learned about faces can
therefore be compared with what there was to learn. The factors are independent of each other.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

IMAGE_SIZE = 32
"""Height and width of a picture, in pixels."""

NOISE = 0.03
"""Standard deviation of the noise of a pixel, where black is 0 and white is 1."""

RANGES: Mapping[str, tuple[float, float]] = {
    "shift right": (-1.0, 1.0),  # pixels
    "shift down": (-1.0, 1.0),  # pixels
    "tilt": (-0.1, 0.1),  # radians, clockwise
    "head width": (8.0, 10.0),  # half axis, pixels
    "head length": (10.5, 12.5),  # half axis, pixels
    "skin tone": (0.5, 0.85),
    "hair tone": (0.08, 0.6),
    "fringe": (0.1, 0.65),  # how far the hair covers the forehead, from the crown to the eyes
    "hair length": (-0.3, 1.0),  # how far it falls, from the eyes to below the chin
    "eye distance": (3.0, 4.6),  # from the middle of the face, pixels
    "eye size": (1.1, 1.9),  # pixels
    "gaze": (-1.0, 1.0),  # from left to right
    "brow angle": (-0.5, 0.5),  # slope; positive looks worried
    "nose length": (2.5, 5.0),  # pixels
    "mouth width": (2.0, 4.5),  # half, pixels
    "smile": (-1.0, 1.0),
    "light": (-1.0, 1.0),  # from the left to from the right
    "background": (0.15, 0.9),  # tone
    "blur": (0.4, 1.2),  # half the width of an edge, pixels
}
"""The factors that are drawn uniformly, each with its lowest and its highest value."""

CHANCES: Mapping[str, float] = {"glasses": 0.25, "beard": 0.2}
"""The factors that are 0 or 1, each with its probability of being 1."""

FACTOR_NAMES = (*RANGES, *CHANCES)
"""The factors in the order of their columns."""

_CHUNK = 100  # faces drawn at once: a plane of their pixels fits the processor's cache
_EYE_LINE = -1.0  # below the middle of the head, pixels
_MOUTH_DEPTH = 0.55  # below the middle of the head, in half axes

Pictures = Float32[np.ndarray, "images 32 32"]
Factors = Float32[np.ndarray, "images factors"]
Column = Float32[np.ndarray, "images 1 1"]
Plane = Float32[np.ndarray, "#images 32 32"]


class Faces(NamedTuple):
    """Pictures from 0 (black) to 1 (white), and the factors that each was drawn from.

    The columns of `factors` are named by `FACTOR_NAMES`.
    """

    images: Pictures
    factors: Factors


def faces(num_images: int, seed: int) -> Faces:
    """Draw `num_images` faces; the same `seed` gives the same faces. Give each split its own.

    Raises:
        ValueError: `num_images` is negative.
    """
    if num_images < 0:
        raise ValueError(f"num_images is {num_images}; expected zero or more")
    rng = np.random.default_rng(seed)
    factors = draw_factors(num_images, rng)
    images = render(factors)
    images += np.float32(NOISE) * rng.standard_normal(images.shape, np.float32)
    return Faces(images.clip(0, 1, out=images), factors)


def draw_factors(num_images: int, rng: np.random.Generator) -> Factors:
    """Independent factors of `num_images` faces: uniform over `RANGES`, or 0 or 1 by `CHANCES`."""
    low, high = np.array(list(RANGES.values()), np.float32).T
    uniform = low + (high - low) * rng.random((num_images, len(RANGES)), np.float32)
    chances = np.array(list(CHANCES.values()), np.float32)
    switches = rng.random((num_images, len(chances)), np.float32) < chances
    return np.concatenate([uniform, switches], axis=1, dtype=np.float32)


def render(factors: Factors) -> Pictures:
    """The faces that `factors` describe, without noise.

    Raises:
        ValueError: `factors` has not one column for each of `FACTOR_NAMES`.
    """
    if factors.shape[1] != len(FACTOR_NAMES):
        raise ValueError(f"{factors.shape[1]} factors; expected {len(FACTOR_NAMES)}")
    images = np.empty((len(factors), IMAGE_SIZE, IMAGE_SIZE), np.float32)
    for start in range(0, len(factors), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        columns = factors[chunk].T[..., None, None]
        images[chunk] = _portraits(dict(zip(FACTOR_NAMES, columns, strict=True)))
    return images


class _Canvas:
    """Pictures that are painted over, part by part, in the coordinates of each head.

    `u` points to the right and `v` down, in pixels from the middle of the head.
    """

    def __init__(self, face: Mapping[str, Column]) -> None:
        axis = np.arange(IMAGE_SIZE, dtype=np.float32) - np.float32((IMAGE_SIZE - 1) / 2)
        x = axis[None, None, :] - face["shift right"]
        y = axis[None, :, None] - face["shift down"]
        cos, sin = np.cos(face["tilt"]), np.sin(face["tilt"])
        self.u, self.v = cos * x + sin * y, cos * y - sin * x
        self.pictures: Plane = np.broadcast_to(face["background"], self.u.shape).copy()
        self._steepness = 0.5 / face["blur"]

    def inside(self, distance: Plane) -> Plane:
        """How much of each pixel lies within an outline, from its signed distance in pixels."""
        return (0.5 - distance * self._steepness).clip(0, 1)

    def paint(self, mask: Plane, tone: Plane | Column | float) -> None:
        """Cover what is there with `tone`, as far as `mask` says."""
        self.pictures += mask * (tone - self.pictures)

    def ellipse(
        self,
        u: Column | float,
        v: Column | float,
        half_width: Column | float,
        half_height: Column | float,
    ) -> Plane:
        """About the signed distance from an ellipse around the point `(u, v)`."""
        radius = np.sqrt(((self.u - u) / half_width) ** 2 + ((self.v - v) / half_height) ** 2)
        return (radius - 1) * np.minimum(half_width, half_height, dtype=np.float32)


def _portraits(face: Mapping[str, Column]) -> Plane:
    """Paint from back to front, each part over those before it."""
    canvas = _Canvas(face)
    width, length = face["head width"], face["head length"]
    head = canvas.ellipse(0.0, 0.0, width, length)
    scalp = canvas.ellipse(0.0, 0.0, width + 1, length + 1)

    _paint_body_and_long_hair(canvas, face, scalp)
    canvas.paint(canvas.inside(head), _lit_skin(canvas, face))
    hairline = canvas.v + length * (1 - face["fringe"]) + 0.02 * canvas.u**2
    canvas.paint(canvas.inside(np.maximum(scalp, hairline)), face["hair tone"])
    beard = canvas.inside(np.maximum(head, length * (_MOUTH_DEPTH - 0.2) - canvas.v))
    canvas.paint(0.75 * face["beard"] * beard, face["hair tone"])
    _paint_nose_and_mouth(canvas, face)
    _paint_eyes(canvas, face)
    return canvas.pictures


def _paint_body_and_long_hair(canvas: _Canvas, face: Mapping[str, Column], scalp: Plane) -> None:
    width, length = face["head width"], face["head length"]
    canvas.paint(canvas.inside(canvas.ellipse(0.0, 18.0, 14.0, 5.5)), 0.3)
    neck = np.maximum(np.abs(canvas.u) - 0.4 * width, -canvas.v)
    canvas.paint(canvas.inside(neck), 0.7 * face["skin tone"])
    curtain = np.maximum(np.abs(canvas.u) - width - 1.2, -canvas.v)
    ends = canvas.v - face["hair length"] * length
    behind = np.maximum(np.minimum(scalp, curtain), ends)
    canvas.paint(canvas.inside(behind), 0.8 * face["hair tone"])


def _lit_skin(canvas: _Canvas, face: Mapping[str, Column]) -> Plane:
    """The tone of a matt ellipsoid: light from the viewer, and some from one side."""
    across = canvas.u / face["head width"]
    facing = np.sqrt((1 - across**2 - (canvas.v / face["head length"]) ** 2).clip(0, 1))
    return face["skin tone"] * (0.75 + 0.25 * facing + 0.3 * face["light"] * across)


def _paint_nose_and_mouth(canvas: _Canvas, face: Mapping[str, Column]) -> None:
    u, v = canvas.u, canvas.v
    bridge = np.maximum(np.abs(u) - 0.6, np.maximum(_EYE_LINE - v, v - face["nose length"]))
    canvas.paint(0.35 * canvas.inside(bridge), 0.75 * face["skin tone"])
    nostrils = canvas.ellipse(0.0, face["nose length"], 1.7, 0.8)
    canvas.paint(0.8 * canvas.inside(nostrils), 0.5 * face["skin tone"])
    along = u / face["mouth width"]
    lips = _MOUTH_DEPTH * face["head length"] + 1.6 * face["smile"] * (0.5 - along**2)
    mouth = np.maximum(np.abs(v - lips) - 0.8, np.abs(u) - face["mouth width"])
    canvas.paint(canvas.inside(mouth), 0.2)


def _paint_eyes(canvas: _Canvas, face: Mapping[str, Column]) -> None:
    """Eyes, brows and glasses, the left ones and the right ones."""
    size, distance = face["eye size"], face["eye distance"]
    for side in (-1.0, 1.0):
        middle = side * distance
        white = canvas.inside(canvas.ellipse(middle, _EYE_LINE, 1.35 * size, 0.9 * size))
        canvas.paint(white, 0.95)
        pupil = canvas.ellipse(middle + 0.6 * size * face["gaze"], _EYE_LINE, 0.7, 0.8 * size)
        canvas.paint(canvas.inside(pupil), 0.05)
        slope = side * face["brow angle"] * (canvas.u - middle)
        height = np.abs(canvas.v - (_EYE_LINE - 1.2 - size) - slope) - 0.6
        brow = np.maximum(height, np.abs(canvas.u - middle) - 1.9)
        canvas.paint(canvas.inside(brow), 0.7 * face["hair tone"])
        rim = np.abs(canvas.ellipse(middle, _EYE_LINE + 0.3, 2.9, 2.6)) - 0.45
        canvas.paint(face["glasses"] * canvas.inside(rim), 0.1)
    bridge = np.maximum(np.abs(canvas.v - _EYE_LINE) - 0.45, np.abs(canvas.u) - (distance - 2.9))
    canvas.paint(face["glasses"] * canvas.inside(bridge), 0.1)
