"""Fine-tuning in JAX: a Flax NNX network, and an Optax optimizer for each layer."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.datasets.printed_digits import SIZE
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.transfer_learning import photographs
from tutorials_lib.vision.transfer_learning.problem import NUM_CLASSES, Config

Params = dict[str, Any]
Images = Float[Array, "batch height width channels"]
Labels = Int[Array, " batch"]
Logits = Float[Array, "batch classes"]


class Network(nnx.Module):
    """Three convolutions, of which two are followed by a halving, and two linear layers."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        conv = partial(
            nnx.Conv,
            kernel_size=(3, 3),
            kernel_init=nnx.initializers.he_normal(),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        one, two, three = config.channels
        self.conv1 = conv(1, one)
        self.conv2 = conv(one, two)
        self.conv3 = conv(two, three)
        inputs = (SIZE // 4) ** 2 * three
        he_normal = nnx.initializers.he_normal()
        self.hidden = nnx.Linear(inputs, config.num_hidden, kernel_init=he_normal, rngs=rngs)
        self.head = nnx.Linear(config.num_hidden, NUM_CLASSES, rngs=rngs)

    def stages(self, images: Images) -> dict[str, Array]:
        """What a picture has become after each layer, by name, in order."""
        x = images
        stages = {"picture": x}
        stages["conv1"] = x = nnx.relu(self.conv1(x))
        stages["conv2"] = x = nnx.relu(layers.max_pool(self.conv2(x)))
        stages["conv3"] = x = nnx.relu(layers.max_pool(self.conv3(x)))
        stages["hidden"] = x = nnx.relu(self.hidden(x.reshape(len(x), -1)))
        stages["head"] = self.head(x)
        return stages


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Random parameters, as nested dicts of arrays: of this network, or of SqueezeNet."""
    if config.source == "real":
        return photographs.create(key)
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


# ---------------------------------------------------------------- prediction and loss


def stages(params: Params, images: Images, config: Config) -> dict[str, Array]:
    """What the network makes of the images on its way, by the name of the layer."""
    if config.source == "real":
        return photographs.stages(params, images)
    return pure.assemble(pure.graph(Network, config), params).stages(images)


def predict(params: Params, images: Images, config: Config) -> Logits:
    """The logits of each class."""
    return stages(params, images, config)["head"]


def loss(params: Params, images: Images, labels: Labels, config: Config) -> Float[Array, ""]:
    """The mean cross-entropy of a batch."""
    logits = predict(params, images, config)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def loss_and_grads(
    params: Params, images: Images, labels: Labels, config: Config, trained: Sequence[str]
) -> tuple[Float[Array, ""], Params]:
    """The mean cross-entropy of a batch, and its gradients for the layers that are `trained`."""
    value, grads = jax.value_and_grad(loss)(params, images, labels, config)
    return value, {layer: grads[layer] for layer in trained}


# ---------------------------------------------------------------- training


def optimizer(rates: Any, trained: Sequence[str]) -> optax.GradientTransformation:
    """Adam for each layer that learns, at its column of the rates; the others stay as they are."""

    def adam(column: int) -> optax.GradientTransformation:
        return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count, column])

    def choose(params: Params) -> dict[str, str]:
        return {layer: layer if layer in trained else "frozen" for layer in params}

    by_layer = {layer: adam(column) for column, layer in enumerate(trained)}
    return optax.multi_transform(by_layer | {"frozen": optax.set_to_zero()}, choose)


def start(params: Params, trained: Sequence[str]) -> State:
    """The state before the first step, where only the layers `trained` will move."""
    any_rates = np.zeros((1, len(trained)), np.float32)
    return State(params, optimizer(any_rates, trained).init(params))


def train_step(
    state: State,
    images: Images,
    labels: Labels,
    rates: Float[Array, "counts layers"],
    config: Config,
    trained: Sequence[str],
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam, each layer at its own rate; also the loss before it."""
    value, grads = jax.value_and_grad(loss)(state.params, images, labels, config)
    updates, opt_state = optimizer(rates, trained).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(
    state: State,
    images: Float[Array, "steps batch height width channels"],
    labels: Int[Array, "steps batch"],
    rates: Float[Array, "counts layers"],
    config: Config,
    trained: Sequence[str],
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Array, Array]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, rates, config, trained)

    return jax.lax.scan(step, state, (images, labels))


STATIC = ("config", "trained")
"""What a compiled step is compiled for: the network, and the layers that learn."""

compiled_predict = jax.jit(predict, static_argnames="config")
compiled_step = jax.jit(train_step, static_argnames=STATIC)
compiled_steps = jax.jit(train_steps, static_argnames=STATIC)
