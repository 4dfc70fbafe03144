"""What the page times beside its comparison, and what the bars say about the reason."""

import dataclasses
from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.timing import median_seconds_at_best
from tutorials_lib.tabular.linear_regression import comparison, in_jax, in_numpy
from tutorials_lib.tabular.linear_regression.problem import Config

NUM_RESAMPLES = 100
STEPS = ("compiling a step", "one call for all steps")
"""From bar to bar of the waterfall."""


def beside(config: Config) -> dict[str, Times]:
    """Prediction, of one home and of all, and a bootstrap of least squares, in both libraries."""
    config = dataclasses.replace(config, num_resamples=NUM_RESAMPLES, num_reweightings=0)
    inputs = comparison.make_inputs(config)
    features, weights, targets = inputs.features, inputs.weights, inputs.targets
    predict = jax.jit(lambda features, weights: jax.numpy.exp(in_jax.predict(features, weights)))
    resamples = features, targets, inputs.counts, comparison.PENALTY, inputs.threshold
    return {
        "price of one home": time_both(_predict, predict, features[:1], weights),
        f"prices of {len(features):,} homes": time_both(_predict, predict, features, weights),
        f"bootstrap, {NUM_RESAMPLES} resamples": time_both(
            partial(in_numpy.bootstrap, config=config),
            partial(in_jax.bootstrap, config=config),
            *resamples,
        ),
    }


def _predict(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.exp(in_numpy.predict(features, weights))


def share_of_products(config: Config) -> float:
    """The two products of the table with a vector, as a share of NumPy's time for the fit."""
    inputs = comparison.make_inputs(config)
    columns = np.ascontiguousarray(inputs.features.T)

    def products() -> None:
        for _ in range(config.num_steps):
            np.dot(columns, np.dot(inputs.weights, columns))

    fit = partial(comparison.fit, in_numpy, inputs, config)
    return median_seconds_at_best(products) / median_seconds_at_best(fit)


def explain(record: Record, times: dict[str, Times], share: float) -> str:
    """The reason by the bars, what the products take, and what prediction took.

    `share` is that of `share_of_products`.
    """
    slower = [name for name, pair in times.items() if "price" in name and pair.jax > pair.numpy]
    prediction = (
        f"takes longer in JAX for the {' and the '.join(slower)}" if slower else "is faster in JAX"
    )
    return (
        f"{lead_reason(record, STEPS)} "
        f"The two products of the table with a vector take {share:.0%} of NumPy's time. "
        "Both libraries have to read the whole table for each of them; what compiling can save "
        f"stands around the products. Prediction, of which the claim speaks, {prediction}."
    )
