"""House prices: the configuration, the homes, and the draws of the bootstrap (NumPy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib import presets
from tutorials_lib.datasets import california, houses

Columns = dict[str, Float[np.ndarray, " homes"]]
"""Numbers of every home by the name of what they say."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One fit.

    Attributes:
        num_train: homes that everything is fitted to.
        num_development: homes that choose between settings of the rivals.
        num_test: homes that are looked at once.
        num_steps: gradient steps of one fit.
        num_folds: parts of the training homes, each held back once in cross-validation.
        penalties: strengths of ridge and lasso to choose from, in growing order.
        num_shrinkages: proximal gradient steps of one lasso.
        num_reweightings: least-squares fits that follow the first one under Huber's loss.
        num_resamples: draws of the bootstrap.
        source: `offline` for the generated town, `real` for the districts of California.

    Raises:
        ValueError: the source has another name.
    """

    num_train: int = 4_000
    num_development: int = 1_000
    num_test: int = 4_000
    num_steps: int = 500
    num_folds: int = 5
    penalties: tuple[float, ...] = tuple(10.0**power for power in np.arange(-5, -0.4, 0.5))
    num_shrinkages: int = 1_000
    num_reweightings: int = 8
    num_resamples: int = 500
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)


TINY = Config(
    num_train=600,
    num_development=100,
    num_test=300,
    num_steps=50,
    num_folds=3,
    penalties=(1e-4, 1e-3, 1e-2, 1e-1),
    num_shrinkages=300,
    num_resamples=40,
)
PAGE = Config()
FULL = Config(num_train=100_000, num_development=10_000, num_test=50_000, num_resamples=1_000)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


@dataclass(frozen=True, kw_only=True)
class Homes:
    """Homes as they were recorded.

    Attributes:
        numbers: what was measured; NaN where nobody wrote it down.
        category: the one thing that is no number, as an index into `category_names`.
        category_names: what the indices stand for.
        map_columns: the two columns of `numbers` that say where a home is, east and north.
        price: what was paid.
        expected_log_price: the logarithm of the price without chance, or None where nobody
            knows it.
    """

    numbers: Columns
    category: Int[np.ndarray, " homes"]
    category_names: tuple[str, ...]
    map_columns: tuple[str, str]
    price: Float[np.ndarray, " homes"]
    expected_log_price: Float[np.ndarray, " homes"] | None

    def __len__(self) -> int:
        return len(self.price)

    def __getitem__(self, rows: slice) -> "Homes":
        """The homes in `rows`."""
        expected = self.expected_log_price
        return Homes(
            numbers={name: column[rows] for name, column in self.numbers.items()},
            category=self.category[rows],
            category_names=self.category_names,
            map_columns=self.map_columns,
            price=self.price[rows],
            expected_log_price=None if expected is None else expected[rows],
        )


class Data(NamedTuple):
    """Three sets of homes that share none."""

    train: Homes
    development: Homes
    test: Homes


def load(config: Config, *, seed: int = 0) -> Data:
    """The homes of each set, in an order drawn with `seed`.

    California has 20,640 districts: they are divided in the proportions that `config` states
    when it asks for more of them, or for all homes of the page.
    """
    rng = np.random.default_rng(seed)
    sizes = np.array([config.num_train, config.num_development, config.num_test])
    if config.source == "real":
        homes = districts(rng)
        if config.num_train >= PAGE.num_train:  # all of them: 70, 10 and 20 in a hundred
            sizes = len(homes) * np.array([7, 1, 2]) // 10
    else:
        homes = generate(int(sizes.sum()), rng)
    ends = sizes.cumsum()
    return Data(homes[: ends[0]], homes[ends[0] : ends[1]], homes[ends[1] : ends[2]])


def generate(num_homes: int, rng: np.random.Generator) -> Homes:
    """Homes of the invented town."""
    sold = houses.houses(num_homes, seed=int(rng.integers(2**32)))
    return Homes(
        numbers={
            "area": sold.area,
            "rooms": sold.rooms,
            "baths": sold.baths,
            "age": sold.age,
            "garage": sold.garage,
            "east": sold.place[:, 0],
            "north": sold.place[:, 1],
        },
        category=sold.neighbourhood,
        category_names=tuple(f"neighbourhood {i + 1}" for i in range(houses.NUM_NEIGHBOURHOODS)),
        map_columns=("east", "north"),
        price=sold.price,
        expected_log_price=sold.expected_log_price,
    )


def districts(rng: np.random.Generator) -> Homes:
    """The districts of California, shuffled."""
    table = california.load_california()
    order = rng.permutation(len(table.price))
    names = ("longitude", "latitude", "age", "rooms", "bedrooms", "people", "households", "income")
    return Homes(
        numbers=dict(zip(names, table.numbers[order].T, strict=True)),
        category=table.ocean[order],
        category_names=california.OCEAN_PROXIMITY,
        map_columns=("longitude", "latitude"),
        price=table.price[order],
        expected_log_price=None,
    )


# --- Draws and settings that both backends share ------------------------------------------------


def folds(num_homes: int, config: Config, *, seed: int = 0) -> Bool[np.ndarray, "folds homes"]:
    """Which homes each fold holds back: every home once, in parts of nearly one size."""
    order = np.random.default_rng((seed, 1)).permutation(num_homes)
    return order % config.num_folds == np.arange(config.num_folds)[:, None]


def resample(
    num_homes: int, config: Config, *, seed: int = 0
) -> Float[np.ndarray, "resamples homes"]:
    """How often each resample of the bootstrap draws each home, with replacement (Efron 1979)."""
    rng = np.random.default_rng((seed, 2))
    equal = np.full(num_homes, 1 / num_homes)
    return rng.multinomial(num_homes, equal, config.num_resamples).astype(float)


def step_size(features: Float[np.ndarray, "homes features"]) -> float:
    """One over the largest curvature of the loss.

    The walk lands at the bottom of the steepest direction. Longer steps swing across it and still
    arrive; from twice that length on, they do not.
    """
    gram = features.T @ features / len(features)
    return float(1 / np.linalg.eigvalsh(gram)[-1])


def huber_threshold(residuals: Float[np.ndarray, " homes"]) -> float:
    """Where Huber's loss turns from a square into a line: 1.345 standard deviations.

    The deviation is measured by the median of the absolute residuals, which outliers hardly
    move; with this factor, Huber's loss is 95 % as precise as squares where there are none.
    """
    return 1.345 * 1.4826 * float(np.median(np.abs(residuals)))
