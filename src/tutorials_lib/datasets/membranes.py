"""Membranes: invented sections of tissue as an electron microscope shows them, walls known."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

SIZE = 96
"""Height and width of a section, in pixels."""

Field = Float[np.ndarray, "96 96"]
"""A number for every pixel of one section."""

_ROWS, _COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)


class Sections(NamedTuple):
    """Grey pictures, and which pixels belong to the wall between two cells.

    Attributes:
        pictures: from 0 (black) to 1 (white).
        walls: the whole wall, also where the picture hardly shows it.
    """

    pictures: Float32[np.ndarray, "sections 96 96"]
    walls: Bool[np.ndarray, "sections 96 96"]


def membranes(num_sections: int, *, seed: int) -> Sections:
    """Sections of cells with dark walls; no two have the same cells.

    Two things mislead whoever looks at one pixel at a time. A sixth of the walls is faint, some
    of it nearly gone, where the knife has cut it at a slant; and the cells hold mitochondria and
    vesicles that are as dark as walls and have edges of their own. Light falls off to one side,
    and the microscope adds blur and noise.
    """
    rng = np.random.default_rng(seed)
    drawn = [_section(rng) for _ in range(num_sections)]
    pictures, walls = zip(*drawn, strict=True)
    return Sections(np.stack(pictures), np.stack(walls))


def _section(
    rng: np.random.Generator,
) -> tuple[Float32[np.ndarray, "96 96"], Bool[np.ndarray, "96 96"]]:
    distance, cell = _cells(rng)
    half_width = rng.uniform(0.9, 1.5) * (1 + 0.25 * _smooth_noise(rng, 6.0))
    wall = distance < half_width
    slant = _smooth_noise(rng, 3.0)
    strength = np.where(slant > 1.35, 0.12, np.where(slant < -1.4, 0.55, 1))
    light = rng.uniform(0.55, 0.72) + rng.normal(0, 0.05, cell.max() + 1)[cell]
    light += 0.045 * _smooth_noise(rng, 1.2) + 0.03 * _smooth_noise(rng, 5.0)
    dark = (half_width - distance + 0.5).clip(0, 1) * strength
    organelles = np.maximum(_mitochondria(rng), _vesicles(rng)) * ~wall
    light -= rng.uniform(0.30, 0.42) * np.maximum(dark, organelles * rng.uniform(0.65, 0.95))
    return _exposed(light, rng), wall


def _cells(rng: np.random.Generator) -> tuple[Field, Int[np.ndarray, "96 96"]]:
    """How far every pixel is from the nearest wall, in pixels, and the number of its cell.

    The cells are those nearest to jittered points of a hexagonal lattice, and the plane is
    warped. Between two points the wall is halfway, so the distance to it is the difference of
    the squared distances to the points, over twice the distance between them.
    """
    pitch = rng.uniform(15, 22)
    line = np.arange(-20, SIZE + 20, pitch)  # also outside the frame, which cuts through cells
    points = np.stack(np.meshgrid(line, line), axis=-1)
    points[::2, :, 0] += pitch / 2
    points = (points + rng.uniform(-0.36, 0.36, points.shape) * pitch).reshape(-1, 2)
    warped = np.stack([axis + 3.5 * _smooth_noise(rng, 9.0) for axis in (_ROWS, _COLUMNS)], axis=-1)
    (near, far), (cell, next_cell) = (
        np.moveaxis(found, -1, 0) for found in cKDTree(points).query(warped, k=2)
    )
    apart = np.linalg.norm(points[cell] - points[next_cell], axis=-1)
    return (far**2 - near**2) / (2 * apart), cell


def _mitochondria(rng: np.random.Generator) -> Field:
    """How dark the mitochondria are, from 0 to 1: ellipses, some of them with rim and folds."""
    darkness = np.zeros((SIZE, SIZE))
    for _ in range(rng.integers(4, 11)):
        top, left = rng.uniform(4, SIZE - 4, 2)
        length, width, turn = rng.uniform(4, 8), rng.uniform(2.8, 4.8), rng.uniform(0, np.pi)
        along = np.cos(turn) * (_COLUMNS - left) + np.sin(turn) * (_ROWS - top)
        across = np.cos(turn) * (_ROWS - top) - np.sin(turn) * (_COLUMNS - left)
        radius = np.hypot(along / length, across / width)  # 1 on the rim
        shade = np.ones_like(radius)
        if rng.random() < 0.6:
            rim = np.abs(1 - radius) * width < 1.2
            folds = np.sin(1.6 * along + 2 * np.sin(across)) > 0.3
            shade = (0.5 + 0.5 * rim + 0.3 * folds).clip(max=1)
        darkness = np.maximum(darkness, ((1 - radius) * width).clip(0, 1) * shade)
    return darkness


def _vesicles(rng: np.random.Generator) -> Field:
    """How dark the vesicles are, from 0 to 1: small discs."""
    darkness = np.zeros((SIZE, SIZE))
    for _ in range(rng.integers(3, 12)):
        top, left = rng.uniform(2, SIZE - 2, 2)
        inside = rng.uniform(1.1, 2.2) - np.hypot(_ROWS - top, _COLUMNS - left)
        darkness = np.maximum(darkness, (inside + 0.5).clip(0, 1) * rng.uniform(0.6, 1))
    return darkness


def _exposed(light: Field, rng: np.random.Generator) -> Float32[np.ndarray, "96 96"]:
    """The picture that the microscope takes: blurred, lit from a side, and noisy."""
    down, right = rng.normal(0, 0.11, 2)
    lit = 1 + down * (2 * _ROWS / SIZE - 1) + right * (2 * _COLUMNS / SIZE - 1)
    electrons = 150 * (gaussian_filter(light, 1) * lit).clip(0.02, 1)
    picture = rng.poisson(electrons) / 150 + rng.normal(0, 0.03, light.shape)
    return picture.clip(0, 1).astype(np.float32)


def _smooth_noise(rng: np.random.Generator, sigma: float) -> Field:
    """Noise of variance 1 that is blurred over `sigma` pixels."""
    noise = gaussian_filter(rng.standard_normal((SIZE, SIZE), np.float32), sigma, mode="wrap")
    return noise / noise.std()
