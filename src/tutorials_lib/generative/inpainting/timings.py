"""What the page times beside its comparison, and what the bars say about the reason."""

from functools import partial

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.generative.inpainting import comparison, in_jax, in_numpy
from tutorials_lib.generative.inpainting.problem import Batch, Config

STEPS = ("running the same operations in XLA", "compiling all steps into one program")
"""What leads from each bar of the waterfall to the next."""

ONE, GRADIENT = "one fill of one hole", "loss and gradient of a training step"


def other_works(config: Config) -> dict[str, Times]:
    """One fill of one hole, and the work of a training step but for Adam, in both libraries."""
    inputs = comparison.make_inputs(config)

    def race(name: str, *arrays: object) -> Times:
        ours, theirs = (partial(getattr(twin, name), config=config) for twin in (in_numpy, in_jax))
        return time_both(ours, jax.jit(theirs), inputs.params, *arrays)

    batch = Batch(*(each[0] for each in inputs.batches))
    one = inputs.starts[:1, :1], inputs.guess[:1], inputs.cells[:1]
    return {
        ONE: race("sample", *one, inputs.space),
        GRADIENT: race("loss_and_grads", batch, inputs.holes, inputs.space),
    }


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and what is left of it where there is less, or more, to compute."""
    one, gradient = (times[name].numpy / times[name].jax for name in (ONE, GRADIENT))
    return (
        f"{lead_reason(record, STEPS)} For one fill of one hole NumPy takes "
        f"{format_ratio(one)} as long as JAX, for the gradient of a batch {format_ratio(gradient)}."
    )
