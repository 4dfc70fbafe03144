"""What the page times beside its comparison: padding, attention, and translating."""

import dataclasses
from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.sequences.seq2seq import comparison, in_jax, in_numpy
from tutorials_lib.sequences.seq2seq.problem import Config
from tutorials_lib.text.parallel import Sentences
from tutorials_lib.text.vocabulary import PADDING, UNKNOWN

STEPS = (
    "compiling one program, which computes padding too",
    "multiplying words inside the loop and attending again on the way back",
)
"""From bar to bar of the waterfall."""

WITH = "loss and gradients"
FULL = "loss and gradients, all sentences of full length"
WITHOUT = "loss and gradients without attention"
TRANSLATE = "greedy translation"


def works(config: Config) -> dict[str, Times]:
    """Seconds of loss and gradients of a batch, of their parts, and of translating it.

    The parameters are random: a translation ends where the most words are allowed.
    """
    inputs, plain = comparison.make_inputs(config), dataclasses.replace(config, attention=False)
    batch = inputs.batch
    full = Sentences(*(np.where(ids == PADDING, np.int32(UNKNOWN), ids) for ids in batch))
    times = {}
    for name, params, each, read in (
        (WITH, inputs.params, config, batch),
        (FULL, inputs.params, config, full),
        (WITHOUT, inputs.plain_params, plain, batch),
    ):
        ours, theirs = (partial(twin.loss_and_grads, config=each) for twin in (in_numpy, in_jax))
        times[name] = time_both(ours, jax.jit(theirs), params, read)
    ours, theirs = (partial(twin.translate, config=config) for twin in (in_numpy, in_jax))
    times[TRANSLATE] = time_both(ours, jax.jit(theirs), inputs.params, batch.source)
    return times


def explain(record: Record, times: dict[str, Times], batch: Sentences) -> str:
    """The reason by the bars, and what padding and attention cost in both libraries.

    `batch` is what is trained on; the share of its padding is counted.
    """
    empty = [float((ids == PADDING).mean()) for ids in (batch.source, batch.target[:, 1:])]
    padding, attention = (
        [format_ratio(ours / theirs) for ours, theirs in zip(times[more], times[less], strict=True)]
        for more, less in ((FULL, WITH), (WITH, WITHOUT))
    )
    return (
        f"{lead_reason(record, STEPS)} Of the places of all training sentences {empty[0]:.0%} of "
        f"the English and {empty[1]:.0%} of the French are padding. Were they words, NumPy would "
        f"take {padding[0]} the time, and JAX {padding[1]}. With attention, loss and gradients "
        f"take {attention[0]} the time without it in NumPy and {attention[1]} in JAX."
    )
