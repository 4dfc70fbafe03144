"""What the page times beside the comparison of the twins."""

from inspect import unwrap

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark import median_seconds, median_seconds_at_best
from tutorials_lib.vision.style_transfer import in_jax, in_numpy
from tutorials_lib.vision.style_transfer.problem import Config


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
        (planes.transpose(1, 2, 0)[None], kernel, weights, flat, responses.transpose(1, 2, 0)[None])
    )
    see = jax.jit(lambda x, kernel: jax.nn.relu(in_jax.convolve(x, kernel)))
    back, derived = (
        jax.jit(lambda x, kernel, dy, convolve=convolve: jax.vjp(convolve, x, kernel)[1](dy)[0])
        for convolve in (in_jax.convolve, unwrap(in_jax.convolve))
    )
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
