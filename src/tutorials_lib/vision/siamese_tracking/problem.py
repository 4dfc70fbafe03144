"""Tracking: the configuration, clips, pairs to learn from, and the settings of a tracker (NumPy).

A tracker knows three places on a scale of *crop pixels*: a template of 32 of them, two target
sizes wide, and a search area of 64, four target sizes wide.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import moving_textures, otb
from tutorials_lib.vision.siamese_tracking.pyramid import crop

SIZE = moving_textures.SIZE
"""Height and width of a frame, in pixels."""

TEMPLATE, SEARCH = 32, 64
"""Sides of the template and of the search area, in crop pixels ..."""

SPAN = 4.0
"""... of which the latter is so many target sizes wide, and the former half as many."""

STRIDE = 4
"""Crop pixels from one place of the feature maps to the next."""

CELLS = TEMPLATE // STRIDE - 2
"""Rows and columns of the template's feature maps, whose rim saw the padding and is left out."""

SHIFTS = SEARCH // STRIDE - CELLS + 1
"""Rows and columns of the response map."""

SQUARE, FARTHEST = 96, 15
"""Side of a training square, and how far a search area lies from its middle, in crop pixels."""

NEAR, FAR = 4.0, 6.0
"""A place is right up to so many crop pixels from the target, and wrong beyond so many."""

SOFTNESS = 12.5
"""Width of the aim of the response: twice the square of 2.5 crop pixels."""

GAIN = 10.0
"""A mean of products of features is at most about one; a sigmoid needs larger logits."""

STRANGE, WHERE, SHARPNESS = 0.5, 0.4, 2.0
"""Weights of a stranger's template (the two sides of the own one have 1 each) and of the softmax,
and by what the softmax multiplies its logits."""

TRAIN = ("stripes", "spots", "checks", "noise", "cells", "rings")
DEVELOPMENT = ("zigzag", "marble", "scales")
TEST = ("bricks", "hexagons", "blocks")
"""The textures of each part; no two parts share one."""

Frames = UInt8[np.ndarray, "clips frames height width 3"]
Boxes = Float32[np.ndarray, "clips frames 4"]
Squares = UInt8[np.ndarray, "clips squares 96 96 3"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: generated clips to learn from.
        num_squares: frames of each of them from which a square around the target is kept.
        num_development: generated clips on which settings are chosen.
        num_test: generated clips that are looked at once.
        num_frames: frames of a development or test clip.
        channels: feature maps after each of the three convolutions.
        batch_size: pairs of a template and a search area in one training step.
        num_rounds: parts of the training, after each of which it is looked at.
        steps_per_round: training steps of one part.
        peak_learning_rate: of the schedule that rises to it and falls again.
        max_norm: to which the gradients of a step are shortened.
        source: `offline` to track in generated clips, `real` in Jogging and Car4.

    Raises:
        ValueError: a pair would need more squares than a clip has, or the source is unknown.
    """

    num_train: int = 300
    num_squares: int = 8
    num_development: int = 12
    num_test: int = 30
    num_frames: int = moving_textures.LENGTH
    channels: tuple[int, int, int] = (24, 48, 48)
    batch_size: int = 16
    num_rounds: int = 8
    steps_per_round: int = 100
    peak_learning_rate: float = 3e-3
    max_norm: float = 5.0
    source: str = "offline"

    def __post_init__(self) -> None:
        longest = moving_textures.LENGTH
        if not 2 <= self.num_squares <= longest:
            raise ValueError(
                f"num_squares is {self.num_squares}; a pair needs two, and a clip has {longest}"
            )
        if not 2 <= self.num_frames <= longest:
            raise ValueError(
                f"num_frames is {self.num_frames}; expected 2 to {longest}, the frames of a clip"
            )
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_rounds * self.steps_per_round


TINY = Config(
    num_train=6,
    num_squares=4,
    num_development=2,
    num_test=3,
    num_frames=8,
    channels=(4, 6, 6),
    batch_size=4,
    num_rounds=2,
    steps_per_round=10,
)
PAGE = Config()
FULL = Config(num_train=2_000, num_test=200, channels=(48, 96, 96), num_rounds=100)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first 15 %, then down to zero along a cosine.

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.one_cycle(config.num_steps, config.peak_learning_rate, rising=0.15)


# ---------------------------------------------------------------- the clips


class Clips(NamedTuple):
    """Clips of one length, with a box around the target in every frame.

    Attributes:
        frames: red, green and blue.
        boxes: left, top, right and bottom, in pixels of the frame; NaN where nobody has marked it.
        pixels: how many pixels of the original video one of the frame is wide.
    """

    frames: Frames
    boxes: Boxes
    pixels: Float32[np.ndarray, " clips"]


class Data(NamedTuple):
    """Squares to learn from, clips to choose settings, and clips that are looked at once."""

    train: Squares
    development: Clips
    test: Clips


def load(config: Config, *, seed: int = 0) -> Data:
    """Clips that are generated with `seed`; the test clips may be published ones instead.

    The network is trained on generated squares in any case.

    Raises:
        DatasetError: the published videos were asked for and cannot be had.
    """
    train, development, test = np.random.default_rng([24, seed]).spawn(3)
    return Data(
        _draw_squares(config, train),
        _draw_clips(config.num_development, DEVELOPMENT, config, development),
        _draw_clips(config.num_test, TEST, config, test)
        if config.source == "offline"
        else published(
            num_frames=config.num_frames if config.num_frames < PAGE.num_frames else None
        ),
    )


def _draw_clips(
    count: int, families: tuple[str, ...], config: Config, rng: np.random.Generator
) -> Clips:
    drawn = moving_textures.draw_clips(count, families, rng=rng, num_frames=config.num_frames)
    return Clips(*drawn, pixels=np.ones(count, np.float32))


def published(*, num_frames: int | None = None) -> Clips:
    """Jogging and Car4, shrunk to the width of a frame; the shortest is filled up unmarked."""
    videos = [otb.load_otb(target, num_frames=num_frames) for target in otb.TARGETS]
    longest = max(len(video.frames) for video in videos)
    frames = np.zeros((len(videos), longest, SIZE, SIZE, 3), np.uint8)
    boxes = np.full((len(videos), longest, 4), np.nan, np.float32)
    pixels = np.array([max(video.frames.shape[1:3]) / SIZE for video in videos], np.float32)
    for i, video in enumerate(videos):
        length = len(video.frames)
        frames[i, :length] = [_fit(frame) for frame in video.frames]
        boxes[i, :length] = video.boxes / pixels[i]
    return Clips(frames, boxes, pixels)


def _fit(frame: UInt8[np.ndarray, "rows columns 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """The frame made small enough; below or beside it, its last row or column is repeated."""
    from PIL import Image

    rows, columns, _ = frame.shape
    share = SIZE / max(rows, columns)
    size = int(columns * share), int(rows * share)
    small = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))
    missing = [(0, SIZE - side) for side in small.shape[:2]]
    return np.pad(small, (*missing, (0, 0)), mode="edge")


# ---------------------------------------------------------------- pairs to learn from


class Pairs(NamedTuple):
    """Templates and search areas from other frames of the same clips, in either library.

    Attributes:
        template: the target in the middle, from -0.5 to 0.5: `[batch, 32, 32, 3]`.
        search: where it is to be found: `[batch, 64, 64, 3]`.
        offsets: how far down and to the right of the middle it is, in crop pixels: `[batch, 2]`.
    """

    template: Any
    search: Any
    offsets: Any


class Lessons(NamedTuple):
    """Which pairs are cut out of the squares; whole numbers, with an axis of steps in front.

    Attributes:
        clips: of which clip: `[batch]`.
        squares: which of its squares give the template and the search area: `[batch, 2]`.
        offsets: where the target is to be: `[batch, 2]`.
        colors: in which order all pictures of a step have red, green and blue: `[3]`.
    """

    clips: Any
    squares: Any
    offsets: Any
    colors: Any


def _draw_squares(config: Config, rng: np.random.Generator) -> Squares:
    every = max(1, moving_textures.LENGTH // config.num_squares)
    squares = [
        cut_squares(
            *moving_textures.draw_clips(
                1, TRAIN, rng=rng, num_frames=config.num_squares, every=every
            ),
            rng=rng,
        )
        for _ in range(config.num_train)
    ]
    return np.concatenate(squares)


def cut_squares(frames: Frames, boxes: Boxes, *, rng: np.random.Generator) -> Squares:
    """Squares around the target, six times as wide as it is, give or take 8 %."""
    clips, count = boxes.shape[:2]
    centers, sizes = locate(boxes.reshape(-1, 4))
    sides = sizes * np.exp(rng.uniform(-0.08, 0.08, sizes.shape)) * (SPAN * SQUARE / SEARCH)
    squares = crop(
        frames.reshape(-1, *frames.shape[2:]),
        centers[:, None],
        sides[:, None].astype(np.float32),
        SQUARE,
    )
    return squares.round().astype(np.uint8).reshape(clips, count, SQUARE, SQUARE, 3)


def locate(
    boxes: Float[np.ndarray, "boxes 4"],
) -> tuple[Float[np.ndarray, "boxes 2"], Float[np.ndarray, " boxes"]]:
    """Row and column of the middle of each box, and its size, the root of its area."""
    extents = boxes[:, 2:] - boxes[:, :2]
    return (boxes[:, 1::-1] + boxes[:, :1:-1]) / 2, np.sqrt(extents.prod(-1))


def draw_lessons(
    squares: Squares, config: Config, *, num_steps: int, rng: np.random.Generator
) -> Lessons:
    """The pairs of a whole training run."""
    num_clips, num_squares = squares.shape[:2]
    shape = num_steps, config.batch_size
    order = rng.random((*shape, num_squares)).argsort(-1)
    return Lessons(
        rng.integers(num_clips, size=shape, dtype=np.int32),
        order[..., :2].astype(np.int32),
        rng.integers(-FARTHEST, FARTHEST + 1, (*shape, 2), dtype=np.int32),
        rng.random((num_steps, 3)).argsort(-1).astype(np.int32),
    )


def cut_pairs(squares: Squares, lessons: Lessons) -> Pairs:
    """The pairs of all lessons; what `in_jax.cut_pairs` cuts for one."""
    rim = (SQUARE - SEARCH) // 2
    shown, hidden = (squares[lessons.clips, lessons.squares[..., i]] for i in (0, 1))
    middle = slice((SQUARE - TEMPLATE) // 2, (SQUARE + TEMPLATE) // 2)
    search = np.empty((*hidden.shape[:2], SEARCH, SEARCH, 3), np.uint8)
    for place in np.ndindex(hidden.shape[:2]):
        top, left = rim - lessons.offsets[place]
        search[place] = hidden[place][top : top + SEARCH, left : left + SEARCH]
    template, search = (
        np.take_along_axis(each, lessons.colors[:, None, None, None], axis=-1)
        for each in (shown[:, :, middle, middle], search)
    )
    return Pairs(to_input(template), to_input(search), lessons.offsets.astype(np.float32))


def to_input(pixels: np.ndarray) -> Float32[np.ndarray, "*shape"]:
    """Pixels from 0 to 255 as the network takes them, from -0.5 to 0.5."""
    return pixels / np.float32(255) - np.float32(0.5)


# ---------------------------------------------------------------- what both twins know


class Settings(NamedTuple):
    """How a tracker decides; what `evaluation.GRID` names is chosen on development clips.

    Attributes:
        window: how much a place near the last one is preferred, from 0 to 1.
        update: the share of the new template in the one that is kept.
        scale_penalty: by which share another scale has to be better than the present one.
        damping: how far the size follows a better scale.
    """

    window: float = 0.35
    update: float = 0.03
    scale_penalty: float = 0.02
    damping: float = 0.4


@cache
def shifts() -> Float32[np.ndarray, "rows columns 2"]:
    """How far down and to the right of the middle each place of a response map is, in crop pixels.

    It is shared by all callers, and read-only.
    """
    steps = STRIDE * (np.arange(SHIFTS, dtype=np.float32) - (SHIFTS - 1) / 2)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)
    grid.flags.writeable = False
    return grid


@cache
def enlarging() -> Float32[np.ndarray, "fine coarse"]:
    """The matrix that enlarges a row of a response map to a place for each crop pixel.

    Cubic convolution (Keys 1981); at the edges, the weights that are left are scaled to one.
    It is shared by all callers, and read-only.
    """
    places = (np.arange(SHIFTS * STRIDE) + 0.5) / STRIDE - 0.5
    x = np.abs(places[:, None] - np.arange(SHIFTS))
    weights = np.where(
        x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, (-0.5 * x**3 + 2.5 * x**2 - 4 * x + 2) * (x < 2)
    )
    matrix = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


@cache
def bump() -> Float32[np.ndarray, "6 6"]:
    """How much each place of a template counts before training: most in the middle."""
    steps = np.arange(CELLS) - (CELLS - 1) / 2
    weights = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.7**2))
    return (weights / weights.mean()).astype(np.float32)
