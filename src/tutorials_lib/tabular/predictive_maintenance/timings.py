"""What the page times beside its comparison, and what the bars say about the reason."""

from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.record import Record, is_tie
from tutorials_lib.benchmark.tables import MarkdownRows, format_ratio, format_seconds
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.tabular.predictive_maintenance import comparison, in_jax, in_numpy
from tutorials_lib.tabular.predictive_maintenance.problem import Config

Times = dict[str, tuple[float, float]]
"""Median seconds of the same work in NumPy and in JAX."""


def prediction(config: Config) -> Times:
    """The log odds of one part, and of all training parts, in both libraries."""
    inputs = comparison.make_inputs(config)
    compiled = jax.jit(in_jax.predict)
    found = {}
    for name, table in {
        "log odds of one part": inputs.features[:1],
        f"log odds of {len(inputs.features):,} parts": inputs.features,
    }.items():
        ours = median_seconds_at_best(in_numpy.predict, inputs.params, table)
        theirs = median_seconds(compiled, *jax.device_put((inputs.params, table)))
        found[name] = ours, theirs
    return found


def table(times: Times) -> MarkdownRows:
    """The times as a page shows them."""
    rows = [
        [name, format_seconds(ours), format_seconds(theirs), format_ratio(ours / theirs)]
        for name, (ours, theirs) in times.items()
    ]
    return MarkdownRows(["Work", "NumPy", "JAX", "NumPy ÷ JAX"], rows)


def share_of_products(config: Config) -> float:
    """The two products of every step, as a share of NumPy's time for the whole selection."""
    inputs = comparison.prepare(in_numpy, comparison.make_inputs(config), config)
    batch = inputs.features[: config.batch_size]
    models = len(inputs.kept) * len(inputs.settings.class_weight)
    weights = np.repeat(inputs.params["weights"][None], models, axis=0)

    def products() -> None:
        for _ in range(config.num_steps):
            (weights @ batch.T) @ batch

    fit = partial(comparison.fit, in_numpy, inputs, config)
    return median_seconds_at_best(products, repeats=3) / median_seconds_at_best(fit, repeats=3)


def lead_reason(numpy: float, by_subset: float, whole: float, *, tie: bool) -> str:
    """Which step of the bars gained most: compiling the steps, or one program for all subsets."""
    gains = {
        "compiling all steps of a subset": numpy / by_subset,
        "one program for all subsets": by_subset / whole,
    }
    lead, other = sorted(gains, key=lambda name: gains[name], reverse=True)
    bars = ", ".join(f"{name} {format_ratio(gain)}" for name, gain in gains.items())
    if tie:
        return f"It is a tie: by the bars ({bars}), the two steps together come to about one."
    if numpy < whole:
        return f"JAX is slower: by the bars ({bars}), {lead} does not make up for {other}."
    return f"JAX is faster, and by the bars the gain comes from {lead} ({bars})."


def explain(record: Record, times: Times, share: float) -> str:
    """The reason by the bars, what the products take, and what prediction took.

    `share` is that of `share_of_products`.
    """
    medians = [
        record.headline_size.timing(variant.name).seconds.median
        for variant in comparison.COMPARISON.variants
    ]
    slower = [name for name, (ours, theirs) in times.items() if theirs > ours]
    spoken = f"takes longer in JAX for the {' and the '.join(slower)}" if slower else "is faster"
    return (
        f"{lead_reason(*medians, tie=is_tie(record.ratio))} "
        f"The two products of a step take {share:.0%} of NumPy's time, and both libraries have to "
        "compute them; what compiling can save is the rest, where NumPy walks over all logits "
        f"once for each operation. Prediction, of which the claim speaks, {spoken}."
    )
