"""What is compared and timed for deep Q-learning, at which sizes."""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Comparison, Tree
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.old_form import Check, Variant
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import NUM_ACTIONS, NUM_OBSERVED
from tutorials_lib.reinforcement.dqn import in_jax, in_numpy
from tutorials_lib.reinforcement.dqn.problem import PAGE, SCALE, Config

NUM_STEPS = 100
"""Training steps in the unit of work."""


def make_inputs(config: Config) -> Tree:
    """Random parameters, poles about to fall, the chance of all steps, a batch of random moves."""
    rng = np.random.default_rng(config.seed)
    observation = 1.5 * rng.uniform(-1, 1, (config.batch_size, 4)) * SCALE
    action = rng.integers(0, 2, config.batch_size)
    after = cartpole.move(observation, action)
    shape = NUM_STEPS, config.num_envs
    uniform = partial(rng.random, dtype=np.float32)
    return {
        "params": draw_params(in_jax.create, config, rng=rng),
        "target": draw_params(in_jax.create, config, rng=rng),
        "observation": cartpole.reset(rng, config.num_envs),
        "draws": {
            "explore": uniform(shape),
            "action": rng.integers(NUM_ACTIONS, size=shape, dtype=np.int32),
            "observation": cartpole.first_observations(uniform((*shape, NUM_OBSERVED))),
            "replayed": uniform((NUM_STEPS, config.batch_size)),
        },
        "batch": {
            "observation_t": observation.astype(np.float32),
            "action_t": action.astype(np.int32),
            "reward_tp1": np.ones(config.batch_size, np.float32),
            "observation_tp1": after.astype(np.float32),
            "terminated": cartpole.is_out_of_bounds(after),
        },
    }


def _result(state: in_numpy.State | in_jax.State, losses: Tree) -> Tree:
    """What both backends carry alike; their optimizers keep the moments in different trees."""
    return {
        "params": state.params,
        "target": state.target,
        "observation": state.carts.observation,
        "age": state.carts.age,
        "replay": state.replay._asdict(),
        "losses": losses,
    }


def _steps_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], inputs["observation"], config)
    return _result(*in_numpy.train_steps(state, in_numpy.Draws(**inputs["draws"]), config))


def _one_by_one_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], inputs["observation"], config)
    losses = np.empty(NUM_STEPS, inputs["observation"].dtype)
    for i in range(NUM_STEPS):
        draws = in_numpy.Draws(**{name: array[i] for name, array in inputs["draws"].items()})
        state, seen = in_numpy.interact_one_by_one(state, draws, config)
        state, losses[i] = in_numpy.learn(state, seen, draws, config)
    return _result(state, losses)


@partial(jax.jit, static_argnames="config")
def _steps_in_jax(inputs: Tree, config: Config) -> Tree:
    state = in_jax.start(inputs["params"], inputs["observation"], config)
    return _result(*in_jax.train_steps(state, in_jax.Draws(**inputs["draws"]), config))


def _step(state: in_jax.State, draws: Tree, config: Config) -> tuple[in_jax.State, jax.Array]:
    now = in_jax.Draws(**{name: array[state.step] for name, array in draws.items()})
    return in_jax.train_step(state, now, config)


_step_on_copies = jax.jit(_step, static_argnames="config")
_step_in_place = jax.jit(_step, static_argnames="config", donate_argnames="state")


@partial(jax.jit, static_argnames="config")
def _start_in_jax(inputs: Tree, config: Config) -> in_jax.State:
    return in_jax.start(inputs["params"], inputs["observation"], config)


def _jit_each_step(
    step: Callable[..., tuple[in_jax.State, jax.Array]], inputs: Tree, config: Config
) -> Tree:
    state, losses = _start_in_jax(inputs, config), []
    for _ in range(NUM_STEPS):
        state, value = step(state, inputs["draws"], config=config)
        losses.append(value)
    return _result(state, jnp.stack(losses))


def _learning_in_numpy(inputs: Tree, config: Config) -> Tree:
    batch = in_numpy.Transitions(**inputs["batch"])
    towards = in_numpy.targets(inputs["params"], inputs["target"], batch, config)
    loss, grads = in_numpy.loss_and_grads(inputs["params"], batch, towards)
    return {"targets": towards, "loss": loss, "grads": grads}


@partial(jax.jit, static_argnames="config")
def _learning_in_jax(inputs: Tree, config: Config) -> Tree:
    batch = in_jax.Transitions(**inputs["batch"])
    towards = in_jax.targets(inputs["params"], inputs["target"], batch, config)
    loss, grads = jax.value_and_grad(in_jax.loss)(inputs["params"], batch, towards)
    return {"targets": towards, "loss": loss, "grads": grads}


def _greedy_in_numpy(inputs: Tree, config: Config) -> Tree:
    return in_numpy.play_greedily(inputs["params"], inputs["observation"]).is_running.sum(0)


@jax.jit
def _greedy_in_jax(inputs: Tree) -> Tree:
    return in_jax.play_greedily(inputs["params"], inputs["observation"]).is_running.sum(0)


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
    checks=(
        Check(
            name="values of both actions",
            in_numpy=lambda x, config: in_numpy.q_values(x["params"], x["batch"]["observation_t"]),
            in_jax=lambda x, config: in_jax.q_values(x["params"], x["batch"]["observation_t"]),
            float32_tolerance=1e-5,
        ),
        Check(
            name="targets, loss and gradients",
            in_numpy=_learning_in_numpy,
            in_jax=_learning_in_jax,
            float32_tolerance=1e-4,
        ),
        Check(
            name="returns of the greedy policy",
            in_numpy=_greedy_in_numpy,
            in_jax=lambda x, config: _greedy_in_jax(x),
        ),
        Check(
            name=f"networks, poles and memory after {NUM_STEPS} steps",
            in_numpy=_steps_in_numpy,
            in_jax=_steps_in_jax,
        ),
    ),
    variants=(
        Variant(name="NumPy", backend="numpy", run=_steps_in_numpy),
        Variant(
            name="NumPy, pole by pole",
            backend="numpy",
            run=_one_by_one_in_numpy,
            explains="what the batch of poles saves: a loop over them instead",
        ),
        Variant(
            name="JAX, jit per step",
            backend="jax",
            run=partial(_jit_each_step, _step_on_copies),
            explains="one program for a step, which copies the whole memory",
        ),
        Variant(
            name="JAX, jit per step, in place",
            backend="jax",
            run=partial(_jit_each_step, _step_in_place),
            explains="the old memory is given away and written over",
        ),
        Variant(
            name="JAX, jit + scan",
            backend="jax",
            run=_steps_in_jax,
            explains="one call instead of one for each step",
        ),
    ),
    observe=lambda output, inputs, config: np.asarray(output["losses"]).mean(),
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding can decide which of two nearly equal values is the larger, and the pole then "
        "goes another way."
    ),
    note="The chance of every step is drawn beforehand, for all alike.",
)
