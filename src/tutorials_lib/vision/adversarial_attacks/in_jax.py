"""A classifier of digits and the attack on it in JAX, and its training with and without attacks."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from tutorials_lib import pure, training
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.adversarial_attacks.problem import (
    NUM_CLASSES,
    SIDE,
    Attack,
    Config,
    Defence,
    growth,
    learning_rates,
)

Params = dict[Any, Any]
Images = Float[Array, "batch height width channels"]
FoldedImages = Float[Array, "batch rows columns features"]
Labels = Int[Array, " batch"]
Logits = Float[Array, "batch classes"]
Stages = dict[str, Float[Array, "batch ..."]]


# ---------------------------------------------------------------- the network


def fold(x: Images) -> FoldedImages:
    """Each block of 2 x 2 pixels as one pixel with four times the channels (space to depth).

    A convolution of 3 x 3 folded pixels sees 6 x 6 pixels and moves by two.
    """
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    # blocks[n, i, row, j, column, c] -> folded[n, i, j, (row, column, c)]
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // 2, width // 2, -1)


class Network(nnx.Module):
    """Two convolutions that each halve height and width, then two linear layers."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        widths = (1, *config.channels)
        self.convs = nnx.List(
            nnx.Conv(
                4 * before,
                after,
                kernel_size=(3, 3),
                kernel_init=nnx.initializers.he_normal(),
                conv_general_dilated=layers.conv_general_dilated,
                rngs=rngs,
            )
            for before, after in zip(widths, config.channels, strict=False)
        )
        side = SIDE // 2 ** len(config.channels)
        self.hidden = nnx.Linear(
            side * side * widths[-1],
            config.hidden,
            kernel_init=nnx.initializers.he_normal(),
            rngs=rngs,
        )
        self.head = nnx.Linear(config.hidden, NUM_CLASSES, rngs=rngs)

    def __call__(self, images: Images) -> Logits:
        """The logits of each class."""
        return self.stages(images)["logits"]

    def stages(self, images: Images) -> Stages:
        """What the picture has become after each layer, by name."""
        x = images
        stages = {"picture": x}
        for number, conv in enumerate(self.convs, start=1):
            x = stages[f"feature maps {number}"] = nnx.relu(conv(fold(x)))
        x = stages["hidden layer"] = nnx.relu(self.hidden(x.reshape(len(x), -1)))
        stages["logits"] = self.head(x)
        return stages


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def stages(params: Params, images: Images, config: Config) -> Stages:
    """What the network makes of the pictures on its way, by the name of the stage."""
    return pure.assemble(pure.graph(Network, config), params).stages(images)


def predict(params: Params, images: Images, config: Config) -> Logits:
    """The logits of each class."""
    return pure.assemble(pure.graph(Network, config), params)(images)


def losses(
    params: Params, images: Images, labels: Labels, config: Config
) -> Float[Array, " batch"]:
    """The cross-entropy of each picture."""
    logits = predict(params, images, config)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


def loss(params: Params, images: Images, labels: Labels, config: Config) -> Float[Array, ""]:
    """The mean cross-entropy of a batch."""
    return losses(params, images, labels, config).mean()


def loss_and_grads(
    params: Params, images: Images, labels: Labels, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss, and its gradient with respect to all parameters."""
    return jax.value_and_grad(loss)(params, images, labels, config)


def input_gradient(params: Params, images: Images, labels: Labels, config: Config) -> Images:
    """The gradient of the loss of each picture with respect to its own pixels.

    No picture changes the loss of another, so the gradient of the sum holds all of them.
    """
    return jax.grad(lambda pixels: losses(params, pixels, labels, config).sum())(images)


# ---------------------------------------------------------------- the attack


def move(gradient: Images, attacked: Images, low: Images, high: Images, attack: Attack) -> Images:
    """Every pixel one step along the sign of its gradient, and back to where it may be."""
    step = attack.step_size * attack.direction * jnp.sign(gradient)
    return jnp.clip(attacked + step, low, high)


def projected_ascent(
    gradient: Callable[[Images], Images], images: Images, noise: Images, attack: Attack
) -> Images:
    """Follow the sign of `gradient` from a point near each picture, as far as the budget goes.

    Args:
        gradient: of what the attacker wants to raise, at attacked pictures.
        images: the pictures, from 0 to 1.
        noise: from -1 to 1, where in the budget each pixel starts.
        attack: the budget and the steps; all of it may be traced, so that one program serves.
    """
    low = jnp.maximum(images - attack.epsilon, 0)
    high = jnp.minimum(images + attack.epsilon, 1)

    def step(_: Int[Array, ""], attacked: Images) -> Images:
        return move(gradient(attacked), attacked, low, high, attack)

    attacked = jnp.clip(images + attack.epsilon * noise, low, high)
    return jax.lax.fori_loop(0, attack.num_steps, step, attacked)


def pgd(
    params: Params, images: Images, labels: Labels, noise: Images, attack: Attack, config: Config
) -> Images:
    """Projected gradient descent, the attack of Madry et al. (2018): up the loss of the labels.

    With `attack.direction` -1 it goes down, towards labels that the attacker has chosen.
    """

    def gradient(attacked: Images) -> Images:
        return input_gradient(params, attacked, labels, config)

    return projected_ascent(gradient, images, noise, attack)


compiled_predict = jax.jit(predict, static_argnames="config")
compiled_pgd = jax.jit(pgd, static_argnames="config")


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place of the schedule."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(
    state: State, images: Images, labels: Labels, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, images, labels, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def adversarial_step(
    state: State, images: Images, labels: Labels, noise: Images, defence: Defence, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam on the pictures as an attack leaves them; also the loss before it."""
    adam, _ = state.opt_state
    share = jnp.asarray(growth(config))[adam.count]  # the last one from there on
    epsilon = config.epsilon * defence.budget * share
    attack = Attack(epsilon, defence.stride * epsilon, defence.num_steps)
    attacked = pgd(state.params, images, labels, noise, attack, config)
    return train_step(state, attacked, labels, config)


def adversarial_steps(
    state: State,
    images: Float[Array, "steps batch height width channels"],
    labels: Int[Array, "steps batch"],
    noise: Float[Array, "steps batch height width channels"],
    defence: Defence,
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One adversarial step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Images, Labels, Images]) -> tuple[State, Float[Array, ""]]:
        return adversarial_step(state, *batch, defence, config)

    return jax.lax.scan(step, state, (images, labels, noise))


def shift(
    image: Float[Array, "height width 1"], key: PRNGKeyArray, config: Config
) -> Float[Array, "height width 1"]:
    """The digit moved by up to `config.max_shift` pixels; what comes in is paper."""
    reach = config.max_shift
    padded = jnp.pad(image, ((reach, reach), (reach, reach), (0, 0)))
    corner = jax.random.randint(key, (2,), 0, 2 * reach + 1)
    return jax.lax.dynamic_slice(padded, (*corner, 0), image.shape)


class History(NamedTuple):
    """What `fit` reports after each epoch."""

    train_loss: Float[Array, " epochs"]
    accuracy: Float[Array, " epochs"]
    robust_accuracy: Float[Array, " epochs"]


def fit(
    state: State,
    images: Images,
    labels: Labels,
    held_back: tuple[Float[Array, "held_back height width channels"], Int[Array, " held_back"]],
    defence: Defence,
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train for `config.num_epochs`.

    Every epoch visits the digits in another order and moves each anew. All of `defence` may be
    traced, so that one program trains every network. The digits held back are only looked at: as
    they are, and after a few steps of an attack.
    """

    def batches(key: PRNGKeyArray) -> tuple[Int[Array, "steps batch"], Key[Array, " steps"]]:
        order_key, step_key = jax.random.split(key)
        shape = (config.steps_per_epoch, config.batch_size)
        order = training.shuffled(order_key, len(images), shape)
        return order, jax.random.split(step_key, config.steps_per_epoch)

    def step(
        state: State, drawn: tuple[Int[Array, " batch"], PRNGKeyArray]
    ) -> tuple[State, Float[Array, ""]]:
        chosen, key = drawn
        shift_key, start_key, noise_key = jax.random.split(key, 3)
        shift_all = jax.vmap(partial(shift, config=config))
        batch = shift_all(images[chosen], jax.random.split(shift_key, len(chosen)))
        start = jax.random.uniform(start_key, batch.shape, minval=-1)
        batch += defence.noise * jax.random.normal(noise_key, batch.shape)
        batch = jnp.clip(batch, 0, 1)
        cut = (batch > defence.threshold).astype(batch.dtype)
        batch = jnp.where(defence.threshold > 0, cut, batch)
        return adversarial_step(state, batch, labels[chosen], start, defence, config)

    def look(state: State, losses: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        return History(losses.mean(), *watch(state.params, *held_back, config))

    keys = jax.random.split(key, config.num_epochs)
    return training.scan_rounds(step, look, state, keys, batches)


def watch(
    params: Params, images: Images, labels: Labels, config: Config
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The accuracy on digits as they are, and after a quick attack: five steps, from the digit."""
    attack = Attack(config.epsilon, config.epsilon / 4, 5)
    attacked = pgd(params, images, labels, jnp.zeros_like(images), attack, config)
    before, after = (
        (predict(params, each, config).argmax(-1) == labels).mean() for each in (images, attacked)
    )
    return before, after


compiled_fit = jax.jit(fit, static_argnames="config")
