"""What is compared and timed for k-means, at which sizes."""

import jax
import numpy as np
from jaxtyping import Array

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
    """The scaled customers, the draws of every restart, and the starts that the first chooses."""
    customers, _ = load(config)
    points = to_points(customers.features, fit_scaling(customers.features))
    draws = draw(config)
    return {"points": points, "draws": draws, "centers": in_numpy.choose_starts(points, draws[0])}


def _step(points: Array, centers: Array) -> Array:
    return in_jax.update(points, in_jax.assign(points, centers), centers)


_compiled_step = jax.jit(_step)
_compiled_assign = jax.jit(in_jax.assign)
_compiled_inertia = jax.jit(in_jax.inertia)


def _jit_each_step(inputs: Tree, config: Config) -> Tree:
    centers = inputs["centers"]
    for _ in range(config.num_steps):
        centers = _compiled_step(inputs["points"], centers)
    return centers


def _step_in_numpy(inputs: Tree, config: Config) -> Tree:
    points, centers = inputs["points"], inputs["centers"]
    return in_numpy.update(points, in_numpy.assign(points, centers), centers)


def _starts_in_numpy(inputs: Tree, config: Config) -> Tree:
    return np.stack([in_numpy.choose_starts(inputs["points"], draws) for draws in inputs["draws"]])


def _starts_in_jax(inputs: Tree, config: Config) -> Tree:
    return jax.vmap(in_jax.choose_starts, in_axes=(None, 0))(inputs["points"], inputs["draws"])


def _silhouette_in_numpy(inputs: Tree, config: Config) -> Tree:
    labels = in_numpy.assign(inputs["points"], inputs["centers"])
    return in_numpy.silhouette(inputs["points"], labels, config.num_clusters)


def _silhouette_in_jax(inputs: Tree, config: Config) -> Tree:
    labels = _compiled_assign(inputs["points"], inputs["centers"])
    return in_jax.silhouette(inputs["points"], labels, config.num_clusters)


def _inertia(output: Tree, inputs: Tree, config: Config) -> Tree:
    points, centers = np.asarray(inputs["points"], np.float64), np.asarray(output, np.float64)
    return in_numpy.inertia(points, centers)


COMPARISON = Comparison(
    slug="kmeans",
    unit="25 Lloyd iterations, 5 clusters, 7 features",
    # The page segments 20,000 customers; the others are a corner shop and a large retailer.
    sizes={
        "200 customers": Config(num_points=200),
        "20,000 customers": PAGE,
        "200,000 customers": Config(num_points=200_000),
    },
    headline="20,000 customers",
    agreement=Config(num_points=2_000, num_restarts=4),
    make_inputs=make_inputs,
    checks=(
        Check(
            name="inertia",
            in_numpy=lambda x, config: in_numpy.inertia(x["points"], x["centers"]),
            in_jax=lambda x, config: _compiled_inertia(x["points"], x["centers"]),
            float32_tolerance=1e-5,
        ),
        Check(
            name="centers after one step",
            in_numpy=_step_in_numpy,
            in_jax=lambda x, config: _compiled_step(x["points"], x["centers"]),
            float32_tolerance=1e-5,
        ),
        Check(
            name="centers and shifts over all steps",
            in_numpy=lambda x, config: tuple(in_numpy.fit(x["points"], x["centers"], config)),
            in_jax=lambda x, config: tuple(in_jax.fit(x["points"], x["centers"], config)),
        ),
        Check(name="k-means++ starts", in_numpy=_starts_in_numpy, in_jax=_starts_in_jax),
        Check(
            name="centers and inertia of every restart",
            in_numpy=lambda x, config: in_numpy.fit_restarts(
                x["points"], _starts_in_numpy(x, config), config
            ),
            in_jax=lambda x, config: in_jax.fit_restarts(
                x["points"], _starts_in_jax(x, config), config
            ),
        ),
        Check(
            name="silhouette",
            in_numpy=_silhouette_in_numpy,
            in_jax=_silhouette_in_jax,
            float32_tolerance=1e-4,
        ),
    ),
    variants=(
        Variant(
            name="NumPy",
            backend="numpy",
            run=lambda x, config: in_numpy.fit(x["points"], x["centers"], config).centers,
        ),
        Variant(
            name="JAX, jit per step",
            backend="jax",
            run=_jit_each_step,
            explains="distances and argmin become one loop",
        ),
        Variant(
            name="JAX, jit + scan",
            backend="jax",
            run=lambda x, config: in_jax.fit(x["points"], x["centers"], config).centers,
            explains="one call instead of one for each step",
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
    tolerance_reason=(
        "Rounding can move a point that lies halfway between two centers, and with it the "
        "centers of the steps that follow; the inertia hardly notices."
    ),
    note="scikit-learn stops as soon as no label changes; the others always do all steps.",
)
