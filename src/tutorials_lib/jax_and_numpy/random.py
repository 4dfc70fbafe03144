"""Random numbers from explicit keys: what reusing a key does, and what drawing costs."""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark import median_seconds

Draws = Float[Array, " draws"]


def heights_and_weights(
    height_key: PRNGKeyArray, weight_key: PRNGKeyArray, num_draws: int
) -> tuple[Draws, Draws]:
    """Two columns that have nothing to do with each other, if the keys have not."""
    return (
        jax.random.normal(height_key, (num_draws,)),
        jax.random.normal(weight_key, (num_draws,)),
    )


def seconds_per_million(*, repeats: int = 7) -> dict[str, dict[str, float]]:
    """Median seconds to draw a million float32 numbers, by generator and distribution."""
    shape = (1_000_000,)
    rng = np.random.default_rng(0)
    seconds: dict[str, dict[str, float]] = {
        "NumPy, PCG64": {
            "uniform": median_seconds(lambda: rng.random(shape, np.float32), repeats=repeats),
            "normal": median_seconds(
                lambda: rng.standard_normal(shape, np.float32), repeats=repeats
            ),
        }
    }
    for name, implementation in {"JAX, Threefry": "threefry2x32", "JAX, RBG": "rbg"}.items():
        key = jax.random.key(0, impl=implementation)
        seconds[name] = {
            distribution: median_seconds(jax.jit(lambda k, f=draw: f(k, shape)), key)
            for distribution, draw in {
                "uniform": jax.random.uniform,
                "normal": jax.random.normal,
            }.items()
        }
    return seconds


def bootstrap_means(
    values: Float[Array, " values"], key: PRNGKeyArray, num_resamples: int
) -> Float[Array, " resamples"]:
    """Means of resamples with replacement, each with a key of its own (Efron 1979)."""

    def resample(key: PRNGKeyArray) -> Float[Array, ""]:
        return jax.random.choice(key, values, values.shape).mean()

    return jax.vmap(resample)(jax.random.split(key, num_resamples))


def draw_columns(pairs: dict[str, tuple[Draws, Draws]]) -> Figure:
    """One scatter plot for each pair of columns."""
    figure, axes = plt.subplots(1, len(pairs), figsize=(6.4, 3.0), sharex=True, sharey=True)
    for place, (title, (x, y)) in zip(np.atleast_1d(axes), pairs.items(), strict=True):
        place.scatter(x, y, s=6, color=figures.COLORS["jax"], alpha=0.6, linewidths=0)
        place.set_title(title)
        place.set_aspect("equal")
        place.set_xlabel("height")
    np.atleast_1d(axes)[0].set_ylabel("weight")
    return figure


def correlation(x: Draws, y: Draws) -> float:
    """Pearson's correlation of two columns."""
    return float(jnp.corrcoef(x, y)[0, 1])
