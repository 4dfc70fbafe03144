"""Linear models in NumPy: the gradient by hand, and axes in the place of `vmap`."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib.tabular.linear_regression.problem import Config

Features = Float[np.ndarray, "homes features"]
Targets = Float[np.ndarray, " homes"]
Weights = Float[np.ndarray, " features"]
Counts = Float[np.ndarray, "... homes"]
Number = Float[np.ndarray, ""] | np.floating | float
Penalties = Float[np.ndarray, "..."] | np.floating | float


class Fit(NamedTuple):
    """What `fit` returns: the weights, and the loss before each step."""

    weights: Weights
    losses: Float[np.ndarray, " steps"]


class System(NamedTuple):
    """The normal equations: `gram` times the weights is `moments`."""

    gram: Float[np.ndarray, "... features features"]
    moments: Float[np.ndarray, "... features"]


class Validation(NamedTuple):
    """Mean squared errors on each fold held back, and the weights from all homes."""

    errors: Float[np.ndarray, "folds penalties"]
    weights: Float[np.ndarray, "penalties features"]


# --- Gradient descent -------------------------------------------------------------------------


def predict(features: Features, weights: Weights) -> Targets:
    """The weighted sum of each home's features."""
    return features @ weights


def loss(weights: Weights, features: Features, targets: Targets) -> np.floating:
    """Half the mean squared residual."""
    return ((predict(features, weights) - targets) ** 2).mean() / 2


def gradient(weights: Weights, features: Features, targets: Targets) -> Weights:
    """The mean of every home's features, times its residual."""
    return (predict(features, weights) - targets) @ features / len(targets)


def fit(
    weights: Weights,
    features: Features,
    targets: Targets,
    step_size: Number,
    config: Config,
) -> Fit:
    """`config.num_steps` steps down the gradient, into arrays that are made once.

    Each feature in a row of its own: BLAS then runs along the homes in both products.
    """
    columns = np.ascontiguousarray(features.T)
    weights, slope = weights.copy(), np.empty_like(weights)
    residuals = np.empty_like(targets)
    squares = np.empty(config.num_steps, targets.dtype)
    rate = targets.dtype.type(step_size / len(targets))
    for i in range(config.num_steps):
        np.dot(weights, columns, out=residuals)
        residuals -= targets
        squares[i] = residuals @ residuals
        np.dot(columns, residuals, out=slope)
        slope *= rate
        weights -= slope
    return Fit(weights, squares / (2 * len(targets)))


# --- Closed form and penalties ----------------------------------------------------------------


def system(features: Features, targets: Targets, counts: Counts) -> System:
    """The normal equations of homes that count `counts` times each, per home."""
    weighted = features.T * counts[..., None, :]
    total = counts.sum(-1)
    return System(
        weighted @ features / total[..., None, None], weighted @ targets / total[..., None]
    )


def penalized(num_features: int) -> Weights:
    """1 for every feature but the first, the column of ones: the intercept is never shrunk."""
    return np.append(0.0, np.ones(num_features - 1))


def ridge(system: System, penalty: Penalties) -> Float[np.ndarray, "... features"]:
    """Least squares plus half the penalty times the squared weights (Hoerl and Kennard 1970)."""
    diagonal = np.diag(penalized(system.gram.shape[-1])).astype(system.gram.dtype)
    gram = system.gram + np.asarray(penalty)[..., None, None] * diagonal
    return np.linalg.solve(gram, system.moments[..., None])[..., 0]


def lasso(system: System, penalty: Penalties, config: Config) -> Float[np.ndarray, "... features"]:
    """Least squares plus the penalty times the absolute weights (Tibshirani 1996).

    Each step goes down the gradient of the squares, then moves every weight toward zero and
    stops there; momentum makes the steps longer (Beck and Teboulle 2009).
    """
    gram, moments = system
    rate = (1 / np.linalg.eigvalsh(gram)[..., -1])[..., None]
    shrinkage = rate * np.asarray(penalty)[..., None] * penalized(gram.shape[-1])
    weights = ahead = np.zeros(np.broadcast_shapes(moments.shape, shrinkage.shape), gram.dtype)
    momentum = 1.0
    for _ in range(config.num_shrinkages):
        slope = (gram @ ahead[..., None])[..., 0] - moments
        moved = ahead - rate * slope
        moved = np.sign(moved) * np.maximum(np.abs(moved) - shrinkage, 0)
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / faster * (moved - weights)
        weights, momentum = moved, faster
    return weights


def cross_validate(
    solve: Callable[..., Float[np.ndarray, "... features"]],
    features: Features,
    targets: Targets,
    held_back: Bool[np.ndarray, "folds homes"],
    penalties: Float[np.ndarray, " penalties"],
) -> Validation:
    """`solve` for every penalty without each fold, judged on that fold, and then with all homes.

    All are solved at once: folds are one axis of the normal equations, penalties another.
    """
    kept = np.concatenate([~held_back, np.ones_like(held_back[:1])]).astype(features.dtype)
    gram, moments = system(features, targets, kept)
    weights = solve(System(gram[:, None], moments[:, None]), penalties)
    squares = (weights[:-1] @ features.T - targets) ** 2  # squares[fold, penalty, home]
    errors = (squares * held_back[:, None]).sum(-1) / held_back.sum(-1)[:, None]
    return Validation(errors, weights[-1])


# --- Robust fits and their intervals ----------------------------------------------------------


def huber(
    features: Features,
    targets: Targets,
    counts: Counts,
    penalty: Number,
    threshold: Number,
    config: Config,
) -> Float[np.ndarray, "... features"]:
    """Ridge under Huber's loss: squares up to the threshold, lines beyond (Huber 1964).

    A home beyond the threshold counts less, as much less as its residual is larger.
    """
    normal_equations = partial(system, features, targets)
    return _reweight(normal_equations, features, targets, counts, penalty, threshold, config)


def bootstrap(
    features: Features,
    targets: Targets,
    counts: Float[np.ndarray, "resamples homes"],
    penalty: Number,
    threshold: Number,
    config: Config,
) -> Float[np.ndarray, "resamples features"]:
    """`huber` for every resample; all normal equations of a round are one matrix product."""
    index, products = pair_products(features, targets)

    def normal_equations(counts: Counts) -> System:
        sums = (counts @ products / counts.sum(-1, keepdims=True))[:, index]
        return System(sums[:, :-1, :-1], sums[:, :-1, -1])

    return _reweight(normal_equations, features, targets, counts, penalty, threshold, config)


def pair_products(
    features: Features, targets: Targets
) -> tuple[Int[np.ndarray, "columns columns"], Float[np.ndarray, "homes pairs"]]:
    """Every home's products of two features, or of a feature and the target, each pair once.

    The Gram matrix of any weighting is a weighted sum of these rows; `index` says which product
    stands where in it.
    """
    columns = np.concatenate([features, targets[:, None]], axis=1).T
    first, second = np.triu_indices(len(columns))
    index = np.empty((len(columns), len(columns)), int)
    index[first, second] = index[second, first] = np.arange(len(first))
    return index, (columns[first] * columns[second]).T


def _reweight(
    normal_equations: Callable[[Counts], System],
    features: Features,
    targets: Targets,
    counts: Counts,
    penalty: Number,
    threshold: Number,
    config: Config,
) -> Float[np.ndarray, "... features"]:
    """Ridge, then again and again with homes counted by how near they are to the last fit."""
    weights = ridge(normal_equations(counts), penalty)
    for _ in range(config.num_reweightings):
        distances = np.abs(weights @ features.T - targets)
        trust = threshold / np.maximum(distances, threshold)
        weights = ridge(normal_equations(counts * trust), penalty)
    return weights
