"""Fine-tuning in NumPy, with gradients by hand that stop at the first layer that learns."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution import in_numpy as convolution
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.vision.transfer_learning.problem import LAYERS, Config, Rates

Params = dict[str, dict[str, np.ndarray]]
"""`{layer: {"kernel", "bias"}}`, the layers from the picture to the logits."""

Images = Float[np.ndarray, "batch height width channels"]
Maps = Float[np.ndarray, "batch rows columns features"]
Labels = Int[np.ndarray, " batch"]
Logits = Float[np.ndarray, "batch classes"]

POOLED = ("conv2", "conv3")
"""Convolutions after which the picture is halved."""


class State(NamedTuple):
    """All that a training step changes.

    Attributes:
        params: of all layers.
        opt_state: of each layer that learns; a frozen one needs none.
    """

    params: Params
    opt_state: dict[str, AdamState]


def start(params: Params, trained: Sequence[str]) -> State:
    """The state before the first step, where only the layers `trained` will move."""
    return State(params, {layer: adam_start(params[layer]) for layer in trained})


def predict(params: Params, images: Images, config: Config) -> Logits:
    """The logits of each class."""
    return _forward(params, images, first=len(LAYERS))[0]


def loss_and_grads(
    params: Params, images: Images, labels: Labels, config: Config, trained: Sequence[str]
) -> tuple[np.floating, Params]:
    """The mean cross-entropy of a batch, and its gradients for the layers that are `trained`."""
    first = min(map(LAYERS.index, trained))
    logits, vjps = _forward(params, images, first=first)
    value, loss_vjp = layers.softmax_cross_entropy(logits, labels)
    grads: Params = {}
    dx = loss_vjp(1.0)
    for layer in reversed(LAYERS[first:]):
        dx, dlayer = vjps[layer](dx)
        if layer in trained:
            grads[layer] = dlayer
    return value, grads


def train_step(
    state: State,
    images: Images,
    labels: Labels,
    rates: Rates,
    config: Config,
    trained: Sequence[str],
) -> tuple[State, np.floating]:
    """One step of Adam, each layer at its own rate; also the loss before it."""
    value, grads = loss_and_grads(state.params, images, labels, config, trained)
    params, opt_state = dict(state.params), {}
    for column, layer in enumerate(trained):
        adam = state.opt_state[layer]
        rate = rates[min(int(adam.steps), len(rates) - 1), column]
        params[layer], opt_state[layer] = adam_update(
            params[layer], grads[layer], adam, learning_rate=rate
        )
    return State(params, opt_state), value


def train_steps(
    state: State,
    images: Float[np.ndarray, "steps batch height width channels"],
    labels: Int[np.ndarray, "steps batch"],
    rates: Rates,
    config: Config,
    trained: Sequence[str],
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    values = np.empty(len(images), images.dtype)
    for step, batch in enumerate(zip(images, labels, strict=True)):
        state, values[step] = train_step(state, *batch, rates, config, trained)
    return state, values


# ---------------------------------------------------------------- forward, with the way back

Layer = dict[str, np.ndarray]
"""`{"kernel", "bias"}`, or their gradients."""

Vjp = Callable[[Any], tuple[Any, Layer]]
"""From the gradient of a layer's output to those of its input and its parameters."""


def _forward(params: Params, images: Images, *, first: int) -> tuple[Logits, dict[str, Vjp]]:
    """The logits, and the way back through every layer.

    Nothing is asked for before the layer in place `first`, so its input gets no gradient.
    """
    x, vjps = images, {}
    for place, layer in enumerate(LAYERS[:3]):
        x, vjps[layer] = _convolve(
            x, **params[layer], pooled=layer in POOLED, input_gradient=place > first
        )
    x, flatten_vjp = layers.flatten(x)
    x, hidden_vjp = linear(x, **params["hidden"])
    x, relu_vjp = layers.relu(x)
    logits, vjps["head"] = linear(x, **params["head"])

    def hidden(dy: Float[np.ndarray, "batch hidden"]) -> tuple[Maps, Layer]:
        dx, grads = hidden_vjp(relu_vjp(dy))
        return flatten_vjp(dx), grads

    return logits, vjps | {"hidden": hidden}


def _convolve(
    x: Images,
    kernel: Float[np.ndarray, "3 3 channels features"],
    bias: Float[np.ndarray, " features"],
    *,
    pooled: bool,
    input_gradient: bool,
) -> tuple[Maps, Vjp]:
    """Convolve, keep the largest of every four pixels where it is pooled, and cut at zero.

    The bias comes after the pooling, where there is a quarter of the pixels: the largest of some
    numbers is the same one when all of them are moved alike.
    """
    x, conv_vjp = convolution.conv2d(x, kernel, input_gradient=input_gradient)
    x, pool_vjp = layers.max_pool(x) if pooled else (x, lambda dy: dy)
    x, relu_vjp = layers.relu(x + bias)

    def vjp(dy: Maps) -> tuple[Images | None, Layer]:
        dy = relu_vjp(dy)
        dx, grads = conv_vjp(pool_vjp(dy))
        return dx, {**grads, "bias": dy.sum((0, 1, 2))}

    return x, vjp
