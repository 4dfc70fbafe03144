"""What is compared and timed for agents in parallel, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.environments.cartpole.physics import NUM_OBSERVED, TIME_LIMIT
from tutorials_lib.reinforcement.a3c import in_jax, in_numpy, problem
from tutorials_lib.reinforcement.a3c.problem import PAGE, SCALE, Config

NUM_UPDATES = 100
"""Updates in the unit of work."""


class Inputs(NamedTuple):
    """Random parameters, episodes under way, the chance and the rates, and the state."""

    params: Tree
    observation: Any
    age: Any
    draws: Any
    rates: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Chance of the seed 0; some poles are about to fall, and some episodes about to be cut."""
    rng = np.random.default_rng(0)
    count = min(NUM_UPDATES, config.num_updates)
    num_envs = config.num_envs
    observation = 0.5 * rng.uniform(-1, 1, (num_envs, NUM_OBSERVED)) * np.array(SCALE)
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        observation=observation.astype(np.float32),
        age=TIME_LIMIT - 1 - rng.integers(20, size=num_envs, dtype=np.int32),
        draws=problem.draw(config, seed=0, num_updates=count),
        rates=problem.learning_rates(config)[:count],
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs in the twin's own tuples, with its state before the first update."""
    state = twin.start(inputs.params, inputs.observation, config)
    carts = state.carts._replace(age=inputs.age)
    return inputs._replace(draws=twin.Draws(*inputs.draws), state=state._replace(carts=carts))


def in_parts(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """A rollout, and loss and gradient of it."""
    now = twin.Draws(*(array[0] for array in inputs.draws))
    carts, played = twin.rollout(inputs.params, inputs.state.carts, now, config)
    return (carts, played), twin.loss_and_grads(inputs.params, played, config)


def updates(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after all updates, and what each of them saw."""
    return twin.train_steps(inputs.state, inputs.draws, inputs.rates, config)


def _one(state: in_jax.State, draws: in_jax.Draws, rates: jax.Array, config: Config) -> Tree:
    now = in_jax.Draws(*(array[state.step] for array in draws))
    return in_jax.train_step(state, now, rates[state.step], config)


_compiled_one = jax.jit(_one, static_argnames="config")


def update_by_update(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`updates`, each a call of a compiled program."""
    state, seen = inputs.state, []
    for _ in range(len(inputs.rates)):
        state, one = _compiled_one(state, inputs.draws, inputs.rates, config=config)
        seen.append(one)
    return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *seen)


COMPARISON = Comparison(
    slug="a3c",
    unit=f"{NUM_UPDATES} updates, each of {PAGE.num_steps} steps of every agent",
    # The page trains with 16 agents, and with 1 and 64 beside them.
    sizes={
        "1 agent": problem.with_agents(PAGE, 1),
        "4 agents": problem.with_agents(PAGE, 4),
        "16 agents": PAGE,
        "64 agents": problem.with_agents(PAGE, 64),
        "256 agents": problem.with_agents(PAGE, 256),
    },
    headline="16 agents",
    # Episodes end in both ways, and the ring of old parameters goes round twice.
    agreement=dataclasses.replace(
        problem.TINY, num_envs=8, num_steps=20, total_steps=5 * 160, delay=2
    ),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(
            name="actions, observations and ends of a rollout, step for step",
            run=in_parts,
            pick=lambda found: found[0],
        ),
        Check(name="loss with its parts, and gradients", run=in_parts, pick=lambda found: found[1]),
        Check(name="the whole state after five updates with gradients two too old", run=updates),
    ),
    variants=(
        Variant(name="NumPy", run=updates, twin=in_numpy),
        Variant(
            name="JAX, jit per update",
            run=update_by_update,
            twin=in_jax,
            jit="own",
            explains="agents, gradient and Adam in one compiled program",
        ),
        Variant(
            name="JAX, one scan",
            run=updates,
            twin=in_jax,
            jit="whole",
            explains="Python is called once instead of once an update",
        ),
    ),
    # Until a choice differs, rounding is all there is between them: the first update.
    observe=lambda output, inputs, config: jax.tree.map(lambda x: x[0], output[1]["terms"]["loss"]),
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding can decide which of two nearly equal sums is the larger, and a cart then goes "
        "another way; what is compared is therefore the loss of the first update."
    ),
    note="The chance of all updates is drawn beforehand, for all alike.",
)
