"""What the page times beside its comparison: attention left out, and translating."""

import dataclasses
from functools import partial

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.sequences.seq2seq import comparison, in_jax, in_numpy
from tutorials_lib.sequences.seq2seq.problem import Config

STEPS = (
    "compiling one program that multiplies all words before its loops",
    "multiplying each word inside the loop",
)
"""From bar to bar of the waterfall."""

WITH = "loss and gradients"
WITHOUT = "loss and gradients without attention"
TRANSLATE = "greedy translation"


def works(config: Config) -> dict[str, Times]:
    """Seconds of a training step with attention and without, and of translating its sentences.

    The parameters are random: a translation ends where the most words are allowed.
    """
    inputs = comparison.make_inputs(config)
    source, plain = inputs.batch.source, dataclasses.replace(config, attention=False)
    times = {}
    for name, params, each in (
        (WITH, inputs.params, config),
        (WITHOUT, inputs.plain_params, plain),
    ):
        ours, theirs = (partial(twin.loss_and_grads, config=each) for twin in (in_numpy, in_jax))
        times[name] = time_both(ours, jax.jit(theirs), params, inputs.batch)
    ours, theirs = (partial(twin.translate, config=config) for twin in (in_numpy, in_jax))
    times[TRANSLATE] = time_both(ours, jax.jit(theirs), inputs.params, source)
    return times


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and what attention costs in both libraries."""
    shares = [
        format_ratio(ours / theirs)
        for ours, theirs in zip(times[WITH], times[WITHOUT], strict=True)
    ]
    return (
        f"{lead_reason(record, STEPS)} With attention, loss and gradients take {shares[0]} the "
        f"time without it in NumPy and {shares[1]} in JAX."
    )
