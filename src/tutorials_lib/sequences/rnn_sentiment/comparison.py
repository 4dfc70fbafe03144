"""What is compared and timed for the recurrent network, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import ADAM_MAGNIFIES_ROUNDING
from tutorials_lib.sequences.rnn_sentiment import in_jax, in_numpy, problem
from tutorials_lib.sequences.rnn_sentiment.problem import PAGE, Config

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

BUCKET = -2
"""Which bucket the batches come from: the second longest."""


class Inputs(NamedTuple):
    """Random parameters for both cells, and the first batches of one bucket."""

    params: Tree
    elman_params: Tree
    ids: Any
    lengths: Any
    labels: Any
    state: Any = None

    @property
    def batches(self) -> tuple[Any, Any, Any]:
        """All batches, one a step."""
        return self.ids, self.lengths, self.labels

    @property
    def batch(self) -> tuple[Any, Any, Any]:
        """The first batch."""
        return self.ids[0], self.lengths[0], self.labels[0]


def make_inputs(config: Config) -> Inputs:
    """Reviews of the seed 0."""
    data = problem.load(dataclasses.replace(config, num_test=1))
    vocabulary = problem.learn_vocabulary(data.train, config)
    bucket = problem.to_buckets(data.train, vocabulary, config)[BUCKET]
    shape = NUM_CHECKED_STEPS, config.batch_size
    ids, lengths, labels = (each[: shape[0] * shape[1]] for each in bucket)
    rng = np.random.default_rng(0)
    params, elman_params = (
        draw_params(in_jax.create, each, len(vocabulary), rng=rng)
        for each in (config, dataclasses.replace(config, cell="elman"))
    )
    batches = ids.reshape(*shape, -1), lengths.reshape(shape), labels.reshape(shape)
    return Inputs(params, elman_params, *batches)


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def predict_each_word(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the first batch after every word."""
    ids, lengths, _ = inputs.batch
    return twin.predict_each_word(inputs.params, ids, lengths, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, *inputs.batch, config)


def loss_and_grads_truncated(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same with a gradient that is cut every five words."""
    return loss_and_grads(twin, inputs, dataclasses.replace(config, truncate=5))


def loss_and_grads_of_elman(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same of an Elman network."""
    inputs = inputs._replace(params=inputs.elman_params)
    return loss_and_grads(twin, inputs, dataclasses.replace(config, cell="elman"))


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and its metrics."""
    return twin.train_step(inputs.state, *inputs.batch, config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the metrics of each."""
    return twin.train_steps(inputs.state, *inputs.batches, config)


def train_step_with_product_inside(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`train_step` of a network that multiplies each word with the input kernel by itself."""
    ids, lengths, labels = inputs.batch

    def loss(params: Tree) -> jax.Array:
        logits = twin.predict(params, ids, lengths, config)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    return twin.update(inputs.state, *jax.value_and_grad(loss)(inputs.state.params), config)


COMPARISON = Comparison(
    slug="rnn_sentiment",
    unit="one training step",
    # The page trains 32 units, with 64 reviews to a batch; the other networks are narrower and
    # wider. A batch of the middle bucket has up to 52 words to a review.
    sizes={
        "16 units": dataclasses.replace(PAGE, hidden_size=16),
        "32 units": PAGE,
        "128 units": dataclasses.replace(PAGE, hidden_size=128),
    },
    headline="32 units",
    agreement=dataclasses.replace(PAGE, batch_size=16),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits after every word", run=predict_each_word, float32_tolerance=1e-4),
        *(
            Check(name=f"loss and gradients, {network}", run=run, float32_tolerance=1e-3)
            for network, run in (
                ("GRU", loss_and_grads),
                ("truncated", loss_and_grads_truncated),
                ("Elman", loss_and_grads_of_elman),
            )
        ),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} clipped steps", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, jit",
            run=train_step_with_product_inside,
            twin=in_jax,
            jit="whole",
            explains="one program, with the loop over words inside",
        ),
        Variant(
            name="JAX, jit, inputs first",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="one product with all words before the loop",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=ADAM_MAGNIFIES_ROUNDING,
)
