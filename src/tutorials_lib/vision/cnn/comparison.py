"""What is compared and timed for the convolutional network, at which sizes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE, TIED_PIXELS
from tutorials_lib.vision.cnn import in_jax, in_numpy
from tutorials_lib.vision.cnn.problem import PAGE, Config, fit_scaling, load, to_images

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, and the first batches of pictures."""

    params: Tree
    statistics: Tree
    images: Any
    labels: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Prepared pictures of the seed 0."""
    num_pictures = NUM_CHECKED_STEPS * config.batch_size
    data = load(dataclasses.replace(config, num_train=num_pictures, num_test=1))
    images = to_images(data.train_pictures, fit_scaling(data.train_pictures))
    params, statistics = draw_params(in_jax.create, config, rng=np.random.default_rng(0))
    return Inputs(
        params,
        statistics,
        images=images.reshape(NUM_CHECKED_STEPS, config.batch_size, *images.shape[1:]),
        labels=data.train_labels.reshape(NUM_CHECKED_STEPS, config.batch_size),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, inputs.statistics, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the first batch."""
    return twin.predict(inputs.params, inputs.statistics, inputs.images[0], config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss, batch statistics and gradients of the first batch."""
    return twin.loss_and_grads(
        inputs.params, inputs.statistics, inputs.images[0], inputs.labels[0], config
    )


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, inputs.images[0], inputs.labels[0], config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.images, inputs.labels, config)


def plain_max_pool(x: jax.Array) -> jax.Array:
    """Pooling as Flax has it, whose gradient XLA compiles into a loop over windows."""
    return nnx.max_pool(x, window_shape=(2, 2), strides=(2, 2))


def train_step_with_plain_pooling(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`train_step` of a network with Flax's pooling."""
    loss = partial(twin.loss_of, twin.graph(config, plain_max_pool))
    batch = inputs.images[0], inputs.labels[0]
    return twin.gradient_step(loss, twin.optimizer(config), inputs.state, *batch)


COMPARISON = Comparison(
    slug="cnn",
    unit="one training step",
    # The page trains with batches of 128; the other sizes are a quarter and a sixteenth of that.
    sizes={
        "8 pictures": dataclasses.replace(PAGE, batch_size=8),
        "32 pictures": dataclasses.replace(PAGE, batch_size=32),
        "128 pictures": PAGE,
    },
    headline="128 pictures",
    agreement=dataclasses.replace(PAGE, channels=(8, 16), batch_size=16),
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
            name="JAX, jit, Flax's pooling",
            run=train_step_with_plain_pooling,
            twin=in_jax,
            jit="whole",
            explains="one program: normalization, cut-off and update are fused",
        ),
        Variant(
            name="JAX, jit, our pooling",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="a pooling gradient without a loop over windows",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=f"{TIED_PIXELS}.",
    note=CONVOLUTION_ON_ONE_CORE,
)
