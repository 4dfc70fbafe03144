"""The convolutional network in NumPy, with gradients by hand.

Parameters and batch statistics are the nested dicts that the Flax network has.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import MomentumState, nesterov_start, nesterov_update
from tutorials_lib.vision.cnn.problem import Config, Labels, learning_rates

Params = dict[Any, Any]
"""`{"blocks": {i: {"conv": {"kernel"}, "norm": {"scale", "bias"}}}, "dense": {...}}`"""

BatchStatistics = dict[Any, Any]
"""`{"blocks": {i: {"norm": {"mean", "var"}}}}`, the running statistics."""

Images = Float[np.ndarray, "batch height width channels"]
Logits = Float[np.ndarray, "batch classes"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: MomentumState


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, nesterov_start(params))


def predict(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Logits:
    """The logits of each class, normalized by the running statistics."""
    x = images
    for i, block in params["blocks"].items():
        x, _ = layers.conv2d(x, **block["conv"])
        x, _ = layers.max_pool(x)
        x = layers.normalize(x, **statistics["blocks"][i]["norm"], **block["norm"])
        x, _ = layers.relu(x)
    features, _ = layers.flatten(x)
    return linear(features, **params["dense"])[0]


def loss(
    params: Params, statistics: BatchStatistics, images: Images, labels: Labels, config: Config
) -> tuple[np.floating, BatchStatistics]:
    """The mean cross-entropy of a batch, normalized by its own statistics.

    The batch statistics come second, with those of this batch taken into account.
    """
    value, statistics, _ = loss_and_grads(params, statistics, images, labels, config)
    return value, statistics


def loss_and_grads(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    labels: Labels,
    config: Config,
) -> tuple[np.floating, BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    x = images
    vjps, running = {}, {}
    for i, block in params["blocks"].items():
        x, conv_vjp = layers.conv2d(x, **block["conv"], input_gradient=i > 0)
        x, pool_vjp = layers.max_pool(x)
        x, norm_vjp, of_batch = layers.batch_norm(x, **block["norm"])
        x, relu_vjp = layers.relu(x)
        vjps[i] = conv_vjp, pool_vjp, norm_vjp, relu_vjp
        before = statistics["blocks"][i]["norm"]
        running[i] = {"norm": _blend(before, of_batch._asdict(), config)}
    features, flatten_vjp = layers.flatten(x)
    logits, dense_vjp = linear(features, **params["dense"])
    value, loss_vjp = layers.softmax_cross_entropy(logits, labels)

    dfeatures, ddense = dense_vjp(loss_vjp(1.0))
    grads = {"blocks": {}, "dense": ddense}
    dx = flatten_vjp(dfeatures)
    for i, (conv_vjp, pool_vjp, norm_vjp, relu_vjp) in reversed(vjps.items()):
        dx, dnorm = norm_vjp(relu_vjp(dx))
        dx, dconv = conv_vjp(pool_vjp(dx))
        grads["blocks"][i] = {"conv": dconv, "norm": dnorm}
    return value, {"blocks": running}, grads


def train_step(
    state: State, images: Images, labels: Labels, config: Config
) -> tuple[State, np.floating]:
    """One step of gradient descent with Nesterov's momentum; also the loss before it."""
    value, statistics, grads = loss_and_grads(
        state.params, state.statistics, images, labels, config
    )
    params, opt_state = nesterov_update(
        state.params,
        grads,
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
        momentum=config.momentum,
    )
    return State(params, statistics, opt_state), value


def train_steps(
    state: State,
    images: Float[np.ndarray, "steps batch height width channels"],
    labels: Int[np.ndarray, "steps batch"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    losses = np.empty(len(images), images.dtype)
    for step, (batch, batch_labels) in enumerate(zip(images, labels, strict=True)):
        state, losses[step] = train_step(state, batch, batch_labels, config)
    return state, losses


def _blend(
    old: dict[str, np.ndarray], new: dict[str, np.ndarray], config: Config
) -> dict[str, np.ndarray]:
    """The running average, moved a little towards the statistics of one batch."""
    keep = config.statistics_momentum
    return {name: keep * old[name] + (1 - keep) * new[name] for name in old}
