"""k-means in JAX."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tutorials_lib.tabular.kmeans.problem import Config, check_starts

Points = Float[Array, "points features"]
Centers = Float[Array, "clusters features"]
Labels = Int[Array, " points"]


class Fit(NamedTuple):
    """What `fit` returns: the centers, and how far they moved in every step."""

    centers: Centers
    shifts: Float[Array, " steps"]


def assign(points: Points, centers: Centers) -> Labels:
    """Nearest center: argmin_k |c_k|^2 - 2 x.c_k, since |x|^2 is the same for every k."""
    return ((centers**2).sum(-1) - 2 * points @ centers.T).argmin(-1)


def update(points: Points, labels: Labels, centers: Centers) -> Centers:
    """Mean of the points of each cluster; an empty cluster keeps its center."""
    sums = jax.ops.segment_sum(points, labels, num_segments=len(centers))
    counts = jax.ops.segment_sum(
        jnp.ones_like(points[:, :1]), labels, num_segments=len(centers)
    )
    return jnp.where(counts > 0, sums / jnp.maximum(counts, 1), centers)


def inertia(points: Points, centers: Centers) -> Float[Array, ""]:
    """Sum of the squared distances from each point to its nearest center."""
    nearest = centers[assign(points, centers)]
    return ((points - nearest) ** 2).sum()


def choose_starts(points: Points, draws: Float[Array, " clusters"]) -> Centers:
    """k-means++ (Arthur and Vassilvitskii 2007)."""
    check_starts(len(points), len(draws))

    def choose(carry, draw):
        distances, center = carry
        distances = jnp.minimum(distances, ((points - center) ** 2).sum(-1))
        cumulative = distances.cumsum()
        index = jnp.searchsorted(cumulative, draw * cumulative[-1], side="right")
        center = points[jnp.minimum(index, len(points) - 1)]
        return (distances, center), center

    first = points[(draws[0] * len(points)).astype(int)]
    distances = jnp.full(len(points), jnp.inf, points.dtype)
    _, others = jax.lax.scan(choose, (distances, first), draws[1:])
    return jnp.concatenate([first[None], others])


def step(points: Points, centers: Centers) -> tuple[Centers, Float[Array, ""]]:
    """One Lloyd iteration."""
    moved = update(points, assign(points, centers), centers)
    return moved, jnp.linalg.norm(moved - centers)


@partial(jax.jit, static_argnames="config")
def fit(points: Points, centers: Centers, config: Config) -> Fit:
    """`lax.scan` replaces the Python loop: one dispatch instead of `num_steps`."""

    def scan_step(centers: Centers, _: None) -> tuple[Centers, Float[Array, ""]]:
        return step(points, centers)

    return Fit(*jax.lax.scan(scan_step, centers, length=config.num_steps))
