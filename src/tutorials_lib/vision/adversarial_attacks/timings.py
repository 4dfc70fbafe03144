"""What the page times beside its comparison, and what the bars say about the reason."""

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.vision.adversarial_attacks import comparison, in_jax, in_numpy
from tutorials_lib.vision.adversarial_attacks.problem import Config

STEPS = (
    "running the same operations in XLA",
    "compiling a step into one program",
    "compiling the loop over steps",
)
"""What leads from each bar of the waterfall to the next."""


def passes(config: Config) -> dict[str, Times]:
    """Reading a batch, the gradient of its pixels, and that of the parameters, in both."""
    inputs = comparison.make_inputs(config)
    batch = inputs.params, inputs.images[0], inputs.labels[0]

    def race(name: str, *arrays: object) -> Times:
        ours, theirs = getattr(in_numpy, name), getattr(in_jax, name)
        return time_both(
            lambda *a: ours(*a, config), jax.jit(lambda *a: theirs(*a, config)), *arrays
        )

    return {
        "forward alone": race("predict", *batch[:2]),
        "with the gradient of the pixels": race("input_gradient", *batch),
        "with the gradient of the parameters": race("loss_and_grads", *batch),
    }


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and what the gradient of the pixels costs beside other passes."""
    forward, pixels, params = times.values()
    return (
        f"{lead_reason(record, STEPS)} The gradient of the pixels takes as long as "
        f"{pixels.numpy / forward.numpy:.1f} forward passes in NumPy and "
        f"{pixels.jax / forward.jax:.1f} in JAX; that of the parameters takes "
        f"{params.numpy / forward.numpy:.1f} and {params.jax / forward.jax:.1f}."
    )
