"""What the page times beside its comparison: the parts of a caption, beams, and a training step."""

from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.sequences.captioning import comparison, in_jax, in_numpy, problem
from tutorials_lib.sequences.captioning.problem import Config

STEPS = ("running the same operations in XLA", "compiling everything into one program")
"""From bar to bar of the waterfall."""

ENCODE = "the encoder alone"
BEAMS = "captioning with beam search"
GRADIENT = "loss and gradients of a training step, decoder"


def works(config: Config) -> dict[str, Times]:
    """Seconds of a part of captioning, of beam search, and of a training step of the decoder.

    The parameters are random: a caption ends where the most words are allowed.
    """
    inputs = comparison.make_inputs(config)
    encoder, decoder = inputs.params["encoder"], inputs.params["decoder"]
    images = problem.to_images(inputs.pictures, np.float32)
    _, glances = comparison.first_batches(inputs)
    times = {}
    for name, work, arrays, settings in (
        (ENCODE, "encode", (encoder, images), {}),
        (BEAMS, "caption", (inputs.params, inputs.pictures), {"num_beams": config.num_beams}),
        (GRADIENT, "decoder_loss_and_grads", (decoder, glances), {}),
    ):
        ours, theirs = (
            partial(getattr(twin, work), config=config, **settings) for twin in (in_numpy, in_jax)
        )
        times[name] = time_both(ours, jax.jit(theirs), *arrays)
    return times


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and how much of a caption is seeing in both libraries."""
    bars = [timing.seconds.median for timing in record.headline_size.timings]
    shares = times[ENCODE].numpy / bars[0], times[ENCODE].jax / bars[-1]
    ratios = {name: format_ratio(each.numpy / each.jax) for name, each in times.items()}
    return (
        f"{lead_reason(record, STEPS)} The encoder, which has nothing to wait for, takes "
        f"{min(shares[0], 1):.0%} of the time in NumPy and {min(shares[1], 1):.0%} in JAX; by "
        f"itself NumPy takes {ratios[ENCODE]} as long as JAX for it, and for beam search "
        f"{ratios[BEAMS]}."
    )
