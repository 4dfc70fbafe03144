"""Super-resolution in NumPy, with gradients by hand.

Parameters are the nested dict that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib import schedules
from tutorials_lib.layers.convolution.in_numpy import conv2d
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.vision.srcnn.problem import Config, learning_rates
from tutorials_lib.vision.srcnn.resizing import resampling

Params = dict[Any, Any]
"""`{"convs": {number: {"kernel", "bias"}}}`, one for each convolution in their order."""

LowPictures = Float[np.ndarray, "batch rows columns"]
Pictures = Float[np.ndarray, "batch height width"]
Images = Float[np.ndarray, "batch rows columns channels"]
FeatureMaps = Float[np.ndarray, "batch rows columns features"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


# ---------------------------------------------------------------- prediction


def predict(params: Params, low: LowPictures, config: Config) -> Pictures:
    """Pictures `config.scale` times as high and as wide."""
    return _forward(params, low, config)[0]


def enlarge(low: LowPictures, config: Config) -> Pictures:
    """The bicubic enlargement: a product with one matrix from each side."""
    matrices = (resampling(side, side * config.scale) for side in low.shape[1:])
    down, across = (matrix.astype(low.dtype, copy=False) for matrix in matrices)
    return down @ low @ across.T


def _forward(
    params: Params, low: LowPictures, config: Config
) -> tuple[Pictures, Callable[[Pictures], Params]]:
    """The enlarged pictures, and the way from their gradient to those of the parameters."""
    enlarged = enlarge(low, config)
    x = 4 * (enlarged if config.enlarge_first else low)[..., None] - 2  # about unit variance
    *hidden, last = params["convs"]
    vjps = {}
    for number in hidden:
        x, vjps[number] = _hidden(x, **params["convs"][number], input_gradient=number > 0)
    x, vjps[last] = conv2d(x, **params["convs"][last])
    correction, to_pixels_vjp = depth_to_space(x, config.factor)

    def vjp(dpictures: Pictures) -> Params:
        dx, grads = to_pixels_vjp(dpictures / 10), {}
        for number, conv_vjp in reversed(vjps.items()):
            dx, grads[number] = conv_vjp(dx)
        return {"convs": grads}

    return enlarged + correction / 10, vjp


def _hidden(
    x: Images, kernel: np.ndarray, bias: np.ndarray, *, input_gradient: bool
) -> tuple[FeatureMaps, Callable[[FeatureMaps], tuple[Images | None, Params]]]:
    """Convolve and cut at zero; added to the input where that has as many feature maps."""
    y, conv_vjp = conv2d(x, kernel, bias, input_gradient=input_gradient)
    np.maximum(y, 0, out=y)
    adds = x.shape == y.shape

    def vjp(dout: FeatureMaps) -> tuple[Images | None, Params]:
        dx, grads = conv_vjp(dout * (y > 0))
        return dx + dout if adds else dx, grads

    return x + y if adds else y, vjp


def depth_to_space(
    x: FeatureMaps, factor: int
) -> tuple[Pictures, Callable[[Pictures], FeatureMaps]]:
    """The `factor**2` numbers of a pixel become a block of pixels, row by row (Shi et al. 2016)."""
    batch, rows, columns, _ = x.shape
    blocks = x.reshape(batch, rows, columns, factor, factor)

    def vjp(dpictures: Pictures) -> FeatureMaps:
        dblocks = dpictures.reshape(batch, rows, factor, columns, factor)
        return dblocks.swapaxes(2, 3).reshape(x.shape)

    # blocks[n, i, j, a, b] -> pictures[n, i * factor + a, j * factor + b]
    return blocks.swapaxes(2, 3).reshape(batch, rows * factor, columns * factor), vjp


# ---------------------------------------------------------------- training


def loss(params: Params, low: LowPictures, high: Pictures, config: Config) -> np.floating:
    """The mean squared error, without a border of `config.border` pixels."""
    inside = slice(config.border, -config.border)
    error = (predict(params, low, config) - high)[:, inside, inside]
    return np.mean(error**2)


def loss_and_grads(
    params: Params, low: LowPictures, high: Pictures, config: Config
) -> tuple[np.floating, Params]:
    """The loss, and its gradients with respect to all parameters."""
    predicted, vjp = _forward(params, low, config)
    inside = slice(config.border, -config.border)
    error = (predicted - high)[:, inside, inside]
    dpredicted = np.zeros_like(predicted)
    dpredicted[:, inside, inside] = error * (2 / error.size)
    return np.mean(error**2), vjp(dpredicted)


def train_step(
    state: State, low: LowPictures, high: Pictures, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, low, high, config)
    params, opt_state = adam_update(
        state.params,
        grads,
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, opt_state), value


def train_steps(
    state: State,
    low: Float[np.ndarray, "steps batch rows columns"],
    high: Float[np.ndarray, "steps batch height width"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    values = np.empty(len(low), low.dtype)
    for step, batch in enumerate(zip(low, high, strict=True)):
        state, values[step] = train_step(state, *batch, config)
    return state, values
