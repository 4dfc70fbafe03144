"""An attack that sees no gradient: it shows pictures to the network and reads its answers."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib.vision.adversarial_attacks import in_jax
from tutorials_lib.vision.adversarial_attacks.defences import cut
from tutorials_lib.vision.adversarial_attacks.in_jax import Images, Labels, Logits, Params
from tutorials_lib.vision.adversarial_attacks.problem import SIDE, Config

_HALVED_AT = np.array([0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8])
"""Shares of the queries after which the square loses half its area (Andriushchenko et al. 2020)."""

_FIRST_SHARE = 0.3
"""The share of the picture that the first squares cover."""


def square_sides(num_queries: int) -> Int[np.ndarray, " queries"]:
    """Height and width of the square that each query changes: large ones first."""
    done = np.arange(num_queries) / num_queries
    halvings = np.searchsorted(_HALVED_AT, done, side="right")
    area = _FIRST_SHARE * SIDE**2 / 2.0**halvings
    return np.maximum(np.rint(np.sqrt(area)), 1).astype(np.int32)


def margins(logits: Logits, labels: Labels) -> Float[Array, " batch"]:
    """How far the logit of the label lies above the largest other one; below zero it is misread."""
    is_label = labels[:, None] == jnp.arange(logits.shape[-1])
    of_label = jnp.where(is_label, logits, -jnp.inf).max(-1)
    return of_label - jnp.where(is_label, -jnp.inf, logits).max(-1)


class Squares(NamedTuple):
    """The pictures that were worst for the network, and their margins."""

    images: Images
    margins: Float[Array, " batch"]


def square_attack(
    margins_of: Callable[[Images], Float[Array, " batch"]],
    images: Images,
    epsilon: float | Float[Array, ""],
    key: PRNGKeyArray,
    *,
    num_queries: int,
) -> Squares:
    """Change random squares by all of the budget, and keep what lowers the margin.

    The square attack of Andriushchenko et al. (2020) in the maximum norm: it starts from vertical
    stripes, and every query moves one square of each picture to the upper or lower end of the
    budget.

    Args:
        margins_of: how sure the network is of each picture; all that the attack may ask.
        images: the pictures, from 0 to 1.
        epsilon: the budget.
        key: of the draws.
        num_queries: how often it may ask, for each picture.
    """
    stripes_key, squares_key = jax.random.split(key)
    batch = len(images)
    pixels = jnp.arange(SIDE)

    def to_an_end(key: PRNGKeyArray, shape: tuple[int, ...]) -> Images:
        return jnp.clip(images + epsilon * jax.random.rademacher(key, shape, images.dtype), 0, 1)

    def ask(best: Squares, drawn: tuple[Int[Array, ""], PRNGKeyArray]) -> tuple[Squares, None]:
        side, key = drawn
        place_key, sign_key = jax.random.split(key)
        top, left = jax.random.randint(place_key, (2, batch, 1), 0, SIDE - side + 1)
        rows = (pixels >= top) & (pixels < top + side)
        columns = (pixels >= left) & (pixels < left + side)
        inside = (rows[:, :, None] & columns[:, None, :])[..., None]
        tried = jnp.where(inside, to_an_end(sign_key, (batch, 1, 1, 1)), best.images)
        found = margins_of(tried)
        better = found < best.margins
        kept = jnp.where(better[:, None, None, None], tried, best.images)
        return Squares(kept, jnp.minimum(found, best.margins)), None

    stripes = to_an_end(stripes_key, (batch, 1, SIDE, 1))
    sides = jnp.asarray(square_sides(num_queries))
    keys = jax.random.split(squares_key, num_queries)
    return jax.lax.scan(ask, Squares(stripes, margins_of(stripes)), (sides, keys))[0]


@partial(jax.jit, static_argnames=("config", "num_queries"))
def attack(
    params: Params,
    images: Images,
    labels: Labels,
    epsilon: float | Float[Array, ""],
    threshold: float | Float[Array, ""],
    key: PRNGKeyArray,
    config: Config,
    *,
    num_queries: int,
) -> Squares:
    """`square_attack` on a network, which sees cut pixels where `threshold` is above zero."""

    def margins_of(tried: Images) -> Float[Array, " batch"]:
        seen = jnp.where(threshold > 0, cut(tried, threshold), tried)
        return margins(in_jax.predict(params, seen, config), labels)

    return square_attack(margins_of, images, epsilon, key, num_queries=num_queries)
