"""What is compared and timed for the forecaster, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.sequences.lstm_forecasting import in_jax, in_numpy, problem
from tutorials_lib.sequences.lstm_forecasting.problem import PAGE, TINY, Config

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters of all networks, the examples of every fold, and the first batches."""

    params: Tree
    examples: Any
    batches: Any
    windows: Any
    targets: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Sunspots, and batches of the seed 0."""
    offline = dataclasses.replace(config, source="offline", num_steps=NUM_CHECKED_STEPS)
    rng = np.random.default_rng(0)
    data = problem.load(offline)
    examples, _ = problem.to_examples(data, data.known, offline)
    batches = problem.draw_batches(data.known, offline, rng=rng)
    first = problem.fold_of(offline)[:, None], batches[0]
    params = draw_params(in_jax.create, offline, rng=rng)
    return Inputs(params, examples, batches, examples.windows[first], examples.targets[first])


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """What every network says to its first batch."""
    return twin.predict(inputs.params, inputs.windows, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Losses and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.windows, inputs.targets, config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the losses before it."""
    return twin.train_step(inputs.state, inputs.windows, inputs.targets, config)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the losses before each."""
    return twin.fit(inputs.state, inputs.examples, inputs.batches, config)


def train_step_in_turn(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`train_step`, but one network after the other runs through its windows."""

    def one(network: Tree) -> Tree:
        alone = jax.tree.map(lambda array: array[None], network)
        return jax.tree.map(lambda array: array[0], twin.loss_and_grads(*alone, config))

    batch = inputs.state.params, inputs.windows, inputs.targets
    values, grads = jax.lax.map(one, batch)
    return twin.update(inputs.state, grads, config), values


COMPARISON = Comparison(
    slug="lstm_forecasting",
    unit=f"one training step of {PAGE.num_networks} networks",
    # The page trains 16 units, with 64 windows of each network in a step; the others have a
    # quarter of the units and four times as many.
    sizes={
        "4 units": dataclasses.replace(PAGE, hidden_size=4),
        "16 units": PAGE,
        "64 units": dataclasses.replace(PAGE, hidden_size=64),
    },
    headline="16 units",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="forecasts", run=predict, float32_tolerance=1e-4),
        Check(name="losses and gradients", run=loss_and_grads, float32_tolerance=1e-3),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=fit),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, jit, one by one",
            run=train_step_in_turn,
            twin=in_jax,
            jit="whole",
            explains="one program, which trains one network after the other",
        ),
        Variant(
            name="JAX, jit and vmap",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="every operation does the work of all networks",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
)
