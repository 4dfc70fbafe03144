"""Prototypical networks in JAX: a Flax NNX model, its loss, and the compiled training."""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.prototypical_networks.problem import (
    NUM_POOLED,
    SIZE,
    Config,
    Episodes,
    Lessons,
    labels,
    learning_rates,
)

Params = dict[Any, Any]
BatchStatistics = dict[Any, Any]
Images = Float[Array, "batch height width channels"]
Drawings = Float[Array, "ways drawings height width channels"]
Features = Float[Array, "batch features"]


class Block(nnx.Module):
    """Convolve, perhaps keep the largest of every four pixels, normalize, cut at zero."""

    def __init__(
        self, before: int, after: int, *, pooled: bool, config: Config, rngs: nnx.Rngs
    ) -> None:
        self.conv = nnx.Conv(
            before,
            after,
            kernel_size=(3, 3),
            use_bias=False,  # the normalization has one
            kernel_init=nnx.initializers.he_normal(),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(after, momentum=config.statistics_momentum, rngs=rngs)
        self.pooled = pooled

    def __call__(self, x: Images, *, train: bool) -> Float[Array, "batch rows columns after"]:
        """`after` feature maps, of half the height and width where they are pooled."""
        x = self.conv(x)
        x = layers.max_pool(x) if self.pooled else x
        return nnx.relu(self.norm(x, use_running_average=not train))


class Network(nnx.Module):
    """Blocks, then one linear map to the features; a bias would shift all points alike."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List(
            Block(before, after, pooled=i < NUM_POOLED, config=config, rngs=rngs)
            for i, (before, after) in enumerate(pairwise((1, *config.channels)))
        )
        side = SIZE // 2 ** min(NUM_POOLED, len(config.channels))
        inputs = side * side * config.channels[-1]
        self.head = nnx.Linear(inputs, config.num_features, use_bias=False, rngs=rngs)

    def __call__(self, images: Images, *, train: bool) -> Features:
        """The features; `train` normalizes by the batch and updates the statistics."""
        return list(self.stages(images, train=train).values())[-1]

    def stages(self, images: Images, *, train: bool) -> dict[str, Array]:
        """What a picture has become after each block, by name, in order."""
        x = images
        stages = {"picture": x}
        for number, block in enumerate(self.blocks, start=1):
            x = stages[f"block {number}"] = block(x, train=train)
        stages["features"] = self.head(x.reshape(len(x), -1))
        return stages


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> tuple[Params, BatchStatistics]:
    """Fresh parameters and batch statistics, as nested dicts of arrays."""
    network = Network(config, rngs=nnx.Rngs(key))
    return pure.arrays(network), pure.arrays(network, nnx.BatchStat)


# ---------------------------------------------------------------- prediction


def stages(
    params: Params, statistics: BatchStatistics, images: Images, config: Config
) -> dict[str, Array]:
    """What the network makes of the images on its way, by the name of the stage."""
    network = pure.assemble(pure.graph(Network, config), params, statistics)
    return network.stages(images, train=False)


def embed(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Features:
    """The features of each picture, normalized by the running statistics."""
    return stages(params, statistics, images, config)["features"]


def compare(
    queries: Float[Array, "queries features"],
    prototypes: Float[Array, "ways features"],
    config: Config,
) -> Float[Array, "queries ways"]:
    r"""The logits $-|q - c|^2 / \tau$ of every query $q$ for every prototype $c$."""
    distances = (queries**2).sum(-1)[:, None] - 2 * queries @ prototypes.T
    return -(distances + (prototypes**2).sum(-1)) / config.temperature


def predict(
    params: Params,
    statistics: BatchStatistics,
    support: Drawings,
    queries: Images,
    config: Config,
) -> Float[Array, "queries ways"]:
    """The logits of the queries, from some drawings of each character."""
    ways, shots = support.shape[:2]
    examples = embed(params, statistics, support.reshape(ways * shots, *support.shape[2:]), config)
    prototypes = examples.reshape(ways, shots, -1).mean(1)
    return compare(embed(params, statistics, queries, config), prototypes, config)


def accuracy(
    features: Float[Array, "pictures features"],
    support: Int[Array, "ways shots"],
    queries: Int[Array, "ways queries"],
) -> Float[Array, ""]:
    """The share of queries of an episode whose nearest prototype is the right one.

    The length of a query is the same for all prototypes, so it is left out of the distances.
    """
    prototypes = features[support].mean(1)
    closeness = features[queries] @ prototypes.T - (prototypes**2).sum(-1) / 2
    right = closeness.argmax(-1) == jnp.arange(len(prototypes))[:, None]
    return right.mean(dtype=features.dtype)


def accuracies(
    features: Float[Array, "pictures features"], episodes: Episodes
) -> Float[Array, " episodes"]:
    """The accuracy of every episode."""
    return jax.vmap(partial(accuracy, features))(*episodes)  # pyright: ignore[reportArgumentType]


# ---------------------------------------------------------------- training


def loss(
    params: Params, statistics: BatchStatistics, images: Drawings, config: Config
) -> tuple[Float[Array, ""], BatchStatistics]:
    """The mean cross-entropy of an episode, normalized by the statistics of all its pictures.

    The first `config.num_shots` drawings of each character are examples, the others queries. The
    batch statistics come second, with those of this episode taken into account.
    """
    ways, drawings = images.shape[:2]
    network = pure.assemble(pure.graph(Network, config), params, statistics)
    features = network(images.reshape(-1, *images.shape[2:]), train=True)
    features = features.reshape(ways, drawings, -1)
    prototypes = features[:, : config.num_shots].mean(1)
    queries = features[:, config.num_shots :].reshape(-1, features.shape[-1])
    logits = compare(queries, prototypes, config)
    values = optax.softmax_cross_entropy_with_integer_labels(logits, labels(config))
    return values.mean(), pure.arrays(network, nnx.BatchStat)


def loss_and_grads(
    params: Params, statistics: BatchStatistics, images: Drawings, config: Config
) -> tuple[Float[Array, ""], BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    value_and_grad = jax.value_and_grad(loss, has_aux=True)
    (value, statistics), grads = value_and_grad(params, statistics, images, config)
    return value, statistics, grads


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place of the schedule."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, optimizer(config).init(params))


def train_step(state: State, images: Drawings, config: Config) -> tuple[State, Float[Array, ""]]:
    """One episode, one step of Adam; also the loss before it."""
    value, statistics, grads = loss_and_grads(state.params, state.statistics, images, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), statistics, opt_state), value


def train_steps(
    state: State, images: Float[Array, "steps ways drawings height width channels"], config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each episode in turn; also the loss before each."""
    return jax.lax.scan(partial(train_step, config=config), state, images)


def turn(
    images: Float[Array, "drawings side side channels"], number: Int[Array, ""]
) -> Float[Array, "drawings side side channels"]:
    """One of the eight symmetries of a square, the same for all drawings of a character."""
    images = jnp.where(number & 1, images[:, ::-1], images)
    images = jnp.where(number & 2, images[:, :, ::-1], images)
    return jnp.where(number & 4, images.swapaxes(1, 2), images)


class HeldBack(NamedTuple):
    """Characters that are only looked at.

    Attributes:
        images: their drawings in one row, character after character.
        episodes: by which the accuracy is measured.
    """

    images: Images
    episodes: Episodes


class History(NamedTuple):
    """What `fit` reports: each step, and after each round what it makes of held-back characters."""

    train_loss: Float[Array, " steps"]
    accuracy: Float[Array, " rounds"]
    features: Float[Array, "rounds pictures features"]


def fit(
    state: State, images: Images, lessons: Lessons, held_back: HeldBack, config: Config
) -> tuple[State, History]:
    """Train in `config.num_rounds`.

    `images` are the drawings of all training characters in one row, from which `lessons` choose.
    The characters held back are only looked at, after each round.
    """

    def step(state: State, lesson: Lessons) -> tuple[State, Float[Array, ""]]:
        return train_step(state, jax.vmap(turn)(images[lesson.drawings], lesson.turns), config)  # pyright: ignore[reportArgumentType]

    def look(state: State, losses: Float[Array, " steps"], _: Lessons) -> History:
        features = embed(state.params, state.statistics, held_back.images, config)
        return History(losses, accuracies(features, held_back.episodes).mean(), features)

    rounds = training.in_rounds(lessons, config.num_rounds)
    state, history = training.scan_rounds(step, look, state, rounds)
    return state, history._replace(train_loss=history.train_loss.ravel())
