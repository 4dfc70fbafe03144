"""What is compared and timed for PCA, at which sizes."""

from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.tabular.pca import in_jax, in_numpy, in_sklearn
from tutorials_lib.tabular.pca.problem import PAGE, TINY, Config, draw, prepare

NUM_PROBES = 50
"""Rows that are projected and reconstructed in order to compare subspaces."""


class Inputs(NamedTuple):
    """The rows to fit, and the draws of the randomized algorithm."""

    features: Any
    draws: Any


def make_inputs(config: Config) -> Inputs:
    """Rows and draws of the seed 0."""
    features = prepare(config).train
    return Inputs(features, draw(config, features.shape[1]))


def fit_covariance(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The fit of the page: covariance and eigh."""
    return twin.fit_covariance(inputs.features, config.num_components)


def fit_svd(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The thin SVD."""
    return twin.fit_svd(inputs.features, config.num_components)


def fit_randomized(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The randomized SVD, from given draws."""
    features, draws = inputs
    return twin.fit_randomized(features, draws, config.num_components, config.num_passes)


def reconstruct(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Some rows, projected to the components and reconstructed from them."""
    params, probes = fit_covariance(twin, inputs, config), inputs.features[:NUM_PROBES]
    return twin.reconstruct(params, twin.project(params, probes))


def observe(output: Tree, inputs: Inputs, config: Config) -> Tree:
    """What does not depend on how directions of nearly equal variance are told apart."""
    params = {name: np.asarray(value, np.float64) for name, value in output.items()}
    probes = np.asarray(inputs.features[:NUM_PROBES], np.float64)
    found = in_numpy.reconstruct(params, in_numpy.project(params, probes))
    return {**params, "components": found}


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
        Check(name="covariance and eigh: mean, components, variances", run=fit_covariance),
        Check(name="thin SVD: mean, components, variances", run=fit_svd),
        Check(name="randomized SVD: mean, components, variances", run=fit_randomized),
        Check(
            name="variances alone",
            run=fit_covariance,
            pick=lambda params: params["variances"],
            float32_tolerance=1e-5,
        ),
        Check(name="rows, projected and reconstructed", run=reconstruct, float32_tolerance=1e-4),
    ),
    variants=(
        Variant(name="NumPy", run=fit_covariance, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=fit_covariance,
            twin=in_jax,
            explains="the same calls, each dispatched by itself",
        ),
        Variant(
            name="JAX, jit",
            run=fit_covariance,
            twin=in_jax,
            jit="whole",
            explains="one call, and one pass for what lies between the library's routines",
        ),
        Variant(name="scikit-learn", run=fit_covariance, twin=in_sklearn, requires="sklearn"),
    ),
    observe=observe,
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding in the covariance turns directions of nearly equal variance into each other, "
        "also across the border between the last one kept and the first one dropped, so rows are "
        "compared as reconstructed from all directions together."
    ),
    note="scikit-learn subtracts the means after the product instead of before it.",
)
