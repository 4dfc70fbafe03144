"""What is compared and timed for deep Q-learning, at which sizes."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import NUM_ACTIONS, NUM_OBSERVED
from tutorials_lib.reinforcement.dqn import in_jax, in_numpy
from tutorials_lib.reinforcement.dqn.problem import PAGE, SCALE, Config

NUM_STEPS = 100
"""Training steps in the unit of work."""


class Inputs(NamedTuple):
    """Random parameters, first observations, the chance of all steps, and a batch to learn from."""

    params: Tree
    target: Tree
    observation: Any
    draws: Any
    batch: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """The chance of the seed 0; the batch has poles about to fall, and random moves."""
    rng = np.random.default_rng(0)
    observation = 1.5 * rng.uniform(-1, 1, (config.batch_size, NUM_OBSERVED)) * SCALE
    action = rng.integers(NUM_ACTIONS, size=config.batch_size, dtype=np.int32)
    after, reward = cartpole.move(observation, action), np.ones(config.batch_size)
    is_over = cartpole.is_out_of_bounds(after)
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        target=draw_params(in_jax.create, config, rng=rng),
        observation=cartpole.reset(rng, config.num_envs),
        draws=in_jax.draw(jax.random.key(0), NUM_STEPS, config),
        batch=in_numpy.Transitions(observation, action, reward, after, is_over),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs in the twin's own tuples, with its state before the first step."""
    return inputs._replace(
        draws=twin.Draws(*inputs.draws),
        batch=twin.Transitions(*inputs.batch),
        state=twin.start(inputs.params, inputs.observation, config),
    )


def learning(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The values of both actions in the batch, its targets, loss and gradients."""
    params, batch = inputs.params, inputs.batch
    targets = twin.targets(params, inputs.target, batch, config)
    loss_and_grads = twin.loss_and_grads(params, batch, targets)
    return twin.q_values(params, batch.observation_t), targets, loss_and_grads


def greedy_returns(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """How long the greedy policy balances each pole."""
    return twin.play_greedily(inputs.params, inputs.observation).is_running.sum(0)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after all steps, and the loss of each."""
    return twin.train_steps(inputs.state, inputs.draws, config)


def train_pole_by_pole(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`train_steps` with a loop over the poles."""
    state, losses = jax.tree.map(np.copy, inputs.state), []
    for i in range(NUM_STEPS):
        draws = twin.Draws(*(array[i] for array in inputs.draws))
        state, seen = twin.interact_one_by_one(state, draws, config)
        state, loss = twin.learn(state, seen, draws, config)
        losses.append(loss)
    return state, np.stack(losses)


def _step(state: in_jax.State, draws: in_jax.Draws, config: Config) -> Tree:
    now = in_jax.Draws(*(array[state.step] for array in draws))
    return in_jax.train_step(state, now, config)


_copy = jax.jit(partial(jax.tree.map, jnp.copy))
_step_on_copies = jax.jit(_step, static_argnames="config")
_step_in_place = jax.jit(_step, static_argnames="config", donate_argnames="state")


def train_step_by_step(
    step: Callable[..., Tree], twin: Any, inputs: Inputs, config: Config
) -> Tree:
    """`train_steps`, each step a call of a compiled program."""
    state, losses = _copy(inputs.state), []
    for _ in range(NUM_STEPS):
        state, loss = step(state, inputs.draws, config=config)
        losses.append(loss)
    return state, jnp.stack(losses)


COMPARISON = Comparison(
    slug="dqn",
    unit=f"{NUM_STEPS} training steps",
    # The page trains with 8 poles and batches of 128; the others are an eighth of that, and four
    # times as much.
    sizes={
        "1 pole, batch of 16": dataclasses.replace(PAGE, num_envs=1, batch_size=16),
        "8 poles, batch of 128": PAGE,
        "32 poles, batch of 512": dataclasses.replace(PAGE, num_envs=32, batch_size=512),
    },
    headline="8 poles, batch of 128",
    # The memory fills up and starts to forget, the target network is renewed, and the greedy
    # actions outnumber the random ones.
    agreement=dataclasses.replace(
        PAGE, capacity=400, num_epochs=1, steps_per_epoch=NUM_STEPS, batch_size=32
    ),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="values, targets, loss and gradients", run=learning, float32_tolerance=1e-5),
        Check(name="returns of the greedy policy", run=greedy_returns),
        Check(name=f"the whole state after {NUM_STEPS} steps", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=train_steps, twin=in_numpy),
        Variant(
            name="NumPy, pole by pole",
            run=train_pole_by_pole,
            twin=in_numpy,
            explains="what the batch of poles saves: a loop over them instead",
        ),
        Variant(
            name="JAX, jit per step",
            run=partial(train_step_by_step, _step_on_copies),
            twin=in_jax,
            jit="own",
            explains="one program for a step, which copies the whole memory",
        ),
        Variant(
            name="JAX, jit per step, in place",
            run=partial(train_step_by_step, _step_in_place),
            twin=in_jax,
            jit="own",
            explains="the old memory is given away and written over",
        ),
        Variant(
            name="JAX, jit + scan",
            run=train_steps,
            twin=in_jax,
            jit="whole",
            explains="one call instead of one for each step",
        ),
    ),
    observe=lambda output, inputs, config: np.asarray(output[1]).mean(),
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding can decide which of two nearly equal values is the larger, and the pole then "
        "goes another way."
    ),
    note="The chance of every step is drawn beforehand, for all alike.",
)
