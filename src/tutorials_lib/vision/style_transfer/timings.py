"""What the page times beside the comparison of the twins."""

from collections.abc import Callable
from inspect import unwrap

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark import median_seconds, median_seconds_at_best, timed
from tutorials_lib.vision.style_transfer import in_jax, in_numpy
from tutorials_lib.vision.style_transfer.problem import Config, Params

NUM_CHUNKS = 8
"""How often a race stops to read the loss."""


def time_parts(config: Config) -> dict[str, dict[str, float]]:
    """Seconds of the filters over the whole picture, of the way back, and of a product alone.

    NumPy has its best number of threads. The product is the one that is part of both ways: as
    many rows as a filter has weights, as many columns as there are pixels. The last row is the
    way back that JAX derives from its own convolution, which the tutorial does not use.
    """
    rng = np.random.default_rng(0)
    shape = (config.kernel_size, config.kernel_size, 3, config.num_filters)
    kernel = rng.standard_normal(shape, np.float32)
    planes = rng.standard_normal((3, config.size, config.size), np.float32)
    responses, vjp = in_numpy.respond(planes, kernel)
    weights, flat = kernel.reshape(-1, config.num_filters), responses.reshape(len(responses), -1)
    picture, kernel_on_device, weights_on_device, flat_on_device, dy = jax.device_put(
        (planes.transpose(1, 2, 0), kernel, weights, flat, responses.transpose(1, 2, 0))
    )

    def looks(convolve: Callable) -> Callable:
        margin = config.kernel_size // 2
        return lambda picture, kernel: convolve(in_jax.mirror(picture, margin)[None], kernel)[0]

    def back_through(look: Callable) -> Callable:
        return jax.jit(lambda x, kernel, dy: jax.vjp(lambda x: look(x, kernel), x)[1](dy)[0])

    look = looks(in_jax.convolve)
    see = jax.jit(lambda x, kernel: jax.nn.relu(look(x, kernel)))
    back, derived = back_through(look), back_through(looks(unwrap(in_jax.convolve)))
    return {
        "the filters over the picture": {
            "NumPy": median_seconds_at_best(in_numpy.respond, planes, kernel),
            "JAX": median_seconds(see, picture, kernel_on_device),
        },
        "the way back": {
            "NumPy": median_seconds_at_best(vjp, responses),
            "JAX": median_seconds(back, picture, kernel_on_device, dy),
        },
        "the matrix product in each, alone": {
            "NumPy": median_seconds_at_best(np.matmul, weights, flat),
            "JAX": median_seconds(jax.jit(jnp.matmul), weights_on_device, flat_on_device),
        },
        "the way back as XLA has it": {
            "JAX": median_seconds(derived, picture, kernel_on_device, dy),
        },
    }


Race = tuple[Float[np.ndarray, " chunks"], Float[np.ndarray, " chunks"]]
"""The seconds so far and the loss, before the first chunk of steps and after each."""


def race(
    params: Params, first: jax.Array, targets: in_jax.Targets, config: Config
) -> dict[str, Race]:
    """Both optimizers from the same picture, in chunks of several steps in one dispatch."""
    weight = jnp.float32(config.style_weight)
    start_value, _ = in_jax.loss(params, first, targets, weight, config)
    starts = {"Adam": (in_jax.start(first), 12), "L-BFGS": (in_jax.start_lbfgs(first), 4)}
    runs = {}
    for name, (state, num_steps) in starts.items():
        arguments = params, state, targets, weight
        method = name.lower().replace("-", "")
        run = in_jax.run_steps.lower(*arguments, config, method, num_steps).compile()
        seconds, losses = [0.0], [float(start_value)]
        for _ in range(NUM_CHUNKS):
            (state, value), elapsed = timed(run, params, state, targets, weight)
            seconds.append(seconds[-1] + elapsed)
            losses.append(float(value))
        runs[name] = np.array(seconds), np.array(losses)
    return runs
