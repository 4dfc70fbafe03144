"""What the page times beside its comparison, and what the bars say about the reason."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.timing import median_seconds_at_best
from tutorials_lib.tabular.predictive_maintenance import comparison, in_jax, in_numpy
from tutorials_lib.tabular.predictive_maintenance.problem import Config

STEPS = ("compiling all steps of a subset", "one program for all subsets")
"""What leads from each bar of the waterfall to the next."""


def prediction(config: Config) -> dict[str, Times]:
    """The log odds of one training part, and of all of them, in both libraries.

    Their features are made before the clock starts.
    """
    inputs = comparison.make_inputs(config)
    race = partial(time_both, in_numpy.predict, jax.jit(in_jax.predict), inputs.params)
    return {
        "log odds of one training part": race(inputs.features[:1]),
        f"log odds of all {len(inputs.features):,} training parts": race(inputs.features),
    }


def share_of_products(config: Config) -> float:
    """The two products of every step, as a share of NumPy's time for the steps that are timed."""
    config = replace(config, num_steps=comparison.NUM_TIMED_STEPS)
    inputs = comparison.prepare(in_numpy, comparison.make_inputs(config), config)
    batch = inputs.features[: config.batch_size]
    models = len(inputs.kept) * len(inputs.settings.class_weight)
    weights = np.repeat(inputs.params["weights"][None], models, axis=0)

    def products() -> None:
        for _ in range(config.num_steps):
            np.dot(np.dot(weights, batch.T), batch)

    fit = partial(comparison.fit, in_numpy, inputs, config)
    return median_seconds_at_best(products, repeats=3) / median_seconds_at_best(fit, repeats=3)


def explain(record: Record, times: dict[str, Times], share: float) -> str:
    """The reason by the bars, what the products take, and what prediction took.

    `share` is that of `share_of_products`.
    """
    slower = [name for name, pair in times.items() if pair.jax > pair.numpy]
    spoken = (
        f"takes longer in JAX for the {' and the '.join(slower)}" if slower else "is faster in JAX"
    )
    return (
        f"{lead_reason(record, STEPS)} "
        f"The two products of a step take {share:.0%} of NumPy's time, and both libraries have to "
        "compute them; what compiling can save is the rest, where NumPy walks over all logits, "
        "and in Adam over all weights, once for each operation. "
        f"Prediction, of which the claim speaks, {spoken}."
    )
