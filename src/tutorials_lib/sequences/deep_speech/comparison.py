"""What is compared and timed for the speech recogniser, at which sizes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.sequences.deep_speech import in_jax, in_numpy, problem
from tutorials_lib.sequences.deep_speech.problem import PAGE, TINY, Batch, Config, Draws

NUM_CHECKED_STEPS = 2
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters, the first utterances, and which of them the steps take."""

    params: Tree
    split: Any
    draws: Any
    batch: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Utterances of the seed 0, in the shape in which all batches are trained."""
    count = NUM_CHECKED_STEPS * config.batch_size
    fewer = dataclasses.replace(
        config, num_train=count, num_development=1, num_test=1, num_child=1, num_long=1
    )
    offline = dataclasses.replace(fewer, num_steps=NUM_CHECKED_STEPS, source="offline")
    rng = np.random.default_rng(0)
    train = problem.load(offline).train
    split = Batch(train.features, train.lengths, train.labels)
    draws = problem.draw(count, offline, rng=rng)
    params = draw_params(in_jax.create, offline, rng=rng)
    return Inputs(params, split, draws, Batch(*(each[: config.batch_size] for each in split)))


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of every real frame."""
    features, lengths, _ = inputs.batch
    logits = twin.predict(inputs.params, features, lengths, config)
    xp = logits.__array_namespace__()
    is_real = (xp.arange(len(logits))[:, None] < lengths)[..., None]
    return xp.where(is_real, logits, xp.zeros_like(logits))


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.batch, config)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps on distorted utterances, and the losses before each."""
    return twin.fit(inputs.state, inputs.split, inputs.draws, config)


def distort(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The first batch, distorted."""
    return problem.take(inputs.split, Draws(*(each[0] for each in inputs.draws)))


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, inputs.batch, config)


def train_step_by(twin: Any, inputs: Inputs, config: Config, **how: bool) -> Tree:
    """`train_step`, with the loss computed in another way; see `in_jax.loss`."""
    value, grads = jax.value_and_grad(twin.loss)(inputs.state.params, inputs.batch, config, **how)
    return twin.update(inputs.state, grads, config), value


COMPARISON = Comparison(
    slug="deep_speech",
    unit=f"one training step, {PAGE.batch_size} utterances",
    # The page trains with 32 utterances a step; the others are a quarter and twice as many.
    sizes={
        f"{size} utterances": dataclasses.replace(PAGE, batch_size=size) for size in (8, 32, 64)
    },
    headline="32 utterances",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="distorted utterances", run=distort),
        Check(name="logits", run=predict, float32_tolerance=1e-4),
        Check(name="loss and gradients", run=loss_and_grads),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=fit),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, jit, our own CTC",
            run=partial(train_step_by, own=True),
            twin=in_jax,
            jit="whole",
            explains="one program, in which all utterances are as long as the longest",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="CTC is Optax's",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=f"{ADAM_MAGNIFIES_ROUNDING} CTC adds up hundreds of logarithms as well.",
)
