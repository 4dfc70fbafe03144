"""What is compared and timed for the GAN, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE, LOSSES_HARDLY_NOTICE
from tutorials_lib.generative.gan import in_jax, in_numpy, problem
from tutorials_lib.generative.gan.problem import PAGE, TINY, Config

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, real digits, and all that is drawn.

    Attributes:
        params: of both networks.
        images: real digits, from which batches are taken.
        labels: the digits that they show.
        batches: which of them each step takes.
        latents: of the two turns of each step.
        rates: of every step, a column for each network, different ones.
        state: before the first step.
    """

    params: Tree
    images: Any
    labels: Any
    batches: Any
    latents: Any
    rates: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Digits and draws of the seed 0."""
    few = dataclasses.replace(
        config,
        num_train=NUM_CHECKED_STEPS * config.batch_size,
        num_steps=NUM_CHECKED_STEPS,
        steps_per_report=1,
        source="offline",
    )
    train = problem.load(few).train
    draws = problem.draw(len(train.labels), few, seed=0)
    params = draw_params(in_jax.create, config, rng=np.random.default_rng(0))
    rates = problem.learning_rates(few) * np.array([1.0, 0.5], np.float32)
    return Inputs(params, train.images, train.labels, draws.batches, draws.latents, rates)


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def _first(inputs: Inputs) -> tuple[Any, Any]:
    return inputs.images[: inputs.batches.shape[1]], inputs.labels[: inputs.batches.shape[1]]


def generate(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Drawn digits."""
    _, labels = _first(inputs)
    return twin.generate(inputs.params["generator"], inputs.latents[0, 0], labels, config)


def discriminate(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """How real the first digits look, without the normalization."""
    return twin.discriminate(inputs.params["discriminator"], *_first(inputs), config)


def discriminator_loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss, gradient and new directions, where the second half of the digits pass for drawn."""
    images, labels = _first(inputs)
    return twin.discriminator_loss_and_grads(
        inputs.params["discriminator"],
        inputs.state.directions,
        images,
        images[::-1],
        labels,
        config,
    )


def generator_loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradient of the generator before a discriminator that is not normalized."""
    _, labels = _first(inputs)
    params, latents = inputs.params, inputs.latents[0, 1]
    return twin.generator_loss_and_grads(
        params["generator"], params["discriminator"], latents, labels, config
    )


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step of both networks, and their losses before it."""
    batch = _first(inputs)
    return twin.train_step(inputs.state, *batch, inputs.latents[0], inputs.rates, config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the losses before each."""
    pool = inputs.images, inputs.labels
    draws = inputs.batches, inputs.latents
    return twin.train_steps(inputs.state, *pool, *draws, inputs.rates, config)


COMPARISON = Comparison(
    slug="gan",
    unit="one step of both networks, batch 64",
    # The page trains with 64 digits in a batch; the other sizes are an eighth and twice of that.
    sizes={
        "8 digits": dataclasses.replace(PAGE, batch_size=8),
        "64 digits": PAGE,
        "128 digits": dataclasses.replace(PAGE, batch_size=128),
    },
    headline="64 digits",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="drawn digits", run=generate, float32_tolerance=1e-4),
        Check(name="scores of real digits", run=discriminate, float32_tolerance=1e-4),
        Check(
            name="loss, gradients and directions of the discriminator",
            run=discriminator_loss_and_grads,
        ),
        Check(name="loss and gradients of the generator", run=generator_loss_and_grads),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps of both", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=train_step,
            twin=in_jax,
            explains="the same operations in XLA, each dispatched on its own",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="one program for both networks; what lies between the convolutions is fused",
        ),
    ),
    observe=lambda output, inputs, config: output[1],
    tolerance=1e-3,
    tolerance_reason=LOSSES_HARDLY_NOTICE,
    note=CONVOLUTION_ON_ONE_CORE,
)
