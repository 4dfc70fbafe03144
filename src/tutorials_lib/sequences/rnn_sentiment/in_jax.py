"""The recurrent network in JAX: a Flax NNX model, its loss, and the compiled training."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure, training
from tutorials_lib.layers.recurrent import in_jax as recurrent
from tutorials_lib.sequences.rnn_sentiment.problem import CLASS_NAMES, Config

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Ids = Int[Array, "batch time"]
Lengths = Int[Array, " batch"]
Labels = Int[Array, " batch"]
Logits = Float[Array, "batch classes"]
Scalar = Float[Array, ""]

LAYERS = {"elman": recurrent.Elman, "gru": recurrent.GRU}


class Network(nnx.Module):
    """Embed the words, read them one by one, and judge by what is remembered."""

    def __init__(self, config: Config, num_words: int, *, rngs: nnx.Rngs) -> None:
        self.embed = nnx.Embed(num_words, config.embedding_size, rngs=rngs)
        self.cell = LAYERS[config.cell](config.embedding_size, config.hidden_size, rngs=rngs)
        self.readout = nnx.Linear(config.hidden_size, len(CLASS_NAMES), rngs=rngs)
        self.truncate = config.truncate

    def read(
        self, ids: Ids, lengths: Lengths, *, hoist: bool = False
    ) -> tuple[Float[Array, "batch hidden"], Float[Array, "time batch hidden"]]:
        """What is remembered at the end, and after every word."""
        words = self.embed.embedding[ids.T]  # nnx.Embed itself would round to 32 bits
        return self.remember(words, lengths, hoist=hoist)

    def remember(
        self,
        words: Float[Array, "time batch features"],
        lengths: Lengths,
        *,
        hoist: bool = False,
    ) -> tuple[Float[Array, "batch hidden"], Float[Array, "time batch hidden"]]:
        """The same, for words that are vectors already."""
        mask = jnp.arange(len(words))[:, None] < lengths
        initial = jnp.zeros((len(lengths), self.readout.in_features), words.dtype)
        return recurrent.run(self.cell, words, initial, mask, truncate=self.truncate, hoist=hoist)


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


class Metrics(NamedTuple):
    """What a step reports: the loss before it, and the length of its gradient before clipping."""

    loss: Array
    grad_norm: Array


@partial(jax.jit, static_argnames=("config", "num_words"))
def create(config: Config, num_words: int, key: PRNGKeyArray) -> Params:
    """Fresh parameters for a vocabulary of `num_words`, as a nested dict of arrays."""
    return pure.arrays(Network(config, num_words, rngs=nnx.Rngs(key)))


def assemble(params: Params, config: Config) -> Network:
    """The network with these parameters, inside a function that JAX traces."""
    num_words = len(params["embed"]["embedding"])
    return pure.assemble(pure.graph(Network, config, num_words), params)


def predict(params: Params, ids: Ids, lengths: Lengths, config: Config) -> Logits:
    """The logits of both classes, after the last word of each review."""
    network = assemble(params, config)
    return network.readout(network.read(ids, lengths)[0])


def predict_each_word(
    params: Params, ids: Ids, lengths: Lengths, config: Config
) -> Float[Array, "time batch classes"]:
    """The logits of both classes after every word; behind the last word they stay as they are."""
    network = assemble(params, config)
    return network.readout(network.read(ids, lengths)[1])


def loss(params: Params, ids: Ids, lengths: Lengths, labels: Labels, config: Config) -> Scalar:
    """The mean cross-entropy of a batch."""
    network = assemble(params, config)
    # One product for all words; `predict`, which needs no gradient, is faster without.
    logits = network.readout(network.read(ids, lengths, hoist=True)[0])
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def loss_and_grads(
    params: Params, ids: Ids, lengths: Lengths, labels: Labels, config: Config
) -> tuple[Scalar, Params]:
    """The loss and the gradients of all parameters."""
    return jax.value_and_grad(loss)(params, ids, lengths, labels, config)


@partial(jax.jit, static_argnames="config")
def influence(
    params: Params, ids: Ids, lengths: Lengths, config: Config
) -> Float[Array, "batch time"]:
    """How far the judgement moves with each word: the length of its gradient.

    The judgement is the logit of the second class minus that of the first. Of a truncated
    network it is the gradient that training sees.
    """
    network = assemble(params, config)

    def judgement(words: Float[Array, "time batch features"]) -> Scalar:
        logits = network.readout(network.remember(words, lengths)[0])
        return (logits[:, 1] - logits[:, 0]).sum()

    words = network.embed.embedding[ids.T]
    return jnp.linalg.norm(jax.grad(judgement)(words), axis=-1).T


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam on the clipped gradient."""
    return optax.chain(optax.clip_by_global_norm(config.max_norm), optax.adam(config.learning_rate))


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def update(state: State, value: Scalar, grads: Params, config: Config) -> tuple[State, Metrics]:
    """The state after one step of Adam on the clipped `grads`."""
    metrics = Metrics(value, optax.tree.norm(grads))
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), metrics


def train_step(
    state: State, ids: Ids, lengths: Lengths, labels: Labels, config: Config
) -> tuple[State, Metrics]:
    """One step of Adam on the clipped gradient."""
    value, grads = loss_and_grads(state.params, ids, lengths, labels, config)
    return update(state, value, grads, config)


def train_steps(
    state: State,
    ids: Int[Array, "steps batch time"],
    lengths: Int[Array, "steps batch"],
    labels: Int[Array, "steps batch"],
    config: Config,
) -> tuple[State, Metrics]:
    """One step for each batch in turn; the metrics of all of them."""

    def step(state: State, batch: tuple[Ids, Lengths, Labels]) -> tuple[State, Metrics]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (ids, lengths, labels))


# ---------------------------------------------------------------- training


class History(NamedTuple):
    """What `fit` reports: the metrics of every step, and the accuracy after every epoch."""

    metrics: Metrics
    test_accuracy: Float[Array, " epochs"]


Examples = tuple[Array, Array, Array]
"""Word ids, numbers of words and judgements of reviews that are padded to one length."""

Batches = tuple[Int[Array, "*steps"], Int[Array, "*steps batch"]]
"""The places of buckets, and of reviews in them: of the steps of an epoch, or of one step."""


@partial(jax.jit, static_argnames="config")
def fit(
    state: State,
    buckets: tuple[Examples, ...],
    test: Examples,
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train for `config.num_passes` epochs.

    Every epoch shuffles the reviews within their buckets, and then the batches of all buckets.
    A batch of each bucket has a shape of its own, so the program holds one training step for
    each, and `lax.switch` picks the step that the next batch needs. The held-out reviews are
    only looked at, for the learning curve.
    """
    shapes = [(len(bucket[0]) // config.batch_size, config.batch_size) for bucket in buckets]
    places = np.repeat(np.arange(len(buckets)), [num_batches for num_batches, _ in shapes])

    def batches(key: PRNGKeyArray) -> Batches:
        batch_key, *review_keys = jax.random.split(key, 1 + len(buckets))
        rows = [
            training.shuffled(each, len(bucket[0]), shape)
            for each, bucket, shape in zip(review_keys, buckets, shapes, strict=True)
        ]
        order = jax.random.permutation(batch_key, len(places))
        return jnp.asarray(places)[order], jnp.concatenate(rows)[order]

    def of_bucket(bucket: Examples, params: Params, rows: Int[Array, " batch"]):
        ids, lengths, labels = (array[rows] for array in bucket)
        return loss_and_grads(params, ids, lengths, labels, config)

    of_each_bucket = [partial(of_bucket, bucket) for bucket in buckets]

    def step(state: State, batch: Batches) -> tuple[State, Metrics]:
        place, rows = batch
        value, grads = jax.lax.switch(place, of_each_bucket, state.params, rows)
        return update(state, value, grads, config)

    def look(state: State, metrics: Metrics, _: PRNGKeyArray) -> History:
        test_ids, test_lengths, test_labels = test
        logits = predict(state.params, test_ids, test_lengths, config)
        return History(metrics, (logits.argmax(-1) == test_labels).mean())

    keys = jax.random.split(key, config.num_passes)
    return training.scan_rounds(step, look, state, keys, batches)
