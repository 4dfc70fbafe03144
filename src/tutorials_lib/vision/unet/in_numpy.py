"""The U-Net in NumPy, with gradients by hand.

Parameters and batch statistics are the nested dicts that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib import schedules
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution import in_numpy as convolution
from tutorials_lib.layers.losses import in_numpy as losses
from tutorials_lib.layers.upsampling import in_numpy as upsampling
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.vision.unet.problem import Config, learning_rates

Params = dict[Any, Any]
"""`{"down": {i: block}, "bottom": block, "up": {i: block}, "head": {"kernel", "bias"}}`, where a
block is `{"first": convolution, "second": convolution}` and a convolution is
`{"conv": {"kernel"}, "norm": {"scale", "bias"}}`."""

BatchStatistics = dict[Any, Any]
"""The same without the head, and `{"norm": {"mean", "var"}}` in the place of a convolution."""

Images = Float[np.ndarray, "batch height width channels"]
FeatureMaps = Float[np.ndarray, "batch height width features"]
Pixels = Float[np.ndarray, "batch height width"]
"""One number a pixel: logits, targets (1 on a wall, else 0) or weights."""


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: AdamState


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, adam_start(params))


# ---------------------------------------------------------------- prediction


def predict(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Pixels:
    """The logit of every pixel, normalized by the running statistics."""
    x, skips = images, []
    for level, block in params["down"].items():
        x = _predict_block(x, block, statistics["down"][level])
        skips.append(x)
        x, _ = layers.max_pool(x)
    x = _predict_block(x, params["bottom"], statistics["bottom"])
    for level, block in params["up"].items():
        x, _ = upsampling.upsample(x)
        x, _ = upsampling.concatenate(x, skips.pop())
        x = _predict_block(x, block, statistics["up"][level])
    return _head(x, **params["head"])[0]


def _predict_block(x: Images, block: Params, statistics: BatchStatistics) -> FeatureMaps:
    for name, layer in block.items():
        x, _ = convolution.conv2d(x, **layer["conv"])
        x = layers.normalize(x, **statistics[name]["norm"], **layer["norm"])
        x, _ = layers.relu(x)
    return x


# ---------------------------------------------------------------- training


def loss(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    targets: Pixels,
    weights: Pixels,
    config: Config,
) -> tuple[np.floating, BatchStatistics]:
    """Weighted cross-entropy plus the Dice loss of a batch, normalized by its own statistics.

    The batch statistics come second, with those of this batch taken into account.
    """
    value, statistics, _ = loss_and_grads(params, statistics, images, targets, weights, config)
    return value, statistics


def loss_and_grads(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    targets: Pixels,
    weights: Pixels,
    config: Config,
) -> tuple[np.floating, BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    x, skips, vjps = images, [], {}
    running: BatchStatistics = {"down": {}, "up": {}}
    for level, block in params["down"].items():
        kept, block_vjp, running["down"][level] = _block(
            x, block, statistics["down"][level], config, input_gradient=level > 0
        )
        skips.append(kept)
        x, pool_vjp = layers.max_pool(kept)
        vjps["down", level] = block_vjp, pool_vjp
    x, bottom_vjp, running["bottom"] = _block(x, params["bottom"], statistics["bottom"], config)
    for level, block in params["up"].items():
        x, up_vjp = upsampling.upsample(x)
        x, join_vjp = upsampling.concatenate(x, skips.pop())
        x, block_vjp, running["up"][level] = _block(x, block, statistics["up"][level], config)
        vjps["up", level] = up_vjp, join_vjp, block_vjp
    logits, head_vjp = _head(x, **params["head"])
    cross_entropy, dlogits = losses.binary_cross_entropy(logits, targets, weights)
    dice, of_dice = losses.soft_dice(logits, targets)

    grads: Params = {"down": {}, "up": {}}
    dskips = []
    dx, grads["head"] = head_vjp(dlogits + of_dice)
    for level in reversed(params["up"]):
        up_vjp, join_vjp, block_vjp = vjps["up", level]
        dx, grads["up"][level] = block_vjp(dx)
        dx, dskip = join_vjp(dx)
        dskips.append(dskip)
        dx = up_vjp(dx)
    dx, grads["bottom"] = bottom_vjp(dx)
    for level in reversed(params["down"]):
        block_vjp, pool_vjp = vjps["down", level]
        dx, grads["down"][level] = block_vjp(pool_vjp(dx) + dskips.pop())
    return cross_entropy + dice, running, grads


def _block(
    x: Images,
    block: Params,
    statistics: BatchStatistics,
    config: Config,
    *,
    input_gradient: bool = True,
) -> tuple[FeatureMaps, Callable[[FeatureMaps], tuple[Images | None, Params]], BatchStatistics]:
    """Twice: convolve, normalize by the batch, cut at zero. The running statistics come third."""
    vjps, running = {}, {}
    for name, layer in block.items():
        x, conv_vjp = convolution.conv2d(
            x, **layer["conv"], input_gradient=input_gradient or name == "second"
        )
        x, norm_vjp, of_batch = layers.batch_norm(x, **layer["norm"])
        x, relu_vjp = layers.relu(x)
        vjps[name] = conv_vjp, norm_vjp, relu_vjp
        running[name] = {"norm": _blend(statistics[name]["norm"], of_batch._asdict(), config)}

    def vjp(dy: FeatureMaps) -> tuple[Images | None, Params]:
        dx, grads = dy, {}
        for name, (conv_vjp, norm_vjp, relu_vjp) in reversed(vjps.items()):
            dx, dnorm = norm_vjp(relu_vjp(dx))
            dx, dconv = conv_vjp(dx)
            grads[name] = {"conv": dconv, "norm": dnorm}
        return dx, grads

    return x, vjp, running


def _head(
    x: Images, kernel: Float[np.ndarray, "channels 1"], bias: Float[np.ndarray, " 1"]
) -> tuple[Pixels, Callable[[Pixels], tuple[Images, Params]]]:
    """One linear map for all pixels: the logit that a pixel is on a wall."""
    rows = x.transpose(1, 2, 0, 3)  # contiguous, as the layers keep images in memory
    logits = (rows @ kernel + bias)[..., 0].transpose(2, 0, 1)

    def vjp(dlogits: Pixels) -> tuple[Images, Params]:
        drows = np.ascontiguousarray(dlogits.transpose(1, 2, 0))[..., None]
        dkernel = rows.reshape(-1, len(kernel)).T @ drows.reshape(-1, 1)
        dbias = dlogits.sum(keepdims=True).reshape(1)
        return (drows * kernel[:, 0]).transpose(2, 0, 1, 3), {"kernel": dkernel, "bias": dbias}

    return logits, vjp


def _blend(
    old: dict[str, np.ndarray], new: dict[str, np.ndarray], config: Config
) -> dict[str, np.ndarray]:
    """The running average, moved a little towards the statistics of one batch."""
    keep = config.statistics_momentum
    return {name: keep * old[name] + (1 - keep) * new[name] for name in old}


def train_step(
    state: State, images: Images, targets: Pixels, weights: Pixels, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, statistics, grads = loss_and_grads(
        state.params, state.statistics, images, targets, weights, config
    )
    params, opt_state = adam_update(
        state.params,
        grads,
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, statistics, opt_state), value


def train_steps(
    state: State,
    images: Float[np.ndarray, "steps batch height width channels"],
    targets: Float[np.ndarray, "steps batch height width"],
    weights: Float[np.ndarray, "steps batch height width"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    values = np.empty(len(images), images.dtype)
    for step, batch in enumerate(zip(images, targets, weights, strict=True)):
        state, values[step] = train_step(state, *batch, config)
    return state, values
