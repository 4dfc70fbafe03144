"""CartPole in NumPy: many carts at once, step for step what gymnasium's `CartPole-v1` does.

An observation is the whole physical state: position and velocity of the cart, angle and angular
velocity of the pole. Nothing restarts by itself; `restart` says which carts begin anew, and where.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

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

Observations = Float[np.ndarray, "envs 4"]
Actions = Int[np.ndarray, " envs"]
PerEnv = Float[np.ndarray, " envs"]
Flags = Bool[np.ndarray, " envs"]


class State(NamedTuple):
    """Where every cart is, and for how many steps its episode has lasted."""

    observation: Observations
    age: Int[np.ndarray, " envs"]


class Step(NamedTuple):
    """What an action leads to.

    Attributes:
        state: after the action, also where the episode is over.
        reward: 1 for every step, the last one included.
        terminated: the pole or the cart is out of bounds; no reward can follow.
        truncated: the time limit is reached; a longer episode would have gone on.
    """

    state: State
    reward: PerEnv
    terminated: Flags
    truncated: Flags


def first_observations(uniform: Float[np.ndarray, "*envs 4"]) -> Float[np.ndarray, "*envs 4"]:
    """Where episodes begin: every number between -0.05 and 0.05, from draws in [0, 1)."""
    return (2 * uniform - 1) * MAX_START


def reset(rng: np.random.Generator, num_envs: int) -> Observations:
    """As many first observations, drawn by `rng` in float64."""
    return first_observations(rng.random((num_envs, NUM_OBSERVED)))


def start(observation: Observations) -> State:
    """The state in which episodes begin."""
    return State(observation, np.zeros(len(observation), np.int32))


def move(observation: Observations, action: Actions) -> Observations:
    """The observations a fiftieth of a second later, by one step of Euler's method.

    The equations of motion are those of Barto, Sutton and Anderson (1983) without friction, as
    Florian (2007, equations 23 and 24) corrects them.
    """
    _, velocity, angle, spin = observation.T
    sine, cosine = np.sin(angle), np.cos(angle)
    force = np.where(action == 1, FORCE, -FORCE).astype(observation.dtype)
    push = (force + POLE_MOMENT * spin**2 * sine) / TOTAL_MASS
    leverage = HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / TOTAL_MASS)
    spin_rate = (GRAVITY * sine - cosine * push) / leverage
    acceleration = push - POLE_MOMENT * spin_rate * cosine / TOTAL_MASS
    rates = np.empty_like(observation)
    rates.T[...] = velocity, acceleration, spin, spin_rate
    rates *= TIME_STEP
    rates += observation
    return rates


def is_out_of_bounds(observation: Observations) -> Flags:
    """Whether the cart has left the track or the pole leans too far."""
    position, _, angle, _ = np.abs(observation.T)
    return (position > MAX_POSITION) | (angle > MAX_ANGLE)


def step(state: State, action: Actions) -> Step:
    """Act once in every environment; `truncated` is what gymnasium's `TimeLimit` adds."""
    observation = move(state.observation, action)
    age = state.age + np.int32(1)
    return Step(
        state=State(observation, age),
        reward=np.ones(len(age), observation.dtype),
        terminated=is_out_of_bounds(observation),
        truncated=age >= TIME_LIMIT,
    )


def restart(state: State, is_over: Flags, observation: Observations) -> State:
    """`state`, with a new episode from `observation` wherever the last one is over."""
    return State(
        np.where(is_over[:, None], observation, state.observation),
        np.where(is_over, np.int32(0), state.age),
    )


class Episodes(NamedTuple):
    """One episode of every environment, side by side.

    Attributes:
        observation: before each step; after the end of an episode it means nothing.
        is_running: whether the step belongs to the episode, and so brings a reward of 1.
    """

    observation: Float[np.ndarray, "steps envs 4"]
    is_running: Bool[np.ndarray, "steps envs"]


def play(policy: Callable[[Observations], Actions], observation: Observations) -> Episodes:
    """Follow `policy` from the first observations to the end of every episode."""
    num_envs = len(observation)
    observations = np.zeros((TIME_LIMIT, num_envs, NUM_OBSERVED), observation.dtype)
    is_running = np.zeros((TIME_LIMIT, num_envs), bool)
    running = np.ones(num_envs, bool)
    for t in range(TIME_LIMIT):
        observations[t], is_running[t] = observation, running
        observation = move(observation, policy(observation))
        running = running & ~is_out_of_bounds(observation)
        if not running.any():
            break
    return Episodes(observations, is_running)
