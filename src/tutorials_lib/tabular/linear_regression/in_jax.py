"""Linear models in JAX: each function is written for one fit, and `vmap` makes many of it."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from tutorials_lib.tabular.linear_regression.problem import Config

Features = Float[Array, "homes features"]
Targets = Float[Array, " homes"]
Weights = Float[Array, " features"]
Counts = Float[Array, " homes"]


class Fit(NamedTuple):
    """What `fit` returns: the weights, and the loss before each step."""

    weights: Weights
    losses: Float[Array, " steps"]


class System(NamedTuple):
    """The normal equations: `gram` times the weights is `moments`."""

    gram: Float[Array, "features features"]
    moments: Float[Array, " features"]


class Validation(NamedTuple):
    """Mean squared errors on each fold held back, and the weights from all homes."""

    errors: Float[Array, "folds penalties"]
    weights: Float[Array, "penalties features"]


# --- Gradient descent -------------------------------------------------------------------------


def predict(features: Features, weights: Weights) -> Targets:
    """The weighted sum of each home's features."""
    return features @ weights


def loss(weights: Weights, features: Features, targets: Targets) -> Float[Array, ""]:
    """Half the mean squared residual."""
    return ((predict(features, weights) - targets) ** 2).mean() / 2


def gradient(weights: Weights, features: Features, targets: Targets) -> Weights:
    """The derivative of `loss` by every weight, which `jax.grad` derives."""
    return jax.grad(loss)(weights, features, targets)


def fit(
    weights: Weights,
    features: Features,
    targets: Targets,
    step_size: Float[Array, ""],
    config: Config,
) -> Fit:
    """`config.num_steps` steps down the gradient; `lax.scan` makes one call of them."""

    def step(weights: Weights, _: None) -> tuple[Weights, Float[Array, ""]]:
        value, slope = jax.value_and_grad(loss)(weights, features, targets)
        return weights - step_size * slope, value

    return Fit(*jax.lax.scan(step, weights, length=config.num_steps))


# --- Closed form and penalties ----------------------------------------------------------------


def system(features: Features, targets: Targets, counts: Counts) -> System:
    """The normal equations of homes that count `counts` times each, per home."""
    weighted = features.T * counts
    total = counts.sum()
    return System(weighted @ features / total, weighted @ targets / total)


def penalized(num_features: int) -> Weights:
    """1 for every feature but the first, the column of ones: the intercept is never shrunk."""
    return jnp.ones(num_features).at[0].set(0)


def ridge(system: System, penalty: Float[Array, ""]) -> Weights:
    """Least squares plus half the penalty times the squared weights (Hoerl and Kennard 1970)."""
    gram, moments = system
    return jnp.linalg.solve(gram + penalty * jnp.diag(penalized(len(gram))), moments)


def lasso(system: System, penalty: Float[Array, ""], config: Config) -> Weights:
    """Least squares plus the penalty times the absolute weights (Tibshirani 1996).

    Each step goes down the gradient of the squares, then moves every weight toward zero and
    stops there; momentum makes the steps longer (Beck and Teboulle 2009).
    """
    gram, moments = system
    rate = 1 / jnp.linalg.eigvalsh(gram)[-1]
    shrinkage = rate * penalty * penalized(len(gram))

    def step(state: tuple[Weights, Weights, Array], _: None) -> tuple[tuple, None]:
        weights, ahead, momentum = state
        moved = ahead - rate * (gram @ ahead - moments)
        moved = jnp.sign(moved) * jnp.maximum(jnp.abs(moved) - shrinkage, 0)
        faster = (1 + jnp.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / faster * (moved - weights)
        return (moved, ahead, faster), None

    zeros = jnp.zeros_like(moments)
    start = zeros, zeros, jnp.ones((), moments.dtype)
    return jax.lax.scan(step, start, length=config.num_shrinkages)[0][0]


@partial(jax.jit, static_argnames="solve")
def cross_validate(
    solve: Callable[..., Weights],
    features: Features,
    targets: Targets,
    held_back: Bool[Array, "folds homes"],
    penalties: Float[Array, " penalties"],
) -> Validation:
    """Solve for every penalty without each fold, judge on that fold, and then solve with all homes.

    One `vmap` goes over the penalties of one set of homes, another over the sets.
    """

    def solve_all(kept: Counts) -> Float[Array, "penalties features"]:
        equations = system(features, targets, kept)
        return jax.vmap(lambda penalty: solve(equations, penalty))(penalties)

    kept = jnp.concatenate([~held_back, jnp.ones_like(held_back[:1])]).astype(features.dtype)
    weights = jax.vmap(solve_all)(kept)
    squares = (weights[:-1] @ features.T - targets) ** 2  # squares[fold, penalty, home]
    errors = (squares * held_back[:, None]).sum(-1) / held_back.sum(-1)[:, None]
    return Validation(errors, weights[-1])


# --- Robust fits and their intervals ----------------------------------------------------------


@partial(jax.jit, static_argnames="config")
def huber(
    features: Features,
    targets: Targets,
    counts: Counts,
    penalty: Float[Array, ""],
    threshold: Float[Array, ""],
    config: Config,
) -> Weights:
    """Ridge under Huber's loss: squares up to the threshold, lines beyond (Huber 1964).

    A home beyond the threshold counts less, as much less as its residual is larger.
    """
    normal_equations = partial(system, features, targets)
    return _reweight(normal_equations, features, targets, counts, penalty, threshold, config)


@partial(jax.jit, static_argnames="config")
def bootstrap(
    features: Features,
    targets: Targets,
    counts: Float[Array, "resamples homes"],
    penalty: Float[Array, ""],
    threshold: Float[Array, ""],
    config: Config,
) -> Float[Array, "resamples features"]:
    """`huber` for every resample.

    For one resample the normal equations are a vector times a matrix; `vmap` makes one product
    of two matrices of all of them.
    """
    index, products = pair_products(features, targets)

    def normal_equations(counts: Counts) -> System:
        sums = (counts @ products / counts.sum())[index]
        return System(sums[:-1, :-1], sums[:-1, -1])

    def refit(counts: Counts) -> Weights:
        return _reweight(normal_equations, features, targets, counts, penalty, threshold, config)

    return jax.vmap(refit)(counts)


def pair_products(
    features: Features, targets: Targets
) -> tuple[Int[np.ndarray, "columns columns"], Float[Array, "homes pairs"]]:
    """Every home's products of two features, or of a feature and the target, each pair once.

    The Gram matrix of any weighting is a weighted sum of these rows; `index` says which product
    stands where in it.
    """
    columns = jnp.concatenate([features, targets[:, None]], axis=1)
    size = columns.shape[1]
    first, second = np.triu_indices(size)
    index = np.empty((size, size), int)
    index[first, second] = index[second, first] = np.arange(len(first))
    return index, columns[:, first] * columns[:, second]


def _reweight(
    normal_equations: Callable[[Counts], System],
    features: Features,
    targets: Targets,
    counts: Counts,
    penalty: Float[Array, ""],
    threshold: Float[Array, ""],
    config: Config,
) -> Weights:
    """Ridge, then again and again with homes counted by how near they are to the last fit."""

    def again(_: Int[Array, ""], weights: Weights) -> Weights:
        distances = jnp.abs(features @ weights - targets)
        trust = threshold / jnp.maximum(distances, threshold)
        return ridge(normal_equations(counts * trust), penalty)

    first = ridge(normal_equations(counts), penalty)
    return jax.lax.fori_loop(0, config.num_reweightings, again, first)
