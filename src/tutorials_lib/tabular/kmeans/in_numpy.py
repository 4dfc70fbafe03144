"""k-means in NumPy, on tables of booleans: which point belongs to which cluster."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib.tabular.kmeans.problem import Config, check_starts

Points = Float[np.ndarray, "points features"]
Centers = Float[np.ndarray, "clusters features"]
Labels = Int[np.ndarray, " points"]
Columns = Float[np.ndarray, "rows points"]
Members = Bool[np.ndarray, "clusters points"]
Totals = Float[np.ndarray, "clusters rows"]

BLOCK = 20_000
"""Points that `fit` handles at once: they and their scores then stay in a core's own cache.

Not a power of two, which would put all rows of a block into the same few lines of the cache.
"""


class Fit(NamedTuple):
    """What `fit` returns: the centers, and how far they moved together in every step."""

    centers: Centers
    shifts: Float[np.ndarray, " steps"]


def assign(points: Points, centers: Centers) -> Labels:
    """Index of the center nearest to each point; of two equally near, the first."""
    return nearest(to_columns(points), centers).argmax(0)


def update(points: Points, labels: Labels, centers: Centers) -> Centers:
    """Mean of the points of each cluster; an empty cluster keeps its center."""
    members = labels == np.arange(len(centers))[:, None]
    return means(total(to_columns(points), members), centers)


def fit(points: Points, centers: Centers, config: Config) -> Fit:
    """`config.num_steps` times `assign` and `update` (Lloyd 1982)."""
    blocks = [to_columns(points[i : i + BLOCK]) for i in range(0, len(points), BLOCK)]
    shifts = np.empty(config.num_steps, points.dtype)
    for i in range(config.num_steps):
        totals = np.sum([total(block, nearest(block, centers)) for block in blocks], 0)
        moved = means(totals, centers)
        shifts[i] = np.linalg.norm(moved - centers)
        centers = moved
    return Fit(centers, shifts)


def to_columns(points: Points) -> Columns:
    """Each feature in a row of its own, and below them a row of ones: the columns are [x, 1]."""
    columns = np.ones((points.shape[1] + 1, len(points)), points.dtype)
    columns[:-1] = points.T
    return columns


def nearest(columns: Columns, centers: Centers) -> Members:
    """Which cluster each point belongs to: that with the smallest |c|^2 - 2 c.x."""
    norms = (centers**2).sum(-1, keepdims=True)
    scores = np.hstack([-2 * centers, norms]) @ columns  # [-2c, |c|^2].[x, 1]
    members = scores == scores.min(0)
    if np.count_nonzero(members) > columns.shape[1]:  # ties: the first center wins
        members &= members.cumsum(0) == 1
    return members


def total(columns: Columns, members: Members) -> Totals:
    """Sum of the points of each cluster; the last column, a sum of ones, counts them."""
    return members.astype(columns.dtype) @ columns.T


def means(totals: Totals, centers: Centers) -> Centers:
    """Sums divided by counts; the old center where the count is zero."""
    sums, counts = totals[:, :-1], totals[:, -1:]
    return np.divide(sums, counts, out=centers.copy(), where=counts > 0)


def inertia(points: Points, centers: Centers) -> np.floating:
    """Sum of the squared distances from each point to its nearest center."""
    return ((points - centers[assign(points, centers)]) ** 2).sum()


def choose_starts(points: Points, draws: Float[np.ndarray, " clusters"]) -> Centers:
    """Starting centers among the points: k-means++ (Arthur and Vassilvitskii 2007).

    Every point is as likely to be the first. Each further one is drawn with a
    probability proportional to the squared distance from the nearest center so far.
    `draws` are uniform in [0, 1).

    Raises:
        ValueError: there are fewer points than draws.
    """
    check_starts(len(points), len(draws))
    chosen = [int(draws[0] * len(points))]
    distances = np.full(len(points), np.inf, points.dtype)
    for draw in draws[1:]:
        offsets = points - points[chosen[-1]]
        np.minimum(distances, np.einsum("pf,pf->p", offsets, offsets), out=distances)
        cumulative = distances.cumsum()
        index = cumulative.searchsorted(draw * cumulative[-1], side="right")
        chosen.append(min(int(index), len(points) - 1))  # last, if all are 0
    return points[chosen]


def choose_all_starts(
    points: Points, draws: Float[np.ndarray, "restarts clusters"]
) -> Float[np.ndarray, "restarts clusters features"]:
    """`choose_starts` for every row of `draws`."""
    return np.stack([choose_starts(points, row) for row in draws])


def fit_restarts(
    points: Points, starts: Float[np.ndarray, "restarts clusters features"], config: Config
) -> tuple[Float[np.ndarray, "restarts clusters features"], Float[np.ndarray, " restarts"]]:
    """`fit` from every row of `starts`: the centers and inertia that each arrives at."""
    centers = np.stack([fit(points, start, config).centers for start in starts])
    return centers, np.array([inertia(points, found) for found in centers])


def best_fit(
    points: Points, draws: Float[np.ndarray, "restarts clusters"], config: Config
) -> Centers:
    """The centers of the best restart from k-means++ starts, the largest cluster first."""
    starts = choose_all_starts(points, draws)
    centers, inertias = fit_restarts(points, starts, config)
    best = centers[inertias.argmin()]
    sizes = np.bincount(assign(points, best), minlength=len(best))
    return best[np.argsort(-sizes, kind="stable")]


def silhouette(points: Points, labels: Labels, num_clusters: int) -> np.floating:
    """Mean over the points of (b - a) / max(a, b), from -1 to 1 (Rousseeuw 1987).

    `a` is a point's mean distance from the others of its cluster and `b` that from the points
    of the nearest other cluster; a point that is alone in its cluster counts 0. Needs memory
    for all pairs of points.
    """
    squares = (points**2).sum(-1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    np.fill_diagonal(distances, 0)
    members = (labels[:, None] == np.arange(num_clusters)).astype(points.dtype)
    sums, counts = distances @ members, members.sum(0)
    own = np.take_along_axis(sums, labels[:, None], axis=1)[:, 0]
    to_others = np.where((members > 0) | (counts == 0), np.inf, sums / np.maximum(counts, 1))
    a, b = own / np.maximum(counts[labels] - 1, 1), to_others.min(axis=1)
    counted = (counts[labels] > 1) & np.isfinite(b) & (np.maximum(a, b) > 0)
    return np.divide(b - a, np.maximum(a, b), out=np.zeros_like(a), where=counted).mean()
