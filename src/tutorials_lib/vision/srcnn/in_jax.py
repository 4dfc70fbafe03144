"""Super-resolution in JAX: a Flax NNX model, its loss, and the training as one program."""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from tutorials_lib import augmentation, pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.srcnn.problem import Config, learning_rates
from tutorials_lib.vision.srcnn.resizing import resampling

Params = dict[Any, Any]
"""`{"convs": {number: {"kernel", "bias"}}}`, one for each convolution in their order."""

LowPictures = Float[Array, "batch rows columns"]
Pictures = Float[Array, "batch height width"]
FeatureMaps = Float[Array, "batch rows columns features"]


class Network(nnx.Module):
    """Convolutions that say what the bicubic enlargement lacks."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.config = config
        last = len(config.channels)
        self.convs = nnx.List(
            nnx.Conv(
                before,
                after,
                kernel_size=(size, size),
                # At the start the last one says nothing: training begins with the bicubic picture.
                kernel_init=nnx.initializers.zeros if i == last else nnx.initializers.he_normal(),
                conv_general_dilated=layers.conv_general_dilated,
                rngs=rngs,
            )
            for i, (size, (before, after)) in enumerate(
                zip(config.kernel_sizes, pairwise(config.widths), strict=True)
            )
        )

    def __call__(self, low: LowPictures) -> Pictures:
        """Pictures `scale` times as high and as wide."""
        return self.stages(low)["high resolution"]

    def stages(self, low: LowPictures) -> dict[str, Array]:
        """What the pictures become on their way, by name."""
        config = self.config
        enlarged = enlarge(low, config)
        x = 4 * (enlarged if config.enlarge_first else low)[..., None] - 2  # about unit variance
        stages = {"low resolution": low}
        *hidden, last = self.convs
        for i, conv in enumerate(hidden, start=1):
            y = nnx.relu(conv(x))
            x = stages[f"feature maps {i}"] = x + y if x.shape == y.shape else y
        x = stages["sub-pixels"] = last(x)
        correction = stages["correction"] = depth_to_space(x, config.factor) / 10
        stages["high resolution"] = enlarged + correction
        return stages


def enlarge(low: LowPictures, config: Config) -> Pictures:
    """The bicubic enlargement: a product with one matrix from each side."""
    matrices = (resampling(side, side * config.scale) for side in low.shape[1:])
    down, across = (jnp.asarray(matrix, low.dtype) for matrix in matrices)
    return down @ low @ across.T


def depth_to_space(x: FeatureMaps, factor: int) -> Pictures:
    """The `factor**2` numbers of a pixel become a block of pixels, row by row (Shi et al. 2016)."""
    batch, rows, columns, _ = x.shape
    blocks = x.reshape(batch, rows, columns, factor, factor)
    # blocks[n, i, j, a, b] -> pictures[n, i * factor + a, j * factor + b]
    return blocks.swapaxes(2, 3).reshape(batch, rows * factor, columns * factor)


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def predict(params: Params, low: LowPictures, config: Config) -> Pictures:
    """Pictures `config.scale` times as high and as wide."""
    return pure.assemble(pure.graph(Network, config), params)(low)


def stages(params: Params, low: LowPictures, config: Config) -> dict[str, Array]:
    """What the network makes of the pictures on its way, by the name of the stage."""
    return pure.assemble(pure.graph(Network, config), params).stages(low)


def loss(params: Params, low: LowPictures, high: Pictures, config: Config) -> Float[Array, ""]:
    """The mean squared error, without a border of `config.border` pixels."""
    inside = slice(config.border, -config.border)
    error = (predict(params, low, config) - high)[:, inside, inside]
    return jnp.mean(error**2)


def loss_and_grads(
    params: Params, low: LowPictures, high: Pictures, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss, and its gradients with respect to all parameters."""
    return jax.value_and_grad(loss)(params, low, high, config)


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place of the schedule."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(
    state: State, low: LowPictures, high: Pictures, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, low, high, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(
    state: State,
    low: Float[Array, "steps batch rows columns"],
    high: Float[Array, "steps batch height width"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Array, Array]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (low, high))


# ---------------------------------------------------------------- training

Crops = tuple[Float[Array, "crops rows columns"], Float[Array, "crops height width"]]
"""Squares at low and at high resolution."""

HeldBack = tuple[Float[Array, "held_back _ _"], Float[Array, "held_back _ _"]]
"""The same, of another size."""


class History(NamedTuple):
    """What `fit` reports: each step, and after each round what it makes of squares held back."""

    train_loss: Float[Array, " steps"]
    loss: Float[Array, " rounds"]
    watched: Float[Array, "rounds height width"]


def fit(
    state: State, train: Crops, held_back: HeldBack, key: PRNGKeyArray, config: Config
) -> tuple[State, History]:
    """Train in `config.num_rounds`.

    Every step draws squares and turns each. Those held back are only looked at: after each round,
    the loss of all, and the first as the network enlarges it.
    """

    def step(state: State, key: PRNGKeyArray) -> tuple[State, Float[Array, ""]]:
        choose_key, turn_key = jax.random.split(key)
        chosen = jax.random.randint(choose_key, (config.batch_size,), 0, len(train[0]))
        flips = jax.random.bernoulli(turn_key, shape=(config.batch_size, 3))
        low, high = (jax.vmap(augmentation.turn)(pixels[chosen], flips) for pixels in train)
        return train_step(state, low, high, config)

    def look(state: State, losses: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        low, high = held_back
        watched = predict(state.params, low[:1], config)[0]
        return History(losses, loss(state.params, low, high, config), watched)

    keys = jax.random.split(key, config.num_rounds)
    batches = partial(jax.random.split, num=config.steps_per_round)
    state, history = training.scan_rounds(step, look, state, keys, batches)
    return state, history._replace(train_loss=history.train_loss.ravel())
