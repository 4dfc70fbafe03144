"""What is compared and timed for the masked autoencoder, at which sizes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import LOSSES_HARDLY_NOTICE
from tutorials_lib.tabular.fraud_autoencoder import in_jax, in_numpy, problem
from tutorials_lib.tabular.fraud_autoencoder.problem import PAGE, Config

NUM_STEPS = 20
"""Training steps in one unit of work."""

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, batches of payments, and what is hidden."""

    params: Tree
    answers: Any
    context: Any
    hidden: Any
    orders: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Payments of the seed 0."""
    num_rows = NUM_STEPS * config.batch_size
    sizes = {"num_train": num_rows, "num_development": 1, "num_test": 1}
    data = problem.load(dataclasses.replace(config, **sizes))
    rng = np.random.default_rng(0)
    hidden = problem.draw_hidden(num_rows, config, rng=rng)
    answers, context, hidden = (
        rows.reshape(NUM_STEPS, config.batch_size, -1)
        for rows in (data.train.answers, data.train.context, hidden)
    )
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        answers=answers,
        context=context,
        hidden=hidden,
        orders=problem.draw_orders(config),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def _batches(inputs: Inputs, rows: int | slice) -> tuple[Any, Any, Any]:
    return inputs.answers[rows], inputs.context[rows], inputs.hidden[rows]


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the first batch."""
    return twin.predict(inputs.params, *_batches(inputs, 0), config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, *_batches(inputs, 0), config)


def surprise(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Both surprises of every field of the first batch."""
    rows = inputs.answers[0], inputs.context[0]
    return twin.surprise(inputs.params, *rows, inputs.orders, config)


def few_train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after the first steps, and the loss before each."""
    return twin.train_steps(inputs.state, *_batches(inputs, slice(NUM_CHECKED_STEPS)), config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after all steps, and the loss before each."""
    return twin.train_steps(inputs.state, *_batches(inputs, slice(None)), config)


@partial(jax.jit, static_argnames="config")
def _step(state: in_jax.State, batch: tuple[Any, Any, Any], config: Config) -> Tree:
    return in_jax.train_step(state, *batch, config)


def train_step_by_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`train_steps`, each step a call of a compiled program."""
    state, losses = inputs.state, []
    for step in range(NUM_STEPS):
        state, loss = _step(state, _batches(inputs, step), config=config)
        losses.append(loss)
    return state, jnp.stack(losses)


COMPARISON = Comparison(
    slug="fraud_autoencoder",
    unit=f"{NUM_STEPS} training steps",
    # The page trains with batches of 256; the other sizes are a sixteenth and four times that.
    sizes={
        "16 payments": dataclasses.replace(PAGE, batch_size=16),
        "256 payments": PAGE,
        "1,024 payments": dataclasses.replace(PAGE, batch_size=1_024),
    },
    headline="256 payments",
    agreement=dataclasses.replace(PAGE, batch_size=32),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits of every choice", run=predict, float32_tolerance=1e-4),
        Check(
            name="loss and gradients of all parameters",
            run=loss_and_grads,
            float32_tolerance=1e-3,
        ),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=few_train_steps),
        Check(
            name="surprise of every field, by the chain rule", run=surprise, float32_tolerance=1e-3
        ),
    ),
    variants=(
        Variant(name="NumPy", run=train_steps, twin=in_numpy),
        Variant(
            name="JAX, jit per step",
            run=train_step_by_step,
            twin=in_jax,
            jit="own",
            explains="what lies between the matrix products is fused, and so is Adam",
        ),
        Variant(
            name="JAX, jit + scan",
            run=train_steps,
            twin=in_jax,
            jit="whole",
            explains="one call instead of one for each step; the parameters stay where they are",
        ),
    ),
    observe=lambda output, inputs, config: output[1],
    tolerance=1e-3,
    tolerance_reason=LOSSES_HARDLY_NOTICE,
)
