"""The detector in NumPy, with gradients by hand.

Parameters and batch statistics are the nested dicts that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8
from scipy.special import expit, log_softmax

from tutorials_lib import schedules
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution import in_numpy as convolution
from tutorials_lib.metrics.detection import iou
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.trees import tree_map
from tutorials_lib.vision.yolo.problem import (
    HALF_SIZE_RANGE,
    LEAST_TARGET,
    LOSS_WEIGHTS,
    NUM_CLASSES,
    NUM_OUTPUTS,
    PATCH,
    POOLED,
    STRIDE,
    Config,
    learning_rates,
    num_candidates,
)

Params = dict[Any, Any]
"""`{"blocks": {i: {"conv": {"kernel"}, "norm": {"scale", "bias"}}}, "head": {"kernel", "bias"}}`"""

BatchStatistics = dict[Any, Any]
"""`{"blocks": {i: {"norm": {"mean", "var"}}}}`, the running statistics."""

Folded = dict[Any, Any]
"""`{"blocks": {i: {"kernel", "bias"}}, "head": {"kernel", "bias"}}`"""

Frames = UInt8[np.ndarray, "batch height width 3"]
Images = Float[np.ndarray, "batch height width channels"]
Grid = Float[np.ndarray, "batch rows columns outputs"]
Boxes = Float[np.ndarray, "batch objects 4"]
Labels = Int32[np.ndarray, "batch objects"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: AdamState


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, adam_start(params))


def patches(images: Images) -> Float[np.ndarray, "batch rows columns 4*channels"]:
    """Each square of 2 x 2 pixels as one pixel with four times the channels."""
    batch, height, width, channels = images.shape
    squares = images.reshape(batch, height // PATCH, PATCH, width // PATCH, PATCH, channels)
    # squares[n, i, row, j, column, c] -> [n, i, j, (row, column, c)]
    return squares.swapaxes(2, 3).reshape(batch, height // PATCH, width // PATCH, -1)


# ---------------------------------------------------------------- boxes


def decode(
    raw: Float[np.ndarray, "*shape 4"], cells: Int32[np.ndarray, "*shape 2"]
) -> Float[np.ndarray, "*shape 4"]:
    """Boxes from the four numbers of their cells, which are given by column and row.

    A center may lie up to half a cell outside of its cell.
    """
    center = (2 * expit(raw[..., :2]) - raw.dtype.type(0.5) + cells.astype(raw.dtype)) * STRIDE
    half = np.exp(raw[..., 2:].clip(*HALF_SIZE_RANGE)) * STRIDE
    return np.concatenate([center - half, center + half], axis=-1)


def suppress(
    boxes: Float[np.ndarray, "*batch candidates 4"],
    labels: Int32[np.ndarray, "*batch candidates"],
    overlap: float,
) -> Bool[np.ndarray, "*batch candidates"]:
    """Which boxes stay, of boxes in falling order of their scores (Zheng et al. 2022, Cluster-NMS).

    A box stays unless a better one of its class that stays overlaps it. That is a rule about
    itself: it is applied to all boxes at once, again and again, until nothing changes. After so
    many rounds as the longest chain of boxes that decide over each other, nothing does.
    """
    covers = iou(boxes[..., :, None, :], boxes[..., None, :, :]) > overlap
    covers &= labels[..., :, None] == labels[..., None, :]
    rank = np.arange(labels.shape[-1])
    covers &= rank[:, None] < rank  # [better, worse]
    stays = np.ones(labels.shape, bool)
    while True:
        after = ~(covers & stays[..., None]).any(-2)
        if (after == stays).all():
            return stays
        stays = after


# ---------------------------------------------------------------- detection


class Detections(NamedTuple):
    """The best boxes of each frame, in falling order of their scores.

    A box that was suppressed is still there, with the score 0.
    """

    boxes: Float[np.ndarray, "batch candidates 4"]
    scores: Float[np.ndarray, "batch candidates"]
    labels: Int32[np.ndarray, "batch candidates"]


def fold(params: Params, statistics: BatchStatistics) -> Folded:
    """The network for prediction: each normalization made a part of the convolution before it."""
    blocks = {}
    for i, block in params["blocks"].items():
        found = statistics["blocks"][i]["norm"]
        factor = block["norm"]["scale"] / np.sqrt(found["var"] + 1e-5)
        bias = block["norm"]["bias"] - found["mean"] * factor
        blocks[i] = {"kernel": block["conv"]["kernel"] * factor, "bias": bias}
    return {"blocks": blocks, "head": params["head"]}


def predict(folded: Folded, frames: Frames) -> Grid:
    """The numbers of every cell."""
    bias = folded["head"]["bias"]
    x = patches(frames * bias.dtype.type(1 / 255) - bias.dtype.type(0.5))
    for i, block in folded["blocks"].items():
        x = _convolve(x, block["kernel"])
        x = _pool(x) if i in POOLED else x
        x += block["bias"]
        np.maximum(x, 0, out=x)
    pixels = x.reshape(-1, x.shape[-1])  # one product, not one for each row
    return (pixels @ folded["head"]["kernel"] + bias).reshape(*x.shape[:3], NUM_OUTPUTS)


def _convolve(
    x: Images, kernel: Float[np.ndarray, "rows columns channels features"]
) -> Float[np.ndarray, "batch height width features"]:
    """`conv2d` of the layers for few pictures: all neighbours at once, and no gradient.

    A row of the kernel sees neighbouring pixels, whose channels lie side by side in memory, so
    that one assignment for each row copies them as one run.
    """
    rows, columns, channels, features = kernel.shape
    batch, height, width, _ = x.shape
    padded = np.zeros((batch, height + rows - 1, width + columns - 1, channels), x.dtype)
    padded[:, rows // 2 : rows // 2 + height, columns // 2 : columns // 2 + width] = x
    run = np.dtype((np.void, columns * channels * x.itemsize))
    n, i, j, _ = padded.strides
    neighbours = np.ndarray((batch, height, width, rows), run, padded, strides=(n, i, j, i))
    seen = np.empty((batch * height * width, rows * columns * channels), x.dtype)
    seen.view(run).reshape(neighbours.shape)[...] = neighbours
    return (seen @ kernel.reshape(-1, features)).reshape(batch, height, width, features)


def _pool(x: Images) -> Float[np.ndarray, "batch height//2 width//2 channels"]:
    """The largest of each 2 x 2 block of pixels, of pictures that are contiguous."""
    batch, height, width, channels = x.shape
    pairs = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    taller = np.maximum(pairs[:, :, 0], pairs[:, :, 1])
    return np.maximum(taller[:, :, :, 0], taller[:, :, :, 1])


def detect(folded: Folded, frames: Frames, config: Config) -> Detections:
    """The boxes of every frame: so many candidates, of which some are suppressed."""
    raw = predict(folded, frames)
    batch, rows, columns, _ = raw.shape
    raw = raw.reshape(batch, -1, NUM_OUTPUTS)
    names = np.exp(raw[..., 5:] - raw[..., 5:].max(-1, keepdims=True))
    names *= expit(raw[..., :1]) / names.sum(-1, keepdims=True)
    scores = names.reshape(batch, -1)
    frame = np.arange(batch)[:, None]
    places = _top(scores, num_candidates(rows, columns))
    number, labels = np.divmod(places, NUM_CLASSES)
    cells = np.stack([number % columns, number // columns], axis=-1).astype(np.int32)
    labels = labels.astype(np.int32)
    boxes = decode(raw[frame, number, 1:5], cells)
    best = scores[frame, places] * suppress(boxes, labels, config.overlap)
    return Detections(boxes, best, labels)


def _top(scores: Float[np.ndarray, "batch places"], count: int) -> np.ndarray:
    """The places of the highest scores, from the highest on."""
    frame = np.arange(len(scores))[:, None]
    highest = np.argpartition(scores, scores.shape[1] - count, axis=1)[:, -count:]
    return highest[frame, np.argsort(-scores[frame, highest], axis=1)]


# ---------------------------------------------------------------- the loss


def assign(
    boxes: Boxes, labels: Labels, grid: tuple[int, int]
) -> tuple[Int32[np.ndarray, "batch objects 3 2"], Bool[np.ndarray, "batch objects 3"]]:
    """The cells that answer for each object, by column and row, and which of them there are.

    They are the cell in which the center lies, and its nearest neighbours to the left or right,
    and above or below.
    """
    center = (boxes[..., :2] + boxes[..., 2:]) / (2 * STRIDE)
    own = np.floor(center).astype(np.int32)
    nearest = np.where(center - own < 0.5, np.int32(-1), np.int32(1))
    steps = nearest[..., None, :] * np.array([[0, 0], [1, 0], [0, 1]], np.int32)
    cells = own[..., None, :] + steps
    inside = ((cells >= 0) & (cells < grid[::-1])).all(-1)
    return cells, inside & (labels >= 0)[..., None]


def generalized_iou(
    a: Float[np.ndarray, "count 4"], b: Float[np.ndarray, "count 4"]
) -> tuple[
    Float[np.ndarray, " count"],
    Callable[[Float[np.ndarray, " count"]], Float[np.ndarray, "count 4"]],
]:
    """`iou` minus the share of the box around both that neither covers; and the gradient of `a`."""
    low, high, low_b, high_b = a[:, :2], a[:, 2:], b[:, :2], b[:, 2:]
    shared_sides = (np.minimum(high, high_b) - np.maximum(low, low_b)).clip(0)
    around_sides = np.maximum(high, high_b) - np.minimum(low, low_b)
    sides = high - low
    shared, around = shared_sides.prod(1), around_sides.prod(1)
    union = sides.prod(1) + (high_b - low_b).prod(1) - shared

    def vjp(dy: Float[np.ndarray, " count"]) -> Float[np.ndarray, "count 4"]:
        dunion = dy * (1 / around - shared / union**2)
        dshared, daround = dy / union - dunion, -dy * union / around**2
        # An area grows by one side for each pixel that the other one grows.
        by_shared = dshared[:, None] * shared_sides[:, ::-1] * (shared_sides > 0)
        by_around = daround[:, None] * around_sides[:, ::-1]
        by_own = dunion[:, None] * sides[:, ::-1]
        dhigh = by_shared * (high < high_b) + by_around * (high > high_b) + by_own
        dlow = by_shared * (low > low_b) + by_around * (low < low_b) + by_own
        return np.concatenate([-dlow, dhigh], axis=1)

    return shared / union - 1 + union / around, vjp


def grid_loss(raw: Grid, boxes: Boxes, labels: Labels) -> tuple[np.floating, Grid]:
    """How far the numbers of the cells are from what is in the frames, and their gradient."""
    cells, answers = assign(boxes, labels, raw.shape[1:3])
    frame, thing, which = np.nonzero(answers)
    column, row = cells[frame, thing, which].T
    at = frame, row, column
    count = max(len(frame), 1)
    numbers, true = raw[at], boxes[frame, thing]
    of_boxes, of_objectness = LOSS_WEIGHTS

    found = decode(numbers[:, 1:5], cells[frame, thing, which])
    overlap, overlap_vjp = generalized_iou(found, true)
    names = log_softmax(numbers[:, 5:], axis=1)
    wanted = np.arange(len(frame)), labels[frame, thing]
    target = np.zeros_like(raw[..., 0])
    np.maximum.at(target, at, iou(found, true).clip(LEAST_TARGET))
    logits = raw[..., 0]
    value = of_boxes * (1 - overlap).sum() - names[wanted].sum()
    value += of_objectness * (np.logaddexp(0, logits) - target * logits).sum()

    dfound = overlap_vjp(np.full_like(overlap, -of_boxes / count))
    dnumbers = np.zeros_like(numbers)
    dnumbers[:, 1:5] = _decode_vjp(numbers[:, 1:5], dfound)
    dnames = np.exp(names)
    dnames[wanted] -= 1
    dnumbers[:, 5:] = dnames / count
    draw = np.zeros_like(raw)
    np.add.at(draw, at, dnumbers)  # a cell may answer for several objects
    draw[..., 0] += (expit(logits) - target) * raw.dtype.type(of_objectness / count)
    return value / raw.dtype.type(count), draw


def _decode_vjp(
    raw: Float[np.ndarray, "count 4"], dboxes: Float[np.ndarray, "count 4"]
) -> Float[np.ndarray, "count 4"]:
    """The gradient of the four numbers of a cell, given that of its box."""
    dcenter, dhalf = dboxes[:, :2] + dboxes[:, 2:], dboxes[:, 2:] - dboxes[:, :2]
    share = expit(raw[:, :2])
    low, high = HALF_SIZE_RANGE
    inside = (raw[:, 2:] > low) & (raw[:, 2:] < high)
    dplace = dcenter * share * (1 - share) * (2 * STRIDE)
    return np.concatenate([dplace, dhalf * np.exp(raw[:, 2:]) * inside * STRIDE], axis=1)


def loss(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    boxes: Boxes,
    labels: Labels,
    config: Config,
) -> tuple[np.floating, BatchStatistics]:
    """The loss of a batch, normalized by its own statistics.

    The batch statistics come second, with those of this batch taken into account.
    """
    value, statistics, _ = loss_and_grads(params, statistics, images, boxes, labels, config)
    return value, statistics


def loss_and_grads(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    boxes: Boxes,
    labels: Labels,
    config: Config,
) -> tuple[np.floating, BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    raw, vjp, of_batch = _network(params, images)
    value, draw = grid_loss(raw, boxes, labels)
    keep = config.statistics_momentum
    running = tree_map(lambda old, new: keep * old + (1 - keep) * new, statistics, of_batch)
    return value, running, vjp(draw)


def _network(
    params: Params, images: Images
) -> tuple[Grid, Callable[[Grid], Params], BatchStatistics]:
    """The numbers of every cell, normalized by the batch, whose statistics come third."""
    x, vjps, of_batch = patches(images), {}, {}
    for i, block in params["blocks"].items():
        x, conv_vjp = convolution.conv2d(x, **block["conv"], input_gradient=i > 0)
        x, pool_vjp = layers.max_pool(x) if i in POOLED else (x, lambda dy: dy)
        x, norm_vjp, found = layers.batch_norm(x, **block["norm"])
        x, relu_vjp = layers.relu(x)
        vjps[i] = conv_vjp, pool_vjp, norm_vjp, relu_vjp
        of_batch[i] = {"norm": found._asdict()}
    pixels = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
    head = params["head"]

    def vjp(draw: Grid) -> Params:
        drows = draw.reshape(-1, NUM_OUTPUTS)
        grads = {"blocks": {}, "head": {"kernel": pixels.T @ drows, "bias": drows.sum(0)}}
        dx = (drows @ head["kernel"].T).reshape(x.shape)
        for i, (conv_vjp, pool_vjp, norm_vjp, relu_vjp) in reversed(vjps.items()):
            dx, dnorm = norm_vjp(relu_vjp(dx))
            dx, dconv = conv_vjp(pool_vjp(dx))
            grads["blocks"][i] = {"conv": dconv, "norm": dnorm}
        return grads

    raw = (pixels @ head["kernel"] + head["bias"]).reshape(*x.shape[:3], NUM_OUTPUTS)
    return raw, vjp, {"blocks": of_batch}


# ---------------------------------------------------------------- training


def train_step(
    state: State, images: Images, boxes: Boxes, labels: Labels, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, statistics, grads = loss_and_grads(
        state.params, state.statistics, images, boxes, labels, config
    )
    params, opt_state = adam_update(
        state.params,
        clip_by_global_norm(grads, config.max_norm),
        state.opt_state,
        learning_rate=schedules.at(learning_rates(config), state.opt_state.steps),
    )
    return State(params, statistics, opt_state), value


def train_steps(
    state: State,
    images: Float[np.ndarray, "steps batch height width channels"],
    boxes: Float[np.ndarray, "steps batch objects 4"],
    labels: Int32[np.ndarray, "steps batch objects"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    values = np.empty(len(images), images.dtype)
    for step, batch in enumerate(zip(images, boxes, labels, strict=True)):
        state, values[step] = train_step(state, *batch, config)
    return state, values
