"""What is compared and timed for k-means, at which sizes."""

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.tabular.kmeans import in_jax, in_numpy, in_sklearn
from tutorials_lib.tabular.kmeans.problem import (
    PAGE,
    Config,
    draw,
    fit_scaling,
    load,
    to_points,
)


def make_inputs(config: Config) -> Tree:
    """The scaled customers, the draws of one restart and the starts that they choose."""
    customers, _ = load(config)
    points = to_points(customers.features, fit_scaling(customers.features))
    (draws,) = draw(config, num_restarts=1)
    return {
        "points": points,
        "draws": draws,
        "centers": in_numpy.choose_starts(points, draws),
    }


_step = jax.jit(in_jax.step)


def _op_by_op(inputs: Tree, config: Config) -> Tree:
    centers = inputs["centers"]
    for _ in range(config.num_steps):
        centers, _ = in_jax.step(inputs["points"], centers)
    return centers


def _jit_each_step(inputs: Tree, config: Config) -> Tree:
    centers = inputs["centers"]
    for _ in range(config.num_steps):
        centers, _ = _step(inputs["points"], centers)
    return centers


def _inertia(output: Tree, inputs: Tree, config: Config) -> Tree:
    points, centers = (
        np.asarray(inputs["points"], np.float64),
        np.asarray(output, np.float64),
    )
    return in_numpy.inertia(points, centers)


COMPARISON = Comparison(
    slug="kmeans",
    unit="25 Lloyd iterations, 5 clusters, 7 features",
    # The page segments 20,000 customers; the sizes around it are powers of ten apart.
    sizes={
        "200 customers": Config(num_points=200),
        "2,000 customers": Config(num_points=2_000),
        "20,000 customers": PAGE,
        "200,000 customers": Config(num_points=200_000),
    },
    headline="20,000 customers",
    agreement=Config(num_points=2_000),
    make_inputs=make_inputs,
    checks=(
        Check(
            name="inertia of the starts",
            in_numpy=lambda x, config: in_numpy.inertia(x["points"], x["centers"]),
            in_jax=lambda x, config: in_jax.inertia(x["points"], x["centers"]),
            float32_tolerance=1e-5,
        ),
    ),
    variants=(
        Variant(
            name="NumPy",
            backend="numpy",
            run=lambda x, config: (
                in_numpy.fit(x["points"], x["centers"], config).centers
            ),
        ),
        Variant(name="JAX, op by op", backend="jax", run=_op_by_op),
        Variant(name="JAX, jit per step", backend="jax", run=_jit_each_step),
        Variant(
            name="JAX, jit + scan",
            backend="jax",
            run=lambda x, config: in_jax.fit(x["points"], x["centers"], config).centers,
        ),
        Variant(
            name="scikit-learn",
            backend="sklearn",
            run=lambda x, config: in_sklearn.fit(x["points"], x["centers"], config),
            requires="sklearn",
        ),
    ),
    observe=_inertia,
    tolerance=1e-4,
    tolerance_reason="a float32 tie can move a point, and with it the centers",
)
