"""What the page times beside its comparison, and what the bars say about the reason."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from tutorials_lib.benchmark.reasons import lead_reason
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.timing import median_seconds_at_best
from tutorials_lib.tabular.fraud_autoencoder import comparison, in_numpy
from tutorials_lib.tabular.fraud_autoencoder.problem import Config

STEPS = ("compiling a step", "one call for all steps")
"""What leads from each bar of the waterfall to the next."""


def shares_of_products() -> dict[str, float]:
    """`share_of_products` at the smallest size of the comparison and at the headline, by label."""
    sizes, headline = comparison.COMPARISON.sizes, comparison.COMPARISON.headline
    smallest = min(sizes, key=lambda label: sizes[label].batch_size)
    return {label: share_of_products(sizes[label]) for label in (smallest, headline)}


def share_of_products(config: Config) -> float:
    """The matrix products of a step, forward and backward, as a share of NumPy's time for it."""
    inputs = comparison.prepare(in_numpy, comparison.make_inputs(config), config)
    kernels = [
        layer["kernel"]
        for part in ("encoder", "decoder")
        for layer in inputs.params[part]["layers"].values()
    ]
    rows = [np.ones((config.batch_size, len(kernel)), np.float32) for kernel in kernels]
    slopes = [np.ones((config.batch_size, kernel.shape[1]), np.float32) for kernel in kernels]

    def products() -> None:
        for number, (x, dy, kernel) in enumerate(zip(rows, slopes, kernels, strict=True)):
            np.matmul(x, kernel)
            np.matmul(x.T, dy)
            if number:  # the first layer needs no gradient of its input
                np.matmul(dy, kernel.T)

    step = partial(
        in_numpy.train_step, inputs.state, inputs.answers[0], inputs.context[0], inputs.hidden[0]
    )
    return median_seconds_at_best(products) / median_seconds_at_best(partial(step, config=config))


def explain(record: Record, shares: Mapping[str, float]) -> str:
    """The reason by the bars of `record`, and what `shares_of_products` found."""
    return f"{lead_reason(record, STEPS)} {say_shares(shares)}"


def say_shares(shares: Mapping[str, float]) -> str:
    """The shares of `shares_of_products`, and for which batch the rest is the larger part."""
    found = " and ".join(f"{share:.0%} with {label}" for label, share in shares.items())
    small, large = (round(share, 2) for share in shares.values())
    if small < large:
        rest = "The rest is a larger part of the smaller batch."
    elif small == large:
        rest = "The rest is as large a part of either."
    else:
        rest = "The rest is a larger part of the larger batch."
    return (
        "The matrix products of the four layers, forward and backward, take so much of NumPy's "
        f"time for a step: {found} in a batch. Both libraries have to compute them. {rest}"
    )
