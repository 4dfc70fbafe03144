"""Removing noise in JAX: a Flax NNX model, its loss, and the training as one program."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from tutorials_lib import augmentation, pure, training
from tutorials_lib.generative.denoising_autoencoder.problem import (
    ERROR_GROWTH,
    MIDDLE_SIGMA,
    Config,
    first_params,
    learning_rates,
)
from tutorials_lib.runtime import RUN_ONCE

Params = dict[str, Any]
"""`{"passes": {number: {"encoder", "weight", "bias", "level", "decoder"}}}`."""

Pictures = Float[Array, "batch height width"]
Sigmas = Float[Array, " batch"]
Patches = Float[Array, "batch rows columns pixels"]


class Pass(nnx.Module):
    """An autoencoder of patches whose code has a gate at every number."""

    def __init__(self, config: Config, number: int) -> None:
        self.config = config
        params = jax.tree.map(jnp.asarray, first_params(config, number))
        self.encoder = nnx.Param(params["encoder"])
        self.weight = nnx.Param(params["weight"])
        self.bias = nnx.Param(params["bias"])
        self.level = nnx.Param(params["level"])
        self.decoder = nnx.Param(params["decoder"])

    def __call__(self, noisy: Pictures, guide: Pictures | None, sigma: Sigmas) -> dict[str, Array]:
        """What becomes of the pictures, by name; without a guide they are their own."""
        unit = sigma[:, None, None, None]
        patches = cut(noisy, unit, self.config)
        code = patches @ self.encoder[...]
        heard = code if guide is None else cut(guide, unit, self.config) @ self.encoder[...]
        logits = jnp.log1p(heard**2) @ self.weight[...] + self.bias[...]
        keep = nnx.sigmoid(logits + jnp.log(unit / MIDDLE_SIGMA) * self.level[...])
        answers = (code * (1 - keep)) @ self.decoder[...]
        trust = 1 / (1 + keep.sum(-1, keepdims=True))
        weights = jnp.broadcast_to(trust, answers.shape)
        noise = add_up(answers * trust, noisy, self.config) / add_up(weights, noisy, self.config)
        return {
            "patches": patches,
            "code": code,
            "kept": keep,
            "noise of each patch": answers,
            "denoised": noisy - sigma[:, None, None] * noise,
        }


class Network(nnx.Module):
    """Passes, each of which knows better than the one before what is noise."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.passes = nnx.List(Pass(config, number) for number in range(config.num_passes))

    def __call__(self, noisy: Pictures, sigma: Sigmas) -> Pictures:
        """The pictures without what is taken for noise."""
        guide = None
        for each in self.passes:
            guide = each(noisy, guide, sigma)["denoised"]
        assert guide is not None  # there is a pass
        return guide


def to_patches(pictures: Pictures, config: Config) -> Patches:
    """All patches of the pictures, `config.stride` pixels apart, the pixels of each row by row."""
    batch, height, width = pictures.shape
    stride, shifts = config.stride, config.patch_size // config.stride
    rows, columns = height // stride, width // stride
    last_row, last_column = rows - shifts + 1, columns - shifts + 1
    x = pictures.reshape(batch, height, columns, stride)
    x = jnp.concatenate([x[:, :, j : j + last_column] for j in range(shifts)], axis=-1)
    # x[n, i, j, b] has the pixels of a row of a patch now, and next those of all its rows
    x = x.reshape(batch, rows, stride, last_column, -1).swapaxes(2, 3)
    x = x.reshape(batch, rows, last_column, -1)
    return jnp.concatenate([x[:, i : i + last_row] for i in range(shifts)], axis=-1)


def cut(pictures: Pictures, unit: Float[Array, "batch 1 1 1"], config: Config) -> Patches:
    """The patches, less the mean of each, in units of the noise."""
    patches = to_patches(pictures, config)
    return (patches - patches.mean(-1, keepdims=True)) / unit


def add_up(patches: Patches, like: Pictures, config: Config) -> Pictures:
    """The sum of patches at every pixel of pictures like these: the transpose of `to_patches`."""
    return jax.linear_transpose(partial(to_patches, config=config), like)(patches)[0]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """The parameters before training, as nested dicts of arrays; nothing is drawn by `key`."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def predict(params: Params, noisy: Pictures, sigma: Sigmas, config: Config) -> Pictures:
    """The pictures without what is taken for noise of standard deviation `sigma`."""
    return pure.assemble(pure.graph(Network, config), params)(noisy, sigma)


def stages(params: Params, noisy: Pictures, sigma: Sigmas, config: Config) -> dict[str, Array]:
    """What the first pass makes of the pictures on its way, by the name of the stage."""
    network = pure.assemble(pure.graph(Network, config), params)
    return {"noisy": noisy} | network.passes[0](noisy, None, sigma)


def loss(
    params: Params, clean: Pictures, noise: Pictures, sigma: Sigmas, config: Config
) -> Float[Array, ""]:
    r"""The mean of $(\hat x - x)^2 / (\sigma / \sigma_0)^{1.3}$: all noise counts alike."""
    unit = sigma[:, None, None]
    error = predict(params, clean + unit * noise, sigma, config) - clean
    return jnp.mean(error**2 / (unit / MIDDLE_SIGMA) ** ERROR_GROWTH)


def loss_and_grads(
    params: Params, clean: Pictures, noise: Pictures, sigma: Sigmas, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss, and its gradients with respect to all parameters."""
    return jax.value_and_grad(loss)(params, clean, noise, sigma, config)


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place of the schedule."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(
    state: State, clean: Pictures, noise: Pictures, sigma: Sigmas, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, clean, noise, sigma, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(
    state: State,
    clean: Float[Array, "steps batch height width"],
    noise: Float[Array, "steps batch height width"],
    sigma: Float[Array, "steps batch"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Array, Array, Array]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (clean, noise, sigma))


# ---------------------------------------------------------------- training


class Batch(NamedTuple):
    """Squares, their noise in units of sigma, and sigma."""

    clean: Pictures
    noise: Pictures
    sigma: Sigmas


class History(NamedTuple):
    """What `fit` reports: the loss before each step, and the watched pictures after each round."""

    loss: Float[Array, " steps"]
    watched: Float[Array, "rounds watched _ _"]


def draw_batch(crops: Float[Array, "crops side side"], key: PRNGKeyArray, config: Config) -> Batch:
    """Squares in random positions, and for each a level of noise and the noise."""
    choose_key, turn_key, noise_key, sigma_key = jax.random.split(key, 4)
    size = (config.batch_size,)
    chosen = crops[jax.random.randint(choose_key, size, 0, len(crops))]
    clean = jax.vmap(augmentation.turn)(chosen, jax.random.bernoulli(turn_key, shape=(*size, 3)))
    low, high = config.least_sigma / 255, config.most_sigma / 255
    sigma = jax.random.uniform(sigma_key, size, minval=low, maxval=high)
    return Batch(clean, jax.random.normal(noise_key, clean.shape), sigma)


def fit(
    state: State,
    crops: Float[Array, "crops side side"],
    watched: tuple[Float[Array, "watched _ _"], Float[Array, " watched"]],
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train in `config.num_rounds`.

    Every step draws squares, positions and noise. The `watched` pictures, with the sigma of their
    noise, are only looked at: after each round, what the network makes of them.
    """

    def step(state: State, key: PRNGKeyArray) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *draw_batch(crops, key, config), config)

    def look(state: State, losses: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        return History(losses, predict(state.params, *watched, config))

    keys = jax.random.split(key, config.num_rounds)
    batches = partial(jax.random.split, num=config.steps_per_round)
    state, history = training.scan_rounds(step, look, state, keys, batches)
    return state, history._replace(loss=history.loss.ravel())
