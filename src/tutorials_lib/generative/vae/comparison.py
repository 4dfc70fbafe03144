"""What is compared and timed for the variational autoencoder, at which sizes."""

import dataclasses
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib.benchmark import median_seconds, median_seconds_at_best
from tutorials_lib.benchmark.comparison import Comparison, Tree
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.old_form import Check, Variant
from tutorials_lib.benchmark.tables import MarkdownRows, format_ratio, format_seconds
from tutorials_lib.generative.vae import in_jax, in_numpy
from tutorials_lib.generative.vae.problem import PAGE, Config, load

NUM_STEPS = 20
"""Training steps in one unit of work."""

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

CHECKED_KL_WEIGHT = 0.5
"""Between 0 and 1, so that both parts of the loss and the weight itself are checked."""


def make_inputs(config: Config) -> Tree:
    """Random parameters, batches of faces, and noise for each of them."""
    num_faces = NUM_STEPS * config.batch_size
    data = load(dataclasses.replace(config, num_train=num_faces, num_test=1))
    shape = (NUM_STEPS, config.batch_size, config.num_latents)
    rng = np.random.default_rng(config.seed)
    noise = rng.standard_normal(shape, np.float32)
    return {
        "params": draw_params(in_jax.create, config, rng=rng),
        "images": data.train_images.reshape(*shape[:2], -1),
        "noise": noise,
    }


def _first_batch(inputs: Tree) -> tuple[Tree, Tree, Tree]:
    return inputs["params"], inputs["images"][0], inputs["noise"][0]


def _elbo_in_numpy(inputs: Tree, config: Config) -> Tree:
    return tuple(in_numpy.elbo(*_first_batch(inputs), config))


@partial(jax.jit, static_argnames="config")
def _elbo_in_jax(inputs: Tree, config: Config) -> Tree:
    return tuple(in_jax.elbo(*_first_batch(inputs), config))


def _gradients_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.loss_and_grads(*_first_batch(inputs), CHECKED_KL_WEIGHT, config)


@partial(jax.jit, static_argnames="config")
def _gradients_in_jax(inputs: Tree, config: Config) -> Tree:
    params, images, noise = _first_batch(inputs)
    weight = jnp.asarray(CHECKED_KL_WEIGHT, images.dtype)
    return jax.value_and_grad(in_jax.loss)(params, images, noise, weight, config)


def _few_steps_in_numpy(inputs: Tree, config: Config) -> Tree:
    few = inputs["images"][:NUM_CHECKED_STEPS], inputs["noise"][:NUM_CHECKED_STEPS]
    state, losses = in_numpy.train_steps(in_numpy.start(inputs["params"], config), *few, config)
    return state.params, losses


@partial(jax.jit, static_argnames="config")
def _few_steps_in_jax(inputs: Tree, config: Config) -> Tree:
    few = inputs["images"][:NUM_CHECKED_STEPS], inputs["noise"][:NUM_CHECKED_STEPS]
    state, losses = in_jax.train_steps(in_jax.start(inputs["params"], config), *few, config)
    return state.params, losses


def _likelihood_in_numpy(inputs: Tree, config: Config) -> Tree:
    params, images, _ = _first_batch(inputs)
    return in_numpy.log_likelihood(params, images, inputs["noise"], config)


@partial(jax.jit, static_argnames="config")
def _likelihood_in_jax(inputs: Tree, config: Config) -> Tree:
    params, images, _ = _first_batch(inputs)
    return in_jax.log_likelihood(params, images, inputs["noise"], config)


def _steps_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], config)
    state, losses = in_numpy.train_steps(state, inputs["images"], inputs["noise"], config)
    return state.params, losses


@partial(jax.jit, static_argnames="config")
def _steps_in_one_scan(inputs: Tree, config: Config) -> Tree:
    state = in_jax.start(inputs["params"], config)
    state, losses = in_jax.train_steps(state, inputs["images"], inputs["noise"], config)
    return state.params, losses


@partial(jax.jit, static_argnames="config")
def _one_step(
    state: in_jax.State, inputs: Tree, step: Int[Array, ""] | int, config: Config
) -> Tree:
    return in_jax.train_step(state, inputs["images"][step], inputs["noise"][step], config)


def _steps_one_by_one(inputs: Tree, config: Config) -> Tree:
    state, losses = in_jax.start(inputs["params"], config), []
    for step in range(NUM_STEPS):
        state, value = _one_step(state, inputs, step, config)
        losses.append(value)
    return state.params, jnp.stack(losses)


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
    checks=(
        Check(
            name="both parts of the bound, for every face",
            in_numpy=_elbo_in_numpy,
            in_jax=_elbo_in_jax,
            float32_tolerance=1e-4,
        ),
        Check(
            name="loss and gradients of all parameters",
            in_numpy=_gradients_in_numpy,
            in_jax=_gradients_in_jax,
            float32_tolerance=1e-3,
        ),
        Check(
            name=f"parameters and losses after {NUM_CHECKED_STEPS} steps",
            in_numpy=_few_steps_in_numpy,
            in_jax=_few_steps_in_jax,
        ),
        Check(
            name="new faces from the same latents",
            in_numpy=lambda x, config: in_numpy.sample(x["params"], x["noise"][0], config),
            in_jax=lambda x, config: in_jax.sample(x["params"], x["noise"][0], config),
            float32_tolerance=1e-5,
        ),
        Check(
            name="importance-weighted log-likelihood",
            in_numpy=_likelihood_in_numpy,
            in_jax=_likelihood_in_jax,
            float32_tolerance=1e-4,
        ),
    ),
    variants=(
        Variant(name="NumPy", backend="numpy", run=_steps_in_numpy),
        Variant(
            name="JAX, jit per step",
            backend="jax",
            run=_steps_one_by_one,
            explains="what lies between the matrix products is fused, and so is Adam",
        ),
        Variant(
            name="JAX, jit + scan",
            backend="jax",
            run=_steps_in_one_scan,
            explains="one call instead of one for each step; the parameters stay where they are",
        ),
    ),
    observe=lambda output, inputs, config: output[1],
    tolerance=1e-3,
    tolerance_reason=(
        "Adam divides each gradient by its own size, so that a gradient that is zero but for "
        "rounding moves its parameter as far as any other; the losses hardly notice."
    ),
)


# ---------------------------------------------------------------- sampling, measured beside it


def sampling_table(counts: Sequence[int], config: Config) -> MarkdownRows:
    """`sampling_seconds` for so many faces, with the ratio."""
    rows = []
    for num_faces in counts:
        ours, theirs = sampling_seconds(num_faces, config)
        seconds = format_seconds(ours), format_seconds(theirs)
        rows.append([f"{num_faces:,}", *seconds, format_ratio(ours / theirs)])
    return MarkdownRows(["New faces", "NumPy", "JAX", "NumPy ÷ JAX"], rows)


def sampling_seconds(num_faces: int, config: Config) -> tuple[float, float]:
    """Median seconds of NumPy and of JAX for new faces: draw latents and decode them.

    The parameters are fresh ones, and NumPy has its best number of threads.
    """
    params = jax.tree.map(np.asarray, in_jax.create(config, jax.random.key(config.seed)))
    rng = np.random.default_rng(config.seed)
    shape = num_faces, config.num_latents

    def sample_in_numpy() -> np.ndarray:
        return in_numpy.sample(params, rng.standard_normal(shape, np.float32), config)

    @jax.jit
    def sample_in_jax(params: Tree, key: PRNGKeyArray) -> Float[Array, "faces pixels"]:
        return in_jax.sample(params, jax.random.normal(key, shape), config)

    inputs = jax.device_put(params), jax.random.key(config.seed)
    in_jax_seconds = median_seconds(sample_in_jax, *inputs, repeats=25)  # before BLAS has threads
    return median_seconds_at_best(sample_in_numpy, repeats=25), in_jax_seconds
