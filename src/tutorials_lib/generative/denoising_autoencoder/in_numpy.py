"""Removing noise in NumPy, with gradients by hand.

Parameters are the nested dict that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib import schedules
from tutorials_lib.generative.denoising_autoencoder.problem import (
    ERROR_GROWTH,
    MIDDLE_SIGMA,
    Config,
    learning_rates,
)
from tutorials_lib.optimizers import AdamState, adam_start, adam_update

Params = dict[str, Any]
"""`{"passes": {number: {"encoder", "weight", "bias", "level", "decoder"}}}`."""

Pictures = Float[np.ndarray, "batch height width"]
Sigmas = Float[np.ndarray, " batch"]
Patches = Float[np.ndarray, "batch rows columns pixels"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


# ---------------------------------------------------------------- patches


def to_patches(pictures: Pictures, config: Config) -> Patches:
    """All patches of the pictures, `config.stride` pixels apart, the pixels of each row by row."""
    size, stride = config.patch_size, config.stride
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (size, size), axis=(1, 2))
    chosen = windows[:, ::stride, ::stride]
    return chosen.reshape(*chosen.shape[:3], size**2)


def cut(pictures: Pictures, unit: Float[np.ndarray, "batch 1 1 1"], config: Config) -> Patches:
    """The patches, less the mean of each, in units of the noise."""
    patches = to_patches(pictures, config)
    patches = patches - patches.mean(-1, keepdims=True)  # a single patch is a view
    patches /= unit
    return patches


def add_up(patches: Patches, like: Pictures, config: Config) -> Pictures:
    """The sum of patches at every pixel of pictures like these: the transpose of `to_patches`."""
    size, stride = config.patch_size, config.stride
    batch, rows, columns, _ = patches.shape
    pixels = patches.reshape(batch, rows, columns, size, size)
    total = np.zeros(like.shape, patches.dtype)
    for i, j in np.ndindex(size, size):
        down, across = i + stride * rows, j + stride * columns
        total[:, i:down:stride, j:across:stride] += pixels[..., i, j]
    return total


# ---------------------------------------------------------------- the network


def predict(params: Params, noisy: Pictures, sigma: Sigmas, config: Config) -> Pictures:
    """The pictures without what is taken for noise of standard deviation `sigma`."""
    return _forward(params, noisy, sigma, config)[0]


def _forward(
    params: Params, noisy: Pictures, sigma: Sigmas, config: Config
) -> tuple[Pictures, Callable[[Pictures], Params]]:
    """The denoised pictures, and the way from their gradient to those of the parameters."""
    guide, vjps = None, {}
    for number, each in params["passes"].items():
        guide, vjps[number] = _look(each, noisy, guide, sigma, config)
    assert guide is not None  # there is a pass

    def vjp(ddenoised: Pictures) -> Params:
        grads = {}
        for number, pass_vjp in reversed(vjps.items()):
            ddenoised, grads[number] = pass_vjp(ddenoised)
        return {"passes": grads}

    return guide, vjp


def _look(
    params: Params, noisy: Pictures, guide: Pictures | None, sigma: Sigmas, config: Config
) -> tuple[Pictures, Callable[[Pictures], tuple[Pictures | None, Params]]]:
    """One pass; its `vjp` gives the gradient of the guide too, where there is one."""
    unit = sigma[:, None, None, None]
    encoder, weight, decoder = (params[name] for name in ("encoder", "weight", "decoder"))
    patches = cut(noisy, unit, config)
    code = patches @ encoder
    guiding = None if guide is None else cut(guide, unit, config)
    heard = code if guiding is None else guiding @ encoder
    power = heard**2
    energy = np.log1p(power)
    level = np.log(unit / MIDDLE_SIGMA)
    keep = _sigmoid(energy @ weight + (params["bias"] + level * params["level"]))
    drop = 1 - keep
    dropped = code * drop
    answers = dropped @ decoder
    trust = 1 / (1 + keep.sum(-1, keepdims=True))
    weights = add_up(np.broadcast_to(trust, answers.shape), noisy, config)
    noise = add_up(answers * trust, noisy, config) / weights
    scale = sigma[:, None, None]

    def vjp(ddenoised: Pictures) -> tuple[Pictures | None, Params]:
        dtotal = ddenoised * (-scale / weights)
        dsums = to_patches(dtotal, config)
        dweights = to_patches(-dtotal * noise, config).sum(-1, keepdims=True)
        dtrust = (dsums * answers).sum(-1, keepdims=True) + dweights
        danswers = dsums * trust
        ddropped = danswers @ decoder.T
        dlogits = (-ddropped * code - dtrust * trust**2) * (keep * drop)
        dheard = (dlogits @ weight.T) * (2 * heard / (1 + power))
        dcode = ddropped * drop
        sums = dlogits.sum((1, 2))  # for each picture
        grads = {
            "weight": _product(energy, dlogits),
            "bias": sums.sum(0),
            "level": level[:, 0, 0, 0] @ sums,
            "decoder": _product(dropped, danswers),
        }
        if guiding is None:
            return None, grads | {"encoder": _product(patches, dcode + dheard)}
        dencoder = _product(patches, dcode) + _product(guiding, dheard)
        dguiding = dheard @ encoder.T
        dguiding -= dguiding.mean(-1, keepdims=True)
        dguide = add_up(dguiding / unit, noisy, config)
        return dguide, grads | {"encoder": dencoder}

    return noisy - scale * noise, vjp


def _sigmoid(logits: Patches) -> Patches:
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and one over it zero
        return 1 / (1 + np.exp(-logits))


def _product(
    x: Float[np.ndarray, "*places inputs"], dy: Float[np.ndarray, "*places outputs"]
) -> Float[np.ndarray, "inputs outputs"]:
    """The gradient of a kernel: the sum over all places of input times gradient."""
    return x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])


# ---------------------------------------------------------------- training


def loss(
    params: Params, clean: Pictures, noise: Pictures, sigma: Sigmas, config: Config
) -> np.floating:
    r"""The mean of $(\hat x - x)^2 / (\sigma / \sigma_0)^{1.3}$: all noise counts alike."""
    unit = sigma[:, None, None]
    error = predict(params, clean + unit * noise, sigma, config) - clean
    return np.mean(error**2 / (unit / MIDDLE_SIGMA) ** ERROR_GROWTH)


def loss_and_grads(
    params: Params, clean: Pictures, noise: Pictures, sigma: Sigmas, config: Config
) -> tuple[np.floating, Params]:
    """The loss, and its gradients with respect to all parameters."""
    unit = sigma[:, None, None]
    denoised, vjp = _forward(params, clean + unit * noise, sigma, config)
    error = denoised - clean
    weighted = error / (unit / MIDDLE_SIGMA) ** ERROR_GROWTH
    return np.mean(error * weighted), vjp(weighted * (2 / error.size))


def train_step(
    state: State, clean: Pictures, noise: Pictures, sigma: Sigmas, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, clean, noise, sigma, config)
    params, opt_state = adam_update(
        state.params,
        grads,
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, opt_state), value


def train_steps(
    state: State,
    clean: Float[np.ndarray, "steps batch height width"],
    noise: Float[np.ndarray, "steps batch height width"],
    sigma: Float[np.ndarray, "steps batch"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    values = np.empty(len(clean), clean.dtype)
    for step, batch in enumerate(zip(clean, noise, sigma, strict=True)):
        state, values[step] = train_step(state, *batch, config)
    return state, values
