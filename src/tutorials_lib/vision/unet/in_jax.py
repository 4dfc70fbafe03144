"""The U-Net in JAX: a Flax NNX model, its loss, and the compiled training."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from tutorials_lib import augmentation, pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.layers.losses import in_jax as losses
from tutorials_lib.layers.upsampling import in_jax as upsampling
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.unet.problem import Config, Widths, block_widths, learning_rates

Params = dict[Any, Any]
BatchStatistics = dict[Any, Any]
Images = Float[Array, "batch height width channels"]
Pixels = Float[Array, "batch height width"]
"""One number a pixel: logits, targets (1 on a wall, else 0) or weights."""

Stages = dict[str, Float[Array, "batch rows columns features"]]
Batch = tuple[Images, Pixels, Pixels]
"""Images with the targets and the weights of their pixels."""


class ConvNormRelu(nnx.Module):
    """Convolve 3 x 3 pixels, normalize by the batch, cut at zero."""

    def __init__(self, before: int, after: int, *, config: Config, rngs: nnx.Rngs) -> None:
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

    def __call__(self, x: Images, *, train: bool) -> Float[Array, "batch height width after"]:
        """The same height and width, `after` feature maps."""
        return nnx.relu(self.norm(self.conv(x), use_running_average=not train))


class Block(nnx.Module):
    """Two convolutions: what one level of the U does."""

    def __init__(self, widths: Widths, *, config: Config, rngs: nnx.Rngs) -> None:
        before, between, after = widths
        self.first = ConvNormRelu(before, between, config=config, rngs=rngs)
        self.second = ConvNormRelu(between, after, config=config, rngs=rngs)

    def __call__(self, x: Images, *, train: bool) -> Float[Array, "batch height width after"]:
        """The same height and width, `after` feature maps."""
        return self.second(self.first(x, train=train), train=train)


class UNet(nnx.Module):
    """Down by pooling, up by repeating pixels, and across by what each level had kept."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        down, bottom, up = block_widths(config)
        self.down = nnx.List(Block(widths, config=config, rngs=rngs) for widths in down)
        self.bottom = Block(bottom, config=config, rngs=rngs)
        self.up = nnx.List(Block(widths, config=config, rngs=rngs) for widths in up)
        self.head = nnx.Linear(up[-1].after, 1, rngs=rngs)

    def __call__(self, images: Images, *, train: bool) -> Pixels:
        """The logit of every pixel; `train` normalizes by the batch and updates the statistics."""
        return self.stages(images, train=train)["logits"][..., 0]

    def stages(self, images: Images, *, train: bool) -> Stages:
        """What the picture has become after each block, by name, from top to bottom to top."""
        x, skips = images, []
        stages = {"image": x}
        for level, block in enumerate(self.down, start=1):
            x = stages[f"down {level}"] = block(x, train=train)
            skips.append(x)
            x = layers.max_pool(x)
        x = stages["bottom"] = self.bottom(x, train=train)
        for block in self.up:
            level = len(skips)
            x = jnp.concatenate([upsampling.upsample(x), skips.pop()], axis=-1)
            x = stages[f"up {level}"] = block(x, train=train)
        stages["logits"] = self.head(x)
        return stages


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    statistics: BatchStatistics
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> tuple[Params, BatchStatistics]:
    """Fresh parameters and batch statistics, as nested dicts of arrays."""
    network = UNet(config, rngs=nnx.Rngs(key))
    return pure.arrays(network), pure.arrays(network, nnx.BatchStat)


def predict(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Pixels:
    """The logit of every pixel, normalized by the running statistics."""
    network = pure.assemble(pure.graph(UNet, config), params, statistics)
    return network(images, train=False)


def stages(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Stages:
    """What the network makes of the images on its way, by the name of the stage."""
    network = pure.assemble(pure.graph(UNet, config), params, statistics)
    return network.stages(images, train=False)


def loss(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    targets: Pixels,
    weights: Pixels,
    config: Config,
) -> tuple[Float[Array, ""], BatchStatistics]:
    """Weighted cross-entropy plus the Dice loss of a batch, normalized by its own statistics.

    The batch statistics come second, with those of this batch taken into account.
    """
    network = pure.assemble(pure.graph(UNet, config), params, statistics)
    logits = network(images, train=True)
    value = losses.binary_cross_entropy(logits, targets, weights)
    value += losses.soft_dice(logits, targets)
    return value, pure.arrays(network, nnx.BatchStat)


def loss_and_grads(
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    targets: Pixels,
    weights: Pixels,
    config: Config,
) -> tuple[Float[Array, ""], BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    value_and_grad = jax.value_and_grad(loss, has_aux=True)
    (value, statistics), grads = value_and_grad(
        params, statistics, images, targets, weights, config
    )
    return value, statistics, grads


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place of the schedule."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, optimizer(config).init(params))


def train_step(
    state: State, images: Images, targets: Pixels, weights: Pixels, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, statistics, grads = loss_and_grads(
        state.params, state.statistics, images, targets, weights, config
    )
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), statistics, opt_state), value


def train_steps(
    state: State,
    images: Float[Array, "steps batch height width channels"],
    targets: Float[Array, "steps batch height width"],
    weights: Float[Array, "steps batch height width"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: Batch) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (images, targets, weights))


# ---------------------------------------------------------------- training


def augment(
    image: Float[Array, "height width 1"],
    targets: Float[Array, "height width"],
    weights: Float[Array, "height width"],
    key: PRNGKeyArray,
    config: Config,
) -> tuple[Array, Array, Array]:
    """A random crop in one of eight positions, lighter or darker; walls and weights move along."""
    crop_key, turn_key, light_key = jax.random.split(key, 3)
    reach = jnp.array(targets.shape) - config.crop_size + 1
    corner = jax.random.randint(crop_key, (2,), 0, reach)
    flips = jax.random.bernoulli(turn_key, shape=(3,))

    def cut(pixels: Array) -> Array:
        size = (config.crop_size, config.crop_size)
        return augmentation.turn(jax.lax.dynamic_slice(pixels, corner, size), flips)

    gain = jax.random.uniform(light_key, minval=0.85, maxval=1.15)
    image = gain * (cut(image[..., 0]) + 0.5) - 0.5  # black is -0.5, and black it stays
    return image[..., None], cut(targets), cut(weights)


HeldBack = tuple[
    Float[Array, "held_back height width channels"], Float[Array, "held_back height width"]
]
"""Images with the targets of their pixels."""


class History(NamedTuple):
    """What `fit` reports: each step, and after each round what it makes of held-back sections."""

    train_loss: Float[Array, " steps"]
    dice: Float[Array, " rounds"]
    watched: Float[Array, "rounds height width"]


def fit(
    state: State,
    train: Batch,
    held_back: HeldBack,
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train in `config.num_rounds`.

    Every step draws sections and augments each anew. The sections held back are only looked at:
    after each round, Dice's coefficient of all at the threshold 1/2, and the probabilities of
    the first.
    """

    def step(
        state: State, drawn: tuple[Int[Array, " batch"], Key[Array, " batch"]]
    ) -> tuple[State, Float[Array, ""]]:
        chosen, keys = drawn
        augment_all = jax.vmap(partial(augment, config=config))
        images, targets, weights = augment_all(*(each[chosen] for each in train), keys)  # pyright: ignore[reportCallIssue]
        return train_step(state, images, targets, weights, config)

    def look(state: State, values: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        images, targets = held_back
        logits = predict(state.params, state.statistics, images, config)
        found = logits > 0
        dice = 2 * (found * targets).sum() / (found.sum() + targets.sum())
        return History(values, dice, jax.nn.sigmoid(logits[0]))

    keys = jax.random.split(key, config.num_rounds)
    shape = (config.steps_per_round, config.batch_size)
    batches = partial(training.drawn, count=len(train[0]), shape=shape)
    state, history = training.scan_rounds(step, look, state, keys, batches)
    return state, history._replace(train_loss=history.train_loss.ravel())
