"""Losses in JAX."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

Logits = Float[Array, "*shape"]


def binary_cross_entropy(
    logits: Logits, targets: Float[Array, "*shape"], weights: Float[Array, "*shape"]
) -> Float[Array, ""]:
    r"""The weighted mean of $-y \log p - (1 - y) \log(1 - p)$ with $p = \sigma(z)$."""
    losses = optax.sigmoid_binary_cross_entropy(logits, targets)
    return jnp.vdot(weights, losses) / weights.sum()


def soft_dice(logits: Logits, targets: Float[Array, "*shape"]) -> Float[Array, ""]:
    r"""One minus Dice's coefficient of probabilities, in the manner of Milletari et al. (2016).

    $1 - (2 \sum p y + 1) / (\sum p + \sum y + 1)$ with $p = \sigma(z)$, summed over all pixels of
    the batch; the ones keep it defined where there is nothing to find. The paper's denominator
    has squares, $\sum p^2 + \sum y^2$, and no ones.
    """
    probs = jax.nn.sigmoid(logits)
    return 1 - (2 * jnp.vdot(probs, targets) + 1) / (probs.sum() + targets.sum() + 1)
