"""What the bars of the comparison say about the reason, and what the matrix products take."""

from functools import partial

import numpy as np

from tutorials_lib.benchmark.record import Record, is_tie
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.benchmark.timing import median_seconds_at_best
from tutorials_lib.tabular.fraud_autoencoder import comparison, in_numpy
from tutorials_lib.tabular.fraud_autoencoder.problem import Config


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


def lead_reason(first: float, per_step: float, whole: float, *, tie: bool) -> str:
    """Which step of the bars gained most, in words of its own for a win, a tie and a loss."""
    gains = {
        "compiling a step": first / per_step,
        "one call for all steps": per_step / whole,
    }
    lead, other = sorted(gains, key=lambda name: gains[name], reverse=True)
    bars = ", ".join(f"{name} {format_ratio(gain)}" for name, gain in gains.items())
    if tie:
        return f"It is a tie: by the bars ({bars}), the two steps together come to about one."
    if first < whole:
        return f"JAX is slower: by the bars ({bars}), {lead} does not make up for {other}."
    return f"JAX is faster, and by the bars the larger gain comes from {lead} ({bars})."


def explain(record: Record, share: float) -> str:
    """The reason by the bars of `record`; `share` is that of `share_of_products`."""
    medians = [
        record.headline_size.timing(variant.name).seconds.median
        for variant in comparison.COMPARISON.variants
    ]
    return (
        f"{lead_reason(*medians, tie=is_tie(record.ratio))} The matrix products of the four "
        f"layers, forward and backward, take {share:.0%} of NumPy's time for a step."
    )
