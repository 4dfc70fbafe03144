"""Prototypical networks in NumPy, with gradients by hand.

Parameters and batch statistics are the nested dicts that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution import in_numpy as convolution
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.trees import tree_map
from tutorials_lib.vision.prototypical_networks.problem import (
    NUM_POOLED,
    Config,
    Episodes,
    labels,
    learning_rates,
)

Params = dict[Any, Any]
"""`{"blocks": {i: {"conv": {"kernel"}, "norm": {"scale", "bias"}}}, "head": {"kernel"}}`"""

BatchStatistics = dict[Any, Any]
"""`{"blocks": {i: {"norm": {"mean", "var"}}}}`, the running statistics."""

Images = Float[np.ndarray, "batch height width channels"]
Drawings = Float[np.ndarray, "ways drawings height width channels"]
Features = Float[np.ndarray, "batch features"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: AdamState


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, adam_start(params))


# ---------------------------------------------------------------- prediction


def embed(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Features:
    """The features of each picture, normalized by the running statistics."""
    x = images
    for i, block in params["blocks"].items():
        x, _ = convolution.conv2d(x, **block["conv"])
        if i < NUM_POOLED:
            x, _ = layers.max_pool(x)
        x = layers.normalize(x, **statistics["blocks"][i]["norm"], **block["norm"])
        x, _ = layers.relu(x)
    return layers.flatten(x)[0] @ params["head"]["kernel"]


def compare(
    queries: Float[np.ndarray, "queries features"],
    prototypes: Float[np.ndarray, "ways features"],
    config: Config,
) -> Float[np.ndarray, "queries ways"]:
    r"""The logits $-|q - c|^2 / \tau$ of every query $q$ for every prototype $c$."""
    return _compare(queries, prototypes, config.temperature)[0]


def predict(
    params: Params,
    statistics: BatchStatistics,
    support: Drawings,
    queries: Images,
    config: Config,
) -> Float[np.ndarray, "queries ways"]:
    """The logits of the queries, from some drawings of each character."""
    ways, shots = support.shape[:2]
    examples = embed(params, statistics, support.reshape(ways * shots, *support.shape[2:]), config)
    prototypes = examples.reshape(ways, shots, -1).mean(1)
    return compare(embed(params, statistics, queries, config), prototypes, config)


def accuracy(
    features: Float[np.ndarray, "pictures features"],
    support: Int[np.ndarray, "*episodes ways shots"],
    queries: Int[np.ndarray, "*episodes ways queries"],
) -> Float[np.ndarray, "*episodes"] | np.floating:
    """The share of queries of an episode, or of each, whose nearest prototype is the right one.

    The length of a query is the same for all prototypes, so it is left out of the distances.
    """
    prototypes = features[support].mean(-2)
    shown = features[queries]
    middle = (prototypes**2).sum(-1) / 2  # [... ways]
    closeness = shown.reshape(*shown.shape[:-3], -1, shown.shape[-1]) @ prototypes.swapaxes(-1, -2)
    closeness -= middle[..., None, :]
    found = closeness.argmax(-1).reshape(queries.shape)
    right = found == np.arange(queries.shape[-2])[:, None]
    return right.mean((-2, -1), dtype=features.dtype)


def accuracies(
    features: Float[np.ndarray, "pictures features"], episodes: Episodes
) -> Float[np.ndarray, " episodes"]:
    """The accuracy of every episode."""
    return np.asarray(accuracy(features, *episodes))


# ---------------------------------------------------------------- training


def loss(
    params: Params, statistics: BatchStatistics, images: Drawings, config: Config
) -> tuple[np.floating, BatchStatistics]:
    """The mean cross-entropy of an episode, normalized by the statistics of all its pictures.

    The first `config.num_shots` drawings of each character are examples, the others queries. The
    batch statistics come second, with those of this episode taken into account.
    """
    value, statistics, _ = loss_and_grads(params, statistics, images, config)
    return value, statistics


def loss_and_grads(
    params: Params, statistics: BatchStatistics, images: Drawings, config: Config
) -> tuple[np.floating, BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    ways, drawings = images.shape[:2]
    shots = config.num_shots
    features, embed_vjp, of_batch = _embed(params, images.reshape(-1, *images.shape[2:]))
    features = features.reshape(ways, drawings, -1)
    prototypes = features[:, :shots].mean(1)
    queries = features[:, shots:].reshape(-1, features.shape[-1])
    logits, compare_vjp = _compare(queries, prototypes, config.temperature)
    value, loss_vjp = layers.softmax_cross_entropy(logits, labels(config))

    dqueries, dprototypes = compare_vjp(loss_vjp(1.0))
    dfeatures = np.empty_like(features)
    dfeatures[:, shots:] = dqueries.reshape(ways, drawings - shots, -1)
    dfeatures[:, :shots] = dprototypes[:, None] / shots
    grads = embed_vjp(dfeatures.reshape(ways * drawings, -1))
    keep = config.statistics_momentum
    running = tree_map(lambda old, new: keep * old + (1 - keep) * new, statistics, of_batch)
    return value, running, grads


def _embed(
    params: Params, images: Images
) -> tuple[Features, Callable[[Features], Params], BatchStatistics]:
    """The features of each picture, normalized by the batch, whose statistics come third."""
    x, vjps, of_batch = images, {}, {}
    for i, block in params["blocks"].items():
        x, conv_vjp = convolution.conv2d(x, **block["conv"], input_gradient=i > 0)
        x, pool_vjp = layers.max_pool(x) if i < NUM_POOLED else (x, lambda dy: dy)
        x, norm_vjp, found = layers.batch_norm(x, **block["norm"])
        x, relu_vjp = layers.relu(x)
        vjps[i] = conv_vjp, pool_vjp, norm_vjp, relu_vjp
        of_batch[i] = {"norm": found._asdict()}
    flat, flatten_vjp = layers.flatten(x)
    kernel = params["head"]["kernel"]

    def vjp(dfeatures: Features) -> Params:
        grads = {"blocks": {}, "head": {"kernel": flat.T @ dfeatures}}
        dx = flatten_vjp(dfeatures @ kernel.T)
        for i, (conv_vjp, pool_vjp, norm_vjp, relu_vjp) in reversed(vjps.items()):
            dx, dnorm = norm_vjp(relu_vjp(dx))
            dx, dconv = conv_vjp(pool_vjp(dx))
            grads["blocks"][i] = {"conv": dconv, "norm": dnorm}
        return grads

    return flat @ kernel, vjp, {"blocks": of_batch}


def _compare(
    queries: Float[np.ndarray, "queries features"],
    prototypes: Float[np.ndarray, "ways features"],
    temperature: float,
) -> tuple[
    Float[np.ndarray, "queries ways"],
    Callable[[Float[np.ndarray, "queries ways"]], tuple[np.ndarray, np.ndarray]],
]:
    """`compare`, and the gradients of queries and prototypes."""
    distances = (queries**2).sum(-1)[:, None] - 2 * queries @ prototypes.T
    distances += (prototypes**2).sum(-1)

    def vjp(dlogits: Float[np.ndarray, "queries ways"]) -> tuple[np.ndarray, np.ndarray]:
        pull = dlogits * (2 / temperature)
        dqueries = pull @ prototypes - pull.sum(1)[:, None] * queries
        dprototypes = pull.T @ queries - pull.sum(0)[:, None] * prototypes
        return dqueries, dprototypes

    return distances * (-1 / temperature), vjp


def train_step(state: State, images: Drawings, config: Config) -> tuple[State, np.floating]:
    """One episode, one step of Adam; also the loss before it."""
    value, statistics, grads = loss_and_grads(state.params, state.statistics, images, config)
    params, opt_state = adam_update(
        state.params,
        grads,
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, statistics, opt_state), value


def train_steps(
    state: State,
    images: Float[np.ndarray, "steps ways drawings height width channels"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each episode in turn; also the loss before each."""
    values = np.empty(len(images), images.dtype)
    for step, episode in enumerate(images):
        state, values[step] = train_step(state, episode, config)
    return state, values
