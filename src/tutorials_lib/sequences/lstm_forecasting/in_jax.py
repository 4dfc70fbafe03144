"""The LSTM forecaster in JAX: written for one network, and `vmap` makes all of them."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.layers.lstm.in_jax import LSTM
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.sequences.lstm_forecasting.problem import (
    Config,
    Examples,
    fold_of,
    learning_rates,
)

Params = dict[str, Any]
"""The same nested dict as in NumPy."""

Windows = Float[Array, "networks batch time"]
Targets = Float[Array, "networks batch horizon"]
Losses = Float[Array, " networks"]


class Network(nnx.Module):
    """Read the window step by step, and forecast from what is remembered at its end."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        small = nnx.initializers.normal(0.01)
        self.lstm = LSTM(1, config.hidden_size, rngs=rngs)
        self.readout = nnx.Linear(config.hidden_size, config.horizon, kernel_init=small, rngs=rngs)

    def __call__(self, windows: Float[Array, "batch time"]) -> Float[Array, "batch horizon"]:
        """All values of the horizon at once."""
        last, _ = self.lstm(windows.T[..., None])  # time first, and one number a step
        return self.readout(last)

    def stages(self, window: Float[Array, " time"]) -> dict[str, Array]:
        """What one window becomes on its way, by name, in order."""
        last, (states, cells) = self.lstm(window[:, None, None])
        return {
            "window": window[:, None],
            "cells": cells[:, 0],
            "states": states[:, 0],
            "last state": last[0],
            "forecast": self.readout(last)[0],
        }


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Random parameters of all networks, as a nested dict whose arrays begin with their axis."""

    def one(key: PRNGKeyArray) -> Params:
        return pure.arrays(Network(config, rngs=nnx.Rngs(key)))

    return jax.vmap(one)(jax.random.split(key, config.num_networks))


# ---------------------------------------------------------------- prediction and loss


def assemble(params: Params, config: Config) -> Network:
    """One network with its parameters, inside a function that JAX traces."""
    return pure.assemble(pure.graph(Network, config), params)


def stages(params: Params, window: Float[Array, " time"], config: Config) -> dict[str, Array]:
    """What one network makes of a window on its way; `params` have no axis for networks."""
    return assemble(params, config).stages(window)


def predict(params: Params, windows: Windows, config: Config) -> Targets:
    """What each network says will come after its windows, scaled."""
    return jax.vmap(lambda params, windows: assemble(params, config)(windows))(params, windows)


def loss(params: Params, windows: Windows, targets: Targets, config: Config) -> Losses:
    """The mean squared error of each network."""
    return jnp.square(predict(params, windows, config) - targets).mean((1, 2))


def loss_and_grads(
    params: Params, windows: Windows, targets: Targets, config: Config
) -> tuple[Losses, Params]:
    """The mean squared error of each network, and the gradients of its parameters.

    No parameter belongs to two networks, so the gradient of the sum has that of each.
    """

    def total(params: Params) -> tuple[Array, Losses]:
        values = loss(params, windows, targets, config)
        return values.sum(), values

    grads, values = jax.grad(total, has_aux=True)(params)
    return values, grads


# ---------------------------------------------------------------- training


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam, at a learning rate that falls along half a cosine."""
    rates = jnp.asarray(learning_rates(config))
    return optax.adam(learning_rate=lambda count: rates[count])  # the last one from there on


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def update(state: State, grads: Params, config: Config) -> State:
    """The state after one step of Adam for every network."""
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state)


def train_step(
    state: State, windows: Windows, targets: Targets, config: Config
) -> tuple[State, Losses]:
    """One step of Adam for every network; also the losses before it."""
    values, grads = loss_and_grads(state.params, windows, targets, config)
    return update(state, grads, config), values


def fit(
    state: State,
    examples: Examples,
    batches: Int[Array, "steps networks batch"],
    config: Config,
) -> tuple[State, Float[Array, "steps networks"]]:
    """One step for each batch in turn, of all networks together; also the losses before each."""
    folds = fold_of(config)[:, None]

    def step(state: State, places: Int[Array, "networks batch"]) -> tuple[State, Losses]:
        batch = examples.windows[folds, places], examples.targets[folds, places]
        # Inside the program these are JAX's arrays, whatever came in.
        return train_step(state, *batch, config)  # pyright: ignore[reportArgumentType]

    return jax.lax.scan(step, state, batches)


compiled_fit = jax.jit(fit, static_argnames="config")
compiled_predict = jax.jit(predict, static_argnames="config")
compiled_stages = jax.jit(stages, static_argnames="config")
