"""How sure the mean of a series of scores is, when neighbours in time are alike."""

import numpy as np
from jaxtyping import Float

Scores = Float[np.ndarray, " times"]


def block_bootstrap_interval(
    scores: Scores, *, block: int, confidence: float = 0.95, num_resamples: int = 4000
) -> tuple[float, float]:
    """The interval of the mean by the circular block bootstrap (Politis and Romano 1992).

    A resample is put together of blocks that begin anywhere and go on at the start when they pass
    the end, so that no score is left out or counts less. Always the same blocks are drawn.

    Args:
        scores: one for each time, in order; evenly spaced.
        block: how many of them stay together: more than are alike.
        confidence: how often such an interval is to cover the mean.
        num_resamples: the number of resamples.

    Raises:
        ValueError: the block is not between one score and all of them.
    """
    count = len(scores)
    if not 1 <= block <= count:
        raise ValueError(f"block is {block}; expected 1 to {count}, the number of scores")
    sums = np.cumsum(np.concatenate([[0.0], scores, scores[:block]]))
    rng = np.random.default_rng(0)
    starts = rng.integers(0, count, (num_resamples, -(-count // block)))
    means = (sums[starts + block] - sums[starts]).mean(1) / block
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
