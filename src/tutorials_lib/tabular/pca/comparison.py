"""What is compared and timed for PCA, at which sizes."""

from collections.abc import Sequence
from inspect import unwrap

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from tutorials_lib.benchmark import median_seconds
from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.benchmark.comparison import Comparison, Tree
from tutorials_lib.benchmark.old_form import Check, Variant
from tutorials_lib.tabular.pca import in_jax, in_numpy, in_sklearn
from tutorials_lib.tabular.pca.problem import PAGE, TINY, Config, draw, prepare

NUM_PROBES = 50
"""Rows that are projected and reconstructed in order to compare subspaces."""


def make_inputs(config: Config) -> Tree:
    """The rows to fit, and the draws of the randomized algorithm."""
    features = prepare(config).train
    return {"features": features, "draws": draw(config, features.shape[1])}


def _fit_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.fit_covariance(inputs["features"], config.num_components)


def _fit_in_jax(inputs: Tree, config: Config) -> Tree:
    return in_jax.fit_covariance(inputs["features"], config.num_components)


def _fit_op_by_op(inputs: Tree, config: Config) -> Tree:
    return unwrap(in_jax.fit_covariance)(inputs["features"], config.num_components)


def _randomized_in_numpy(inputs: Tree, config: Config) -> Tree:
    features, draws = inputs["features"], inputs["draws"]
    return in_numpy.fit_randomized(features, draws, config.num_components, config.num_passes)


def _randomized_in_jax(inputs: Tree, config: Config) -> Tree:
    features, draws = inputs["features"], inputs["draws"]
    return in_jax.fit_randomized(features, draws, config.num_components, config.num_passes)


def _probes_in_numpy(inputs: Tree, config: Config) -> Tree:
    params, probes = _fit_in_numpy(inputs, config), inputs["features"][:NUM_PROBES]
    return in_numpy.reconstruct(params, in_numpy.project(params, probes))


@jax.jit
def _probe(params: Tree, probes: jax.Array) -> Tree:
    return in_jax.reconstruct(params, in_jax.project(params, probes))


def _probes_in_jax(inputs: Tree, config: Config) -> Tree:
    return _probe(_fit_in_jax(inputs, config), inputs["features"][:NUM_PROBES])


def _subspace(output: Tree, inputs: Tree, config: Config) -> Tree:
    """What does not depend on how directions of nearly equal variance are told apart."""
    params = {name: np.asarray(value, np.float64) for name, value in output.items()}
    probes = np.asarray(inputs["features"][:NUM_PROBES], np.float64)
    return {
        "mean": params["mean"],
        "variances": params["variances"],
        "total": params["total"],
        "reconstructions": in_numpy.reconstruct(params, in_numpy.project(params, probes)),
    }


COMPARISON = Comparison(
    slug="pca",
    unit="one fit by covariance and eigh",
    # The page fits 1,438 digits of 64 pixels. The others are the wines of the page, a table with
    # more rows, and one with more columns.
    sizes={
        "178 × 13": Config(table="wines", num_train=178, num_test=0, scale=True, num_components=2),
        "1,438 × 64": PAGE,
        "50,000 × 64": Config(table="factors", num_train=50_000, num_test=0),
        "2,000 × 300": Config(table="factors", num_train=2_000, num_test=0, num_features=300),
    },
    headline="1,438 × 64",
    agreement=TINY,
    make_inputs=make_inputs,
    checks=(
        Check(
            name="covariance and eigh: mean, components, variances",
            in_numpy=_fit_in_numpy,
            in_jax=_fit_in_jax,
        ),
        Check(
            name="thin SVD: mean, components, variances",
            in_numpy=lambda x, config: in_numpy.fit_svd(x["features"], config.num_components),
            in_jax=lambda x, config: in_jax.fit_svd(x["features"], config.num_components),
        ),
        Check(
            name="randomized SVD: mean, components, variances",
            in_numpy=_randomized_in_numpy,
            in_jax=_randomized_in_jax,
        ),
        Check(
            name="variances alone",
            in_numpy=lambda x, config: _fit_in_numpy(x, config)["variances"],
            in_jax=lambda x, config: _fit_in_jax(x, config)["variances"],
            float32_tolerance=1e-5,
        ),
        Check(
            name="rows, projected and reconstructed",
            in_numpy=_probes_in_numpy,
            in_jax=_probes_in_jax,
            float32_tolerance=1e-4,
        ),
    ),
    variants=(
        Variant(name="NumPy", backend="numpy", run=_fit_in_numpy),
        Variant(
            name="JAX, op by op",
            backend="jax",
            run=_fit_op_by_op,
            explains="the same calls, each dispatched by itself",
        ),
        Variant(
            name="JAX, jit",
            backend="jax",
            run=jax.jit(_fit_in_jax, static_argnums=1),
            explains="one call, and one pass for what lies between the library's routines",
        ),
        Variant(
            name="scikit-learn",
            backend="sklearn",
            run=lambda x, config: in_sklearn.fit_covariance(x["features"], config.num_components),
            requires="sklearn",
        ),
    ),
    observe=_subspace,
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding in the covariance turns directions of nearly equal variance into each other, "
        "also across the border between the last one kept and the first one dropped, so rows are "
        "compared as reconstructed from all directions together."
    ),
    note="scikit-learn subtracts the means after the product instead of before it.",
)


def errors_against_sklearn(config: Config, passes: Sequence[int]) -> dict[str, dict[str, float]]:
    """How far each algorithm is from scikit-learn's `covariance_eigh` in float64.

    The randomized algorithm is run with each number of `passes`. The errors of the `variances`
    and of the `components` are relative to the largest magnitude among them.
    """
    features, k = prepare(config).train.astype(np.float64), config.num_components
    draws = draw(config, features.shape[1]).astype(np.float64)
    expected = in_sklearn.fit_covariance(features, k)
    found = {
        "covariance and eigh": in_numpy.fit_covariance(features, k),
        "thin SVD": in_numpy.fit_svd(features, k),
        **{
            f"randomized SVD, passes: {count}": in_numpy.fit_randomized(features, draws, k, count)
            for count in passes
        },
    }
    return {
        name: {part: relative_error(expected[part], params[part]) for part in _COMPARED}
        for name, params in found.items()
    }


_COMPARED = ("variances", "components")


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
    inputs = jax.device_put(make_inputs(config))
    features, draws = inputs["features"], inputs["draws"]
    runs = {
        "covariance and eigh": lambda: in_jax.fit_covariance(features, num_components),
        "thin SVD": lambda: in_jax.fit_svd(features, num_components),
        "randomized SVD, 2 passes": lambda: in_jax.fit_randomized(
            features, draws, num_components, 2
        ),
    }
    with threadpool_limits(1, "blas"):
        return {name: median_seconds(run, repeats=3) for name, run in runs.items()}


def time_parts(config: Config) -> dict[str, dict[str, float]]:
    """Seconds of the two parts of a fit in NumPy and in JAX, with one BLAS thread for both.

    The last column is JAX as it comes: its LAPACK, which is SciPy's, has a thread for each core.
    """
    features = make_inputs(config)["features"]
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
