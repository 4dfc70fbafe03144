"""The detector in JAX: a Flax NNX network, its loss, the suppression, and the compiled training."""

from functools import partial
from itertools import pairwise, permutations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Int32, PRNGKeyArray, UInt8

from tutorials_lib import pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.runtime import RUN_ONCE
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
BatchStatistics = dict[Any, Any]
Folded = dict[Any, Any]
Frames = UInt8[Array, "batch height width 3"]
Images = Float[Array, "batch height width channels"]
Grid = Float[Array, "batch rows columns outputs"]
Boxes = Float[Array, "batch objects 4"]
Labels = Int32[Array, "batch objects"]


class Block(nnx.Module):
    """Convolve, perhaps keep the largest of every four pixels, normalize, cut at zero."""

    def __init__(
        self, before: int, after: int, *, pooled: bool, config: Config, rngs: nnx.Rngs
    ) -> None:
        self.conv = nnx.Conv(
            before,
            after,
            kernel_size=(3, 3),
            use_bias=False,  # the normalization has one
            kernel_init=nnx.initializers.he_normal(),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(after, momentum=config.statistics_momentum, rngs=rngs)
        self.pooled = pooled

    def __call__(self, x: Images, *, train: bool) -> Float[Array, "batch rows columns after"]:
        """`after` feature maps, of half the height and width where they are pooled."""
        x = self.conv(x)
        x = layers.max_pool(x) if self.pooled else x
        return nnx.relu(self.norm(x, use_running_average=not train))


class Network(nnx.Module):
    """Blocks from the picture to a grid of cells, then the same linear map in every cell."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List(
            Block(before, after, pooled=i in POOLED, config=config, rngs=rngs)
            for i, (before, after) in enumerate(pairwise((3 * PATCH**2, *config.channels)))
        )
        self.head = nnx.Linear(
            config.channels[-1],
            NUM_OUTPUTS,
            kernel_init=nnx.initializers.normal(0.01),
            bias_init=lambda *_: jnp.array([-3.0] + [0.0] * (NUM_OUTPUTS - 1)),  # few objects
            rngs=rngs,
        )

    def __call__(self, images: Images, *, train: bool) -> Grid:
        """The numbers of every cell; `train` normalizes by the batch and updates the statistics."""
        return list(self.stages(images, train=train).values())[-1]

    def stages(self, images: Images, *, train: bool) -> dict[str, Array]:
        """What a picture has become after each block, by name, in order."""
        stages = {"picture": images}
        x = stages["patches"] = patches(images)
        for number, block in enumerate(self.blocks, start=1):
            x = stages[f"block {number}"] = block(x, train=train)
        stages["grid"] = self.head(x)
        return stages


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> tuple[Params, BatchStatistics]:
    """Fresh parameters and batch statistics, as nested dicts of arrays."""
    network = Network(config, rngs=nnx.Rngs(key))
    return pure.arrays(network), pure.arrays(network, nnx.BatchStat)


def stages(
    params: Params, statistics: BatchStatistics, images: Images, config: Config
) -> dict[str, Array]:
    """What the network makes of the images on its way, by the name of the stage."""
    network = pure.assemble(pure.graph(Network, config), params, statistics)
    return network.stages(images, train=False)


def patches(images: Images) -> Float[Array, "batch height//2 width//2 4*channels"]:
    """Each square of 2 x 2 pixels as one pixel with four times the channels."""
    batch, height, width, channels = images.shape
    squares = images.reshape(batch, height // PATCH, PATCH, width // PATCH, PATCH, channels)
    # squares[n, i, row, j, column, c] -> [n, i, j, (row, column, c)]
    return squares.swapaxes(2, 3).reshape(batch, height // PATCH, width // PATCH, -1)


# ---------------------------------------------------------------- boxes


def decode(
    raw: Float[Array, "*shape 4"], cells: Int32[Array, "*shape 2"]
) -> Float[Array, "*shape 4"]:
    """Boxes from the four numbers of their cells, which are given by column and row.

    A center may lie up to half a cell outside of its cell.
    """
    center = (2 * jax.nn.sigmoid(raw[..., :2]) - 0.5 + cells.astype(raw.dtype)) * STRIDE
    half = jnp.exp(raw[..., 2:].clip(*HALF_SIZE_RANGE)) * STRIDE
    return jnp.concatenate([center - half, center + half], axis=-1)


def iou(a: Float[Array, "*a 4"], b: Float[Array, "*b 4"]) -> Float[Array, "*shape"]:
    """Intersection over union: the area that two boxes share, over the area that either covers."""
    shared, union = _shared_and_union(a, b)
    return shared / union


def generalized_iou(a: Float[Array, "*a 4"], b: Float[Array, "*b 4"]) -> Float[Array, "*shape"]:
    """`iou` minus the share of the box around both that neither covers.

    It says of boxes apart how far apart they are (Rezatofighi et al. 2019).
    """
    shared, union = _shared_and_union(a, b)
    sides = jnp.maximum(a[..., 2:], b[..., 2:]) - jnp.minimum(a[..., :2], b[..., :2])
    return shared / union - 1 + union / sides.prod(-1)


def _shared_and_union(a: Array, b: Array) -> tuple[Array, Array]:
    sides = jnp.minimum(a[..., 2:], b[..., 2:]) - jnp.maximum(a[..., :2], b[..., :2])
    shared = sides.clip(0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return shared, areas - shared


def suppress(
    boxes: Float[Array, "candidates 4"], labels: Int32[Array, " candidates"], overlap: float
) -> Bool[Array, " candidates"]:
    """Which boxes stay, of boxes in falling order of their scores (Zheng et al. 2022, Cluster-NMS).

    A box stays unless a better one of its class that stays overlaps it. That is a rule about
    itself: it is applied to all boxes at once, again and again, until nothing changes. After so
    many rounds as the longest chain of boxes that decide over each other, nothing does.
    """
    rank = jnp.arange(len(boxes))
    is_same = labels[:, None] == labels
    covers = (iou(boxes[:, None], boxes) > overlap) & is_same & (rank[:, None] < rank)

    def again(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        stays, _ = carry
        after = ~(covers & stays[:, None]).any(0)
        return after, (after != stays).any()

    stays, _ = jax.lax.while_loop(lambda carry: carry[1], again, (rank >= 0, jnp.bool_(True)))
    return stays


# ---------------------------------------------------------------- detection


class Detections(NamedTuple):
    """The best boxes of each frame, in falling order of their scores.

    A box that was suppressed is still there, with the score 0: the shapes are always the same.
    """

    boxes: Float[Array, "*batch candidates 4"]
    scores: Float[Array, "*batch candidates"]
    labels: Int32[Array, "*batch candidates"]


def fold(params: Params, statistics: BatchStatistics) -> Folded:
    """The network for prediction: each normalization made a part of the convolution before it."""
    blocks = {}
    for i, block in params["blocks"].items():
        found = statistics["blocks"][i]["norm"]
        factor = block["norm"]["scale"] / jnp.sqrt(found["var"] + 1e-5)
        bias = block["norm"]["bias"] - found["mean"] * factor
        blocks[i] = {"kernel": block["conv"]["kernel"] * factor, "bias": bias}
    return {"blocks": blocks, "head": params["head"]}


def predict(folded: Folded, frames: Frames) -> Grid:
    """The numbers of every cell."""
    x = patches(frames.astype(folded["head"]["bias"].dtype) / 255 - 0.5)
    for i, block in folded["blocks"].items():
        x = layers.conv2d(x, block["kernel"])
        x = layers.max_pool(x) if i in POOLED else x
        x = jax.nn.relu(x + block["bias"])
    return x @ folded["head"]["kernel"] + folded["head"]["bias"]


def choose(raw: Float[Array, "rows columns outputs"], config: Config) -> Detections:
    """The boxes of one frame: so many candidates, of which some are suppressed."""
    rows, columns, _ = raw.shape
    raw = raw.reshape(-1, NUM_OUTPUTS)
    scores = jax.nn.sigmoid(raw[:, :1]) * jax.nn.softmax(raw[:, 5:])
    best, places = jax.lax.top_k(scores.ravel(), num_candidates(rows, columns))
    number, labels = jnp.divmod(places, NUM_CLASSES)
    cells = jnp.stack([number % columns, number // columns], axis=-1)
    boxes = decode(raw[number, 1:5], cells)
    return Detections(boxes, jnp.where(suppress(boxes, labels, config.overlap), best, 0), labels)


def detect(folded: Folded, frames: Frames, config: Config) -> Detections:
    """The boxes of every frame."""
    return jax.vmap(partial(choose, config=config))(predict(folded, frames))


# ---------------------------------------------------------------- the loss


def assign(
    boxes: Boxes, labels: Labels, grid: tuple[int, int]
) -> tuple[Int32[Array, "batch objects 3 2"], Bool[Array, "batch objects 3"]]:
    """The cells that answer for each object, by column and row, and which of them there are.

    They are the cell in which the center lies, and its nearest neighbours to the left or right,
    and above or below.
    """
    center = (boxes[..., :2] + boxes[..., 2:]) / (2 * STRIDE)
    own = jnp.floor(center)
    nearest = jnp.where(center - own < 0.5, -1, 1)
    steps = jnp.stack(
        [jnp.zeros_like(nearest), nearest * jnp.array([1, 0]), nearest * jnp.array([0, 1])], axis=-2
    )
    cells = own.astype(jnp.int32)[..., None, :] + steps.astype(jnp.int32)
    inside = ((cells >= 0) & (cells < jnp.array(grid[::-1]))).all(-1)
    return cells, inside & (labels >= 0)[..., None]


def grid_loss(raw: Grid, boxes: Boxes, labels: Labels) -> Float[Array, ""]:
    """How far the numbers of the cells are from what is in the frames."""
    batch, rows, columns, _ = raw.shape
    cells, answers = assign(boxes, labels, (rows, columns))
    count = answers.sum().clip(1).astype(raw.dtype)
    column, row = jnp.moveaxis(cells.clip(0, jnp.array([columns - 1, rows - 1])), -1, 0)
    at = jnp.arange(batch)[:, None, None], row, column
    numbers = raw[at]
    found, true = decode(numbers[..., 1:5], cells), boxes[:, :, None]

    misfit = 1 - generalized_iou(found, true)
    wanted = jnp.broadcast_to(labels.clip(0)[..., None], answers.shape)
    misnamed = optax.softmax_cross_entropy_with_integer_labels(numbers[..., 5:], wanted)
    of_boxes, of_objectness = LOSS_WEIGHTS
    value = jnp.where(answers, of_boxes * misfit + misnamed, 0).sum()

    quality = jax.lax.stop_gradient(iou(found, true)).clip(LEAST_TARGET)
    target = jnp.zeros_like(raw[..., 0]).at[at].max(jnp.where(answers, quality, 0))
    value += of_objectness * optax.sigmoid_binary_cross_entropy(raw[..., 0], target).sum()
    return value / count


def loss(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    boxes: Boxes,
    labels: Labels,
    config: Config,
) -> tuple[Float[Array, ""], BatchStatistics]:
    """The loss of a batch, normalized by its own statistics.

    The batch statistics come second, with those of this batch taken into account.
    """
    network = pure.assemble(pure.graph(Network, config), params, statistics)
    value = grid_loss(network(images, train=True), boxes, labels)
    return value, pure.arrays(network, nnx.BatchStat)


def loss_and_grads(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    boxes: Boxes,
    labels: Labels,
    config: Config,
) -> tuple[Float[Array, ""], BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    value_and_grad = jax.value_and_grad(loss, has_aux=True)
    (value, statistics), grads = value_and_grad(params, statistics, images, boxes, labels, config)
    return value, statistics, grads


# ---------------------------------------------------------------- training


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam on gradients of bounded length; step `count` has the rate at that place."""
    rates = learning_rates(config)
    return optax.chain(
        optax.clip_by_global_norm(config.max_norm),
        optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count]),
    )


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, optimizer(config).init(params))


def train_step(
    state: State, images: Images, boxes: Boxes, labels: Labels, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, statistics, grads = loss_and_grads(
        state.params, state.statistics, images, boxes, labels, config
    )
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), statistics, opt_state), value


def train_steps(
    state: State,
    images: Float[Array, "steps batch height width channels"],
    boxes: Float[Array, "steps batch objects 4"],
    labels: Int32[Array, "steps batch objects"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Array, Array, Array]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (images, boxes, labels))


_ORDERS = np.eye(3)[list(permutations(range(3)))]
"""Every way in which three colours can change places, as a matrix; the first changes nothing."""


def augment(
    frame: UInt8[Array, "height width 3"],
    boxes: Float[Array, "objects 4"],
    key: PRNGKeyArray,
    config: Config,
) -> tuple[Float[Array, "height width 3"], Float[Array, "objects 4"]]:
    """The frame perhaps mirrored, with its boxes; each colour stronger or weaker, and exchanged."""
    mirror_key, gain_key, mix_key = jax.random.split(key, 3)
    height, width, channels = frame.shape
    across, down = jax.random.bernoulli(mirror_key, shape=(2,))
    image = jnp.where(across, frame[:, ::-1], frame)
    image = jnp.where(down, image[::-1], image)
    left, upper, right, lower = jnp.moveaxis(boxes, -1, 0)
    left, right = jnp.where(across, width - right, left), jnp.where(across, width - left, right)
    upper, lower = jnp.where(down, height - lower, upper), jnp.where(down, height - upper, lower)

    gains = jax.random.uniform(gain_key, (channels, 1), minval=0.7, maxval=1.3)
    orders = jnp.asarray(_ORDERS if config.mixes_colors else _ORDERS[:1], gains.dtype)
    mix = gains * orders[jax.random.randint(mix_key, (), 0, len(orders))]
    image = image.astype(gains.dtype) / 255 @ mix - 0.5
    return image, jnp.stack([left, upper, right, lower], axis=-1)


class History(NamedTuple):
    """What `fit` reports: the loss of each step, and the network for prediction of each round."""

    train_loss: Float[Array, " steps"]
    folded: Folded


def fit(
    state: State,
    frames: Frames,
    boxes: Boxes,
    labels: Labels,
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train in `config.num_rounds`.

    Every step draws frames and augments each anew.
    """

    def step(state: State, drawn: tuple[Int[Array, " batch"], Array]) -> tuple[State, Array]:
        chosen, keys = drawn
        augment_all = jax.vmap(partial(augment, config=config))
        images, moved = augment_all(frames[chosen], boxes[chosen], keys)
        return train_step(state, images, moved, labels[chosen], config)

    def look(state: State, losses: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        return History(losses, fold(state.params, state.statistics))

    keys = jax.random.split(key, config.num_rounds)
    shape = (config.steps_per_round, config.batch_size)
    batches = partial(training.drawn, count=len(frames), shape=shape)
    state, history = training.scan_rounds(step, look, state, keys, batches)
    return state, history._replace(train_loss=history.train_loss.ravel())
