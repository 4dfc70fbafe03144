"""What is compared and timed for the transformer, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.sequences.transformer import in_jax, in_numpy, problem
from tutorials_lib.sequences.transformer.problem import PAGE, TINY, Batches, Config
from tutorials_lib.text.parallel import Sentences
from tutorials_lib.trees import unravel

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters, the first batch, and its English sentences to be translated."""

    params: Tree
    batch: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """The first sentences of the seed 0, in the shape in which all batches are trained."""
    offline = dataclasses.replace(config, num_train=config.batch_size, num_test=1, source="offline")
    rng = np.random.default_rng(0)
    data = problem.load(offline)
    sentences = problem.encode(data.train, data.words, offline)
    batch = problem.make_batch(sentences, offline)._replace(starts=np.array([3, 0], np.int32))
    return Inputs(draw_params(in_jax.create, offline, rng=rng), batch)


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def canonical(result: Tree) -> Tree:
    """A state as its parameters and, in the order of Optax, what Adam remembers."""
    match result:
        case in_numpy.State(params, adam):
            moments = unravel(adam.mu, params), unravel(adam.nu, params)
            return params, jax.tree.leaves((adam.steps, *moments, adam.steps))
        case in_jax.State(params, opt_state):
            return params, jax.tree.leaves(opt_state)
        case tuple():
            return tuple(map(canonical, result))
        case _:
            return result


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of every next word."""
    return twin.predict(inputs.params, inputs.batch, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the batch."""
    return twin.loss_and_grads(inputs.params, inputs.batch, config)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps on the same batch, and the loss before each."""
    places = np.tile(np.arange(config.batch_size, dtype=np.int32), (NUM_CHECKED_STEPS, 1))
    starts = np.stack if twin is in_numpy else jnp.stack
    batches = Batches(places, starts([inputs.batch.starts] * NUM_CHECKED_STEPS))
    sentences = Sentences(inputs.batch.source, inputs.batch.target)
    return twin.fit(inputs.state, sentences, batches, config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, inputs.batch, config)


def search(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Every sentence by beam search, with the cache and without."""
    both = (twin.translate, twin.translate_without_cache)
    beams, source = config.num_beams, inputs.batch.source
    return tuple(each(inputs.params, source, config, num_beams=beams) for each in both)


COMPARISON = Comparison(
    slug="transformer",
    unit=f"one training step, {PAGE.batch_size} sentences",
    # The page trains with 64 sentences a step; the others are a quarter and four times as many.
    sizes={
        f"{size} sentences": dataclasses.replace(PAGE, batch_size=size) for size in (16, 64, 256)
    },
    headline="64 sentences",
    agreement=dataclasses.replace(TINY, batch_size=5, max_length=6, num_beams=2),
    make_inputs=make_inputs,
    prepare=prepare,
    canonical=canonical,
    checks=(
        Check(name="logits of every next word", run=predict, float32_tolerance=1e-4),
        Check(name="loss and gradients", run=loss_and_grads),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=fit),
        Check(name="translations by beam search", run=search),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=train_step,
            twin=in_jax,
            explains="the same calls, each a small program of its own; padding is computed, too",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="forward, backward and the optimizer as one program",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
)
