"""What is compared and timed for the encoder-decoder, at which sizes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.sequences.seq2seq import in_jax, in_numpy, problem
from tutorials_lib.sequences.seq2seq.problem import PAGE, TINY, Config
from tutorials_lib.text.parallel import Sentences

NUM_CHECKED_STEPS = 2
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """Random parameters, those of the network without attention, and the first batches."""

    params: Tree
    plain_params: Tree
    sentences: Any
    batches: Any
    batch: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Sentences of the seed 0, in the shape in which all batches are trained."""
    count = NUM_CHECKED_STEPS * config.batch_size
    offline = dataclasses.replace(config, num_train=count, num_test=1, source="offline")
    rng = np.random.default_rng(0)
    data = problem.load(offline)
    sentences = problem.encode(data.train, data.words, offline)
    batches = np.arange(count, dtype=np.int32).reshape(NUM_CHECKED_STEPS, -1)
    params, plain_params = (
        draw_params(in_jax.create, dataclasses.replace(offline, attention=each), rng=rng)
        for each in (True, False)
    )
    batch = Sentences(*(each[batches[0]] for each in sentences))
    return Inputs(params, plain_params, sentences, batches, batch)


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of every next word, and the weights of the source before it."""
    source, target = inputs.batch
    arrays = inputs.params, source, target[:, :-1], config
    return twin.predict(*arrays), twin.alignments(*arrays)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.batch, config)


def loss_and_grads_without_attention(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same of the network without attention."""
    plain = dataclasses.replace(config, attention=False)
    return twin.loss_and_grads(inputs.plain_params, inputs.batch, plain)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the losses before each."""
    return twin.fit(inputs.state, inputs.sentences, inputs.batches, config)


def search(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """What beam search keeps of every sentence, and its log-probabilities."""
    num_beams = config.num_beams
    found = twin.search(inputs.params, inputs.batch.source, config, num_beams=num_beams)
    return found.words, found.beams


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, inputs.batch, config)


def train_step_by(twin: Any, inputs: Inputs, config: Config, **how: bool) -> Tree:
    """`train_step`, with the network computed in another way; see `in_jax.Network`."""
    run = jax.value_and_grad(twin.loss)
    value, grads = run(inputs.state.params, inputs.batch, config, **how)
    return twin.update(inputs.state, grads, config), value


COMPARISON = Comparison(
    slug="seq2seq",
    unit=f"one training step, {PAGE.batch_size} sentences",
    # The page trains with 64 sentences a step, padded to 18 English and 25 French words; the
    # others are a quarter and three times as many.
    sizes={
        f"{size} sentences": dataclasses.replace(PAGE, batch_size=size) for size in (16, 64, 192)
    },
    headline="64 sentences",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits, and what is attended to", run=predict, float32_tolerance=1e-4),
        Check(name="loss and gradients with attention", run=loss_and_grads),
        Check(name="loss and gradients without", run=loss_and_grads_without_attention),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=fit),
        Check(name="beam search", run=search),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, jit, in NumPy's order",
            run=partial(train_step_by, hoist=True, recompute=False),
            twin=in_jax,
            jit="whole",
            explains="one program; words are multiplied before the loops, comparisons are kept",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="words are multiplied inside the loop, the way back attends again",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
)
