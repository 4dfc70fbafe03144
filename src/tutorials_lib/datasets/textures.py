"""Textures by formula, in families that can be kept apart: stripes, spots, bricks and others."""

from collections.abc import Callable
from colorsys import hsv_to_rgb

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import zoom
from scipy.spatial import cKDTree

Field = Float32[np.ndarray, "side side"]
"""A number for every pixel; in a texture from 0 to 1."""


def noise(rng: np.random.Generator, side: int, grain: float) -> Field:
    """Random numbers on a grid of `grain` pixels, with straight lines between them."""
    coarse = rng.standard_normal((int(side / grain) + 3,) * 2).astype(np.float32)
    return zoom(coarse, grain, order=1)[:side, :side]


def _cells(rng: np.random.Generator, x: Field, y: Field, wavelength: float) -> Field:
    """How much nearer the nearest of some points is than the next; zero on borders."""
    side = len(x)
    points = rng.uniform(0, side, (max(6, int((side / wavelength) ** 2 * 1.5)), 2))
    places = np.mgrid[:side:2, :side:2].reshape(2, -1).T
    near = cKDTree(points).query(places, 2)[0].astype(np.float32)
    coarse = (near[:, 1] - near[:, 0]).reshape((side + 1) // 2, -1)
    fine = coarse.repeat(2, axis=0).repeat(2, axis=1)[:side, :side]
    return 4 * (fine / np.float32(wavelength) - np.float32(0.25))


def _bricks(rng: np.random.Generator, x: Field, y: Field, wavelength: float) -> Field:
    joint = abs(np.sin((x + np.pi * (np.floor(y / np.pi) % 2)) / 2))
    return 3 * (np.minimum(abs(np.sin(y)), joint) - np.float32(0.4))


def _blocks(rng: np.random.Generator, x: Field, y: Field, wavelength: float) -> Field:
    levels = rng.random((64, 64)).astype(np.float32)
    column, row = (np.floor(each / np.pi).astype(int) % 64 for each in (x, y))
    return np.log(levels / (1 - levels) + 1e-6)[column, row] / 4


def _scales(rng: np.random.Generator, x: Field, y: Field, wavelength: float) -> Field:
    across = (x + np.pi * (np.floor(y / np.pi) % 2)) % (2 * np.pi) - np.pi
    return 2 * (np.hypot(across, y % np.pi) - np.float32(2.2))


def _hexagons(rng: np.random.Generator, x: Field, y: Field, wavelength: float) -> Field:
    slanted = (np.cos(x / 2 + sign * np.float32(0.866) * y) for sign in (1, -1))
    return 2 * (np.cos(x) + sum(slanted))


_FIELDS: dict[str, Callable[[np.random.Generator, Field, Field, float], Field]] = {
    "stripes": lambda rng, x, y, wavelength: np.sin(x),
    "spots": lambda rng, x, y, wavelength: 3 * (np.sin(x) * np.sin(y) - np.float32(0.35)),
    "checks": lambda rng, x, y, wavelength: 4 * np.sin(x) * np.sin(y),
    "noise": lambda rng, x, y, wavelength: noise(rng, len(x), max(2.0, wavelength / 3)),
    "cells": _cells,
    "rings": lambda rng, x, y, wavelength: np.sin(np.hypot(x - 3, y + 3)),
    "zigzag": lambda rng, x, y, wavelength: np.sin(x + 2 * abs((y / np.pi) % 2 - 1)),
    "marble": lambda rng, x, y, wavelength: np.sin(x + 2.5 * noise(rng, len(x), wavelength)),
    "scales": _scales,
    "bricks": _bricks,
    "hexagons": _hexagons,
    "blocks": _blocks,
}
"""What each family is made of: from coordinates in radians a number, negative where it is dark."""

FAMILIES = tuple(_FIELDS)
"""The names of the families."""


def palette(
    rng: np.random.Generator, saturation: tuple[float, float], *, hue: float | None = None
) -> Float32[np.ndarray, "2 3"]:
    """A dark and a light colour, near `hue` (from 0 to 1) or near a random one."""
    hue = rng.random() if hue is None else hue
    values = rng.uniform(0.15, 0.5), rng.uniform(0.65, 1)
    shifts = 0.0, rng.uniform(-0.2, 0.2)
    return np.array(
        [
            hsv_to_rgb((hue + shift) % 1, rng.uniform(*saturation), value)
            for shift, value in zip(shifts, values, strict=True)
        ],
        np.float32,
    )


def texture(
    rng: np.random.Generator,
    family: str,
    side: int,
    fineness: float,
    colors: Float32[np.ndarray, "2 3"],
) -> Float32[np.ndarray, "{side} {side} 3"]:
    """A texture of a family between two colours, turned at random.

    Args:
        rng: where angle, phase and grain are drawn from.
        family: one of `FAMILIES`.
        side: height and width in pixels.
        fineness: how many of them make one; wavelengths are 6 to 13 of these.
        colors: those of the darkest and of the lightest places.
    """
    angle, wavelength = rng.uniform(0, 2 * np.pi), rng.uniform(6, 13) * fineness
    grid = np.arange(side, dtype=np.float32) - side / 2
    cos, sin = np.cos(angle), np.sin(angle)
    turned = cos * grid + sin * grid[:, None], cos * grid[:, None] - sin * grid
    x, y = (
        (each * (2 * np.pi / wavelength) + rng.uniform(0, 6)).astype(np.float32) for each in turned
    )
    lightness = 1 / (1 + np.exp(-4 * _FIELDS[family](rng, x, y, wavelength)))
    return (colors[0] + lightness[..., None] * (colors[1] - colors[0])).astype(np.float32)
