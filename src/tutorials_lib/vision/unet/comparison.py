"""What is compared and timed for the U-Net, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE, TIED_PIXELS_IN_STATISTICS
from tutorials_lib.vision.unet import in_jax, in_numpy
from tutorials_lib.vision.unet.problem import PAGE, Config, border_weights, load, to_images

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, and the first batches of crops."""

    params: Tree
    statistics: Tree
    images: Any
    targets: Any
    weights: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """The upper left corners of sections of the seed 0."""
    num_pictures = NUM_CHECKED_STEPS * config.batch_size
    few = dataclasses.replace(config, num_train=num_pictures, num_development=1, num_test=1)
    train, _, _ = load(dataclasses.replace(few, source="offline"))
    params, statistics = draw_params(in_jax.create, config, rng=np.random.default_rng(0))
    pixels = train.pictures, train.walls.astype(np.float32), border_weights(train.walls, config)
    pictures, targets, weights = (
        each[:, : config.crop_size, : config.crop_size].reshape(
            NUM_CHECKED_STEPS, config.batch_size, config.crop_size, config.crop_size
        )
        for each in pixels
    )
    return Inputs(params, statistics, to_images(pictures), targets, weights)


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, inputs.statistics, config))


def first_batch(inputs: Inputs) -> tuple[Any, Any, Any]:
    """Images, targets and weights."""
    return inputs.images[0], inputs.targets[0], inputs.weights[0]


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the first batch."""
    return twin.predict(inputs.params, inputs.statistics, inputs.images[0], config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss, batch statistics and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.statistics, *first_batch(inputs), config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, *first_batch(inputs), config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.images, inputs.targets, inputs.weights, config)


COMPARISON = Comparison(
    slug="unet",
    unit="one training step",
    # The page trains with batches of 16; the other sizes are a quarter and a sixteenth of that.
    sizes={
        "1 crop": dataclasses.replace(PAGE, batch_size=1),
        "4 crops": dataclasses.replace(PAGE, batch_size=4),
        "16 crops": PAGE,
    },
    headline="16 crops",
    agreement=dataclasses.replace(PAGE, channels=(4, 8), batch_size=4, crop_size=32),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits, normalized by running statistics", run=predict, float32_tolerance=1e-4),
        Check(
            name="loss and batch statistics",
            run=loss_and_grads,
            pick=lambda found: found[:2],
            float32_tolerance=1e-4,
        ),
        Check(name="gradients of all parameters", run=loss_and_grads, pick=lambda found: found[2]),
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
            explains="one program: normalization, cut-off, losses and update are fused",
        ),
    ),
    observe=lambda output, inputs, config: (output[0]["statistics"], output[1]),
    tolerance=1e-3,
    tolerance_reason=TIED_PIXELS_IN_STATISTICS,
    note=CONVOLUTION_ON_ONE_CORE,
)
