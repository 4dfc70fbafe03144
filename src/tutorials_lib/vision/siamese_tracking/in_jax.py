"""A Siamese network and its tracker in JAX: Flax NNX, and clips and frames as one program."""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from tutorials_lib import pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.layers.losses.in_jax import binary_cross_entropy
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.siamese_tracking import problem, pyramid
from tutorials_lib.vision.siamese_tracking.problem import (
    SEARCH,
    SPAN,
    TEMPLATE,
    Config,
    Lessons,
    Pairs,
    Settings,
    learning_rates,
)

Params = dict[Any, Any]
"""`{"convs": {number: {"kernel", "bias"}}, "importance", "bias"}`"""

Images = Float[Array, "batch height width 3"]
Areas = Float[Array, "batch tall wide 3"]
FeatureMaps = Float[Array, "batch rows columns features"]
Templates = Float[Array, "batch cells cells features"]
Logits = Float[Array, "batch shifts shifts"]
Frame = Shaped[Array, "height width 3"]
Frames = Shaped[Array, "clips height width 3"]
Boxes = Float[Array, "clips 4"]


# ---------------------------------------------------------------- the network


class Network(nnx.Module):
    """Three convolutions, the same for template and search area, and what a response is made of."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        last = len(config.channels) - 1
        self.convs = nnx.List(
            nnx.Conv(
                before,
                after,
                kernel_size=(3, 3),
                kernel_init=nnx.initializers.variance_scaling(
                    1.0 if i == last else 2.0, "fan_in", "normal"
                ),
                conv_general_dilated=layers.conv_general_dilated,
                rngs=rngs,
            )
            for i, (before, after) in enumerate(pairwise((12, *config.channels)))
        )
        self.importance = nnx.Param(jnp.asarray(problem.bump()))
        self.bias = nnx.Param(jnp.float32(-2.0))

    def embed(self, images: Images) -> FeatureMaps:
        """The feature maps, whose mean square is one at every place."""
        return self.stages(images)["features"]

    def stages(self, images: Images) -> dict[str, Array]:
        """What the images become on their way, by name."""
        first, second, third = self.convs
        stages = {"pixels": images, "blocks of four pixels": space_to_depth(2 * images)}
        x = nnx.relu(first(stages["blocks of four pixels"]))
        x = stages["feature maps 1"] = layers.max_pool(x)
        x = stages["feature maps 2"] = nnx.relu(second(x))
        x = third(x)
        length = jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-3)
        stages["features"] = x * length
        return stages

    def learn(self, images: Images) -> Templates:
        """The feature maps without their rim, which saw zeros outside the picture."""
        return self.embed(images)[:, 1:-1, 1:-1]

    def respond(self, templates: Templates, features: FeatureMaps) -> Logits:
        """How well a template fits at each shift."""
        weighted = templates * self.importance[...][..., None]
        return problem.GAIN * correlate(weighted, features) + self.bias[...]


def space_to_depth(images: Images) -> Float[Array, "batch height//2 width//2 12"]:
    """The four pixels of each 2 x 2 block become channels of one place."""
    batch, height, width, channels = images.shape
    blocks = images.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return blocks.swapaxes(2, 3).reshape(batch, height // 2, width // 2, 4 * channels)


def correlate(templates: Templates, features: FeatureMaps) -> Logits:
    r"""The mean of the products of a template with what lies under it, at every shift.

    $r_{y,x} = \frac{1}{n} \sum_{a,b,c} z_{a,b,c} \, f_{y+a,\,x+b,\,c}$. Every place of the
    template is multiplied with every place of the feature maps, one product of matrices; a shift
    is then a sum along diagonals.
    """
    products = jnp.einsum("nabc,nyxc->naybx", templates, features)
    across = _sum_along_diagonals(products)  # [n a y x]
    down = _sum_along_diagonals(across.transpose(0, 3, 1, 2))  # [n x y]
    return down.swapaxes(1, 2) / templates[0].size


def _sum_along_diagonals(products: Float[Array, "*n a y"]) -> Float[Array, "*n shifts"]:
    """For each shift the sum of `products[..., a, shift + a]` over all `a`.

    In rows that are longer by one, each number moves left by as many places as there are rows
    above it, so that a diagonal becomes a column.
    """
    *leading, cells, length = products.shape
    flat = products.reshape(*leading, cells * length)
    flat = jnp.pad(flat, [(0, 0)] * len(leading) + [(0, cells)])
    rows = flat.reshape(*leading, cells, length + 1)
    return rows[..., : length - cells + 1].sum(-2)


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def _network(params: Params, config: Config) -> Network:
    return pure.assemble(pure.graph(Network, config), params)


def predict(params: Params, templates: Images, searches: Areas, config: Config) -> Logits:
    """The logit of every shift, for templates and search areas as pictures."""
    network = _network(params, config)
    return network.respond(network.learn(templates), network.embed(searches))


def learn(params: Params, images: Images, config: Config) -> Templates:
    """The templates: the feature maps of pictures of the target, without their rim."""
    return _network(params, config).learn(images)


def respond(params: Params, templates: Templates, features: FeatureMaps, config: Config) -> Logits:
    """How well a template fits at each shift."""
    return _network(params, config).respond(templates, features)


def stages(params: Params, images: Images, config: Config) -> dict[str, Array]:
    """What the network makes of the images on its way, by the name of the stage."""
    return _network(params, config).stages(images)


# ---------------------------------------------------------------- training


def loss(params: Params, pairs: Pairs, config: Config) -> Float[Array, ""]:
    """How far the responses are from a peak at the target, and nowhere for another target."""
    network = _network(params, config)
    templates, features = network.learn(pairs.template), network.embed(pairs.search)
    both = jnp.concatenate([templates, jnp.roll(templates, 1, axis=0)])
    logits = network.respond(both, jnp.concatenate([features, features]))
    own = logits[: len(templates)]

    squares = ((problem.shifts() - pairs.offsets[:, None, None]) ** 2).sum(-1)
    near = (squares <= problem.NEAR**2).astype(own.dtype)
    far = (squares > problem.FAR**2).astype(own.dtype)
    weights = near / near.sum() + far / far.sum()
    logistic = binary_cross_entropy(
        logits,
        jnp.concatenate([near, jnp.zeros_like(near)]),
        jnp.concatenate([weights, jnp.full_like(own, problem.STRANGE / own.size)]),
    )
    aim = jax.nn.softmax(-squares / problem.SOFTNESS, axis=(1, 2))
    where = -(aim * jax.nn.log_softmax(problem.SHARPNESS * own, axis=(1, 2))).sum((1, 2)).mean()
    return logistic + problem.WHERE * where


def loss_and_grads(params: Params, pairs: Pairs, config: Config) -> tuple[Array, Params]:
    """The loss, and its gradients with respect to all parameters."""
    return jax.value_and_grad(loss)(params, pairs, config)


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam on gradients of bounded length; step `count` has its rate from the schedule."""
    rates = learning_rates(config)
    return optax.chain(
        optax.clip_by_global_norm(config.max_norm),
        optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count]),
    )


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(state: State, pairs: Pairs, config: Config) -> tuple[State, Array]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, pairs, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(state: State, pairs: Pairs, config: Config) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch of pairs in turn; also the loss before each."""
    return jax.lax.scan(partial(train_step, config=config), state, pairs)


def cut_pairs(squares: Shaped[Array, "clips squares 96 96 3"], lesson: Lessons) -> Pairs:
    """The pairs of one step."""
    middle, rim = ((problem.SQUARE - side) // 2 for side in (TEMPLATE, SEARCH))

    def cut(clip: Array, square: Array, corner: Array, side: int) -> Array:
        start = (clip, square, *corner, 0)
        pixels = jax.lax.dynamic_slice(squares, start, (1, 1, side, side, 3))[0, 0]
        return pixels[..., lesson.colors].astype(jnp.float32) / 255 - 0.5

    def pair(clip: Array, square: Array, offset: Array) -> tuple[Array, Array]:
        template = cut(clip, square[0], jnp.full_like(offset, middle), TEMPLATE)
        return template, cut(clip, square[1], rim - offset, SEARCH)

    template, search = jax.vmap(pair)(lesson.clips, lesson.squares, lesson.offsets)
    return Pairs(template, search, lesson.offsets.astype(jnp.float32))


class History(NamedTuple):
    """What `fit` reports: each step, and after each round what it makes of pairs held back."""

    train_loss: Float[Array, " steps"]
    hits: Float[Array, " rounds"]


def hits(params: Params, pairs: Pairs, config: Config) -> Float[Array, ""]:
    """The share of pairs whose best shift is near the target."""
    logits = predict(params, pairs.template, pairs.search, config)
    best = logits.reshape(len(logits), -1).argmax(1)
    error = jnp.asarray(problem.shifts()).reshape(-1, 2)[best] - pairs.offsets
    return ((error**2).sum(-1) <= problem.NEAR**2).mean(dtype=logits.dtype)


def fit(
    state: State, squares: Array, lessons: Lessons, held_back: Pairs, config: Config
) -> tuple[State, History]:
    """Train in `config.num_rounds`.

    Every step cuts the pairs of its lesson. Those held back are only looked at, after each round.
    """

    def step(state: State, lesson: Lessons) -> tuple[State, Array]:
        return train_step(state, cut_pairs(squares, lesson), config)

    def look(state: State, losses: Float[Array, " steps"], _: Lessons) -> History:
        return History(losses, hits(state.params, held_back, config))

    rounds = training.in_rounds(lessons, config.num_rounds)
    state, history = training.scan_rounds(step, look, state, rounds)
    return state, history._replace(train_loss=history.train_loss.ravel())


# ---------------------------------------------------------------- tracking


class Track(NamedTuple):
    """What a tracker knows about the target of each clip.

    Attributes:
        template: its feature maps.
        center: row and column of its middle, in pixels of the frame.
        size: the root of its area.
        extent: width and height at size 1.
    """

    template: Float[Array, "*clips cells cells features"]
    center: Float[Array, "*clips 2"]
    size: Float[Array, "*clips"]
    extent: Float[Array, "*clips 2"]


def crop(frame: Frame, center: Array, side: Array, pixels: int) -> Float[Array, "y x 3"]:
    """A square of the frame, resized to `pixels` by bilinear interpolation.

    Rows and columns are weighted by a matrix each. What lies outside looks like the border.
    """

    def weights(middle: Array, length: int) -> Float[Array, "places pixels"]:
        steps = (jnp.arange(pixels, dtype=middle.dtype) + 0.5) / pixels - 0.5
        places = (middle + steps * side - 0.5).clip(0, length - 1)
        return jnp.maximum(0, 1 - abs(places[:, None] - jnp.arange(length, dtype=middle.dtype)))

    height, width, channels = frame.shape
    rows = weights(center[0], height) @ frame.reshape(height, -1).astype(center.dtype)
    columns = rows.reshape(pixels, width, channels).swapaxes(1, 2) @ weights(center[1], width).T
    return columns.swapaxes(1, 2)


def start_track(params: Params, frames: Frames, boxes: Boxes, config: Config) -> Track:
    """Learn the targets from the first frames, in which boxes are given."""

    def one(frame: Array, box: Array) -> Track:
        extent, center = box[2:] - box[:2], (box[1::-1] + box[:1:-1]) / 2
        size = jnp.sqrt(extent.prod())
        template = _look(params, frame, center, size, config)
        return Track(template, center, size, extent / size)

    return jax.vmap(one)(frames, boxes)


def _look(params: Params, frame: Array, center: Array, size: Array, config: Config) -> Array:
    """The template of what lies at a place now."""
    seen = crop(frame, center, SPAN / 2 * size, TEMPLATE)
    return learn(params, seen[None] / 255 - 0.5, config)[0]


def track_frame(
    params: Params, track: Track, frames: Frames, settings: Settings, config: Config
) -> Track:
    """Find each target in the next frame of its clip, at three scales."""

    def one(track: Track, frame: Array) -> Track:
        sizes = track.size * jnp.asarray(pyramid.SCALES, track.size.dtype)
        areas = jax.vmap(lambda size: crop(frame, track.center, SPAN * size, SEARCH))(sizes)
        network = _network(params, config)
        templates = jnp.broadcast_to(track.template, (len(sizes), *track.template.shape))
        logits = network.respond(templates, network.embed(areas / 255 - 0.5))
        enlarging = jnp.asarray(problem.enlarging(), logits.dtype)
        response = enlarging @ jax.nn.sigmoid(logits) @ enlarging.T
        center, size = _move(track, response, settings, (frame.shape[0], frame.shape[1]))
        change = _look(params, frame, center, size, config) - track.template
        return Track(track.template + settings.update * change, center, size, track.extent)

    return jax.vmap(one)(track, frames)


def _move(
    track: Track,
    response: Float[Array, "scales fine fine"],
    settings: Settings,
    frame_size: tuple[int, int],
) -> tuple[Array, Array]:
    """The center and the size that the best response says."""
    shape, dtype = response.shape, response.dtype
    scales = jnp.asarray(pyramid.SCALES, dtype)
    shifts = (jnp.arange(shape[-1], dtype=dtype) - (shape[-1] - 1) / 2) * (SPAN / SEARCH)
    bell = jnp.exp(-((shifts / pyramid.SMOOTHNESS) ** 2) / 2)
    same_scale = 1 - settings.scale_penalty * (pyramid.SCALES != 1)
    score = (1 - settings.window) * same_scale[:, None, None] * response
    score += settings.window * response.max() * bell[:, None] * bell
    scale, row, column = jnp.unravel_index(score.argmax(), shape)
    found = scales[scale]
    center = track.center + jnp.stack([shifts[row], shifts[column]]) * track.size * found
    size = track.size * ((1 - settings.damping) + settings.damping * found)
    furthest = jnp.asarray(frame_size, dtype) - 4
    return center.clip(4, furthest), size.clip(pyramid.SMALLEST, pyramid.LARGEST)


def boxes_of(track: Track) -> Boxes:
    """Left, top, right and bottom."""
    half = track.extent * (track.size / 2)[:, None]
    middle = track.center[:, ::-1]
    return jnp.concatenate([middle - half, middle + half], axis=1)


def follow(
    params: Params,
    frames: Shaped[Array, "clips frames height width 3"],
    boxes: Boxes,
    settings: Settings,
    config: Config,
) -> Float[Array, "clips frames 4"]:
    """A box for every frame, from one for the first: a scan over frames, all clips at once."""

    def next_frame(track: Track, now: Array) -> tuple[Track, Array]:
        track = track_frame(params, track, now, settings, config)
        return track, boxes_of(track)

    track = start_track(params, frames[:, 0], boxes, config)
    _, found = jax.lax.scan(next_frame, track, frames.swapaxes(0, 1)[1:])
    return jnp.concatenate([boxes[None], found]).swapaxes(0, 1)
