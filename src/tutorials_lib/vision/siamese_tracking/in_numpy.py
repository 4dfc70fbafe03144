"""A Siamese network and its tracker in NumPy, with gradients by hand.

Parameters are the nested dict that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import expit

from tutorials_lib import schedules
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution.in_numpy import conv2d
from tutorials_lib.layers.losses.in_numpy import binary_cross_entropy
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.trees import tree_map
from tutorials_lib.vision.siamese_tracking import problem, pyramid
from tutorials_lib.vision.siamese_tracking.problem import (
    SPAN,
    Config,
    Pairs,
    Settings,
    learning_rates,
)
from tutorials_lib.vision.siamese_tracking.pyramid import Place

Params = dict[Any, Any]
"""`{"convs": {number: {"kernel", "bias"}}, "importance", "bias"}`"""

Images = Float[np.ndarray, "batch height width 3"]
Areas = Float[np.ndarray, "batch tall wide 3"]
FeatureMaps = Float[np.ndarray, "batch rows columns features"]
Templates = Float[np.ndarray, "batch cells cells features"]
Logits = Float[np.ndarray, "batch shifts shifts"]
Frames = Shaped[np.ndarray, "clips height width 3"]
Boxes = Float[np.ndarray, "clips 4"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


# ---------------------------------------------------------------- the network


def predict(params: Params, templates: Images, searches: Areas, config: Config) -> Logits:
    """The logit of every shift, for templates and search areas as pictures."""
    return respond(params, learn(params, templates, config), embed(params, searches), config)


def learn(params: Params, images: Images, config: Config) -> Templates:
    """The templates: the feature maps of pictures of the target, without their rim."""
    return embed(params, images)[:, 1:-1, 1:-1]


def embed(params: Params, images: Images) -> FeatureMaps:
    """Feature maps, whose mean square is one at every place; `_embed` without the way back."""
    first, second, third = params["convs"].values()
    x = np.maximum(_convolve(space_to_depth(2 * images), **first), 0)
    x = np.maximum(x[:, ::2], x[:, 1::2])
    x = np.maximum(x[:, :, ::2], x[:, :, 1::2])
    x = _convolve(np.maximum(_convolve(x, **second), 0), **third)
    return _to_unit_square(x)[0]


def _convolve(x: FeatureMaps, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A convolution of few small pictures: all their patches at once, and one product."""
    batch, height, width, channels = x.shape
    rows, columns, _, features = kernel.shape
    padded = np.zeros((batch, height + rows - 1, width + columns - 1, channels), x.dtype)
    padded[:, rows // 2 : rows // 2 + height, columns // 2 : columns // 2 + width] = x
    n, i, j, c = padded.strides
    shape = batch, height, width, rows, columns * channels  # the pixels of a row adjoin
    patches = np.lib.stride_tricks.as_strided(padded, shape, (n, i, j, i, c))
    y = patches.reshape(-1, rows * columns * channels) @ kernel.reshape(-1, features)
    y += bias
    return y.reshape(batch, height, width, features)


def respond(params: Params, templates: Templates, features: FeatureMaps, config: Config) -> Logits:
    """How well a template fits at each shift."""
    weighted = templates * params["importance"][..., None]
    return problem.GAIN * correlate(weighted, features)[0] + params["bias"]


def correlate(
    templates: Templates, features: FeatureMaps
) -> tuple[Logits, Callable[[Logits], tuple[Templates, FeatureMaps]]]:
    r"""The mean of the products of a template with what lies under it, at every shift.

    $r_{y,x} = \frac{1}{n} \sum_{a,b,c} z_{a,b,c} \, f_{y+a,\,x+b,\,c}$. Every place of the
    template is multiplied with every place of the feature maps, one product of matrices; a shift
    is then a sum along a diagonal.
    """
    batch, cells, _, channels = templates.shape
    rows, columns = features.shape[1:3]
    flat = templates.reshape(batch, -1, channels)
    places = features.reshape(batch, -1, channels)
    products = places @ flat.swapaxes(1, 2)
    count = cells * cells * channels

    def at_each_shift(products: np.ndarray) -> np.ndarray:
        products = products.reshape(batch, rows, columns, cells, cells)
        n, y, x, a, b = products.strides
        shape = batch, rows - cells + 1, columns - cells + 1, cells, cells
        return np.lib.stride_tricks.as_strided(products, shape, (n, y, x, y + a, x + b))

    def vjp(dresponse: Logits) -> tuple[Templates, FeatureMaps]:
        dproducts = np.zeros_like(products)
        at_each_shift(dproducts)[...] = dresponse[..., None, None] / count  # no two are the same
        dtemplates = dproducts.swapaxes(1, 2) @ places
        return dtemplates.reshape(templates.shape), (dproducts @ flat).reshape(features.shape)

    return at_each_shift(products).sum((3, 4)) / count, vjp


def _embed(params: Params, images: Images) -> tuple[FeatureMaps, Callable[[FeatureMaps], Params]]:
    """Feature maps, and the way back to the gradients of `convs`."""
    first, second, third = params["convs"].values()
    x, vjp1 = conv2d(space_to_depth(2 * images), **first, input_gradient=False)
    x, relu_vjp1 = layers.relu(x)
    x, pool_vjp = layers.max_pool(x)
    x, vjp2 = conv2d(x, **second)
    x, relu_vjp2 = layers.relu(x)
    x, vjp3 = conv2d(x, **third)
    features, unit_vjp = _to_unit_square(x)

    def vjp(dfeatures: FeatureMaps) -> Params:
        dx, third = vjp3(unit_vjp(dfeatures))
        dx, second = vjp2(relu_vjp2(dx))
        _, first = vjp1(relu_vjp1(pool_vjp(dx)))
        return dict(enumerate((first, second, third)))

    return features, vjp


def space_to_depth(images: Images) -> Float[np.ndarray, "batch height//2 width//2 12"]:
    """The four pixels of each 2 x 2 block become channels of one place."""
    batch, height, width, channels = images.shape
    blocks = images.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return blocks.swapaxes(2, 3).reshape(batch, height // 2, width // 2, 4 * channels)


def _to_unit_square(
    x: FeatureMaps,
) -> tuple[FeatureMaps, Callable[[FeatureMaps], FeatureMaps]]:
    """The features of each place divided by the root of their mean square."""
    channels = x.shape[-1]
    inverse = 1 / np.sqrt(np.einsum("nyxc,nyxc->nyx", x, x) / channels + 1e-3)[..., None]
    y = x * inverse

    def vjp(dy: FeatureMaps) -> FeatureMaps:
        along = np.einsum("nyxc,nyxc->nyx", dy, y)[..., None] / channels
        return inverse * (dy - along * y)

    return y, vjp


# ---------------------------------------------------------------- training


def loss(params: Params, pairs: Pairs, config: Config) -> np.floating:
    """How far the responses are from a peak at the target, and nowhere for another target."""
    return loss_and_grads(params, pairs, config)[0]


def loss_and_grads(params: Params, pairs: Pairs, config: Config) -> tuple[np.floating, Params]:
    """The loss, and its gradients with respect to all parameters."""
    embedded, template_vjp = _embed(params, pairs.template)
    features, search_vjp = _embed(params, pairs.search)
    templates = embedded[:, 1:-1, 1:-1]
    weighted = templates * params["importance"][..., None]
    own, own_vjp = correlate(weighted, features)
    strange, strange_vjp = correlate(np.roll(weighted, 1, axis=0), features)
    value, (down, dstrange) = _loss(
        problem.GAIN * own + params["bias"], problem.GAIN * strange + params["bias"], pairs.offsets
    )

    dweighted, dfeatures = own_vjp(problem.GAIN * down)
    from_strange, dfeatures_strange = strange_vjp(problem.GAIN * dstrange)
    dweighted += np.roll(from_strange, -1, axis=0)
    dfeatures += dfeatures_strange
    dembedded = np.zeros_like(embedded)
    dembedded[:, 1:-1, 1:-1] = dweighted * params["importance"][..., None]
    convs = tree_map(np.add, template_vjp(dembedded), search_vjp(dfeatures))
    return value, {
        "convs": convs,
        "importance": np.einsum("nabc,nabc->ab", dweighted, templates),
        "bias": down.sum() + dstrange.sum(),
    }


def _loss(
    own: Logits, strange: Logits, offsets: Float[np.ndarray, "batch 2"]
) -> tuple[np.floating, tuple[Logits, Logits]]:
    """The loss of the logits for the own and for a stranger's template, and its gradients."""
    squares = ((problem.shifts() - offsets[:, None, None]) ** 2).sum(-1)  # [batch shifts shifts]
    near = (squares <= problem.NEAR**2).astype(own.dtype)
    far = (squares > problem.FAR**2).astype(own.dtype)
    weights = np.stack(
        [near / near.sum() + far / far.sum(), np.full_like(own, problem.STRANGE / own.size)]
    )
    targets = np.stack([near, np.zeros_like(near)])
    logistic, dlogits = binary_cross_entropy(np.stack([own, strange]), targets, weights)

    aim = np.exp(-squares / problem.SOFTNESS)
    aim /= aim.sum((1, 2), keepdims=True)
    shifted = problem.SHARPNESS * (own - own.max((1, 2), keepdims=True))
    exp = np.exp(shifted)
    total = exp.sum((1, 2), keepdims=True)
    where = (aim * (np.log(total) - shifted)).sum() / len(own)
    share = problem.WHERE * problem.SHARPNESS / len(own)
    down = dlogits[0] + share * (exp / total - aim)
    return logistic + problem.WHERE * where, (down.astype(own.dtype), dlogits[1])


def train_step(state: State, pairs: Pairs, config: Config) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, pairs, config)
    params, opt_state = adam_update(
        state.params,
        clip_by_global_norm(grads, config.max_norm),
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, opt_state), value


def train_steps(
    state: State, pairs: Pairs, config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch of pairs in turn; also the loss before each."""
    values = np.empty(len(pairs.offsets), pairs.template.dtype)
    for step in range(len(values)):
        state, values[step] = train_step(state, Pairs(*(each[step] for each in pairs)), config)
    return state, values


# ---------------------------------------------------------------- tracking


class Track(NamedTuple):
    """What a tracker knows about the target of each clip.

    Attributes:
        template: its feature maps.
        center: row and column of its middle, in pixels of the frame.
        size: the root of its area.
        extent: width and height at size 1.
    """

    template: Float[np.ndarray, "clips cells cells features"]
    center: Float[np.ndarray, "clips 2"]
    size: Float[np.ndarray, " clips"]
    extent: Float[np.ndarray, "clips 2"]


def start_track(params: Params, frames: Frames, boxes: Boxes, config: Config) -> Track:
    """Learn the targets from the first frames, in which boxes are given."""
    center, size = problem.locate(boxes)
    template = _look(params, frames, Place(center, size), config)
    return Track(template, center, size, (boxes[:, 2:] - boxes[:, :2]) / size[:, None])


def _look(params: Params, frames: Frames, place: Place, config: Config) -> np.ndarray:
    """The template of what lies at a place now."""
    sides = (SPAN / 2 * place.size)[:, None]
    seen = pyramid.crop(frames, place.center[:, None], sides, problem.TEMPLATE)[:, 0]
    return learn(params, _to_input(seen), config)


def _to_input(pixels: np.ndarray) -> np.ndarray:
    pixels /= 255
    pixels -= 0.5
    return pixels


def track_frame(
    params: Params, track: Track, frames: Frames, settings: Settings, config: Config
) -> Track:
    """Find each target in the next frame of its clip, at three scales."""
    place = Place(track.center, track.size)
    seen = pyramid.search_areas(frames, place, span=SPAN, pixels=problem.SEARCH)
    clips, scales = seen.shape[:2]
    features = embed(params, _to_input(seen).reshape(clips * scales, *seen.shape[2:]))
    logits = respond(params, track.template.repeat(scales, axis=0), features, config)
    enlarging = problem.enlarging().astype(logits.dtype)
    response = enlarging @ expit(logits) @ enlarging.T
    shifts = (np.arange(len(enlarging)) - (len(enlarging) - 1) / 2) * (SPAN / problem.SEARCH)
    place = pyramid.move(
        place,
        response.reshape(clips, scales, *response.shape[1:]),
        shifts,
        settings,
        frames.shape[1:3],
    )
    template = track.template
    if settings.update:
        change = _look(params, frames, place, config) - template
        template = template + settings.update * change
    return Track(template, *place, track.extent)


def boxes_of(track: Track) -> Boxes:
    """Left, top, right and bottom."""
    half = track.extent * (track.size / 2)[:, None]
    middle = track.center[:, ::-1]
    return np.concatenate([middle - half, middle + half], axis=1)


def follow(
    params: Params,
    frames: Shaped[np.ndarray, "clips frames height width 3"],
    boxes: Boxes,
    settings: Settings,
    config: Config,
) -> Float[np.ndarray, "clips frames 4"]:
    """A box for every frame, from one for the first."""
    track = start_track(params, frames[:, 0], boxes, config)
    found = [boxes]
    for now in frames.swapaxes(0, 1)[1:]:
        track = track_frame(params, track, now, settings, config)
        found.append(boxes_of(track))
    return np.stack(found, axis=1)
