"""What the page times beside its comparison: one network, and all of them together."""

import dataclasses
from functools import partial

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.sequences.lstm_forecasting import comparison, in_jax, in_numpy
from tutorials_lib.sequences.lstm_forecasting.problem import Config

STEPS = ("compiling one program that trains the networks in turn", "training all of them by `vmap`")
"""From bar to bar of the waterfall."""


def by_networks(config: Config) -> dict[str, Times]:
    """Seconds of a training step of one network and of all, in both libraries."""
    times = {}
    for folds, members in ((1, 1), (config.num_folds, config.num_members)):
        each = dataclasses.replace(config, num_folds=folds, num_members=members)
        inputs = comparison.make_inputs(each)
        batch = inputs.windows, inputs.targets
        state = in_numpy.start(inputs.params, each)
        own = jax.device_put((in_jax.start(inputs.params, each), *batch))
        number = folds * members
        times[f"{number} network{'s' if number > 1 else ''}"] = Times(
            numpy=median_seconds_at_best(partial(in_numpy.train_step, config=each), state, *batch),
            jax=median_seconds(jax.jit(partial(in_jax.train_step, config=each)), *own),
        )
    return times


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and what it costs to train more networks at once."""
    one, many = times.values()
    number = list(times)[-1]
    told = " and ".join(
        f"{format_ratio(b / a)} the time of one in {name}"
        for name, a, b in (("NumPy", one.numpy, many.numpy), ("JAX", one.jax, many.jax))
    )
    return f"{lead_reason(record, STEPS)} A step of {number} together takes {told}."
