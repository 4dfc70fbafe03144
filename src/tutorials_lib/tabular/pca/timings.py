"""What the page times beside the comparison of the twins."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from tutorials_lib.benchmark import median_seconds
from tutorials_lib.tabular.pca import in_jax, in_numpy
from tutorials_lib.tabular.pca.comparison import make_inputs
from tutorials_lib.tabular.pca.problem import Config


def time_algorithms(num_rows: int, num_features: int, num_components: int = 10) -> dict[str, float]:
    """Seconds of each algorithm in JAX for a table of that shape: medians of three.

    LAPACK has one thread, so that threads that wait for each other do not blur the comparison.
    """
    config = Config(
        table="factors",
        num_train=num_rows,
        num_test=0,
        num_features=num_features,
        num_components=num_components,
    )
    features, draws = jax.device_put(make_inputs(config))
    randomized = partial(in_jax.fit_randomized, num_components=num_components, num_passes=2)
    covariance, svd = (
        jax.jit(partial(fit, num_components=num_components))
        for fit in (in_jax.fit_covariance, in_jax.fit_svd)
    )
    runs = {
        "covariance and eigh": partial(covariance, features),
        "thin SVD": partial(svd, features),
        "randomized SVD, 2 passes": partial(jax.jit(randomized), features, draws),
    }
    with threadpool_limits(1, "blas"):
        return {name: median_seconds(run, repeats=3) for name, run in runs.items()}


def time_parts(config: Config) -> dict[str, dict[str, float]]:
    """Seconds of the two parts of a fit in NumPy and in JAX, with one BLAS thread for both.

    The last column is JAX as it comes: its LAPACK, which is SciPy's, has a thread for each core.
    """
    features = make_inputs(config).features
    mean = features.mean(0)
    matrix = in_numpy.covariance(features, mean)
    on_device = jax.device_put((features, mean, matrix))
    covariance, eigh = jax.jit(in_jax.covariance), jax.jit(jnp.linalg.eigh)
    runs = {
        "centre and multiply": (
            lambda: in_numpy.covariance(features, mean),
            lambda: covariance(*on_device[:2]),
        ),
        "eigenvectors": (lambda: np.linalg.eigh(matrix), lambda: eigh(on_device[2])),
    }
    parts = {}
    for name, (run_numpy, run_jax) in runs.items():
        with threadpool_limits(1, "blas"):
            parts[name] = {"NumPy": median_seconds(run_numpy), "JAX": median_seconds(run_jax)}
        parts[name]["JAX, all threads"] = median_seconds(run_jax)
    return parts
