"""k-means in JAX: the loop over steps, and the loop over restarts, are compiled."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tutorials_lib.tabular.kmeans.problem import Config, check_starts

Points = Float[Array, "points features"]
Centers = Float[Array, "clusters features"]
Labels = Int[Array, " points"]
State = tuple[Float[Array, " points"], Float[Array, " features"]]
"""What `choose_starts` carries: distances to the nearest center so far, and the last center."""


class Fit(NamedTuple):
    """What `fit` returns: the centers, and how far they moved together in every step."""

    centers: Centers
    shifts: Float[Array, " steps"]


def assign(points: Points, centers: Centers) -> Labels:
    """Index of the center nearest to each point; of two equally near, the first.

    The product is written out feature by feature, so that XLA makes one loop over the
    points of it and of the argmin; a matrix product would write every score to memory.
    """
    products = sum(c[:, None] * x for c, x in zip(centers.T, points.T, strict=True))
    scores = (centers**2).sum(-1)[:, None] - 2 * products  # scores[k, p]
    return jnp.argmin(scores, axis=0)


def update(points: Points, labels: Labels, centers: Centers) -> Centers:
    """Mean of the points of each cluster; an empty cluster keeps its center.

    A column of ones counts the points while the others are summed.
    """
    with_ones = jnp.concatenate([points, jnp.ones_like(points[:, :1])], axis=1)
    totals = jax.ops.segment_sum(with_ones, labels, num_segments=len(centers))
    sums, counts = totals[:, :-1], totals[:, -1:]
    return jnp.where(counts > 0, sums / jnp.maximum(counts, 1), centers)


def fit(points: Points, centers: Centers, config: Config) -> Fit:
    """`config.num_steps` times `assign` and `update` (Lloyd 1982).

    `lax.scan` takes the place of the Python loop: all steps are one call.
    """

    def step(centers: Centers, _: None) -> tuple[Centers, Float[Array, ""]]:
        moved = update(points, assign(points, centers), centers)
        return moved, jnp.linalg.norm(moved - centers)

    return Fit(*jax.lax.scan(step, centers, length=config.num_steps))


def inertia(points: Points, centers: Centers) -> Float[Array, ""]:
    """Sum of the squared distances from each point to its nearest center."""
    return ((points - centers[assign(points, centers)]) ** 2).sum()


@jax.jit
def choose_starts(points: Points, draws: Float[Array, " clusters"]) -> Centers:
    """Starting centers among the points: k-means++ (Arthur and Vassilvitskii 2007).

    Every point is as likely to be the first. Each further one is drawn with a
    probability proportional to the squared distance from the nearest center so far.
    `draws` are uniform in [0, 1).

    Raises:
        ValueError: there are fewer points than draws.
    """
    check_starts(len(points), len(draws))

    def choose(state: State, draw: Float[Array, ""]) -> tuple[State, Array]:
        distances, center = state
        distances = jnp.minimum(distances, ((points - center) ** 2).sum(-1))
        cumulative = distances.cumsum()
        index = jnp.searchsorted(cumulative, draw * cumulative[-1], side="right")
        center = points[jnp.minimum(index, len(points) - 1)]  # last, if all are 0
        return (distances, center), center

    first = points[(draws[0] * len(points)).astype(int)]
    distances = jnp.full(len(points), jnp.inf, points.dtype)
    _, others = jax.lax.scan(choose, (distances, first), draws[1:])
    return jnp.concatenate([first[None], others])


def choose_all_starts(
    points: Points, draws: Float[Array, "restarts clusters"]
) -> Float[Array, "restarts clusters features"]:
    """`choose_starts` for every row of `draws`."""
    return jax.vmap(choose_starts, in_axes=(None, 0))(points, draws)


@partial(jax.jit, static_argnames="config")
def fit_restarts(
    points: Points, starts: Float[Array, "restarts clusters features"], config: Config
) -> tuple[Float[Array, "restarts clusters features"], Float[Array, " restarts"]]:
    """`fit` from every row of `starts`: the centers and inertia that each arrives at.

    `vmap` turns the program for one start into the program for all of them.
    """

    def fit_one(start: Centers) -> tuple[Centers, Float[Array, ""]]:
        centers = fit(points, start, config).centers
        return centers, inertia(points, centers)

    return jax.vmap(fit_one)(starts)


@partial(jax.jit, static_argnames="config")
def best_fit(points: Points, draws: Float[Array, "restarts clusters"], config: Config) -> Centers:
    """The centers of the best restart from k-means++ starts, the largest cluster first."""
    starts = choose_all_starts(points, draws)
    centers, inertias = fit_restarts(points, starts, config)
    best = centers[inertias.argmin()]
    sizes = jnp.bincount(assign(points, best), length=len(best))
    return best[jnp.argsort(-sizes, stable=True)]


@partial(jax.jit, static_argnames="num_clusters")
def silhouette(points: Points, labels: Labels, num_clusters: int) -> Float[Array, ""]:
    """Mean over the points of (b - a) / max(a, b), from -1 to 1 (Rousseeuw 1987).

    `a` is a point's mean distance from the others of its cluster and `b` that from the points
    of the nearest other cluster; a point that is alone in its cluster counts 0. Needs memory
    for all pairs of points.
    """
    squares = (points**2).sum(-1)
    distances = jnp.sqrt(jnp.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    distances = jnp.fill_diagonal(distances, 0, inplace=False)
    members = jax.nn.one_hot(labels, num_clusters, dtype=points.dtype)
    sums, counts = distances @ members, members.sum(0)
    own = jnp.take_along_axis(sums, labels[:, None], axis=1)[:, 0]
    to_others = jnp.where((members > 0) | (counts == 0), jnp.inf, sums / jnp.maximum(counts, 1))
    a, b = own / jnp.maximum(counts[labels] - 1, 1), to_others.min(axis=1)
    counted = (counts[labels] > 1) & jnp.isfinite(b) & (jnp.maximum(a, b) > 0)
    return jnp.where(counted, (b - a) / jnp.maximum(a, b), 0).mean()
