"""What is compared and timed for the variational autoencoder, at which sizes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import LOSSES_HARDLY_NOTICE
from tutorials_lib.generative.vae import in_jax, in_numpy
from tutorials_lib.generative.vae.problem import PAGE, Config, load

NUM_STEPS = 20
"""Training steps in one unit of work."""

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

CHECKED_KL_WEIGHT = 0.5
"""Between 0 and 1, so that both parts of the loss and the weight itself are checked."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, batches of faces, and noise for each."""

    params: Tree
    images: Any
    noise: Any
    kl_weight: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Faces and noise of the seed 0."""
    num_faces = NUM_STEPS * config.batch_size
    data = load(dataclasses.replace(config, num_train=num_faces, num_test=1))
    shape = NUM_STEPS, config.batch_size
    rng = np.random.default_rng(0)
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        images=data.train_images.reshape(*shape, -1),
        noise=rng.standard_normal((*shape, config.num_latents), np.float32),
        kl_weight=CHECKED_KL_WEIGHT,
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def elbo(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Both parts of the bound for the first batch."""
    return twin.elbo(inputs.params, inputs.images[0], inputs.noise[0], config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    batch = inputs.images[0], inputs.noise[0]
    return twin.loss_and_grads(inputs.params, *batch, inputs.kl_weight, config)


def sample(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """New faces from the first batch of noise."""
    return twin.sample(inputs.params, inputs.noise[0], config)


def log_likelihood(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The estimate for the first batch of faces, from all draws."""
    return twin.log_likelihood(inputs.params, inputs.images[0], inputs.noise, config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after all steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.images, inputs.noise, config)


def few_train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same for the first steps."""
    few = inputs.images[:NUM_CHECKED_STEPS], inputs.noise[:NUM_CHECKED_STEPS]
    return twin.train_steps(inputs.state, *few, config)


@partial(jax.jit, static_argnames="config")
def _step(state: in_jax.State, images: jax.Array, noise: jax.Array, config: Config) -> Tree:
    return in_jax.train_step(state, images[state.step], noise[state.step], config)


def train_step_by_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`train_steps`, each step a call of a compiled program."""
    state, losses = inputs.state, []
    for _ in range(NUM_STEPS):
        state, loss = _step(state, inputs.images, inputs.noise, config=config)
        losses.append(loss)
    return state, jnp.stack(losses)


COMPARISON = Comparison(
    slug="vae",
    unit=f"{NUM_STEPS} training steps",
    # The page trains with batches of 64; the other sizes are an eighth and twice of that.
    sizes={
        "8 faces": dataclasses.replace(PAGE, batch_size=8),
        "64 faces": PAGE,
        "128 faces": dataclasses.replace(PAGE, batch_size=128),
    },
    headline="64 faces",
    agreement=dataclasses.replace(PAGE, batch_size=16),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="both parts of the bound, for every face", run=elbo, float32_tolerance=1e-4),
        Check(
            name="loss and gradients of all parameters",
            run=loss_and_grads,
            float32_tolerance=1e-3,
        ),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=few_train_steps),
        Check(name="new faces from the same latents", run=sample, float32_tolerance=1e-5),
        Check(
            name="importance-weighted log-likelihood", run=log_likelihood, float32_tolerance=1e-4
        ),
    ),
    variants=(
        Variant(name="NumPy", run=train_steps, twin=in_numpy),
        Variant(
            name="JAX, jit per step",
            run=train_step_by_step,
            twin=in_jax,
            jit="own",
            explains="what lies between the matrix products is fused, and so is Adam",
        ),
        Variant(
            name="JAX, jit + scan",
            run=train_steps,
            twin=in_jax,
            jit="whole",
            explains="one call instead of one for each step; the parameters stay where they are",
        ),
    ),
    observe=lambda output, inputs, config: output[1],
    tolerance=1e-3,
    tolerance_reason=LOSSES_HARDLY_NOTICE,
)
