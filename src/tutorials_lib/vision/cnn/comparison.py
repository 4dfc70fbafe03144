"""What is compared and timed for the convolutional network, at which sizes."""

import dataclasses
from functools import partial

import jax
import numpy as np
from flax import nnx

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.vision.cnn import in_jax, in_numpy
from tutorials_lib.vision.cnn.problem import PAGE, Config, fit_scaling, load, to_images

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


def make_inputs(config: Config) -> Tree:
    """Random parameters, and the first batches of prepared pictures."""
    num_pictures = NUM_CHECKED_STEPS * config.batch_size
    data = load(dataclasses.replace(config, num_train=num_pictures, num_test=1))
    images = to_images(data.train_pictures, fit_scaling(data.train_pictures))
    rng = np.random.default_rng(config.seed)
    params, statistics = draw_params(in_jax.create, config, rng=rng)
    return {
        "params": params,
        "statistics": statistics,
        "images": images.reshape(NUM_CHECKED_STEPS, config.batch_size, *images.shape[1:]),
        "labels": data.train_labels.reshape(NUM_CHECKED_STEPS, config.batch_size),
    }


def _first_batch(inputs: Tree) -> tuple[Tree, Tree, Tree, Tree]:
    return inputs["params"], inputs["statistics"], inputs["images"][0], inputs["labels"][0]


def _learned(state: in_numpy.State | in_jax.State, loss: Tree) -> Tree:
    """What both backends carry alike; their optimizers keep the momentum in different trees."""
    return {"params": state.params, "statistics": state.statistics, "loss": loss}


def _loss_and_grads_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.loss_and_grads(*_first_batch(inputs), config)


@partial(jax.jit, static_argnames="config")
def _loss_and_grads_in_jax(inputs: Tree, config: Config) -> Tree:
    value_and_grad = jax.value_and_grad(in_jax.loss, has_aux=True)
    (loss, statistics), grads = value_and_grad(*_first_batch(inputs), config)
    return loss, statistics, grads


def _predict_in_numpy(inputs: Tree, config: Config) -> Tree:
    params, statistics, images, _ = _first_batch(inputs)
    return in_numpy.predict(params, statistics, images, config)


@partial(jax.jit, static_argnames="config")
def _predict_in_jax(inputs: Tree, config: Config) -> Tree:
    params, statistics, images, _ = _first_batch(inputs)
    return in_jax.predict(params, statistics, images, config)


def _steps_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], inputs["statistics"], config)
    return _learned(*in_numpy.train_steps(state, inputs["images"], inputs["labels"], config))


@partial(jax.jit, static_argnames="config")
def _steps_in_jax(inputs: Tree, config: Config) -> Tree:
    state = in_jax.start(inputs["params"], inputs["statistics"], config)
    return _learned(*in_jax.train_steps(state, inputs["images"], inputs["labels"], config))


def _step_in_numpy(inputs: Tree, config: Config) -> Tree:
    params, statistics, images, labels = _first_batch(inputs)
    state = in_numpy.start(params, statistics, config)
    return _learned(*in_numpy.train_step(state, images, labels, config))


def _step_in_jax(inputs: Tree, config: Config) -> Tree:
    params, statistics, images, labels = _first_batch(inputs)
    state = in_jax.start(params, statistics, config)
    return _learned(*in_jax.train_step(state, images, labels, config))


def plain_max_pool(x: jax.Array) -> jax.Array:
    """Pooling as Flax has it, whose gradient XLA compiles into a loop over windows."""
    return nnx.max_pool(x, window_shape=(2, 2), strides=(2, 2))


def _step_with_plain_pooling(inputs: Tree, config: Config) -> Tree:
    params, statistics, images, labels = _first_batch(inputs)
    state = in_jax.start(params, statistics, config)
    loss = partial(in_jax.loss_of, in_jax.graph(config, plain_max_pool))
    optimizer = in_jax.optimizer(config)
    return _learned(*in_jax.gradient_step(loss, optimizer, state, images, labels))


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
    checks=(
        Check(
            name="logits, normalized by running statistics",
            in_numpy=_predict_in_numpy,
            in_jax=_predict_in_jax,
            float32_tolerance=1e-4,
        ),
        Check(
            name="loss and batch statistics",
            in_numpy=lambda x, config: _loss_and_grads_in_numpy(x, config)[:2],
            in_jax=lambda x, config: _loss_and_grads_in_jax(x, config)[:2],
            float32_tolerance=1e-4,
        ),
        Check(
            name="gradients of all parameters",
            in_numpy=lambda x, config: _loss_and_grads_in_numpy(x, config)[2],
            in_jax=lambda x, config: _loss_and_grads_in_jax(x, config)[2],
        ),
        Check(
            name=f"everything learned after {NUM_CHECKED_STEPS} steps",
            in_numpy=_steps_in_numpy,
            in_jax=_steps_in_jax,
        ),
    ),
    variants=(
        Variant(name="NumPy", backend="numpy", run=_step_in_numpy),
        Variant(
            name="JAX, jit, Flax's pooling",
            backend="jax",
            run=jax.jit(_step_with_plain_pooling, static_argnums=1),
            explains="one program: normalization, cut-off and update are fused",
        ),
        Variant(
            name="JAX, jit, our pooling",
            backend="jax",
            run=jax.jit(_step_in_jax, static_argnums=1),
            explains="a pooling gradient without a loop over windows",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding can decide which of two nearly equal pixels is the largest of its block, and "
        "the gradient goes to that one."
    ),
    note=(
        "The times of JAX depend on the convolution setting of the machine card: by default, "
        "this version of XLA runs a convolution on one core."
    ),
)
