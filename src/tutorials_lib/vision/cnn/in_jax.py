"""The convolutional network in JAX: a Flax NNX model, its loss, and the compiled training."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from tutorials_lib import pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.cnn.problem import IMAGE_SIZE, Config, learning_rates

Params = dict[Any, Any]
BatchStatistics = dict[Any, Any]
Image = Float[Array, "height width channels"]
Images = Float[Array, "batch height width channels"]
Labels = Int[Array, " batch"]
HalfSizeImages = Float[Array, "batch height//2 width//2 features"]
Logits = Float[Array, "batch classes"]
Pool = Callable[[Images], Array]

NUM_CLASSES = 10


class Block(nnx.Module):
    """Convolve, keep the largest of every four pixels, normalize, cut at zero."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        config: Config,
        pool: Pool,
        rngs: nnx.Rngs,
    ) -> None:
        self.conv = nnx.Conv(
            in_channels,
            out_channels,
            kernel_size=(3, 3),
            use_bias=False,  # the normalization has one
            kernel_init=nnx.initializers.he_normal(),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        keep = config.statistics_momentum
        self.norm = nnx.BatchNorm(out_channels, momentum=keep, rngs=rngs)
        self.pool = pool

    def __call__(self, x: Images, *, train: bool) -> HalfSizeImages:
        """Half the height and width, `out_channels` feature maps."""
        x = self.pool(self.conv(x))
        return nnx.relu(self.norm(x, use_running_average=not train))


class Network(nnx.Module):
    """Blocks that halve the picture, then one linear layer."""

    def __init__(
        self,
        config: Config,
        *,
        pool: Pool = layers.max_pool,
        rngs: nnx.Rngs,
    ) -> None:
        widths = (3, *config.channels)
        self.blocks = nnx.List(
            Block(before, after, config=config, pool=pool, rngs=rngs)
            for before, after in pairwise(widths)
        )
        side = IMAGE_SIZE // 2 ** len(config.channels)
        self.dense = nnx.Linear(side * side * widths[-1], NUM_CLASSES, rngs=rngs)

    def __call__(self, images: Images, *, train: bool) -> Logits:
        """The logits; `train` normalizes by the batch and updates the statistics."""
        x = images
        for block in self.blocks:
            x = block(x, train=train)
        return self.dense(x.reshape(len(x), -1))


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


def graph(config: Config, pool: Pool = layers.max_pool) -> nnx.GraphDef[Network]:
    """The network without its arrays: a constant of the compiled program."""
    return pure.graph(Network, config, pool=pool)


def apply(
    graphdef: nnx.GraphDef[Network],
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    *,
    train: bool,
) -> tuple[Logits, BatchStatistics]:
    """Put the network together, run it, and take the new statistics out again."""
    network = pure.assemble(graphdef, params, statistics)
    logits = network(images, train=train)
    return logits, pure.arrays(network, nnx.BatchStat)


def predict(params: Params, statistics: BatchStatistics, images: Images, config: Config) -> Logits:
    """The logits of each class, normalized by the running statistics."""
    return apply(graph(config), params, statistics, images, train=False)[0]


def loss(
    params: Params, statistics: BatchStatistics, images: Images, labels: Labels, config: Config
) -> tuple[Float[Array, ""], BatchStatistics]:
    """The mean cross-entropy of a batch, normalized by its own statistics.

    The batch statistics come second, with those of this batch taken into account.
    """
    return loss_of(graph(config), params, statistics, images, labels)


def loss_and_grads(
    params: Params, statistics: BatchStatistics, images: Images, labels: Labels, config: Config
) -> tuple[Float[Array, ""], BatchStatistics, Params]:
    """The loss, the new batch statistics, and the gradients of all parameters."""
    value_and_grad = jax.value_and_grad(loss, has_aux=True)
    (value, statistics), grads = value_and_grad(params, statistics, images, labels, config)
    return value, statistics, grads


def loss_of(
    graphdef: nnx.GraphDef[Any],
    params: Params,
    statistics: BatchStatistics,
    images: Images,
    labels: Labels,
) -> tuple[Float[Array, ""], BatchStatistics]:
    """`loss` of any network with the same call."""
    logits, statistics = apply(graphdef, params, statistics, images, train=True)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return losses.mean(), statistics


Loss = Callable[[Params, BatchStatistics, Images, Labels], tuple[Float[Array, ""], BatchStatistics]]


def optimizer(config: Config) -> optax.GradientTransformation:
    """Gradient descent with Nesterov's momentum; step `count` has the rate at that place."""
    rates = learning_rates(config)
    return optax.sgd(
        learning_rate=lambda count: jnp.asarray(rates)[count],  # the last one from there on
        momentum=config.momentum,
        nesterov=True,
    )


def start(params: Params, statistics: BatchStatistics, config: Config) -> State:
    """The state before the first step."""
    return State(params, statistics, optimizer(config).init(params))


def gradient_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    state: State,
    images: Images,
    labels: Labels,
) -> tuple[State, Float[Array, ""]]:
    """One step of any optimizer on any loss; also the loss before it."""
    value_and_grad = jax.value_and_grad(loss, has_aux=True)
    (value, statistics), grads = value_and_grad(state.params, state.statistics, images, labels)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), statistics, opt_state), value


def train_step(
    state: State, images: Images, labels: Labels, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of gradient descent with Nesterov's momentum; also the loss before it."""
    return gradient_step(partial(loss, config=config), optimizer(config), state, images, labels)


def train_steps(
    state: State,
    images: Float[Array, "steps batch height width channels"],
    labels: Int[Array, "steps batch"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Images, Labels]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (images, labels))


# ---------------------------------------------------------------- training


def augment(image: Image, key: PRNGKeyArray, config: Config) -> Image:
    """Another picture of the same class: shifted, a square cut out, perhaps mirrored.

    Shifting repeats the pixels at the border. The square has the value 0, the mean colour
    after scaling (DeVries and Taylor 2017).
    """
    mirror_key, shift_key, square_key = jax.random.split(key, 3)
    if config.mirrors:
        image = jnp.where(jax.random.bernoulli(mirror_key), image[:, ::-1], image)
    size, reach = image.shape[0], config.max_shift
    row, column = jax.random.randint(shift_key, (2,), -reach, reach + 1)
    pixels = jnp.arange(size)
    image = image[(pixels + row).clip(0, size - 1)]
    image = image[:, (pixels + column).clip(0, size - 1)]
    top, left = jax.random.randint(square_key, (2,), 1 - config.cutout_size, size)
    in_rows = (pixels >= top) & (pixels < top + config.cutout_size)
    in_columns = (pixels >= left) & (pixels < left + config.cutout_size)
    return jnp.where((in_rows[:, None] & in_columns)[..., None], 0, image)


class History(NamedTuple):
    """What `fit` reports after each epoch."""

    train_loss: Float[Array, " epochs"]
    test_accuracy: Float[Array, " epochs"]


@partial(jax.jit, static_argnames="config")
def fit(
    state: State,
    images: Images,
    labels: Labels,
    test_images: Float[Array, "test height width channels"],
    test_labels: Int[Array, " test"],
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train for `config.num_epochs`.

    Every epoch visits the pictures in another order and augments each anew. The held-out
    pictures are only looked at, for the learning curve.
    """
    shape = (config.steps_per_epoch, config.batch_size)

    def batches(key: PRNGKeyArray) -> tuple[Int[Array, "steps batch"], Key[Array, "steps batch"]]:
        order_key, augment_key = jax.random.split(key)
        order = training.shuffled(order_key, len(images), shape)
        return order, jax.random.split(augment_key, shape)

    def step(state: State, batch: tuple[Int[Array, " batch"], Key[Array, " batch"]]):
        chosen, keys = batch
        augmented = jax.vmap(partial(augment, config=config))(images[chosen], keys)
        return train_step(state, augmented, labels[chosen], config)

    def look(state: State, losses: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        logits = predict(state.params, state.statistics, test_images, config)
        accuracy = (logits.argmax(-1) == test_labels).mean()
        return History(train_loss=losses.mean(), test_accuracy=accuracy)

    keys = jax.random.split(key, config.num_epochs)
    return training.scan_rounds(step, look, state, keys, batches)
