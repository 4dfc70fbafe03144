"""A classifier of digits and the attack on it in NumPy, with gradients by hand.

There are two backward passes: to the parameters, for training, and to the pixels, for attacking.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution.in_numpy import conv2d
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.vision.adversarial_attacks.problem import (
    Attack,
    Config,
    Defence,
    growth,
    learning_rates,
)

Params = dict[Any, Any]
"""`{"convs": {i: {"kernel", "bias"}}, "hidden": {"kernel", "bias"}, "head": {...}}`"""

Images = Float[np.ndarray, "batch height width channels"]
FoldedImages = Float[np.ndarray, "batch rows columns features"]
FeatureMaps = Float[np.ndarray, "batch rows columns maps"]
Labels = Int[np.ndarray, " batch"]
Logits = Float[np.ndarray, "batch classes"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


# ---------------------------------------------------------------- the network


def fold(x: Images) -> tuple[FoldedImages, Callable[[FoldedImages], Images]]:
    """Each block of 2 x 2 pixels as one pixel with four times the channels (space to depth).

    A convolution of 3 x 3 folded pixels sees 6 x 6 pixels and moves by two.
    """
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    # blocks[n, i, row, j, column, c] -> folded[i, j, n, (row, column, c)], the order in memory
    folded = blocks.transpose(1, 3, 0, 2, 4, 5).reshape(height // 2, width // 2, batch, -1)

    def vjp(dy: FoldedImages) -> Images:
        dblocks = dy.reshape(batch, height // 2, width // 2, 2, 2, channels)
        return dblocks.transpose(0, 1, 3, 2, 4, 5).reshape(x.shape)

    return folded.transpose(2, 0, 1, 3), vjp


def conv_relu(
    x: FoldedImages,
    kernel: Float[np.ndarray, "3 3 features maps"],
    bias: Float[np.ndarray, " maps"],
    *,
    input_gradient: bool = True,
) -> tuple[FeatureMaps, Callable[[FeatureMaps], FeatureMaps], Callable]:
    """Convolve, add the bias, cut at zero; `input_gradient` is as in `conv2d`.

    Returns:
        The feature maps; the gradient before the cut from that after it, whose memory it takes;
        and the `vjp` of the convolution alone.
    """
    y, conv_vjp = conv2d(x, kernel, bias, input_gradient=input_gradient)
    np.maximum(y, 0, out=y)
    return y, lambda dy: np.multiply(dy, y > 0, out=dy), conv_vjp


def predict(params: Params, images: Images, config: Config) -> Logits:
    """The logits of each class."""
    x = images
    for conv in params["convs"].values():
        x, _, _ = conv_relu(fold(x)[0], **conv)
    hidden, _ = layers.relu(linear(x.reshape(len(x), -1), **params["hidden"])[0])
    return linear(hidden, **params["head"])[0]


def loss(params: Params, images: Images, labels: Labels, config: Config) -> np.floating:
    """The mean cross-entropy of a batch."""
    return layers.softmax_cross_entropy(predict(params, images, config), labels)[0]


def loss_and_grads(
    params: Params, images: Images, labels: Labels, config: Config
) -> tuple[np.floating, Params]:
    """The loss, and its gradient with respect to all parameters."""
    x, backs, grads = images, {}, {"convs": {}}
    for i, conv in params["convs"].items():
        x, unfold = fold(x)
        x, uncut, conv_vjp = conv_relu(x, **conv, input_gradient=i > 0)
        backs[i] = unfold, uncut, conv_vjp
    features, unflatten = layers.flatten(x)
    hidden, hidden_vjp = linear(features, **params["hidden"])
    hidden, relu_vjp = layers.relu(hidden)
    logits, head_vjp = linear(hidden, **params["head"])
    value, loss_vjp = layers.softmax_cross_entropy(logits, labels)

    dhidden, grads["head"] = head_vjp(loss_vjp(1.0))
    dfeatures, grads["hidden"] = hidden_vjp(relu_vjp(dhidden))
    dx = unflatten(dfeatures)
    for i, (unfold, uncut, conv_vjp) in reversed(backs.items()):
        dx, grads["convs"][i] = conv_vjp(uncut(dx))
        if dx is not None:  # there are layers before this one
            dx = unfold(dx)
    return value, grads


def input_gradient(params: Params, images: Images, labels: Labels, config: Config) -> Images:
    """The gradient of the loss of each picture with respect to its own pixels.

    The way back through a convolution is a convolution with the kernel turned upside down, its
    input and output channels exchanged. No gradient of a parameter is computed.
    """
    x, backs = images, []
    for conv in params["convs"].values():
        x, unfold = fold(x)
        x, uncut, _ = conv_relu(x, **conv)
        backs.append((unfold, uncut, conv["kernel"][::-1, ::-1].swapaxes(2, 3)))
    features, unflatten = layers.flatten(x)
    hidden, relu_vjp = layers.relu(linear(features, **params["hidden"])[0])
    logits = linear(hidden, **params["head"])[0]
    _, loss_vjp = layers.softmax_cross_entropy(logits, labels)

    dhidden = relu_vjp(loss_vjp(float(len(labels))) @ params["head"]["kernel"].T)
    dx = unflatten(dhidden @ params["hidden"]["kernel"].T)
    for unfold, uncut, turned in reversed(backs):
        dx = unfold(conv2d(uncut(dx), turned)[0])
    return dx


# ---------------------------------------------------------------- the attack


def move(gradient: Images, attacked: Images, low: Images, high: Images, attack: Attack) -> Images:
    """Every pixel one step along the sign of its gradient, and back to where it may be.

    The memory of `gradient` is taken for the result.
    """
    step = np.sign(gradient, out=gradient)
    step *= float(attack.step_size * attack.direction)
    step += attacked
    return np.clip(step, low, high, out=step)


def projected_ascent(
    gradient: Callable[[Images], Images], images: Images, noise: Images, attack: Attack
) -> Images:
    """Follow the sign of `gradient` from a point near each picture, as far as the budget goes.

    Args:
        gradient: of what the attacker wants to raise, at attacked pictures.
        images: the pictures, from 0 to 1.
        noise: from -1 to 1, where in the budget each pixel starts.
        attack: the budget and the steps.
    """
    epsilon = float(attack.epsilon)
    low, high = np.maximum(images - epsilon, 0), np.minimum(images + epsilon, 1)
    attacked = np.clip(images + epsilon * noise, low, high)
    for _ in range(int(attack.num_steps)):
        attacked = move(gradient(attacked), attacked, low, high, attack)
    return attacked


def pgd(
    params: Params, images: Images, labels: Labels, noise: Images, attack: Attack, config: Config
) -> Images:
    """Projected gradient descent, the attack of Madry et al. (2018): up the loss of the labels.

    With `attack.direction` -1 it goes down, towards labels that the attacker has chosen.
    """

    def gradient(attacked: Images) -> Images:
        return input_gradient(params, attacked, labels, config)

    return projected_ascent(gradient, images, noise, attack)


# ---------------------------------------------------------------- training


def train_step(
    state: State, images: Images, labels: Labels, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, images, labels, config)
    params, opt_state = adam_update(
        state.params,
        grads,
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, opt_state), value


def adversarial_step(
    state: State, images: Images, labels: Labels, noise: Images, defence: Defence, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam on the pictures as an attack leaves them; also the loss before it."""
    share = schedules.at(growth(config), state.opt_state.steps)
    epsilon = config.epsilon * defence.budget * share
    attack = Attack(epsilon, defence.stride * epsilon, defence.num_steps)
    attacked = pgd(state.params, images, labels, noise, attack, config)
    return train_step(state, attacked, labels, config)


def adversarial_steps(
    state: State,
    images: Float[np.ndarray, "steps batch height width channels"],
    labels: Int[np.ndarray, "steps batch"],
    noise: Float[np.ndarray, "steps batch height width channels"],
    defence: Defence,
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One adversarial step for each batch in turn; also the loss before each."""
    losses = np.empty(len(images), images.dtype)
    for step, batch in enumerate(zip(images, labels, noise, strict=True)):
        state, losses[step] = adversarial_step(state, *batch, defence, config)
    return state, losses
