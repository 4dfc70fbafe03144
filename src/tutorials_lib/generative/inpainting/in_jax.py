"""Fill in the missing parts of an image, in JAX: the same functions as `in_numpy`."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float

from tutorials_lib import pure
from tutorials_lib.generative.inpainting import problem
from tutorials_lib.generative.inpainting.problem import GAIN, OUTSIDE, Batch, Config, Space
from tutorials_lib.runtime import RUN_ONCE

Params = dict[str, Any]
Coords = Float[Array, "batch coords"]
Cells = Float[Array, "batch cells"]
Times = Float[Array, " batch"]
Hidden = Float[Array, "batch hidden"]


# ---------------------------------------------------------------- the network


class Block(nnx.Module):
    """Two layers whose answer is added to what came in."""

    def __init__(self, width: int, *, rngs: nnx.Rngs) -> None:
        he_normal = nnx.initializers.he_normal()
        small = nnx.initializers.variance_scaling(0.1, "fan_in", "normal")
        self.first = nnx.Linear(width, width, kernel_init=he_normal, rngs=rngs)
        self.second = nnx.Linear(width, width, kernel_init=small, rngs=rngs)

    def __call__(self, x: Hidden) -> Hidden:
        """The sum."""
        return x + self.second(nnx.relu(self.first(nnx.relu(x))))


class Network(nnx.Module):
    """A residual network that corrects the guess; its last layer starts at zero.

    What is the same for all times, the guess and the hole, is looked at by a layer of its own.
    """

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        linear = partial(nnx.Linear, out_features=config.width, rngs=rngs)
        self.moved = linear(config.num_coords, use_bias=False)
        self.seen = linear(config.num_coords + config.num_cells)
        self.clock = linear(4, use_bias=False)
        self.blocks = nnx.List(Block(config.width, rngs=rngs) for _ in range(config.num_blocks))
        zeros = nnx.initializers.zeros_init()
        self.outlet = nnx.Linear(config.width, config.num_coords, kernel_init=zeros, rngs=rngs)

    def look(self, guess: Coords, cells: Cells) -> Hidden:
        """What the network makes of the guess and the hole."""
        return self.seen(jnp.concatenate([guess, cells], axis=1))

    def __call__(self, moved: Coords, times: Times, looked: Hidden) -> Coords:
        """What is to be added to the guess, for coordinates that have `moved` until these times."""
        x = self.moved(times[:, None] * moved) + self.clock(clock(times)) + looked
        for block in self.blocks:
            x = block(x)
        return GAIN * self.outlet(nnx.relu(x))


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: Array) -> Params:
    """Parameters before training."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def clock(times: Times) -> Float[Array, "batch 4"]:
    """The time as places on two circles, which a network can tell apart well."""
    angles = times[:, None] * jnp.array([jnp.pi / 2, jnp.pi], times.dtype)
    return jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=1)


def expect(
    params: Params,
    moved: Coords,
    times: Times,
    guess: Coords,
    cells: Cells,
    space: Space,
    config: Config,
) -> Coords:
    """The coordinates of the picture that is expected, from where they have `moved` by now."""
    network = pure.assemble(pure.graph(Network, config), params)
    looked = network.look(guess / space.scales, cells)
    return guess + network(moved / space.scales, times, looked)


# ---------------------------------------------------------------- the loss


def loss(
    params: Params, batch: Batch, holes: Bool[Array, "masks pixels"], space: Space, config: Config
) -> Float[Array, ""]:
    r"""The squared error of what is expected, $\| w \odot U^T (\hat c - c) \|^2$ in pixels.

    A pixel of the hole has the weight 1 in its mean, one outside it `OUTSIDE`; and a picture
    counts $1 + 2 t$, since late errors are small and decide what a fill looks like.
    """
    times = batch.times[:, None]
    moved = (1 - times) * batch.start + times * batch.truth
    missing = holes[batch.which].astype(moved.dtype)
    found = expect(params, moved, batch.times, batch.guess, cells(missing), space, config)
    errors = (found - batch.truth) @ space.directions
    weights = (1 + 2 * times) * (OUTSIDE + (1 - OUTSIDE) * missing)
    return (weights / missing.sum(1, keepdims=True) * errors**2).sum() / len(moved)


loss_and_grads = jax.value_and_grad(loss)


def cells(missing: Float[Array, "batch pixels"]) -> Cells:
    """As `problem.cells`."""
    side = round(missing.shape[1] ** 0.5)
    count = side // problem.CELL
    squares = missing.reshape(-1, count, problem.CELL, count, problem.CELL)
    return squares.mean((2, 4)).reshape(len(missing), -1)


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


def optimizer(rates: Float[Array, " counts"]) -> optax.GradientTransformation:
    """Adam with the rate of its own count."""
    return optax.adam(learning_rate=lambda step: rates[step])


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(jnp.asarray(problem.learning_rates(config))).init(params))


def train_step(
    state: State,
    batch: Batch,
    holes: Bool[Array, "masks pixels"],
    space: Space,
    rates: Float[Array, " counts"],
    config: Config,
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, holes, space, config)
    updates, opt_state = optimizer(rates).update(grads, state.opt_state)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(
    state: State,
    batches: Batch,
    holes: Bool[Array, "masks pixels"],
    space: Space,
    rates: Float[Array, " counts"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the losses before each."""

    def step(state: State, batch: Batch) -> tuple[State, Array]:
        return train_step(state, batch, holes, space, rates, config)

    return jax.lax.scan(step, state, batches)


# ---------------------------------------------------------------- filling


def predict(params: Params, guess: Coords, cells: Cells, space: Space, config: Config) -> Coords:
    """The mean of all fills: what is expected at time 0, when nothing is known but what is seen."""
    times = jnp.zeros(len(guess), guess.dtype)
    return expect(params, jnp.zeros_like(guess), times, guess, cells, space, config)


def flow(
    params: Params, start: Coords, guess: Coords, cells: Cells, space: Space, config: Config
) -> Float[Array, "times batch coords"]:
    """The coordinates on the way from a picture drawn by chance to a fill, by Euler's steps."""
    network = pure.assemble(pure.graph(Network, config), params)
    looked = network.look(guess / space.scales, cells)
    count = config.num_flow_steps

    def step(moved: Coords, i: Array) -> tuple[Coords, Coords]:
        times = jnp.full(len(moved), i / count)
        expected = guess + network(moved / space.scales, times, looked)
        moved = moved + (expected - moved) / (count - i)
        return moved, moved

    _, path = jax.lax.scan(step, start, jnp.arange(count, dtype=start.dtype))
    return jnp.concatenate([start[None], path])


def sample(
    params: Params,
    starts: Float[Array, "samples batch coords"],
    guess: Coords,
    cells: Cells,
    space: Space,
    config: Config,
) -> Float[Array, "samples batch coords"]:
    """Fills of every hole, one for each start: the ends of their paths."""

    def end(start: Coords) -> Coords:
        return flow(params, start, guess, cells, space, config)[-1]

    return jax.vmap(end)(starts)


compiled_steps = jax.jit(train_steps, static_argnames="config")
compiled_predict = jax.jit(predict, static_argnames="config")
compiled_flow = jax.jit(flow, static_argnames="config")
compiled_sample = jax.jit(sample, static_argnames="config")
