"""What is compared and timed for linear regression, at which sizes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.tabular.linear_regression import features as preparing
from tutorials_lib.tabular.linear_regression import in_jax, in_numpy, problem
from tutorials_lib.tabular.linear_regression.problem import PAGE, TINY, Config

PENALTY = 1e-3
"""Of the ridge that the gate compares: strong enough for rounding not to matter."""


class Inputs(NamedTuple):
    """Engineered features of the training homes, log prices, and all that is drawn."""

    weights: Any
    features: Any
    targets: Any
    step_size: Any
    held_back: Any
    counts: Any
    threshold: Any


def make_inputs(config: Config) -> Inputs:
    """Homes of the seed 0; gradient descent starts from zero."""
    train = problem.load(config).train
    features = preparing.to_features(
        train, preparing.fit_preparation(train, preparing.engineered)
    ).astype(np.float32)
    targets = np.log(train.price)
    return Inputs(
        weights=np.zeros(features.shape[1], np.float32),
        features=features,
        targets=(targets - targets.mean()).astype(np.float32),
        step_size=np.float32(problem.step_size(features)),
        held_back=problem.folds(len(train), config),
        counts=problem.resample(len(train), config).astype(np.float32),
        threshold=np.float32(problem.huber_threshold(targets - np.median(targets))),
    )


def loss(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The loss at the mean price."""
    return twin.loss(inputs.weights, inputs.features, inputs.targets)


def gradient(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The gradient there."""
    return twin.gradient(inputs.weights, inputs.features, inputs.targets)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """All gradient steps."""
    return twin.fit(inputs.weights, inputs.features, inputs.targets, inputs.step_size, config)


def cross_validate(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Errors and weights of ridge and lasso, for every penalty."""
    penalties = np.asarray(config.penalties, inputs.features.dtype)
    data = inputs.features, inputs.targets, inputs.held_back, penalties
    lasso = partial(twin.lasso, config=config)
    return {
        "ridge": twin.cross_validate(twin.ridge, *data),
        "lasso": twin.cross_validate(lasso, *data),
    }


def bootstrap(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Robust weights from all homes, and from every resample."""
    settings = PENALTY, inputs.threshold, config
    everybody = inputs.counts[0] * 0 + 1
    return {
        "all homes": twin.huber(inputs.features, inputs.targets, everybody, *settings),
        "resamples": twin.bootstrap(inputs.features, inputs.targets, inputs.counts, *settings),
    }


@jax.jit
def _compiled_step(
    weights: jax.Array, features: jax.Array, targets: jax.Array, step_size: jax.Array
) -> tuple[jax.Array, jax.Array]:
    value, slope = jax.value_and_grad(in_jax.loss)(weights, features, targets)
    return weights - step_size * slope, value


def fit_step_by_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """All gradient steps, each a call of a compiled program."""
    weights, losses = inputs.weights, []
    for _ in range(config.num_steps):
        weights, value = _compiled_step(weights, inputs.features, inputs.targets, inputs.step_size)
        losses.append(value)
    return in_jax.Fit(weights, jax.numpy.stack(losses))


COMPARISON = Comparison(
    slug="linear_regression",
    unit="500 gradient steps",
    # The page fits 4,000 homes; the others are a suburb, and a large city.
    sizes={
        "500 homes": dataclasses.replace(PAGE, num_train=500),
        "4,000 homes": PAGE,
        "32,000 homes": dataclasses.replace(PAGE, num_train=32_000),
    },
    headline="4,000 homes",
    agreement=TINY,
    make_inputs=make_inputs,
    checks=(
        Check(name="loss", run=loss, float32_tolerance=1e-5),
        Check(name="gradient", run=gradient, float32_tolerance=1e-4),
        Check(name="weights and losses over all steps", run=fit, float32_tolerance=1e-4),
        Check(name="ridge and lasso, cross-validated", run=cross_validate),
        Check(name="Huber's weights, and those of every resample", run=bootstrap),
    ),
    variants=(
        Variant(name="NumPy", run=fit, twin=in_numpy),
        Variant(
            name="JAX, jit per step",
            run=fit_step_by_step,
            twin=in_jax,
            jit="own",
            explains="residuals, loss and gradient are one program",
        ),
        Variant(
            name="JAX, jit + scan",
            run=fit,
            twin=in_jax,
            jit="whole",
            explains="one call instead of one for each step",
        ),
    ),
    tolerance=1e-4,
    tolerance_reason=(
        "The features are nearly collinear, so rounding moves the weights along directions in "
        "which the loss is nearly level."
    ),
)
