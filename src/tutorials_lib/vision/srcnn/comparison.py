"""What is compared and timed for super-resolution, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING, CONVOLUTION_ON_ONE_CORE
from tutorials_lib.vision.srcnn import in_jax, in_numpy
from tutorials_lib.vision.srcnn.problem import PAGE, TINY, Config, draw_crops, load

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, and the first batches of squares."""

    params: Tree
    low: Any
    high: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Squares of the development photographs."""
    offline = dataclasses.replace(config, source="offline")
    rng = np.random.default_rng(0)
    crops = draw_crops(
        load(offline).development,
        config,
        num_crops=NUM_CHECKED_STEPS * config.batch_size,
        crop_size=config.crop_size,
        rng=rng,
    )
    params = draw_params(in_jax.create, config, rng=rng)
    batches = NUM_CHECKED_STEPS, config.batch_size
    return Inputs(params, *(each.reshape(*batches, *each.shape[1:]) for each in crops))


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The squares of the first batch, enlarged."""
    return twin.predict(inputs.params, inputs.low[0], config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.low[0], inputs.high[0], config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, inputs.low[0], inputs.high[0], config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.low, inputs.high, config)


COMPARISON = Comparison(
    slug="srcnn",
    unit="one training step",
    # The page trains with 8 squares in a step; the others are one, and four times as many.
    sizes={
        "1 square": dataclasses.replace(PAGE, batch_size=1),
        "8 squares": PAGE,
        "32 squares": dataclasses.replace(PAGE, batch_size=32),
    },
    headline="8 squares",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="enlarged pictures", run=predict, float32_tolerance=1e-5),
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
            explains="convolutions without a matrix of patches; on how many cores, see below",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="one program: biases, cut-offs, sums and the update are fused",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
    note=CONVOLUTION_ON_ONE_CORE,
)
