"""What the page times beside its comparison, and what the bars say about the reason."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.record import Record, is_tie
from tutorials_lib.benchmark.tables import MarkdownRows, format_ratio, format_seconds
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.tabular.linear_regression import comparison, in_jax, in_numpy
from tutorials_lib.tabular.linear_regression.problem import Config

NUM_RESAMPLES = 100


class Times(NamedTuple):
    """Median seconds of the same work in both libraries."""

    numpy: float
    jax: float


def beside(config: Config) -> dict[str, Times]:
    """Prediction, of one home and of all, and a bootstrap of least squares, in both libraries."""
    config = dataclasses.replace(config, num_resamples=NUM_RESAMPLES, num_reweightings=0)
    inputs = comparison.make_inputs(config)
    features, weights, targets = inputs.features, inputs.weights, inputs.targets
    predict = jax.jit(lambda features, weights: jax.numpy.exp(in_jax.predict(features, weights)))
    resamples = features, targets, inputs.counts, comparison.PENALTY, inputs.threshold
    return {
        "price of one home": _race(_predict, predict, features[:1], weights),
        f"prices of {len(features):,} homes": _race(_predict, predict, features, weights),
        f"bootstrap, {NUM_RESAMPLES} resamples": _race(
            partial(in_numpy.bootstrap, config=config),
            partial(in_jax.bootstrap, config=config),
            *resamples,
        ),
    }


def _predict(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.exp(in_numpy.predict(features, weights))


def _race(ours: Callable, theirs: Callable, *inputs: np.ndarray | float) -> Times:
    return Times(
        numpy=median_seconds_at_best(ours, *inputs),
        jax=median_seconds(theirs, *jax.device_put(inputs)),
    )


def table(times: dict[str, Times]) -> MarkdownRows:
    """The times as a page shows them."""
    rows = [
        [name, *map(format_seconds, pair), format_ratio(pair.numpy / pair.jax)]
        for name, pair in times.items()
    ]
    return MarkdownRows(["Work", "NumPy", "JAX", "NumPy ÷ JAX"], rows)


def share_of_products(config: Config) -> float:
    """The two products of the table with a vector, as a share of NumPy's time for the fit."""
    inputs = comparison.make_inputs(config)
    columns = np.ascontiguousarray(inputs.features.T)

    def products() -> None:
        for _ in range(config.num_steps):
            np.dot(columns, np.dot(inputs.weights, columns))

    fit = partial(comparison.fit, in_numpy, inputs, config)
    return median_seconds_at_best(products) / median_seconds_at_best(fit)


def lead_reason(first: float, per_step: float, whole: float, *, tie: bool) -> str:
    """Which step of the bars gained most: from NumPy to a compiled step, to all of them at once."""
    gains = {"compiling a step": first / per_step, "one call for all steps": per_step / whole}
    lead, other = sorted(gains, key=lambda name: gains[name], reverse=True)
    bars = ", ".join(f"{name} {format_ratio(gain)}" for name, gain in gains.items())
    if tie:
        return f"It is a tie: by the bars ({bars}), the two steps together come to about one."
    if first < whole:
        return f"JAX is slower: by the bars ({bars}), {lead} does not make up for {other}."
    return f"JAX is faster, and by the bars the gain comes from {lead} ({bars})."


def explain(record: Record, times: dict[str, Times], share: float) -> str:
    """The reason by the bars, what the products take, and what prediction took.

    `share` is that of `share_of_products`.
    """
    medians = [
        record.headline_size.timing(variant.name).seconds.median
        for variant in comparison.COMPARISON.variants
    ]
    slower = [name for name, pair in times.items() if "price" in name and pair.jax > pair.numpy]
    prediction = (
        f"takes longer in JAX for the {' and the '.join(slower)}" if slower else "is faster"
    )
    return (
        f"{lead_reason(*medians, tie=is_tie(record.ratio))} "
        f"The two products of the table with a vector take {share:.0%} of NumPy's time. "
        "Both libraries have to read the whole table for each of them; what compiling can save "
        f"stands around the products. Prediction, of which the claim speaks, {prediction}."
    )
