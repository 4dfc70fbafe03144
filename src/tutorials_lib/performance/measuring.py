"""What the settings of `tutorials_lib.runtime` change, measured in fresh processes."""

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib import devices
from tutorials_lib.benchmark import median_seconds
from tutorials_lib.layers.in_jax import conv2d

WORK = ("convolution in JAX", "large temporaries in NumPy", "large temporaries in JAX")
"""The pieces of work that `settings_effect` times."""

_ROUNDS = 3


def settings_effect() -> dict[str, dict[str, float]]:
    """Seconds per call of each piece of work, by default and with the book's settings.

    Two kinds of process take turns, since the settings cannot be changed once JAX runs.
    Returns `{"default": {work: seconds}, "applied": {work: seconds}}`, medians over processes.

    Raises:
        ProcessError: one of the processes failed.
    """
    kinds = ("default", "applied")
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(_ROUNDS):
        for kind in kinds:
            settings = {"TUTORIALS_SETTINGS": "off" if kind == "default" else "on"}
            found[kind].append(devices.run(time_work, environment=settings))
    return {
        kind: {work: float(np.median([run[work] for run in runs])) for work in WORK}
        for kind, runs in found.items()
    }


def time_work() -> dict[str, float]:
    """Seconds per call of each piece of work in this process."""

    def large_in_numpy(x: np.ndarray) -> np.ndarray:
        return np.sqrt(x + 1) * x

    def large_in_jax(x: jax.Array) -> jax.Array:
        return jnp.sqrt(x + 1) * x

    images, kernels = jnp.ones((64, 16, 16, 32)), jnp.ones((3, 3, 32, 64))
    x = np.ones(4_000_000, np.float32)
    return {
        WORK[0]: median_seconds(jax.jit(conv2d), images, kernels, repeats=15),
        WORK[1]: median_seconds(large_in_numpy, x, repeats=15),
        WORK[2]: median_seconds(large_in_jax, jax.device_put(x), repeats=15),
    }
