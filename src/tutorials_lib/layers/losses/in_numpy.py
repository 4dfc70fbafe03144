"""Losses in NumPy: `value, dlogits = loss(logits, targets, ...)`."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

Logits = Float[np.ndarray, "*shape"]


def binary_cross_entropy(
    logits: Logits, targets: Float[np.ndarray, "*shape"], weights: Float[np.ndarray, "*shape"]
) -> tuple[np.floating, Logits]:
    r"""The weighted mean of $-y \log p - (1 - y) \log(1 - p)$ with $p = \sigma(z)$.

    It is computed as $\log(1 + e^z) - y z$, which holds for logits $z$ of any size.
    """
    total = weights.sum()
    losses = np.logaddexp(0, logits)
    losses -= targets * logits
    dlogits = expit(logits)
    dlogits -= targets
    dlogits *= weights / total
    return np.vdot(weights, losses) / total, dlogits


def soft_dice(logits: Logits, targets: Float[np.ndarray, "*shape"]) -> tuple[np.floating, Logits]:
    r"""One minus Dice's coefficient of probabilities, in the manner of Milletari et al. (2016).

    $1 - (2 \sum p y + 1) / (\sum p + \sum y + 1)$ with $p = \sigma(z)$, summed over all pixels of
    the batch; the ones keep it defined where there is nothing to find. The paper's denominator
    has squares, $\sum p^2 + \sum y^2$, and no ones.
    """
    probs = expit(logits)
    both, total = 2 * np.vdot(probs, targets) + 1, probs.sum() + targets.sum() + 1
    dlogits = both / total - 2 * targets  # the quotient rule, times total
    dlogits *= probs
    dlogits *= (1 - probs) / total
    return 1 - both / total, dlogits
