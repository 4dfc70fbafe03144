"""Deep Q-learning on CartPole: the settings, the schedules, and where episodes begin (NumPy)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from tutorials_lib import presets, schedules
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import MAX_ANGLE, MAX_POSITION
from tutorials_lib.schedules import Schedule

SOLVED = 475.0
"""The mean return over `NUM_EPISODES` episodes at which CartPole counts as solved."""

NUM_EPISODES = 100
"""Episodes that a finished policy is judged by."""

SCALE = (MAX_POSITION, 2.0, MAX_ANGLE, 2.0)
"""How large the four numbers of an observation become; the network sees them as shares of it."""

NUM_RUNS = 5
"""Training runs that are judged together: all of them, whatever they reach."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_envs: poles that are balanced at once; each acts once in a training step.
        hidden: neurons of each hidden layer.
        capacity: transitions that the replay memory holds before it forgets the oldest.
        batch_size: transitions that are replayed in a training step.
        num_epochs: how often training pauses for a look at the greedy policy.
        steps_per_epoch: training steps between two looks.
        discount: what a reward is worth a step later, as a share.
        double: whether one network chooses the next action and the other values it.
        bounded: whether targets are kept between the least and the most that a policy can have.
        learning_rate: of Adam, at the beginning; it falls to zero in a straight line.
        target_period: training steps after which the target network is renewed.
        first_exploration: share of random actions at the beginning.
        last_exploration: share of random actions after `exploring` of all steps.
        exploring: share of all training steps over which exploration falls.
        num_watched: episodes that a look at the greedy policy plays.
        source: `offline` or `real`. Both are the same: the environment is its own source of data.

    Raises:
        ValueError: the replay memory cannot be filled in whole steps, a discount or a share is
            not one, or the source is unknown.
    """

    num_envs: int = 8
    hidden: tuple[int, ...] = (64, 64)
    capacity: int = 40_000
    batch_size: int = 128
    num_epochs: int = 30
    steps_per_epoch: int = 500
    discount: float = 0.99
    double: bool = True
    bounded: bool = True
    learning_rate: float = 1e-3
    target_period: int = 10
    first_exploration: float = 1.0
    last_exploration: float = 0.05
    exploring: float = 0.5
    num_watched: int = 40
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.num_envs < 1 or self.capacity % self.num_envs:
            raise ValueError(
                f"capacity is {self.capacity}, which {self.num_envs} environments cannot fill in "
                "whole steps; make it a multiple of num_envs"
            )
        for name in ("discount", "first_exploration", "last_exploration", "exploring"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_epochs * self.steps_per_epoch

    @property
    def largest_value(self) -> float:
        """What a policy has that gets a reward of 1 forever; no value can be larger."""
        return 1 / (1 - self.discount) if self.discount < 1 else math.inf


TINY = Config(
    num_envs=4, hidden=(8, 8), capacity=64, batch_size=16, num_epochs=2, steps_per_epoch=20
)
PAGE = Config()
FULL = Config(hidden=(128, 128), num_epochs=100, steps_per_epoch=1_000)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


FirstObservations = Float32[np.ndarray, "envs 4"]


class Data(NamedTuple):
    """Where the episodes begin by which policies are judged; CartPole needs no other data.

    Attributes:
        development: of the episodes in which a controller is tuned.
        test: of those that are held out.
    """

    development: FirstObservations
    test: FirstObservations


def load(config: Config, *, seed: int = 0) -> Data:
    """First observations for `NUM_EPISODES` of each kind.

    They are drawn by NumPy, and so never those of training, which JAX draws.
    """
    rng = np.random.default_rng(seed)
    draws = [cartpole.reset(rng, NUM_EPISODES).astype(np.float32) for _ in Data._fields]
    return Data(*draws)


def learning_rates(config: Config) -> Schedule:
    """The rate of every step: it falls to zero in a straight line.

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.line(config.num_steps, config.learning_rate, 0.0)


def exploration_rates(config: Config) -> Schedule:
    """The share of random actions in every step: it falls in a straight line, then stays."""
    first, last = config.first_exploration, config.last_exploration
    return schedules.line(config.num_steps, first, last, share=config.exploring)


def last_best(total: Float[np.ndarray, "runs epochs"]) -> Int[np.ndarray, " runs"]:
    """The last of the epochs with the highest mean return, for each run."""
    return total.shape[1] - 1 - total[:, ::-1].argmax(1)
