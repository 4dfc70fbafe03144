"""Style transfer in NumPy, with the gradient by hand.

Pictures and maps have the shape `[height, width, channels]`. In memory a map is kept as one plane
after the other, so that the loops inside NumPy run along whole rows; what is returned is a
transposed view.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.vision.style_transfer.problem import EPSILON, Config, Params, halving

Picture = Float[np.ndarray, "height width 3"]
Map = Float[np.ndarray, "rows columns features"]
Planes = Float[np.ndarray, "channels height width"]
Mirrored = Float[np.ndarray, "channels rows columns"]
Responses = Float[np.ndarray, "features rows columns"]
Gram = Float[np.ndarray, "features features"]
Scalar = float | np.floating | Float[np.ndarray, ""]

BLOCK = 4_096
"""Pixels whose neighbourhoods `respond` gathers at once, so that they stay in the cache."""


class Maps(NamedTuple):
    """What the network sees in a picture.

    Attributes:
        style: the maps that are compared by their Gram matrices.
        content: the maps that are compared pixel by pixel.
    """

    style: tuple[Map, ...]
    content: tuple[Map, ...]


class Targets(NamedTuple):
    """What the result should have in common with each of the two pictures.

    Attributes:
        grams: the Gram matrices of the style.
        distances: how far the photograph's are from them, squared; the unit of the style loss.
        content: the maps of the photograph.
    """

    grams: tuple[Float[np.ndarray, "_ _"], ...]
    distances: tuple[Scalar, ...]
    content: tuple[Float[np.ndarray, "_ _ _"], ...]


class Losses(NamedTuple):
    """The three things that are weighed against each other; the first two are relative."""

    content: Scalar
    style: Scalar
    roughness: Scalar


class State(NamedTuple):
    """All that an optimization step changes."""

    picture: Picture
    opt_state: AdamState


# ---------------------------------------------------------------- the network


def describe(
    params: Params, picture: Picture, config: Config
) -> tuple[Maps, Callable[[Maps], Picture]]:
    """The patterns of every scale, and the colours of one."""
    pyramid = [np.ascontiguousarray(picture.transpose(2, 0, 1))]
    for _ in range(1, config.num_scales):
        pyramid.append(_halve(pyramid[-1]))
    filters = [scale["kernel"] for scale in params["scales"].values()]
    responses = [respond(planes, kernel) for planes, kernel in zip(pyramid, filters, strict=True)]
    patterns = tuple(_as_map(response) for response, _ in responses)
    colors = _as_map(_with_constant(pyramid[config.color_scale]))
    maps = Maps((*patterns, colors), patterns[config.content_scale :])

    def vjp(dmaps: Maps) -> Picture:
        *dpatterns, dcolors = (_as_planes(each) for each in dmaps.style)
        for i, dmap in enumerate(dmaps.content, start=config.content_scale):
            dpatterns[i] = dpatterns[i] + _as_planes(dmap)
        dplanes = np.zeros_like(pyramid[-1])
        for i, (_, respond_vjp) in reversed(list(enumerate(responses))):
            dplanes += respond_vjp(dpatterns[i])
            if i == config.color_scale:
                dplanes += dcolors[:3]
            if i > 0:
                dplanes = _double(dplanes)
        return _as_map(dplanes)

    return maps, vjp


def respond(
    planes: Planes, kernel: Float[np.ndarray, "kernel_rows kernel_columns channels features"]
) -> tuple[Responses, Callable[[Responses], Planes]]:
    """The positive part of each filter's response around every pixel of a mirrored picture.

    The neighbourhood of every pixel becomes a column of a matrix. The filters are fixed, so the
    way back has no gradient for them.
    """
    rows, columns, channels, features = kernel.shape
    height, width = planes.shape[1:]
    weights = kernel.reshape(-1, features)
    mirrored = mirror(planes, rows // 2)
    c, i, j = mirrored.strides
    neighbours = np.ndarray(
        (rows, columns, channels, height, width), planes.dtype, mirrored, strides=(i, j, c, i, j)
    )
    y = np.empty((features, height * width), planes.dtype)
    at_once = max(1, BLOCK // width)
    for top in range(0, height, at_once):
        block = neighbours[..., top : top + at_once, :].reshape(len(weights), -1)
        np.matmul(weights.T, block, out=y[:, top * width :][:, : block.shape[1]])
    np.maximum(y, 0, out=y)

    def vjp(dy: Responses) -> Planes:
        dresponses = dy.reshape(features, -1) * (y > 0)
        # A row of weights sends back whole rows of the picture, moved down by its own number.
        dshifted = np.zeros((columns, channels, mirrored.shape[1], width), planes.dtype)
        spread = np.empty((columns * channels, height * width), planes.dtype)
        for a, row in enumerate(kernel.reshape(rows, -1, features)):
            np.matmul(row, dresponses, out=spread)
            dshifted[:, :, a : a + height] += spread.reshape(columns, channels, height, width)
        dmirrored = np.zeros(mirrored.shape, planes.dtype)
        for b in range(columns):  # likewise across
            dmirrored[:, :, b : b + width] += dshifted[b]
        return fold(dmirrored, rows // 2)

    return y.reshape(features, height, width), vjp


def mirror(picture: Planes, margin: int) -> Mirrored:
    """The picture continued beyond its border by its mirror image, without the border itself."""
    around = (margin, margin)
    return np.pad(picture, ((0, 0), around, around), mode="reflect")


def fold(dmirrored: Mirrored, margin: int) -> Planes:
    """The way back through `mirror`: what arrives in the mirror image goes to its original."""
    for d in (dmirrored, dmirrored.transpose(0, 2, 1)):  # down, and across
        inside = d.shape[1] - margin
        d[:, margin + 1 : 2 * margin + 1] += d[:, margin - 1 :: -1][:, :margin]
        d[:, inside - margin - 1 : inside - 1] += d[:, : inside - 1 : -1]
    return dmirrored[:, margin:-margin, margin:-margin]


def _as_map(planes: Planes) -> Float[np.ndarray, "height width channels"]:
    return planes.transpose(1, 2, 0)


def _as_planes(pixels: Float[np.ndarray, "height width channels"]) -> Planes:
    return pixels.transpose(2, 0, 1)


def _halve(planes: Planes) -> Float[np.ndarray, "channels height//2 width//2"]:
    _, height, width = planes.shape
    down = halving(height).astype(planes.dtype)
    across = halving(width).astype(planes.dtype)
    return down @ planes @ across.T


def _double(dplanes: Planes) -> Float[np.ndarray, "channels 2*height 2*width"]:
    """The way back through `_halve`."""
    _, height, width = dplanes.shape
    down = halving(2 * height).astype(dplanes.dtype)
    across = halving(2 * width).astype(dplanes.dtype)
    return down.T @ dplanes @ across


def _with_constant(planes: Planes) -> Float[np.ndarray, "4 height width"]:
    """Red, green and blue around zero, and a constant, whose products are the mean colours."""
    colors = np.empty((4, *planes.shape[1:]), planes.dtype)
    np.subtract(planes, 0.5, out=colors[:3])
    colors[3] = 0.5
    return colors


# ---------------------------------------------------------------- the loss


def gram(features: Map) -> tuple[Gram, Callable[[Gram], Map]]:
    r"""The Gram matrix $G_{kl} = \frac{1}{n} \sum_i F_{ik} F_{il}$ over all $n$ pixels.

    It says which patterns occur together, and no longer where (Gatys et al. 2016, equation 3).
    """
    rows, columns, _ = features.shape
    planes = features.transpose(2, 0, 1).reshape(features.shape[2], -1)

    def vjp(dgram: Gram) -> Map:
        dplanes = ((dgram + dgram.T) / (rows * columns)) @ planes
        return dplanes.reshape(-1, rows, columns).transpose(1, 2, 0)

    return planes @ planes.T / (rows * columns), vjp


def squared_distance(
    x: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]
) -> tuple[np.floating, Callable[[Scalar], Float[np.ndarray, "*shape"]]]:
    """The sum of squared differences."""
    difference = x - target
    return np.sum(difference * difference), lambda d: difference * (2 * d)


def roughness(picture: Picture) -> tuple[np.floating, Callable[[Scalar], Picture]]:
    """The mean squared difference of neighbours, downwards and across."""
    down, across = np.diff(picture, axis=0), np.diff(picture, axis=1)

    def vjp(d: Scalar) -> Picture:
        ddown, dacross = down * (2 * d / down.size), across * (2 * d / across.size)
        dpicture = np.zeros_like(picture)
        dpicture[1:] += ddown
        dpicture[:-1] -= ddown
        dpicture[:, 1:] += dacross
        dpicture[:, :-1] -= dacross
        return dpicture

    return np.mean(np.square(down)) + np.mean(np.square(across)), vjp


def make_targets(params: Params, content: Picture, style: Picture, config: Config) -> Targets:
    """What the result should have in common with each of the two pictures."""
    seen, _ = describe(params, content, config)
    grams = [gram(each)[0] for each in describe(params, style, config)[0].style]
    own = [gram(each)[0] for each in seen.style]
    distances = [squared_distance(g, t)[0] for g, t in zip(own, grams, strict=True)]
    return Targets(tuple(grams), tuple(distances), seen.content)


def loss(
    params: Params, picture: Picture, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[Scalar, Losses]:
    """Content, plus style and roughness by their weights; also the three of them."""
    value, losses, _ = loss_and_grad(params, picture, targets, style_weight, config)
    return value, losses


def loss_and_grad(
    params: Params, picture: Picture, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[Scalar, Losses, Picture]:
    """The loss, its three parts, and the gradient with respect to every pixel."""
    maps, describe_vjp = describe(params, picture, config)
    grams, gram_vjps = zip(*map(gram, maps.style), strict=True)
    styles, style_vjps = zip(*map(squared_distance, grams, targets.grams), strict=True)
    contents, content_vjps = zip(*map(squared_distance, maps.content, targets.content), strict=True)
    sizes = [len(contents) * (np.sum(t * t) + EPSILON) for t in targets.content]
    units = [len(styles) * (distance + EPSILON) for distance in targets.distances]
    rough, rough_vjp = roughness(picture)
    losses = Losses(
        content=sum(map(np.divide, contents, sizes)),
        style=sum(map(np.divide, styles, units)),
        roughness=rough,
    )

    dcontent = tuple(vjp(1 / size) for vjp, size in zip(content_vjps, sizes, strict=True))
    dgrams = (vjp(style_weight / unit) for vjp, unit in zip(style_vjps, units, strict=True))
    dstyle = tuple(vjp(dgram) for vjp, dgram in zip(gram_vjps, dgrams, strict=True))
    dpicture = rough_vjp(config.smoothness)
    dpicture += describe_vjp(Maps(dstyle, dcontent))
    return total(losses, style_weight, config), losses, dpicture


def total(losses: Losses, style_weight: Scalar, config: Config) -> Scalar:
    """The sum that is minimised."""
    return losses.content + style_weight * losses.style + config.smoothness * losses.roughness


# ---------------------------------------------------------------- the optimization


def start(picture: Picture) -> State:
    """The state before the first step."""
    return State(picture, adam_start({"picture": picture}))


def step(
    params: Params, state: State, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[State, Losses]:
    """One step of Adam on the pixels, which stay possible; also the losses before it."""
    _, losses, dpicture = loss_and_grad(params, state.picture, targets, style_weight, config)
    moved, opt_state = adam_update(
        {"picture": state.picture},
        {"picture": dpicture},
        state.opt_state,
        learning_rate=config.learning_rate,
    )
    return State(np.clip(moved["picture"], 0, 1), opt_state), losses


def fit(
    params: Params, state: State, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[State, Losses]:
    """The state after `config.num_steps` further steps, and the losses before each."""
    history = []
    for _ in range(config.num_steps):
        state, losses = step(params, state, targets, style_weight, config)
        history.append(losses)
    return state, Losses(*np.array(history, state.picture.dtype).T)
