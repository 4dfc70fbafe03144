"""The convolutional network: its configuration, the pictures and their preprocessing (NumPy)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import cifar10, shapes10

Pictures = UInt8[np.ndarray, "batch height width channels"]
Images = Float32[np.ndarray, "batch height width channels"]
Labels = Int[np.ndarray, " batch"]

IMAGE_SIZE = 32
"""Height and width of a picture, in pixels; both data sets have it."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: pictures to learn from.
        num_test: pictures held out.
        channels: feature maps of each block; a block also halves height and width.
        batch_size: pictures in one training step.
        num_epochs: passes over the training pictures.
        peak_learning_rate: of the schedule that rises to it and falls to zero again.
        momentum: share of the last update that the next one keeps.
        statistics_momentum: share of the running batch statistics that a step keeps.
        max_shift: pixels by which augmentation moves a picture, at most, in each direction.
        cutout_size: side of the square that augmentation blanks out, in pixels.
        source: `offline` for SHAPES10, `real` for CIFAR-10.

    Raises:
        ValueError: the pictures cannot be halved once for each block, or do not fill a batch.
    """

    num_train: int = 8_000
    num_test: int = 2_000
    channels: tuple[int, ...] = (16, 32, 64)
    batch_size: int = 128
    num_epochs: int = 5
    peak_learning_rate: float = 0.2
    momentum: float = 0.9
    statistics_momentum: float = 0.9
    max_shift: int = 2
    cutout_size: int = 8
    source: str = "offline"

    def __post_init__(self) -> None:
        if IMAGE_SIZE % 2 ** len(self.channels):
            raise ValueError(
                f"{len(self.channels)} blocks would halve {IMAGE_SIZE} pixels "
                f"{len(self.channels)} times; the most is 5"
            )
        if not 1 <= self.batch_size <= self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} pictures to "
                "learn from"
            )
        presets.check_source(self.source)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training pictures."""
        return self.num_train // self.batch_size

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_epochs * self.steps_per_epoch

    @property
    def mirrors(self) -> bool:
        """Whether augmentation may mirror: a mirrored frog is a frog, a mirrored L is no L."""
        return self.source == "real"


TINY = Config(num_train=64, num_test=32, channels=(4, 8), batch_size=16, num_epochs=2)
PAGE = Config()
FULL = Config(num_train=50_000, num_test=10_000, channels=(32, 64, 128), num_epochs=24)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Data(NamedTuple):
    """Pictures with their classes, and the pictures held out."""

    train_pictures: Pictures
    train_labels: Labels
    test_pictures: Pictures
    test_labels: Labels


def load(config: Config, *, seed: int = 0) -> Data:
    """The training and the held-out pictures of the source that `config` names.

    The generated ones are drawn with `seed`; CIFAR-10 has a split of its own.

    Raises:
        DatasetError: CIFAR-10 was asked for and cannot be had, or has fewer pictures.
    """
    if config.source == "real":
        return Data(*cifar10.load_cifar10(config.num_train, config.num_test))
    train = shapes10.shapes10(config.num_train, seed=2 * seed)
    test = shapes10.shapes10(config.num_test, seed=2 * seed + 1)
    return Data(*train, *test)


def class_names(config: Config) -> tuple[str, ...]:
    """The ten classes; a label is an index into this tuple."""
    return cifar10.CLASS_NAMES if config.source == "real" else shapes10.CLASS_NAMES


def learning_rates(config: Config) -> Float32[np.ndarray, " counts"]:
    """The rate of every step: up over the first quarter, then down to zero (Smith 2018).

    The zero at the end is that of all steps beyond the last.
    """
    peak = config.peak_learning_rate
    return schedules.one_cycle(config.num_steps, peak, rising=1 / 4, straight=True)


class Scaling(NamedTuple):
    """Mean and standard deviation of each colour channel, from 0 to 255."""

    mean: Float[np.ndarray, " channels"]
    std: Float[np.ndarray, " channels"]


def fit_scaling(pictures: Pictures) -> Scaling:
    """Measure the scale of each channel, on the training pictures and no others.

    Raises:
        ValueError: a channel is the same everywhere, so that it cannot be scaled.
    """
    scaling = Scaling(mean=pictures.mean((0, 1, 2)), std=pictures.std((0, 1, 2)))
    if not (scaling.std > 0).all():
        raise ValueError("a colour channel is the same in every pixel; leave it out")
    return scaling


def to_images(pictures: Pictures, scaling: Scaling) -> Images:
    """Channels with mean 0 and standard deviation 1 over the training pictures."""
    mean, std = (values.astype(np.float32) for values in scaling)
    return (pictures - mean) / std


def confusion(labels: Labels, predictions: Labels) -> Int[np.ndarray, "classes classes"]:
    """How many pictures of each class (rows) were taken for each class (columns)."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predictions), 1)
    return counts
