"""What the page times beside its comparison: a step of fine-tuning; and what padding costs."""

from functools import partial

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.sequences.bert import comparison, in_jax, in_numpy
from tutorials_lib.sequences.bert.problem import Config

STEPS = ("compiling the network for one length", "labelling posts of similar lengths together")
"""From bar to bar of the waterfall."""


def tuning_times(config: Config) -> dict[str, Times]:
    """Seconds of a step of fine-tuning, and of one of pretraining, in both libraries."""
    inputs = comparison.make_inputs(config)
    ours, theirs = (comparison.prepare(twin, inputs, config).state for twin in (in_numpy, in_jax))
    works = {
        f"fine-tuning, {config.batch_size} posts": (
            "train_step", ours.tuning, theirs.tuning, (inputs.ids, inputs.labels)
        ),
        f"pretraining, {config.pretraining_batch} posts": (
            "pretrain_step", ours.pretraining, theirs.pretraining, (inputs.posts, inputs.masked)
        ),
    }  # fmt: skip
    return {
        name: Times(
            numpy=median_seconds_at_best(
                partial(getattr(in_numpy, step), config=config), own, *batch
            ),
            jax=median_seconds(
                jax.jit(partial(getattr(in_jax, step), config=config)),
                *jax.device_put((other, *batch)),
            ),
        )
        for name, (step, own, other, batch) in works.items()
    }


def padding_shares(config: Config) -> tuple[float, float]:
    """The share of padding among the places: with one length, and with a few."""
    parts = comparison.make_inputs(config).parts
    pieces = sum(int((ids != 0).sum()) for ids in parts)
    longest = max(ids.shape[1] for ids in parts)
    one_length = sum(len(ids) for ids in parts) * longest
    return 1 - pieces / one_length, 1 - pieces / sum(ids.size for ids in parts)


def explain(record: Record, shares: tuple[float, float]) -> str:
    """The reason by the bars, and how much of JAX's work is padding."""
    one, few = shares
    return (
        f"{lead_reason(record, STEPS)}\n\n"
        f"With one length {one:.0%} of the places are padding, with {comparison.NUM_PARTS} lengths "
        f"{few:.0%}; NumPy computes on padding in its attention "
        "alone, since its arrays may have any length."
    )
