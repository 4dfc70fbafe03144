"""Generate digits with a GAN, in JAX: two Flax NNX networks, their losses, and the training."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.generative.gan.problem import (
    B1,
    B2,
    GAIN,
    LABEL_SCALE,
    LEAK,
    NUM_CLASSES,
    PLAYERS,
    SIDE,
    Config,
)
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.layers.folding.in_jax import fold, unfold
from tutorials_lib.runtime import RUN_ONCE

Params = dict[str, Any]
Images = Float[Array, "batch 28 28 1"]
Labels = Int[Array, " batch"]
Latents = Float[Array, "batch latents"]
Scores = Float[Array, " batch"]
Loss = Float[Array, ""]
Rates = Float[Array, "counts players"]
FeatureMaps = Float[Array, "batch height width channels"]
Directions = dict[str, Array]


# ---------------------------------------------------------------- the networks


def _conv(inputs: int, outputs: int, *, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(
        inputs,
        outputs,
        kernel_size=(3, 3),
        kernel_init=nnx.initializers.he_normal(),
        conv_general_dilated=layers.conv_general_dilated,
        rngs=rngs,
    )


def normalize_pixels(x: FeatureMaps) -> FeatureMaps:
    """Each pixel's channels divided by their root mean square (Karras et al. 2018)."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)


class Generator(nnx.Module):
    """From random numbers and a digit to a picture: a linear layer, then two convolutions."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        width, side = config.width, SIDE // 4
        self.dense = nnx.Linear(
            config.num_latents + NUM_CLASSES,
            side * side * 2 * width,
            kernel_init=nnx.initializers.he_normal(),
            rngs=rngs,
        )
        self.conv1 = _conv(2 * width, 4 * width, rngs=rngs)
        self.conv2 = _conv(width, 4, rngs=rngs)

    def stages(self, latents: Latents, labels: Labels) -> dict[str, Array]:
        """What the random numbers have become after each layer, by name."""
        wish = LABEL_SCALE * jax.nn.one_hot(labels, NUM_CLASSES, dtype=latents.dtype)
        x = jnp.concatenate([latents, wish], axis=1)
        stages = {"wish": x}
        x = nnx.relu(self.dense(x)).reshape(len(x), SIDE // 4, SIDE // 4, -1)
        stages["dense"] = x = normalize_pixels(x)
        stages["conv1"] = x = normalize_pixels(nnx.relu(unfold(self.conv1(x))))
        stages["conv2"] = nnx.sigmoid(unfold(self.conv2(x)))
        return stages


class Discriminator(nnx.Module):
    """From a picture and the digit that it should show to one number: real above zero."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        width, side = config.width, SIDE // 4
        self.spread_scale = config.spread_scale
        self.conv1 = _conv(4, width, rngs=rngs)
        self.conv2 = _conv(4 * width, 2 * width, rngs=rngs)
        self.head = nnx.Linear(side * side * 2 * width + 1, 1 + NUM_CLASSES, rngs=rngs)

    def stages(self, images: Images, labels: Labels) -> dict[str, Array]:
        """What the pictures have become after each layer, by name."""
        stages = {"picture": images}
        stages["conv1"] = x = nnx.leaky_relu(self.conv1(fold(2 * images - 1)), LEAK)
        stages["conv2"] = x = nnx.leaky_relu(self.conv2(fold(x)), LEAK)
        spread = self.spread_scale * jnp.sqrt(x.var(0) + 1e-8).mean()
        features = x.reshape(len(x), -1)
        features = jnp.concatenate([features, jnp.full_like(features[:, :1], spread)], axis=1)
        stages["head"] = outputs = self.head(features)
        of_digit = jnp.take_along_axis(outputs[:, 1:], labels[:, None], axis=1)[:, 0]
        stages["score"] = outputs[:, 0] + of_digit
        return stages


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters of both networks, as nested dicts of arrays."""
    generator_key, discriminator_key = jax.random.split(key)
    return {
        "generator": pure.arrays(Generator(config, rngs=nnx.Rngs(generator_key))),
        "discriminator": pure.arrays(Discriminator(config, rngs=nnx.Rngs(discriminator_key))),
    }


def generator_stages(
    generator: Params, latents: Latents, labels: Labels, config: Config
) -> dict[str, Array]:
    """What the generator makes of random numbers on its way, by the name of the layer."""
    return pure.assemble(pure.graph(Generator, config), generator).stages(latents, labels)


def generate(generator: Params, latents: Latents, labels: Labels, config: Config) -> Images:
    """A picture for each row of latents, of the digit that its label asks for."""
    return generator_stages(generator, latents, labels, config)["conv2"]


def discriminator_stages(
    weights: Params, images: Images, labels: Labels, config: Config
) -> dict[str, Array]:
    """What the discriminator makes of pictures on its way, by the name of the layer."""
    return pure.assemble(pure.graph(Discriminator, config), weights).stages(images, labels)


def discriminate(weights: Params, images: Images, labels: Labels, config: Config) -> Scores:
    """How real each picture looks, as a logit; `weights` are normalized (`spectral_norm`)."""
    return discriminator_stages(weights, images, labels, config)["score"]


def spectral_norm(discriminator: Params, directions: Directions) -> tuple[Params, Directions]:
    """Divide the kernel of each layer by its largest singular value (Miyato et al. 2018).

    The value comes from one step of power iteration, from the direction of the last time, along
    which no gradient is taken.

    Returns:
        The parameters with normalized kernels, times `GAIN`, and the new directions.
    """
    weights, found = {}, {}
    for name, layer in discriminator.items():
        matrix = layer["kernel"].reshape(-1, layer["kernel"].shape[-1])
        fixed = jax.lax.stop_gradient(matrix)
        left = _unit(fixed @ directions[name])
        found[name] = right = _unit(fixed.T @ left)
        weights[name] = {**layer, "kernel": layer["kernel"] * (GAIN / (left @ matrix @ right))}
    return weights, found


def _unit(vector: Array) -> Array:
    return vector / jnp.linalg.norm(vector)


# ---------------------------------------------------------------- the losses


def discriminator_loss(
    discriminator: Params,
    directions: Directions,
    images: Images,
    fakes: Images,
    labels: Labels,
    config: Config,
) -> tuple[Loss, Directions]:
    r"""$\log(1 + e^{-D(x)}) + \log(1 + e^{D(G(z))})$, in the mean; also the new directions."""
    weights, directions = spectral_norm(discriminator, directions)
    real, fake = (discriminate(weights, each, labels, config) for each in (images, fakes))
    return jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean(), directions


def generator_loss(
    generator: Params, weights: Params, latents: Latents, labels: Labels, config: Config
) -> Loss:
    r"""The non-saturating loss $\log(1 + e^{-D(G(z))})$, in the mean (Goodfellow et al. 2014)."""
    fakes = generate(generator, latents, labels, config)
    return jax.nn.softplus(-discriminate(weights, fakes, labels, config)).mean()


def discriminator_loss_and_grads(
    discriminator: Params,
    directions: Directions,
    images: Images,
    fakes: Images,
    labels: Labels,
    config: Config,
) -> tuple[Loss, Params, Directions]:
    """The loss of the discriminator, its gradient, and the new directions."""
    (value, directions), grads = jax.value_and_grad(discriminator_loss, has_aux=True)(
        discriminator, directions, images, fakes, labels, config
    )
    return value, grads, directions


def generator_loss_and_grads(
    generator: Params, weights: Params, latents: Latents, labels: Labels, config: Config
) -> tuple[Loss, Params]:
    """The loss of the generator, and its gradient."""
    return jax.value_and_grad(generator_loss)(generator, weights, latents, labels, config)


# ---------------------------------------------------------------- training


class Player(NamedTuple):
    """A network and its optimizer."""

    params: Params
    opt_state: optax.OptState


class State(NamedTuple):
    """All that a training step changes.

    Attributes:
        discriminator: moves first.
        generator: moves second.
        directions: of the power iteration, one for each layer of the discriminator.
        average: of the generator's parameters; it draws the digits that are judged.
    """

    discriminator: Player
    generator: Player
    directions: Directions
    average: Params


def optimizer(rates: Rates, player: str) -> optax.GradientTransformation:
    """Adam at the player's column of the rates; the last row stays."""
    column = PLAYERS.index(player)
    return optax.adam(learning_rate=lambda count: rates[count, column], b1=B1, b2=B2)


def start(params: Params, config: Config) -> State:
    """The state before the first step; the directions are the diagonals."""
    any_rates = jnp.zeros((1, len(PLAYERS)), jnp.float32)
    players = {
        name: Player(params[name], optimizer(any_rates, name).init(params[name]))
        for name in PLAYERS
    }
    directions = {
        name: _unit(jnp.ones_like(p["bias"])) for name, p in params["discriminator"].items()
    }
    return State(**players, directions=directions, average=params["generator"])


def _move(player: Player, grads: Params, optimizer: optax.GradientTransformation) -> Player:
    updates, opt_state = optimizer.update(grads, player.opt_state, player.params)
    return Player(optax.apply_updates(player.params, updates), opt_state)


def train_step(
    state: State,
    images: Images,
    labels: Labels,
    latents: Float[Array, "2 batch latents"],
    rates: Rates,
    config: Config,
) -> tuple[State, Float[Array, " players"]]:
    """A step of the discriminator, then one of the generator; also the loss of each before it."""
    fakes = generate(state.generator.params, latents[0], labels, config)
    discriminator_value, grads, directions = discriminator_loss_and_grads(
        state.discriminator.params, state.directions, images, fakes, labels, config
    )
    discriminator = _move(state.discriminator, grads, optimizer(rates, "discriminator"))

    weights, directions = spectral_norm(discriminator.params, directions)
    generator_value, grads = generator_loss_and_grads(
        state.generator.params, weights, latents[1], labels, config
    )
    generator = _move(state.generator, grads, optimizer(rates, "generator"))

    average = optax.incremental_update(generator.params, state.average, 1 - config.average_decay)
    values = jnp.stack([discriminator_value, generator_value])
    return State(discriminator, generator, directions, average), values


def train_steps(
    state: State,
    images: Float[Array, "train 28 28 1"],
    labels: Int[Array, " train"],
    batches: Int[Array, "steps batch"],
    latents: Float[Array, "steps 2 batch latents"],
    rates: Rates,
    config: Config,
) -> tuple[State, Float[Array, "steps players"]]:
    """One step for each batch in turn; also the losses before each."""

    def step(state: State, draws: tuple[Array, Array]) -> tuple[State, Array]:
        batch, noise = draws
        return train_step(state, images[batch], labels[batch], noise, rates, config)

    return jax.lax.scan(step, state, (batches, latents))


compiled_generate = jax.jit(generate, static_argnames="config")
compiled_steps = jax.jit(train_steps, static_argnames="config")
