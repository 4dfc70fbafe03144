"""The variational autoencoder: its configuration, the faces, and how latents are graded (NumPy)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import faces, olivetti
from tutorials_lib.schedules import Schedule

Pictures = Float32[np.ndarray, "batch height width"]
Images = Float[np.ndarray, "batch pixels"]
Latents = Float[np.ndarray, "batch latents"]
Factors = Float[np.ndarray, "batch factors"]

IMAGE_SIZE = 32
"""Height and width of a picture, in pixels; both data sets have it."""

NUM_PIXELS = IMAGE_SIZE**2


@dataclass(frozen=True, kw_only=True)
class Config:
    """One autoencoder and one training run.

    Attributes:
        num_train: faces to learn from; of photographs there are fewer, and each serves many times,
            mirrored and shifted.
        num_test: faces held out; of photographs, all that there are at most.
        num_latents: numbers that the encoder describes a face by.
        hidden: widths of the hidden layers of the encoder; the decoder has them in reverse.
        batch_size: faces in one training step.
        num_epochs: passes over the training faces.
        peak_learning_rate: of Adam at the first step; it falls to zero along half a cosine.
        anneal_share: share of the steps over which the weight of the KL term rises to 1.
        initial_noise: standard deviation of a pixel that the decoder starts from.
        source: `offline` for FACES, `real` for the Olivetti faces.

    Raises:
        ValueError: the training faces do not fill a batch, or a setting has no such value.
    """

    num_train: int = 16_000
    num_test: int = 1_000
    num_latents: int = 20
    hidden: tuple[int, ...] = (256,)
    batch_size: int = 64
    num_epochs: int = 16
    peak_learning_rate: float = 2e-3
    anneal_share: float = 0.25
    initial_noise: float = 0.2
    source: str = "offline"

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= self.num_train:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.num_train} faces to "
                "learn from"
            )
        if not 0 <= self.anneal_share <= 1:
            raise ValueError(f"anneal_share is {self.anneal_share}; expected 0 to 1")
        if self.initial_noise <= 0:
            raise ValueError(f"initial_noise is {self.initial_noise}; expected more than 0")
        presets.check_source(self.source)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training faces."""
        return self.num_train // self.batch_size

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_epochs * self.steps_per_epoch

    @property
    def num_anneal_steps(self) -> int:
        """Steps over which the weight of the KL term rises."""
        return round(self.anneal_share * self.num_steps)


TINY = Config(num_train=64, num_test=16, num_latents=4, hidden=(16,), batch_size=16, num_epochs=2)
PAGE = Config()
FULL = Config(num_train=100_000, num_test=5_000, hidden=(1024,), num_epochs=40)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


USED_NATS = 0.1
"""A dimension is in use when its KL part is larger than this, on average over faces."""


def num_in_use(kl: Float[np.ndarray, " latents"]) -> int:
    """How many dimensions tell the decoder something about a face.

    A posterior that is the prior whatever the face tells nothing, and its KL part is zero.
    """
    return int((kl > USED_NATS).sum())


def annealing_runs(config: Config) -> dict[str, Config]:
    """Two ways to start the decoder, each without annealing and with it.

    A noise of 1 is what the squared error stands for where nobody mentions a variance.
    """
    return {
        f"noise {noise:g}, {name}": dataclasses.replace(
            config, initial_noise=noise, anneal_share=share
        )
        for noise in (1.0, config.initial_noise)
        for name, share in {"without annealing": 0.0, "with annealing": 1.0}.items()
    }


def learning_rates(config: Config) -> Schedule:
    """The rate of every step: half a cosine down to zero (Loshchilov and Hutter 2017).

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.cosine(config.num_steps, config.peak_learning_rate)


@cache
def kl_weights(config: Config) -> Schedule:
    """The weight of the KL part in every step: it rises to 1 in a straight line, then stays.

    Annealing as Bowman et al. (2016) do it.
    """
    steps = np.arange(1, config.num_steps + 2)
    return schedules.constant(np.minimum(1, steps / max(config.num_anneal_steps, 1)))


class Data(NamedTuple):
    """Faces to learn from, to choose by, and held out, with what is known about them.

    Attributes:
        train_factors: a column for each of `factor_names`.
        development_images: what the settings of a rival are chosen by.
        test_factors: as `train_factors`.
    """

    train_images: Images
    train_factors: Factors
    development_images: Float[np.ndarray, "development pixels"]
    test_images: Float[np.ndarray, "test pixels"]
    test_factors: Float[np.ndarray, "test factors"]


NUM_HELD_OUT_PEOPLE = 8
"""Of the forty people among the photographs; nobody is in two splits."""

NUM_DEVELOPMENT_PEOPLE = 4
"""Of the other thirty-two."""

MAX_SHIFT = 1
"""Pixels by which a photograph is moved in each direction, at most, to make several of it."""

_MEASURED_FACTORS = ("brightness", "contrast", "light from the right", "light from below")


def load(config: Config, *, seed: int = 0) -> Data:
    """The faces of the source that `config` names.

    The seed draws them; of photographs it draws how they are mirrored and shifted.

    Raises:
        DatasetError: the photographs were asked for and cannot be had.
    """
    if config.source == "real":
        return split_photographs(olivetti.load_olivetti(), config, seed=seed)
    counts = config.num_train, config.num_test, config.num_test
    train, test, development = (
        faces.faces(count, seed=3 * seed + i) for i, count in enumerate(counts)
    )
    return Data(
        train_images=to_rows(train.images),
        train_factors=train.factors,
        development_images=to_rows(development.images),
        test_images=to_rows(test.images),
        test_factors=test.factors,
    )


def factor_names(config: Config) -> tuple[str, ...]:
    """What is known about each face: what it was drawn from or, of a photograph, a few measures."""
    return _MEASURED_FACTORS if config.source == "real" else faces.FACTOR_NAMES


def split_photographs(photographs: olivetti.Olivetti, config: Config, *, seed: int) -> Data:
    """Hold out the people who come last; mirror and shift the first into `config.num_train`.

    Those between them are the development split.
    """
    first_held_out = olivetti.NUM_PEOPLE - NUM_HELD_OUT_PEOPLE
    held_out = photographs.people >= first_held_out
    to_learn = photographs.people < first_held_out - NUM_DEVELOPMENT_PEOPLE
    rng = np.random.default_rng(seed)
    train = varied(photographs.images[to_learn], config.num_train, rng)
    test = rng.permutation(photographs.images[held_out])[: config.num_test]
    return Data(
        train_images=to_rows(train),
        train_factors=measured_factors(train),
        development_images=to_rows(photographs.images[~(to_learn | held_out)]),
        test_images=to_rows(test),
        test_factors=measured_factors(test),
    )


def varied(
    pictures: Pictures, num_pictures: int, rng: np.random.Generator
) -> Float32[np.ndarray, "varied height width"]:
    """`num_pictures` of `pictures`, each equally often, half of them mirrored, shifted at random.

    Shifting repeats the pixels at the border.
    """
    chosen = rng.permutation(np.arange(num_pictures) % len(pictures))
    mirrored = rng.random((num_pictures, 1)) < 0.5
    shifts = rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, (2, num_pictures, 1))
    rows, columns = (np.arange(IMAGE_SIZE) + shifts).clip(0, IMAGE_SIZE - 1)
    columns = np.where(mirrored, IMAGE_SIZE - 1 - columns, columns)
    # index[n, row, 1] and index[n, 1, column] -> pictures[n, row, column]
    return pictures[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]


def measured_factors(pictures: Pictures) -> Factors:
    """Mean, standard deviation, right half minus left half, lower half minus upper half."""
    half = IMAGE_SIZE // 2
    across = pictures[:, :, half:].mean((1, 2)) - pictures[:, :, :half].mean((1, 2))
    down = pictures[:, half:].mean((1, 2)) - pictures[:, :half].mean((1, 2))
    return np.stack([pictures.mean((1, 2)), pictures.std((1, 2)), across, down], axis=1)


def to_rows(pictures: Pictures) -> Images:
    """Each picture as one row of pixels."""
    return pictures.reshape(len(pictures), NUM_PIXELS)


def to_pictures(images: Images) -> Float[np.ndarray, "batch 32 32"]:
    """Each row of pixels as a picture."""
    return images.reshape(len(images), IMAGE_SIZE, IMAGE_SIZE)


def root_mean_square(error: Float[np.ndarray, "..."]) -> float:
    """How far off a pixel is, where black is 0 and white is 1."""
    return float(np.sqrt(np.mean(np.square(error, dtype=np.float64))))


def traverse(
    latents: Float[np.ndarray, " latents"], dimension: int, values: Float[np.ndarray, " steps"]
) -> Float[np.ndarray, "steps latents"]:
    """`latents` with `values` in one dimension, and the same in all others."""
    path = np.tile(latents, (len(values), 1))
    path[:, dimension] = values
    return path


def vary(names: Sequence[str], num_steps: int, *, seed: int) -> dict[str, Images]:
    """For each named factor, one face of FACES from the lowest to the highest value of it."""
    factors = faces.draw_factors(1, np.random.default_rng(seed))[0]
    rows = {}
    for name in names:
        low, high = faces.RANGES[name]
        values = np.linspace(low, high, num_steps, dtype=np.float32)
        varied = traverse(factors, faces.FACTOR_NAMES.index(name), values)
        rows[name] = to_rows(faces.render(varied))
    return rows


def blend(
    first: Float[np.ndarray, " numbers"], last: Float[np.ndarray, " numbers"], num_steps: int
) -> Float[np.ndarray, "steps numbers"]:
    """The straight line from `first` to `last`: of latents, or of pixels."""
    share = np.linspace(0, 1, num_steps, dtype=first.dtype)[:, None]
    return (1 - share) * first + share * last


def spread_like(
    noise: Float[np.ndarray, "draws latents"], latents: Float[np.ndarray, "faces latents"]
) -> Float[np.ndarray, "draws latents"]:
    """Standard normal `noise`, stretched and turned to the mean and the covariance of `latents`.

    Draws from where the encoder puts faces, instead of from the prior (Ghosh et al. 2020).
    """
    factor = np.linalg.cholesky(np.cov(latents.T))
    return (latents.mean(0) + noise @ factor.T).astype(noise.dtype)


class Split(NamedTuple):
    """Latents of faces, and what is known about these faces."""

    latents: Latents
    factors: Factors


def r2_together(train: Split, test: Split) -> Float[np.ndarray, " factors"]:
    """How much of each factor all latents together tell: held-out R2 of a linear regression."""
    weights = np.linalg.lstsq(_with_ones(train.latents), train.factors, rcond=None)[0]
    return _r2(test.factors, _with_ones(test.latents) @ weights)


def r2_alone(train: Split, test: Split) -> Float[np.ndarray, "latents factors"]:
    """How much of each factor a single latent tells: held-out R2 of a linear regression."""
    columns = range(train.latents.shape[1])

    def only(split: Split, column: int) -> Split:
        return Split(split.latents[:, column : column + 1], split.factors)

    return np.stack([r2_together(only(train, i), only(test, i)) for i in columns])


def _with_ones(latents: Latents) -> Float[np.ndarray, "batch features"]:
    return np.concatenate([latents, np.ones((len(latents), 1), latents.dtype)], axis=1)


def _r2(factors: Factors, predictions: Factors) -> Float[np.ndarray, " factors"]:
    residual = np.square(factors - predictions).sum(0)
    return 1 - residual / np.square(factors - factors.mean(0)).sum(0)
