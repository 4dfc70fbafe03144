"""What is compared and timed for removing noise, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.generative.denoising_autoencoder import in_jax, in_numpy
from tutorials_lib.generative.denoising_autoencoder.problem import (
    PAGE,
    TINY,
    Config,
    draw_crops,
    load,
)

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, and the first batches with their noise."""

    params: Tree
    clean: Any
    noise: Any
    sigma: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Squares of the development photographs, noise of all levels, and parameters."""
    offline = dataclasses.replace(config, source="offline")
    rng = np.random.default_rng(0)
    params = draw_params(in_jax.create, config, rng=rng)
    batches = NUM_CHECKED_STEPS, config.batch_size
    crops = draw_crops(load(offline).development, config, num_crops=int(np.prod(batches)), rng=rng)
    clean = crops.reshape(*batches, *crops.shape[1:])
    sigma = rng.uniform(config.least_sigma / 255, config.most_sigma / 255, batches)
    noise = rng.standard_normal(clean.shape, np.float32)
    return Inputs(params, clean, noise, sigma.astype(np.float32))


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def first(inputs: Inputs) -> tuple[Any, Any, Any]:
    """The first batch."""
    return inputs.clean[0], inputs.noise[0], inputs.sigma[0]


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The squares of the first batch, denoised."""
    clean, noise, sigma = first(inputs)
    return twin.predict(inputs.params, clean + sigma[:, None, None] * noise, sigma, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, *first(inputs), config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, *first(inputs), config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.clean, inputs.noise, inputs.sigma, config)


COMPARISON = Comparison(
    slug="denoising_autoencoder",
    unit="one training step",
    # The page trains with 4 squares in a step; the others are one, and four times as many.
    sizes={
        "1 square": dataclasses.replace(PAGE, batch_size=1),
        "4 squares": PAGE,
        "16 squares": dataclasses.replace(PAGE, batch_size=16),
    },
    headline="4 squares",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="denoised pictures", run=predict, float32_tolerance=1e-5),
        Check(name="loss", run=loss_and_grads, pick=lambda found: found[0], float32_tolerance=1e-5),
        Check(
            name="gradients of all parameters",
            run=loss_and_grads,
            pick=lambda found: found[1],
            float32_tolerance=1e-4,
        ),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=train_step,
            twin=in_jax,
            explains=(
                "every operation is started on its own, and the transpose of cutting is derived "
                "anew each time"
            ),
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="one program: gates, their gradients and the update are fused",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
)
