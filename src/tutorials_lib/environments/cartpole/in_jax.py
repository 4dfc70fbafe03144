"""CartPole in JAX: the same functions as `in_numpy`, to be traced into a compiled training."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tutorials_lib.environments.cartpole.physics import (
    FORCE,
    GRAVITY,
    HALF_LENGTH,
    MAX_ANGLE,
    MAX_POSITION,
    MAX_START,
    NUM_OBSERVED,
    POLE_MASS,
    POLE_MOMENT,
    TIME_LIMIT,
    TIME_STEP,
    TOTAL_MASS,
)

Observations = Float[Array, "envs 4"]
Actions = Int[Array, " envs"]
PerEnv = Float[Array, " envs"]
Flags = Bool[Array, " envs"]


class State(NamedTuple):
    """Where every cart is, and for how many steps its episode has lasted."""

    observation: Observations
    age: Int[Array, " envs"]


class Step(NamedTuple):
    """What an action leads to; see `in_numpy.Step`."""

    state: State
    reward: PerEnv
    terminated: Flags
    truncated: Flags


def first_observations(uniform: Float[Array, "*envs 4"]) -> Float[Array, "*envs 4"]:
    """Where episodes begin: every number between -0.05 and 0.05, from draws in [0, 1)."""
    return (2 * uniform - 1) * MAX_START


def reset(key: PRNGKeyArray, num_envs: int) -> Observations:
    """As many first observations, drawn from `key`."""
    return first_observations(jax.random.uniform(key, (num_envs, NUM_OBSERVED)))


def start(observation: Observations) -> State:
    """The state in which episodes begin."""
    return State(observation, jnp.zeros(len(observation), jnp.int32))


def move(observation: Observations, action: Actions) -> Observations:
    """The observations a fiftieth of a second later, by one step of Euler's method.

    The equations of motion are those of Barto, Sutton and Anderson (1983) without friction, as
    Florian (2007, equations 23 and 24) corrects them.
    """
    _, velocity, angle, spin = observation.T
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    force = jnp.where(action == 1, FORCE, -FORCE)
    push = (force + POLE_MOMENT * spin**2 * sine) / TOTAL_MASS
    leverage = HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / TOTAL_MASS)
    spin_rate = (GRAVITY * sine - cosine * push) / leverage
    acceleration = push - POLE_MOMENT * spin_rate * cosine / TOTAL_MASS
    rates = jnp.stack([velocity, acceleration, spin, spin_rate], axis=-1)
    return observation + TIME_STEP * rates


def is_out_of_bounds(observation: Observations) -> Flags:
    """Whether the cart has left the track or the pole leans too far."""
    position, _, angle, _ = jnp.abs(observation.T)
    return (position > MAX_POSITION) | (angle > MAX_ANGLE)


def step(state: State, action: Actions) -> Step:
    """Act once in every environment; `truncated` is what gymnasium's `TimeLimit` adds."""
    observation = move(state.observation, action)
    age = state.age + 1
    return Step(
        state=State(observation, age),
        reward=jnp.ones_like(observation[:, 0]),
        terminated=is_out_of_bounds(observation),
        truncated=age >= TIME_LIMIT,
    )


def restart(state: State, is_over: Flags, observation: Observations) -> State:
    """`state`, with a new episode from `observation` wherever the last one is over."""
    return State(
        jnp.where(is_over[:, None], observation, state.observation),
        jnp.where(is_over, 0, state.age),
    )


class Episodes(NamedTuple):
    """One episode of every environment, side by side; see `in_numpy.Episodes`."""

    observation: Float[Array, "steps envs 4"]
    is_running: Bool[Array, "steps envs"]


def play(policy: Callable[[Observations], Actions], observation: Observations) -> Episodes:
    """Follow `policy` from the first observations to the end of every episode."""

    def one_step(carry: tuple[Observations, Flags], _: None):
        observation, running = carry
        after = move(observation, policy(observation))
        return (after, running & ~is_out_of_bounds(after)), Episodes(observation, running)

    everywhere = observation, jnp.ones(len(observation), bool)
    return jax.lax.scan(one_step, everywhere, length=TIME_LIMIT)[1]
