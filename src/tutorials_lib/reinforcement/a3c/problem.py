"""Agents in parallel on CartPole: the settings, and all chance of a run (NumPy only)."""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib import presets, schedules
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import (
    MAX_ANGLE,
    MAX_POSITION,
    NUM_ACTIONS,
    NUM_OBSERVED,
)
from tutorials_lib.schedules import Schedule

SCALE = (MAX_POSITION, 2.0, MAX_ANGLE, 2.0)
"""How large the four numbers of an observation become; the networks see them as shares of it."""

REWARD = 0.05
"""What a balanced step is worth to the learner, so that values stay within a few units."""

MAX_NORM = 0.5
"""The longest gradient; a longer one is shortened to it."""

EPSILON = 1e-5
"""Of Adam."""

ACTIVATIONS = ("tanh", "relu")
"""The functions that may follow a hidden layer."""

NUM_EPISODES = 100
"""Episodes that a finished policy is judged by."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network, and the agents that gather experience for it.

    Attributes:
        num_envs: agents that act at once, each with a cart of its own.
        num_steps: steps of every agent between two updates.
        total_steps: steps of all agents together in the whole run.
        delay: how many updates old the parameters are that agents act and differentiate with.
        hidden: units of each hidden layer, of the policy and of the value alike.
        activation: what follows a hidden layer, one of `ACTIVATIONS`.
        learning_rate: of Adam, at the beginning; it falls to zero in a straight line.
        discount: what a reward is worth a step later, as a share.
        trace: how much further a step may be credited for what follows (lambda of GAE).
        entropy: what the entropy of the policy is worth beside the rest of the loss.
        source: `offline` or `real`. Both are the same: the environment is its own source of data.

    Raises:
        ValueError: there is no update in the whole run, a number of agents, steps or updates is
            too small, a share is not one, or the source is unknown.
    """

    num_envs: int = 16
    num_steps: int = 5
    total_steps: int = 200_000
    delay: int = 0
    hidden: tuple[int, ...] = (64,)
    activation: str = "tanh"
    learning_rate: float = 1e-2
    discount: float = 0.99
    trace: float = 0.95
    entropy: float = 0.01
    source: str = "offline"

    def __post_init__(self) -> None:
        for name, least in {"num_envs": 1, "num_steps": 1, "delay": 0}.items():
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} is {value}; it must be {least} or more")
        if self.num_updates < 1:
            raise ValueError(
                f"total_steps is {self.total_steps}, less than the {self.batch_size} of one "
                f"update; give at least as many"
            )
        for name in ("discount", "trace"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation is {self.activation!r}; expected one of: {', '.join(ACTIVATIONS)}"
            )
        presets.check_source(self.source)

    @property
    def batch_size(self) -> int:
        """Steps of all agents together between two updates."""
        return self.num_envs * self.num_steps

    @property
    def num_updates(self) -> int:
        """Updates of the whole run."""
        return self.total_steps // self.batch_size


TINY = Config(num_envs=4, num_steps=4, total_steps=320, hidden=(8,))
PAGE = Config()
FULL = Config(total_steps=2_000_000, hidden=(64, 64))
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Data(NamedTuple):
    """Where the episodes begin by which policies are judged; CartPole needs no other data.

    Attributes:
        development: of the episodes in which rivals are tuned.
        test: of those that are held out.
    """

    development: Float32[np.ndarray, "envs 4"]
    test: Float32[np.ndarray, "envs 4"]


def load(config: Config, *, seed: int = 0) -> Data:
    """First observations for `NUM_EPISODES` of each kind, none of them those of training."""
    rng = np.random.default_rng(seed)
    return Data(*(cartpole.reset(rng, NUM_EPISODES).astype(np.float32) for _ in Data._fields))


class Draws(NamedTuple):
    """The chance in one update; with a leading axis, that of many.

    Attributes:
        gumbel: numbers of Gumbel's distribution; the action is where they and the logits have
            the largest sum.
        first: where an episode begins if the last one ends here.
    """

    gumbel: Float[np.ndarray, "*updates steps envs 2"]
    first: Float[np.ndarray, "*updates steps envs 4"]


class Terms(NamedTuple):
    """The loss and its parts.

    Attributes:
        loss: what is minimised.
        policy: minus the mean of log-probability times advantage.
        value: half the mean squared error of the values.
        entropy: of the policy, on average, in nats.
    """

    loss: Any
    policy: Any
    value: Any
    entropy: Any


class Seen(NamedTuple):
    """What an update saw: how many episodes ended in it, how long they were, and its `Terms`."""

    num_over: Any
    length: Any
    terms: Any


def draw(config: Config, *, seed: int, num_updates: int | None = None) -> Draws:
    """The chance in a whole run, or in its first updates; the networks' is drawn elsewhere."""
    rng = np.random.default_rng((1, seed))
    count = config.num_updates if num_updates is None else num_updates
    shape = count, config.num_steps, config.num_envs
    waiting = rng.standard_exponential((*shape, NUM_ACTIONS), np.float32)
    np.maximum(waiting, np.finfo(np.float32).tiny, out=waiting)
    uniform = rng.random((*shape, NUM_OBSERVED), np.float32)
    return Draws(-np.log(waiting, out=waiting), cartpole.first_observations(uniform))


def first_observations(config: Config, *, seed: int) -> Float32[np.ndarray, "envs 4"]:
    """Where the first episodes of a run begin."""
    return cartpole.reset(np.random.default_rng((2, seed)), config.num_envs).astype(np.float32)


def learning_rates(config: Config) -> Schedule:
    """The rate of every update: it falls to zero in a straight line."""
    return schedules.line(config.num_updates, config.learning_rate, 0.0)


def with_agents(config: Config, num_envs: int, **settings: Any) -> Config:
    """The same with another number of agents, and as many steps in all: so more or less updates."""
    return dataclasses.replace(config, num_envs=num_envs, **settings)
