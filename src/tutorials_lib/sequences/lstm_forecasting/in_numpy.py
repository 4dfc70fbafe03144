"""The LSTM forecaster in NumPy: gradients by hand, and a leading axis for the networks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.lstm.in_numpy import lstm
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.sequences.lstm_forecasting.problem import (
    Config,
    Examples,
    fold_of,
    learning_rates,
)

Params = dict[str, Any]
"""`{"lstm": {"input": {"kernel", "bias"}, "recurrent": {"kernel"}}, "readout": {"kernel", "bias"}}`

The first axis of every array counts networks."""

Windows = Float[np.ndarray, "networks batch time"]
Targets = Float[np.ndarray, "networks batch horizon"]
Losses = Float[np.ndarray, " networks"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def predict(params: Params, windows: Windows, config: Config) -> Targets:
    """What each network says will come after its windows, scaled."""
    return _forward(params, windows)[0]


def loss(params: Params, windows: Windows, targets: Targets, config: Config) -> Losses:
    """The mean squared error of each network."""
    return np.square(predict(params, windows, config) - targets).mean((1, 2))


def loss_and_grads(
    params: Params, windows: Windows, targets: Targets, config: Config
) -> tuple[Losses, Params]:
    """The mean squared error of each network, and the gradients of its parameters."""
    outputs, vjp = _forward(params, windows)
    errors = outputs - targets
    values = np.square(errors).mean((1, 2))
    errors *= 2 / errors[0].size
    return values, vjp(errors)


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def train_step(
    state: State, windows: Windows, targets: Targets, config: Config
) -> tuple[State, Losses]:
    """One step of Adam for every network; also the losses before it."""
    values, grads = loss_and_grads(state.params, windows, targets, config)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    return State(*adam_update(state.params, grads, state.opt_state, learning_rate=rate)), values


def fit(
    state: State,
    examples: Examples,
    batches: Int[np.ndarray, "steps networks batch"],
    config: Config,
) -> tuple[State, Float[np.ndarray, "steps networks"]]:
    """One step for each batch in turn, of all networks together; also the losses before each."""
    folds = fold_of(config)[:, None]
    losses = []
    for places in batches:
        batch = examples.windows[folds, places], examples.targets[folds, places]
        state, values = train_step(state, *batch, config)
        losses.append(values)
    return state, np.stack(losses)


def _forward(params: Params, windows: Windows) -> tuple[Targets, Callable[[Targets], Params]]:
    """What the networks say, and the way back to their parameters."""
    x = windows.transpose(2, 0, 1)[..., None]  # time first, and one number a step
    layer, readout = params["lstm"], params["readout"]
    state, lstm_vjp = lstm(x, **_weights(layer))
    outputs = state @ readout["kernel"] + readout["bias"][:, None]

    def vjp(doutputs: Targets) -> Params:
        dkernel = np.swapaxes(state, 1, 2) @ doutputs
        dstate = doutputs @ np.swapaxes(readout["kernel"], 1, 2)
        _, dinput, drecurrent, dbias = lstm_vjp(dstate)
        return {
            "lstm": {
                "input": {"kernel": dinput, "bias": dbias},
                "recurrent": {"kernel": drecurrent},
            },
            "readout": {"kernel": dkernel, "bias": doutputs.sum(1)},
        }

    return outputs, vjp


def _weights(layer: Params) -> dict[str, np.ndarray]:
    return {
        "kernel": layer["input"]["kernel"],
        "recurrent_kernel": layer["recurrent"]["kernel"],
        "bias": layer["input"]["bias"],
    }
