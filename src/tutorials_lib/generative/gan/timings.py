"""What the page times beside its comparison, and what the bars say about the reason."""

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.generative.gan import comparison, in_jax, in_numpy
from tutorials_lib.generative.gan.problem import Config

STEPS = ("running the same operations in XLA", "compiling a step into one program")
"""What leads from each bar of the waterfall to the next."""


def turns(config: Config) -> dict[str, Times]:
    """Drawing a batch, and the loss and gradient of either network, in both libraries."""
    inputs = comparison.prepare(in_numpy, comparison.make_inputs(config), config)
    generator, discriminator = (inputs.params[name] for name in ("generator", "discriminator"))
    images, labels = inputs.images[: config.batch_size], inputs.labels[: config.batch_size]
    latents = inputs.latents[0, 0]

    def race(name: str, *arrays: object) -> Times:
        ours, theirs = getattr(in_numpy, name), getattr(in_jax, name)
        return time_both(
            lambda *a: ours(*a, config), jax.jit(lambda *a: theirs(*a, config)), *arrays
        )

    directions = inputs.state.directions
    return {
        "drawing": race("generate", generator, latents, labels),
        "the discriminator's turn": race(
            "discriminator_loss_and_grads", discriminator, directions, images, images, labels
        ),
        "the generator's turn": race(
            "generator_loss_and_grads", generator, discriminator, latents, labels
        ),
    }


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and how the two turns compare."""
    _, first, second = times.values()
    return (
        f"{lead_reason(record, STEPS)} The generator's turn takes "
        f"{second.numpy / first.numpy:.2f} times as long as the discriminator's in NumPy, and "
        f"{second.jax / first.jax:.2f} times in JAX."
    )
