"""PPO on the heist: the settings, the shaping, and the levels (NumPy only)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int32

from tutorials_lib import presets, schedules
from tutorials_lib.environments.heist import levels
from tutorials_lib.environments.heist.levels import Levels
from tutorials_lib.environments.heist.rules import NUM_ACTIONS, TIME_LIMIT
from tutorials_lib.schedules import Schedule

PER_ITEM = 0.5
"""What the potential gives for each coin and for the key in the thief's hands."""

PER_STEP = 0.01, 0.03
"""What it takes off for each step to the next goal: with coins left, and with none left."""

PER_COIN_STEP = 0.03
"""What it takes off for each step to the nearest coin that is left."""

MAX_NORM = 0.5
"""The longest gradient; a longer one is shortened to it."""

EPSILON = 1e-5
"""Of Adam."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_envs: games that are played at once.
        num_steps: steps of every game in a rollout, after which the network learns.
        num_updates: rollouts of the whole run.
        hidden: units of each hidden layer, of the policy and of the value alike.
        num_epochs: how often the network learns from a rollout.
        num_minibatches: batches into which a rollout is cut for that.
        learning_rate: of Adam, at the beginning; it falls to zero in a straight line.
        discount: what a score is worth a step later, as a share.
        trace: how much further a step may be credited for what follows (lambda of GAE).
        clip: how far the probability of an action may move from one, as a share, until it no
            longer counts.
        entropy: what the entropy of the policy is worth beside the rest of the loss.
        shaped: whether rewards come before the end, by the potential.
        num_train: levels to learn in.
        num_development: levels in which rivals are tuned.
        num_test: held-out levels.
        num_plays: how often each held-out level is played.
        num_sweeps: of value iteration, for the oracle.
        source: `offline` or `real`. Both are the same: the game is its own source of data.

    Raises:
        ValueError: the rollout cannot be cut into equal batches, a share is not one, or the
            source is unknown.
    """

    num_envs: int = 128
    num_steps: int = 64
    num_updates: int = 400
    hidden: tuple[int, ...] = (64, 64)
    num_epochs: int = 2
    num_minibatches: int = 4
    learning_rate: float = 4e-3
    discount: float = 0.99
    trace: float = 0.95
    clip: float = 0.2
    entropy: float = 0.01
    shaped: bool = True
    num_train: int = 8_192
    num_development: int = 256
    num_test: int = 256
    num_plays: int = 4
    num_sweeps: int = 80
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.num_minibatches < 1 or self.batch_size % self.num_minibatches:
            raise ValueError(
                f"a rollout of {self.num_steps} steps in {self.num_envs} games is "
                f"{self.batch_size} steps, which {self.num_minibatches} batches cannot share "
                "equally; choose num_minibatches among the divisors"
            )
        for name in ("discount", "trace", "clip"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
        presets.check_source(self.source)

    @property
    def batch_size(self) -> int:
        """Steps of a rollout, in all games together."""
        return self.num_envs * self.num_steps

    @property
    def steps_per_update(self) -> int:
        """Gradient steps after each rollout."""
        return self.num_epochs * self.num_minibatches


TINY = Config(
    num_envs=8,
    num_steps=8,
    num_updates=4,
    hidden=(8, 8),
    num_epochs=2,
    num_minibatches=2,
    num_train=32,
    num_development=6,
    num_test=6,
    num_plays=2,
    num_sweeps=60,
)
PAGE = Config()
FULL = Config(num_updates=2_000, hidden=(128, 128), num_train=65_536)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Games(NamedTuple):
    """Levels to be judged in, and the slips, which are the same for every policy."""

    level: Levels
    chance: Float32[np.ndarray, "steps levels 2"]


class Data(NamedTuple):
    """Levels to learn in, and games in which policies are tuned and judged."""

    train: Levels
    development: Games
    test: Games


def load(config: Config, *, seed: int = 0) -> Data:
    """New levels of each kind; the held-out ones follow each other `num_plays` times."""
    rng = np.random.default_rng(seed)
    train = levels.draw(rng, config.num_train)

    def games(num_levels: int, num_plays: int) -> Games:
        level = levels.take(levels.draw(rng, num_levels), np.tile(range(num_levels), num_plays))
        return Games(level, rng.random((TIME_LIMIT, num_levels * num_plays, 2), np.float32))

    return Data(train, games(config.num_development, 1), games(config.num_test, config.num_plays))


class Draws(NamedTuple):
    """The chance in one update; with a leading axis, that of many.

    Attributes:
        gumbel: added to the logits, so that the largest sum is a draw from the policy.
        chance: uniform in [0, 1); whether the floor is slippery, and where to.
        level: the training level in which a game begins if the last one ends here.
        order: the steps of the rollout that make up each batch, epoch after epoch.
    """

    gumbel: Float[np.ndarray, "*updates steps envs 5"]
    chance: Float[np.ndarray, "*updates steps envs 2"]
    level: Int32[np.ndarray, "*updates steps envs"]
    order: Int32[np.ndarray, "*updates batches batch"]


class Terms(NamedTuple):
    """The loss and its parts, and what is watched beside it.

    Attributes:
        loss: what is minimised.
        policy: minus the clipped gain of the policy.
        value: half the mean squared error of the values.
        entropy: of the policy, on average, in nats.
        clipped: share of the steps whose probability has moved too far to count.
    """

    loss: Any
    policy: Any
    value: Any
    entropy: Any
    clipped: Any


class Seen(NamedTuple):
    """What an update saw: the games that ended in it, and the terms of its loss on average."""

    num_over: Any
    score: Any
    terms: Terms


def draw(config: Config, *, seed: int, num_updates: int | None = None) -> Draws:
    """The chance in a whole training run, or in its first updates.

    An action is drawn as the largest sum of a logit and minus the logarithm of an exponential
    number, which has the distribution of Gumbel.
    """
    rng = np.random.default_rng((1, seed))
    count = config.num_updates if num_updates is None else num_updates
    shape = count, config.num_steps, config.num_envs
    waiting = rng.standard_exponential((*shape, NUM_ACTIONS), np.float32)
    np.maximum(waiting, np.finfo(np.float32).tiny, out=waiting)
    steps = np.tile(np.arange(config.batch_size, dtype=np.int32), (count * config.num_epochs, 1))
    return Draws(
        gumbel=-np.log(waiting, out=waiting),
        chance=rng.random((*shape, 2), np.float32),
        level=rng.integers(config.num_train, size=shape, dtype=np.int32),
        order=rng.permuted(steps, axis=1).reshape(count, config.steps_per_update, -1),
    )


def learning_rates(config: Config) -> Schedule:
    """The rate of every gradient step: it falls to zero in a straight line."""
    return schedules.line(config.num_updates * config.steps_per_update, config.learning_rate, 0.0)
