"""k-means in NumPy."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.tabular.kmeans.problem import Config, check_starts

Points = Float[np.ndarray, "points features"]
Centers = Float[np.ndarray, "clusters features"]
Labels = Int[np.ndarray, " points"]


class Fit(NamedTuple):
    """What `fit` returns: the centers, and how far they moved in every step."""

    centers: Centers
    shifts: Float[np.ndarray, " steps"]


def assign(points: Points, centers: Centers) -> Labels:
    """Nearest center: argmin_k |c_k|^2 - 2 x.c_k, since |x|^2 is the same for every k."""
    return ((centers**2).sum(-1) - 2 * points @ centers.T).argmin(-1)


def update(points: Points, labels: Labels, centers: Centers) -> Centers:
    """Mean of the points of each cluster; an empty cluster keeps its center."""
    one_hot = (labels == np.arange(len(centers))[:, None]).astype(points.dtype)
    counts = one_hot.sum(-1, keepdims=True)
    return np.where(counts > 0, one_hot @ points / np.maximum(counts, 1), centers)


def inertia(points: Points, centers: Centers) -> np.floating:
    """Sum of the squared distances from each point to its nearest center."""
    nearest = centers[assign(points, centers)]
    return ((points - nearest) ** 2).sum()


def choose_starts(points: Points, draws: Float[np.ndarray, " clusters"]) -> Centers:
    """k-means++ (Arthur and Vassilvitskii 2007)."""
    check_starts(len(points), len(draws))
    chosen = [int(draws[0] * len(points))]
    distances = np.full(len(points), np.inf, points.dtype)
    for draw in draws[1:]:
        distances = np.minimum(distances, ((points - points[chosen[-1]]) ** 2).sum(-1))
        cumulative = distances.cumsum()
        index = np.searchsorted(cumulative, draw * cumulative[-1], side="right")
        chosen.append(min(index, len(points) - 1))
    return points[chosen]


def fit(points: Points, centers: Centers, config: Config) -> Fit:
    """Alternate `assign` and `update` (Lloyd 1982)."""
    shifts = np.empty(config.num_steps, points.dtype)
    for i in range(config.num_steps):
        moved = update(points, assign(points, centers), centers)
        shifts[i] = np.linalg.norm(moved - centers)
        centers = moved
    return Fit(centers, shifts)
