"""Detecting objects in video: the configuration, the clips and the grid (NumPy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import bccd, moving_shapes
from tutorials_lib.datasets.moving_shapes import Clips
from tutorials_lib.metrics.detection import Truth

NUM_CLASSES = 3
"""Both sources have so many."""

NOTHING = NUM_CLASSES
"""The class that the rivals give to what is no object."""

PATCH = 2
"""Pixels on a side that the network takes for one at first."""

POOLED = (0, 2)
"""Blocks of the network that halve the picture."""

STRIDE = PATCH * 2 ** len(POOLED)
"""Pixels on a side of a cell of the grid."""

NUM_OUTPUTS = 5 + NUM_CLASSES
"""Numbers in a cell: objectness, two for the place, two for the size, one for each class."""

HALF_SIZE_RANGE = (-3.0, 2.0)
"""Least and greatest logarithm of half a box's side over `STRIDE`."""

LEAST_TARGET = 0.3
"""The objectness that a responsible cell is to have, however bad its box is."""

LOSS_WEIGHTS = (2.0, 2.0)
"""Of the boxes and of the objectness; the classes have the weight 1."""

SMALL = 16.0
"""A box of a smaller size (the root of its area, in pixels) is small, any other large."""

SIZES = {"small": (0.0, SMALL), "large": (SMALL, np.inf)}

PHOTOS = {
    "train": (
        "astronaut", "brick", "camera", "cell", "china", "clock", "coins", "grass",
        "hubble_deep_field", "immunohistochemistry", "moon", "retina",
    ),
    "development": ("gravel", "flower"),
    "test": ("chelsea", "coffee", "rocket"),
}  # fmt: skip
"""Scenes of the generated clips; no two parts share one."""

EVERY = 2
"""Moments between two frames of a generated clip."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: clips to learn from.
        num_development: clips that choose the rivals' settings.
        num_test: clips that are looked at once.
        frame_size: height and width of a generated frame, in pixels.
        channels: feature maps of each block of the network.
        batch_size: frames in one training step.
        num_rounds: parts of the training, after each of which it is looked at.
        steps_per_round: training steps of one part.
        peak_learning_rate: of the schedule that rises to it and falls again.
        max_norm: the length to which longer gradients are cut.
        statistics_momentum: share of the running batch statistics that a step keeps.
        overlap: the IoU above which a better box of the same class suppresses another.
        source: `offline` for generated clips, `real` for pictures of blood cells.

    Raises:
        ValueError: the cells do not fill a frame, the blocks do not reach the last that is
            pooled, or the source is unknown.
    """

    num_train: int = 240
    num_development: int = 10
    num_test: int = 20
    frame_size: int = 96
    channels: tuple[int, ...] = (16, 32, 32, 64, 64, 64)
    batch_size: int = 16
    num_rounds: int = 10
    steps_per_round: int = 96
    peak_learning_rate: float = 4e-3
    max_norm: float = 10.0
    statistics_momentum: float = 0.95
    overlap: float = 0.5
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.frame_size % STRIDE:
            raise ValueError(
                f"frames of {self.frame_size} pixels do not divide into cells of {STRIDE}"
            )
        if len(self.channels) <= POOLED[-1]:
            raise ValueError(
                f"{len(self.channels)} blocks do not reach the pooling after block {POOLED[-1]}; "
                f"take {POOLED[-1] + 1} at least"
            )
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_rounds * self.steps_per_round

    @property
    def mixes_colors(self) -> bool:
        """Whether colours may change places in training: a shape may have any, a cell may not."""
        return self.source == "offline"

    @property
    def class_names(self) -> tuple[str, ...]:
        """A label is an index into this tuple."""
        return moving_shapes.CLASS_NAMES if self.source == "offline" else bccd.CLASS_NAMES


TINY = Config(
    num_train=8,
    num_development=2,
    num_test=2,
    frame_size=48,
    channels=(4, 6, 8),
    batch_size=4,
    num_rounds=2,
    steps_per_round=50,
    peak_learning_rate=2e-2,
)
PAGE = Config()
FULL = Config(num_train=2_000, channels=(32, 64, 64, 128, 128, 128), num_rounds=60)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# ---------------------------------------------------------------- the clips


class Data(NamedTuple):
    """Clips of each part; pictures of blood cells are clips of one frame."""

    train: Clips
    development: Clips
    test: Clips


class Annotated(NamedTuple):
    """Frames one after the other, whatever clip they are from, with what is in them."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    boxes: Float32[np.ndarray, "frames objects 4"]
    labels: Int32[np.ndarray, "frames objects"]


def load(config: Config, *, seed: int = 0) -> Data:
    """The clips of each part: generated with `seed`, or the published pictures in their split.

    Generated parts share no photograph. The published pictures are all taken, whatever the counts
    in `config` say.

    Raises:
        DatasetError: the published set was asked for and cannot be had.
    """
    counts = config.num_train, config.num_development, config.num_test
    if config.source == "real":
        return Data(*(_stills(cells) for cells in bccd.load_bccd().values()))
    rng = np.random.default_rng(seed)
    return Data(
        *(
            moving_shapes.moving_shapes(
                count, photos=PHOTOS[part], every=EVERY, size=config.frame_size, rng=rng
            )
            for part, count in zip(PHOTOS, counts, strict=True)
        )
    )


def _stills(cells: bccd.Cells) -> Clips:
    origins = np.zeros((len(cells.pictures), 1, 2), np.float32)
    return Clips(cells.pictures[:, None], cells.boxes[:, None], cells.labels[:, None], origins)


def in_a_row(clips: Clips) -> Annotated:
    """All frames of all clips."""
    return Annotated(
        *(each.reshape(-1, *each.shape[2:]) for each in (clips.frames, clips.boxes, clips.labels))
    )


def truth_of(clips: Clips) -> Truth:
    """What there is in every frame of the clips, for the scores."""
    return Truth(*in_a_row(clips)[1:])


def to_images(
    frames: UInt8[np.ndarray, "*batch height width 3"],
) -> Float32[np.ndarray, "*batch height width 3"]:
    """Numbers from -0.5 to 0.5."""
    return frames / np.float32(255) - np.float32(0.5)


def num_candidates(rows: int, columns: int) -> int:
    """How many boxes of a frame go on to the suppression: a ninth of all, those that score best.

    Three cells answer for an object, so there is room for one object in every nine cells.
    """
    return rows * columns * NUM_CLASSES // 9


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first fifth, then down to zero (Smith 2018).

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.one_cycle(config.num_steps, config.peak_learning_rate, rising=1 / 5)
