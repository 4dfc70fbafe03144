r"""The Fréchet distance between two clouds of points, each taken for a normal distribution.

$|\mu_1 - \mu_2|^2 + \mathrm{tr}\,(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})$ (Dowson and
Landau 1982). Between the features that a classifier finds in pictures it says how far two sets of
pictures are apart (Heusel et al. 2017).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "points features"]


class Cloud(NamedTuple):
    """A normal distribution.

    Attributes:
        mean: its mean.
        factor: a matrix $R$ with the covariance $R^T R$, in double precision.
    """

    mean: Float[np.ndarray, " features"]
    factor: Float[np.ndarray, "rank features"]


def cloud(points: Points) -> Cloud:
    """Mean and covariance of some points, in double precision.

    Raises:
        ValueError: there are fewer than two points, or a number is not finite.
    """
    if len(points) < 2:
        raise ValueError(f"a covariance needs two points at least; there are {len(points)}")
    if not np.isfinite(points).all():
        raise ValueError("a feature is not finite; look at what made the points")
    mean = points.mean(0, dtype=np.float64)
    factor = np.linalg.qr((points - mean) / np.sqrt(len(points) - 1), mode="r")
    return Cloud(mean, factor)  # pyright: ignore[reportArgumentType]


def distance_of_clouds(first: Cloud, second: Cloud) -> float:
    r"""The Fréchet distance of two normal distributions.

    The eigenvalues of $\Sigma_1 \Sigma_2$ are the squares of the singular values of
    $R_1 R_2^T$, so that no square root of a matrix is taken and a singular covariance does no
    harm.
    """
    shift = first.mean - second.mean
    spreads = np.vdot(first.factor, first.factor) + np.vdot(second.factor, second.factor)
    shared = np.linalg.svd(first.factor @ second.factor.T, compute_uv=False).sum()
    return float(shift @ shift + spreads - 2 * shared)


def frechet_distance(
    first: Float[np.ndarray, "first features"], second: Float[np.ndarray, "second features"]
) -> float:
    """The Fréchet distance of the normal distributions that fit two clouds of points.

    It is too large for few points: two clouds of the same distribution are not at zero.

    Raises:
        ValueError: one of them has fewer than two points, or a number is not finite.
    """
    return distance_of_clouds(cloud(first), cloud(second))
