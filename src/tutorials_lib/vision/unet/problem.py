"""The U-Net: its configuration, the sections and how much each pixel counts (NumPy only)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import distance_transform_edt

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import isbi2012, membranes

Pictures = Float32[np.ndarray, "pictures height width"]
Walls = Bool[np.ndarray, "pictures height width"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: generated pictures to learn from.
        num_development: generated pictures that choose thresholds and the rivals' settings.
        num_test: generated pictures that are looked at once.
        channels: feature maps on each level of the U; a level has half the height and width of
            the one above it.
        crop_size: side of the square that a training step cuts out of each picture, in pixels.
        batch_size: pictures in one training step.
        num_rounds: parts of the training, after each of which it is looked at.
        steps_per_round: training steps of one part.
        peak_learning_rate: of the schedule that rises to it and falls again.
        statistics_momentum: share of the running batch statistics that a step keeps.
        border_weight: by how much a pixel on a wall counts more than one far from all walls.
        border_reach: the distance from a wall at which this has fallen to its `1/e`, in pixels.
        source: `offline` for generated membranes, `real` for ISBI 2012.

    Raises:
        ValueError: the crop cannot be halved on every level, or is larger than a picture.
    """

    num_train: int = 240
    num_development: int = 20
    num_test: int = 40
    channels: tuple[int, ...] = (8, 16, 32)
    crop_size: int = 64
    batch_size: int = 16
    num_rounds: int = 14
    steps_per_round: int = 20
    peak_learning_rate: float = 5e-3
    statistics_momentum: float = 0.95
    border_weight: float = 3.0
    border_reach: float = 3.0
    source: str = "offline"

    def __post_init__(self) -> None:
        halvings = len(self.channels) - 1
        if self.crop_size % 2**halvings or not 0 < self.crop_size <= membranes.SIZE:
            raise ValueError(
                f"crop_size is {self.crop_size}; it must be a multiple of {2**halvings}, since "
                f"{len(self.channels)} levels halve it {halvings} times, and at most "
                f"{membranes.SIZE}"
            )
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_rounds * self.steps_per_round


TINY = Config(
    num_train=12,
    num_development=2,
    num_test=4,
    channels=(4, 8),
    crop_size=32,
    batch_size=4,
    num_rounds=4,
    steps_per_round=5,
)
PAGE = Config()
FULL = Config(num_train=2_000, channels=(32, 64, 128, 256), num_rounds=40, steps_per_round=100)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Sections(NamedTuple):
    """Grey pictures from 0 to 1, and which of their pixels belong to a wall."""

    pictures: Pictures
    walls: Walls


class Data(NamedTuple):
    """Three sets of sections that share none."""

    train: Sections
    development: Sections
    test: Sections


def load(config: Config, *, seed: int = 0) -> Data:
    """The sections of each set: generated with `seed`, or parts of the stack of ISBI 2012.

    Neighbours in the stack show the same cells, so each part is a run of neighbours, and no test
    section is next to a training section. With the seed the parts move along the stack by a
    third of it. The sizes of `config` do not apply there, except that TINY takes two sections
    of each part.

    Raises:
        DatasetError: ISBI 2012 was asked for and cannot be had.
    """
    sizes = config.num_train, config.num_development, config.num_test
    if config.source == "offline":
        drawn = (membranes.membranes(size, seed=3 * seed + part) for part, size in enumerate(sizes))
        return Data(*(Sections(*each) for each in drawn))
    stack = halve(isbi2012.load_isbi2012())
    shift = 10 * seed
    order = (np.arange(len(stack.pictures)) + shift) % len(stack.pictures)
    train, development, test = order[:20], order[20:23], order[23:29]  # 29 is next to the first
    if config.num_train < len(train):
        train, development, test = (each[:2] for each in (train, development, test))
    return Data(*(Sections(*(a[part] for a in stack)) for part in (train, development, test)))


def halve(stack: isbi2012.Stack) -> Sections:
    """The stack at half its height and width: the mean of each 2 x 2 block of pixels.

    Walls and cells then have about as many pixels as those of the generated sections. A block is
    wall where at least half of it is.
    """
    sections, height, width = stack.pictures.shape
    blocks = (sections, height // 2, 2, width // 2, 2)
    pictures, walls = (each.reshape(blocks).mean((2, 4)) for each in stack)
    return Sections((pictures / 255).astype(np.float32), walls >= 0.5)


def to_images(
    pictures: Float32[np.ndarray, "*pictures height width"],
) -> Float32[np.ndarray, "*pictures height width 1"]:
    """Numbers around zero, with an axis for the one channel that grey has."""
    return pictures[..., None] - np.float32(0.5)


def border_weights(walls: Walls, config: Config) -> Pictures:
    r"""How much each pixel counts in the loss: $1 + w \, e^{-(d/r)^2}$ at $d$ pixels from a wall.

    In the manner of the paper (Ronneberger et al. 2015, equation 2), the pixels that decide
    whether two cells are one count more than those deep inside a cell. There a pixel counts by
    the sum of its distances to the two nearest cells, $e^{-(d_1 + d_2)^2 / (2 \sigma^2)}$, so
    that thin walls count most, and a further term evens out how frequent the classes are.
    """
    distances = np.stack([distance_transform_edt(~each) for each in walls])
    near = np.exp(-((distances / config.border_reach) ** 2))
    return (1 + config.border_weight * near).astype(np.float32)


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first fifth, then down to zero (Smith 2018).

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.one_cycle(config.num_steps, config.peak_learning_rate, rising=1 / 5)


# ---------------------------------------------------------------- the U


class Widths(NamedTuple):
    """Channels that come into a block, after its first convolution, and after its second."""

    before: int
    between: int
    after: int


def block_widths(config: Config) -> tuple[list[Widths], Widths, list[Widths]]:
    """The blocks on the way down, the one at the bottom, and those on the way up.

    A block that is followed by upsampling ends with the channels of the level above, so that
    what comes from below and what was kept on the way down are equally many.
    """
    *levels, bottom = config.channels
    down = [Widths(before, after, after) for before, after in pairwise((1, *levels))]
    lowest = Widths(levels[-1], bottom, levels[-1])
    above = [levels[0], *levels[:-1]]
    up = [Widths(2 * own, own, end) for own, end in zip(levels, above, strict=True)]
    return down, lowest, up[::-1]


def receptive_fields(config: Config) -> dict[str, int]:
    """How many pixels wide the part of the picture is that one number of each stage depends on.

    A convolution of 3 x 3 adds a pixel on each side, and on a level that has been halved `n`
    times a pixel is `2^n` pixels of the picture; pooling adds one.
    """
    side, pixel, fields = 1, 1, {"image": 1}
    levels = range(1, len(config.channels))
    for level in levels:
        side += 4 * pixel
        fields[f"down {level}"] = side
        side += pixel
        pixel *= 2
    side += 4 * pixel
    fields["bottom"] = side
    for level in reversed(levels):
        pixel //= 2
        side += 4 * pixel
        fields[f"up {level}"] = side
    return fields
