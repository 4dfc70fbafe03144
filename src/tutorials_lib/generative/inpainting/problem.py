"""Fill in the missing parts of an image: the configuration, pictures and holes (NumPy only)."""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import faces, mnist
from tutorials_lib.generative.inpainting import gaussian as gaussians
from tutorials_lib.generative.inpainting.gaussian import Conditionals, Gaussian

KINDS = ("half", "rectangle", "strokes")
"""The kinds of holes, which take turns."""

CELL = 4
"""Height and width of the squares in which a network is told how much of a hole there is."""

OUTSIDE = 0.1
"""Weight of an error outside the hole: little, but enough that the coordinates mean one thing."""

GAIN = 0.3
"""What the last layer says is multiplied by it: a step of Adam moves all of its weights by the
learning rate, and all that they add up to would otherwise swamp what there is to learn."""

NUM_STROKES = 4

SIZES = {"offline": faces.IMAGE_SIZE, "real": 28}
"""Height and width of a picture, in pixels."""

GRAIN = {"offline": faces.NOISE, "real": 0.0}
"""Standard deviation of the noise in every real picture."""

Pictures = Float32[np.ndarray, "pictures pixels"]
Holes = Bool[np.ndarray, "masks pixels"]
Coords = Float[np.ndarray, "batch coords"]
AnyArray = Any
"""Of NumPy or of JAX: what both twins take."""

Which = Int[np.ndarray, " pictures"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Pictures with holes, a network that fills them, and its training.

    Attributes:
        num_train: pictures to learn from.
        num_development: pictures that choose the settings of all techniques.
        num_test: pictures that are looked at once.
        num_masks: holes to learn with, and half as many to choose by and to be tested with; none
            is in two sets.
        num_coords: coordinates of a picture.
        width: numbers in each hidden layer of the network.
        num_blocks: residual blocks of two layers.
        batch_size: pictures in a step.
        num_steps: of the training.
        steps_per_report: from one look at the development pictures to the next.
        learning_rate: of Adam at first; it falls to zero along half a cosine.
        mean_steps: steps at first that train the mean fill alone.
        mean_share: of the pictures in a batch that train the mean fill after that.
        num_flow_steps: from a picture drawn by chance to a fill.
        num_samples: fills of one hole whose spread is shown.
        num_reader_steps: training steps of the network that judges fills.
        source: `offline` for faces that are drawn, `real` for MNIST.

    Raises:
        ValueError: a number is not positive, the holes cannot take turns, the reports do not
            divide the steps, the share is not between 0 and 1, or the source is unknown.
    """

    num_train: int = 12_000
    num_development: int = 300
    num_test: int = 600
    num_masks: int = 120
    num_coords: int = 192
    width: int = 256
    num_blocks: int = 2
    batch_size: int = 96
    num_steps: int = 1_500
    steps_per_report: int = 100
    learning_rate: float = 2e-3
    mean_steps: int = 500
    mean_share: float = 0.3
    num_flow_steps: int = 12
    num_samples: int = 8
    num_reader_steps: int = 400
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in ("mean_share", "source") and not value > 0:
                raise ValueError(f"{field.name} is {value}; expected a number above zero")
        if self.num_masks % (2 * len(KINDS)):
            raise ValueError(
                f"num_masks is {self.num_masks}; expected a multiple of {2 * len(KINDS)}, so that "
                f"{len(KINDS)} kinds of holes take turns in every set"
            )
        if self.num_steps % self.steps_per_report:
            raise ValueError(
                f"num_steps is {self.num_steps}, which steps_per_report={self.steps_per_report} "
                "does not divide"
            )
        if not 0 <= self.mean_share <= 1:
            raise ValueError(f"mean_share is {self.mean_share}; expected a share from 0 to 1")

    @property
    def side(self) -> int:
        """Height and width of a picture, in pixels."""
        return SIZES[self.source]

    @property
    def num_pixels(self) -> int:
        """Pixels of a picture."""
        return self.side**2

    @property
    def num_cells(self) -> int:
        """Squares of `CELL` x `CELL` pixels."""
        return (self.side // CELL) ** 2


TINY = Config(
    num_train=60,
    num_development=12,
    num_test=18,
    num_masks=6,
    num_coords=6,
    width=8,
    num_blocks=2,
    batch_size=4,
    num_steps=4,
    steps_per_report=2,
    mean_steps=2,
    num_flow_steps=3,
    num_samples=3,
    num_reader_steps=4,
)
PAGE = Config()
FULL = Config(num_train=50_000, width=1024, num_steps=40_000, steps_per_report=400)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# ---------------------------------------------------------------- pictures


class Part(NamedTuple):
    """Pictures and their holes.

    Attributes:
        pictures: from 0 (black) to 1 (white); of digits, 1 is ink.
        targets: what a reader should read off each: the factors of a face, the digit.
        holes: true where a pixel is missing, for each kind of `KINDS` in turn.
        which: the hole of each picture.
    """

    pictures: Pictures
    targets: Float32[np.ndarray, "pictures factors"] | Int32[np.ndarray, " pictures"]
    holes: Holes
    which: Int32[np.ndarray, " pictures"]

    @property
    def missing(self) -> Bool[np.ndarray, "pictures pixels"]:
        """The pixels that are missing in each picture."""
        return self.holes[self.which]


class Data(NamedTuple):
    """Three parts that share no picture and no hole; in training a picture meets many holes."""

    train: Part
    development: Part
    test: Part


def load(config: Config, *, seed: int = 0) -> Data:
    """The pictures of the source that `config` names, and holes, drawn with `seed`.

    MNIST's test digits stay apart from those to learn from.

    Raises:
        ValueError: `config` asks for more digits than there are.
        DatasetError: the digits cannot be had, or are not what they should be.
    """
    sizes = config.num_train, config.num_development, config.num_test
    rng = np.random.default_rng([seed, 0])
    drawn = _digits(sizes, rng) if config.source == "real" else _faces(sizes, seed)
    counts = config.num_masks, config.num_masks // 2, config.num_masks // 2
    parts = []
    for (pictures, targets), count in zip(drawn, counts, strict=True):
        holes = draw_holes(count, config.side, rng)
        which = np.arange(len(pictures), dtype=np.int32) % count
        parts.append(Part(pictures.reshape(len(pictures), -1), targets, holes, which))
    return Data(*parts)


def _faces(sizes: tuple[int, ...], seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    seeds = np.random.SeedSequence([seed, 1]).generate_state(len(sizes))
    drawn = (faces.faces(size, int(s)) for size, s in zip(sizes, seeds, strict=True))
    return [(pictures, factors) for pictures, factors in drawn]


def _digits(
    sizes: tuple[int, ...], rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    digits = mnist.load_mnist()
    known, held_out = sum(sizes[:2]), sizes[2]
    if known > len(digits.train_images) or held_out > len(digits.test_images):
        raise ValueError(
            f"{known:,} digits to learn from and {held_out:,} held out are asked for; MNIST has "
            f"{len(digits.train_images):,} and {len(digits.test_images):,}"
        )
    order = rng.permutation(len(digits.train_images))[:known]
    chosen = np.split(order, [sizes[0]])
    parts = [(digits.train_images[part], digits.train_labels[part]) for part in chosen]
    last = rng.permutation(len(digits.test_images))[:held_out]
    parts.append((digits.test_images[last], digits.test_labels[last]))
    return [(images / np.float32(255), labels) for images, labels in parts]


# ---------------------------------------------------------------- holes


def draw_holes(count: int, side: int, rng: np.random.Generator) -> Holes:
    """Holes of the three kinds in turn, for pictures of `side` x `side` pixels."""
    makers = half, rectangle, strokes
    holes = [makers[i % len(KINDS)](side, rng) for i in range(count)]
    return np.stack(holes).reshape(count, -1)


def half(side: int, rng: np.random.Generator) -> Bool[np.ndarray, "height width"]:
    """About half of the picture is missing: left, right, above or below."""
    hole = np.zeros((side, side), bool)
    hole[: rng.integers(round(0.44 * side), round(0.56 * side) + 1)] = True
    return np.rot90(hole, int(rng.integers(4))).copy()


def rectangle(side: int, rng: np.random.Generator) -> Bool[np.ndarray, "height width"]:
    """A rectangle inside the picture, with sides of three to five eighths of its own."""
    hole = np.zeros((side, side), bool)
    sizes = rng.integers(round(0.375 * side), round(0.5625 * side) + 1, 2)
    top, left = (int(rng.integers(2, side - size - 1)) for size in sizes)
    hole[top : top + sizes[0], left : left + sizes[1]] = True
    return hole


def strokes(side: int, rng: np.random.Generator) -> Bool[np.ndarray, "height width"]:
    """A few straight scratches of an eighth of the side across the middle."""
    points = (np.indices((side, side)).reshape(2, -1).T - (side - 1) / 2) / side
    angles = rng.uniform(0, np.pi, NUM_STROKES)
    offsets = rng.uniform(-0.3, 0.3, NUM_STROKES)
    across = points @ np.stack([np.cos(angles), np.sin(angles)])
    return (np.abs(across - offsets) < 1 / 16).any(1).reshape(side, side)


def cells(holes: Bool[np.ndarray, "masks pixels"]) -> Float32[np.ndarray, "masks cells"]:
    """The share of each square of `CELL` x `CELL` pixels that is missing."""
    side = round(holes.shape[1] ** 0.5)
    squares = holes.reshape(-1, side // CELL, CELL, side // CELL, CELL)
    return squares.mean((2, 4), dtype=np.float32).reshape(len(holes), -1)


# ---------------------------------------------------------------- what the network sees


class Space(NamedTuple):
    """The coordinates of pictures, as both twins need them.

    Attributes:
        directions: pictures along which the coordinates count, `[coords, pixels]`.
        scales: the units in which the network sees the coordinates, `[coords]`.
    """

    directions: AnyArray
    scales: AnyArray


def space_of(gaussian: Gaussian) -> Space:
    """The coordinates of a Gaussian, in units between their own spreads and one for all.

    In their own spreads the many small ones, which hold little but noise, would count as much as
    the few that say what is in the picture; in one for all these few would drown the others.
    """
    spreads = np.sqrt(gaussian.variances)
    return Space(gaussian.directions, np.sqrt(spreads * np.sqrt((spreads**2).mean())))


class Batch(NamedTuple):
    """Pictures with holes in training, by their coordinates `[batch, coords]`.

    Attributes:
        guess: the mean of the coordinates, given what is seen, by the Gaussian.
        start: those of a picture drawn by chance, which has nothing to do with this one.
        truth: those of the picture.
        times: from 0, at the start, to 1, at the truth.
        which: the hole.
    """

    guess: AnyArray
    start: AnyArray
    truth: AnyArray
    times: AnyArray
    which: AnyArray


def draw_batches(
    part: Part,
    gaussian: Gaussian,
    conditionals: Conditionals,
    config: Config,
    *,
    num_steps: int,
    mean_share: float,
    rng: np.random.Generator,
) -> Batch:
    """Pictures, holes, draws and times for so many steps, each picture with a hole by chance.

    In a share of them, `mean_share`, the time is 0, at which the start tells nothing.
    """
    count = num_steps * config.batch_size
    places = rng.integers(len(part.pictures), size=count)
    which = rng.integers(len(part.holes), size=count, dtype=np.int32)
    pictures = part.pictures[places]
    guess = gaussians.guess(gaussian, conditionals, pictures, part.holes, which)
    start = gaussians.draw_any(gaussian, guess.shape[:-1], rng)
    times = rng.random(count, np.float32)
    times[rng.random(count) < mean_share] = 0
    truth = (pictures - gaussian.mean) @ gaussian.directions.T
    arrays = guess, start, truth, times, which
    shape = num_steps, config.batch_size
    return Batch(*(each.reshape(*shape, *each.shape[1:]) for each in arrays))


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: from `learning_rate` to zero along half a cosine."""
    return schedules.cosine(config.num_steps, config.learning_rate)
