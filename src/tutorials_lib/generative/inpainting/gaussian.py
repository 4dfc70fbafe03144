r"""A Gaussian over pictures and what it makes of a hole; the model starts from it, a rival is it.

Pictures are $x = \mu + U^T c + \sigma \epsilon$ with a few coordinates $c$, each normal, and noise
in every pixel: probabilistic principal components (Tipping and Bishop 1999). Given the pixels that
are seen, the coordinates are normal, too, with a mean and a covariance in closed form.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

Pictures = Float32[np.ndarray, "pictures pixels"]
Holes = Bool[np.ndarray, "masks pixels"]
Coords = Float32[np.ndarray, "pictures coords"]
Which = Int[np.ndarray, " pictures"]


class Gaussian(NamedTuple):
    """A density of pictures.

    Attributes:
        mean: the mean picture.
        directions: orthonormal pictures, those along which pictures vary most first.
        variances: of the coordinates along them, without the noise.
        noise: variance of the noise of a pixel.
    """

    mean: Float32[np.ndarray, " pixels"]
    directions: Float32[np.ndarray, "coords pixels"]
    variances: Float32[np.ndarray, " coords"]
    noise: float


class Conditionals(NamedTuple):
    """What the coordinates are like once the pixels outside a hole are seen, for every hole.

    Attributes:
        covariances: of the coordinates.
        factors: lower triangles $L$ with the covariance $L L^T$.
    """

    covariances: Float32[np.ndarray, "masks coords coords"]
    factors: Float32[np.ndarray, "masks coords coords"]


def fit(pictures: Pictures, num_coords: int) -> Gaussian:
    """The most likely Gaussian with so many coordinates (Tipping and Bishop 1999, section 3.2).

    Raises:
        ValueError: there are not more pixels, or fewer pictures, than coordinates.
    """
    count, pixels = pictures.shape
    if not num_coords < min(count, pixels):
        raise ValueError(
            f"{num_coords} coordinates of {count} pictures with {pixels} pixels; expected fewer "
            "than both"
        )
    mean = pictures.mean(0)
    centered = pictures - mean
    values, vectors = np.linalg.eigh(centered.T @ centered / np.float32(count))
    noise = max(float(values[:-num_coords].mean()), 1e-6)
    variances = np.maximum(values[-num_coords:] - noise, 1e-6)[::-1]
    directions = vectors[:, -num_coords:][:, ::-1].T
    return Gaussian(mean, np.ascontiguousarray(directions), variances.copy(), noise)


def condition(gaussian: Gaussian, holes: Holes) -> Conditionals:
    r"""$\Sigma = (\Lambda^{-1} + U_v U_v^T / \sigma^2)^{-1}$ for the visible pixels $v$ of each."""
    prior = np.diag(1 / gaussian.variances).astype(np.float64)
    covariances = []
    for hole in holes:
        seen = gaussian.directions[:, ~hole].astype(np.float64)
        covariances.append(np.linalg.inv(prior + seen @ seen.T / gaussian.noise))
    found = np.stack(covariances)
    factors = np.linalg.cholesky((found + found.swapaxes(1, 2)) / 2)
    return Conditionals(found.astype(np.float32), factors.astype(np.float32))


def guess(
    gaussian: Gaussian, conditionals: Conditionals, pictures: Pictures, holes: Holes, which: Which
) -> Coords:
    r"""The mean $\Sigma U_v (x_v - \mu_v) / \sigma^2$ of the coordinates; `which` hole each has."""
    seen = (pictures - gaussian.mean) * ~holes[which]
    projected = seen @ gaussian.directions.T / np.float32(gaussian.noise)
    return by_mask(projected, conditionals.covariances, which)


def draw(conditionals: Conditionals, noise: Coords, which: Which) -> Coords:
    """Draws of the coordinates around their mean, from standard normal numbers."""
    return by_mask(noise, conditionals.factors.swapaxes(1, 2), which)


def draw_any(
    gaussian: Gaussian, shape: tuple[int, ...], rng: np.random.Generator
) -> Float32[np.ndarray, "*shape coords"]:
    """Coordinates of pictures drawn by chance, of which nothing is seen."""
    spreads = np.sqrt(gaussian.variances)
    return spreads * rng.standard_normal((*shape, len(spreads)), np.float32)


def by_mask(
    rows: Coords, matrices: Float32[np.ndarray, "masks coords coords"], which: Which
) -> Coords:
    """Each row times the matrix of its hole, one product for each hole."""
    found = np.empty_like(rows)
    for mask in np.unique(which):
        chosen = which == mask
        found[chosen] = rows[chosen] @ matrices[mask]
    return found


def pictures_of(gaussian: Gaussian, coords: Coords) -> Pictures:
    """The pictures that coordinates stand for, without noise."""
    return gaussian.mean + coords @ gaussian.directions
