"""What is compared and timed for k-means, at which sizes."""

from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.tabular.kmeans import in_jax, in_numpy, in_sklearn
from tutorials_lib.tabular.kmeans.problem import PAGE, Config, draw, fit_scaling, load, to_points


class Inputs(NamedTuple):
    """The scaled customers, the draws of every restart, and the starts that the first chooses."""

    points: Any
    draws: Any
    centers: Any


def make_inputs(config: Config) -> Inputs:
    """Customers and draws of the seed 0."""
    customers, _ = load(config)
    points = to_points(customers.features, fit_scaling(customers.features))
    draws = draw(config)
    return Inputs(points, draws, in_numpy.choose_starts(points, draws[0]))


def inertia(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The objective at the starts."""
    return twin.inertia(inputs.points, inputs.centers)


def step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """One iteration: assign, then update."""
    labels = twin.assign(inputs.points, inputs.centers)
    return twin.update(inputs.points, labels, inputs.centers)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """All iterations."""
    return twin.fit(inputs.points, inputs.centers, config)


def restarts(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The starts that k-means++ chooses, and where each of them leads."""
    starts = twin.choose_all_starts(inputs.points, inputs.draws)
    centers, inertias = twin.fit_restarts(inputs.points, starts, config)
    return {"starts": starts, "ends": (centers, inertias)}


def silhouette(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The mean silhouette of the starts."""
    labels = twin.assign(inputs.points, inputs.centers)
    return twin.silhouette(inputs.points, labels, config.num_clusters)


@jax.jit
def _compiled_step(points: jax.Array, centers: jax.Array) -> tuple[jax.Array, jax.Array]:
    moved = in_jax.update(points, in_jax.assign(points, centers), centers)
    return moved, jax.numpy.linalg.norm(moved - centers)


def fit_step_by_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """All iterations, each a call of a compiled program."""
    centers, shifts = inputs.centers, []
    for _ in range(config.num_steps):
        centers, shift = _compiled_step(inputs.points, centers)
        shifts.append(shift)
    return in_jax.Fit(centers, jax.numpy.stack(shifts))


def observe(output: Tree, inputs: Inputs, config: Config) -> Tree:
    """The inertia of the centers found, in float64."""
    points = np.asarray(inputs.points, np.float64)
    return in_numpy.inertia(points, np.asarray(output["centers"], np.float64))


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
        Check(name="inertia", run=inertia, float32_tolerance=1e-5),
        Check(name="centers after one step", run=step, float32_tolerance=1e-5),
        Check(name="centers and shifts over all steps", run=fit),
        Check(name="k-means++ starts", run=restarts, pick=lambda found: found["starts"]),
        Check(
            name="centers and inertia of every restart",
            run=restarts,
            pick=lambda found: found["ends"],
        ),
        Check(name="silhouette", run=silhouette, float32_tolerance=1e-4),
    ),
    variants=(
        Variant(name="NumPy", run=fit, twin=in_numpy),
        Variant(
            name="JAX, jit per step",
            run=fit_step_by_step,
            twin=in_jax,
            jit="own",
            explains="distances and argmin become one loop",
        ),
        Variant(
            name="JAX, jit + scan",
            run=fit,
            twin=in_jax,
            jit="whole",
            explains="one call instead of one for each step",
        ),
        Variant(name="scikit-learn", run=fit, twin=in_sklearn, requires="sklearn"),
    ),
    observe=observe,
    tolerance=1e-4,
    tolerance_reason=(
        "Rounding can move a point that lies halfway between two centers, and with it the "
        "centers of the steps that follow; the inertia hardly notices."
    ),
    note="scikit-learn stops as soon as no label changes; the others always do all steps.",
)
