"""PCA: the configuration, the tables and how a reduction is judged (NumPy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int
from sklearn.datasets import load_digits, load_wine

from tutorials_lib import presets
from tutorials_lib.datasets import mnist

Features = Float[np.ndarray, "rows features"]
Labels = Int[np.ndarray, " rows"]

TABLES = ("digits", "wines", "factors")
"""The tables that a configuration can name."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One table and one reduction of it.

    Attributes:
        table: `digits`, `wines` (scikit-learn's, 13 measurements each), or `factors`: rows
            drawn from `num_components` hidden factors plus noise, to have a table of any shape.
        num_train: rows that PCA is fitted to, at most; a table that has fewer rows is divided
            in the proportion of `num_train` to `num_test`.
        num_test: rows held out, at most.
        num_features: columns of `factors`; the other tables have their own.
        scale: whether each feature is divided by its standard deviation first.
        num_components: directions to keep.
        num_extra: further directions that the randomized algorithm carries along.
        num_passes: times that the randomized algorithm goes over the table and back again.
        source: for `digits`: `offline` for scikit-learn's (8 by 8 pixels), `real` for MNIST.

    Raises:
        ValueError: the table or the source is none of those above.
    """

    table: str = "digits"
    num_train: int = 8_000
    num_test: int = 2_000
    num_features: int = 64
    scale: bool = False
    num_components: int = 32
    num_extra: int = 10
    num_passes: int = 4
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise ValueError(f"table is {self.table!r}; expected one of: {', '.join(TABLES)}")
        presets.check_source(self.source)


TINY = Config(num_train=240, num_test=60, num_components=8)
PAGE = Config()
FULL = Config(num_train=60_000, num_test=10_000, num_components=64)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# --- The tables -------------------------------------------------------------------------------


class Data(NamedTuple):
    """Rows to fit and rows held out; a label is the known class of a row."""

    train: Float32[np.ndarray, "train features"]
    train_labels: Int[np.ndarray, " train"]
    test: Float32[np.ndarray, "test features"]
    test_labels: Int[np.ndarray, " test"]


def load(config: Config, *, seed: int = 0) -> Data:
    """The table that `config` names, in random order; pixels run from 0 (paper) to 1 (ink).

    `seed` divides it into fitted and held-out rows, and draws the hidden factors.

    MNIST keeps its own division: held-out rows are drawn from its test digits.

    Raises:
        DatasetError: MNIST was asked for and cannot be had.
    """
    rng = np.random.default_rng(seed)
    if config.table == "digits" and config.source == "real":
        return _load_mnist(config, rng)
    if config.table == "digits":
        digits = load_digits()
        return _divide(digits.data / 16, digits.target, config, rng)
    if config.table == "wines":
        wines = load_wine()
        return _divide(wines.data, wines.target, config, rng)
    return _divide(*generate(config, rng), config, rng)


def _divide(features: Features, labels: Labels, config: Config, rng: np.random.Generator) -> Data:
    asked = config.num_train + config.num_test
    size = min(asked, len(features))
    num_train = round(size * config.num_train / asked)
    order = rng.permutation(len(features))[:size]
    train, test = order[:num_train], order[num_train:]
    features = features.astype(np.float32)
    return Data(features[train], labels[train], features[test], labels[test])


def _load_mnist(config: Config, rng: np.random.Generator) -> Data:
    digits = mnist.load_mnist()
    train = rng.permutation(len(digits.train_labels))[: config.num_train]
    test = rng.permutation(len(digits.test_labels))[: config.num_test]
    return Data(
        _to_rows(digits.train_images[train]),
        digits.train_labels[train],
        _to_rows(digits.test_images[test]),
        digits.test_labels[test],
    )


def _to_rows(images: mnist.Images) -> Float32[np.ndarray, "images features"]:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def generate(config: Config, rng: np.random.Generator) -> tuple[Features, Labels]:
    """Rows of hidden factors plus noise, with means of their own; the labels are all zero.

    The variances of the factors fall from one to a tenth; the noise has a variance of 0.01 in
    every feature, so that the subspace of the factors stands out.
    """
    num_rows, num_features = config.num_train + config.num_test, config.num_features
    directions, _ = np.linalg.qr(rng.standard_normal((num_features, config.num_components)))
    deviations = np.sqrt(np.geomspace(1, 0.1, config.num_components))
    factors = rng.standard_normal((num_rows, config.num_components)) * deviations
    features = factors @ directions.T + rng.random(num_features)
    features += 0.1 * rng.standard_normal(features.shape)
    return features, np.zeros(num_rows, int)


def draw(
    config: Config, num_features: int, *, seed: int = 0
) -> Float32[np.ndarray, "features sampled"]:
    """The standard normal matrix from which the randomized algorithm starts."""
    rng = np.random.default_rng((seed, 1))  # not the stream that divided the rows
    shape = (num_features, config.num_components + config.num_extra)
    return rng.standard_normal(shape, np.float32)


# --- Preprocessing ----------------------------------------------------------------------------


def measure_spread(features: Features) -> Float[np.ndarray, " features"]:
    """The standard deviation of each feature; 1 for a feature that is the same in every row."""
    spread = features.std(0)
    return np.where((features == features[:1]).all(0), 1, spread).astype(features.dtype)


def prepare(config: Config, *, seed: int = 0) -> Data:
    """The table that `config` names, scaled if it says so, by the spread of the fitted rows."""
    data = load(config, seed=seed)
    if not config.scale:
        return data
    spread = measure_spread(data.train)
    return data._replace(train=data.train / spread, test=data.test / spread)


def check_components(num_components: int, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` unless a table of `shape` has that many principal components.

    A table of n rows and d columns has min(n, d) of them, and no variance with a single row.
    """
    if shape[0] < 2:
        raise ValueError(f"a variance needs two rows; there are {shape[0]}")
    if not 1 <= num_components <= min(shape):
        raise ValueError(
            f"{num_components} components of a table of {shape[0]} rows and {shape[1]} columns; "
            f"there are 1 to {min(shape)}"
        )


# --- How a reduction is judged ----------------------------------------------------------------


def lost_share(features: Features, found: Features, mean: Float[np.ndarray, " features"]) -> float:
    """The part of the variation around `mean` that the reconstructions `found` lack.

    0 for perfect reconstructions, 1 for those that are the mean itself.
    """
    return float(((features - found) ** 2).sum() / ((features - mean) ** 2).sum())


def neighbour_accuracy(
    train: Float[np.ndarray, "train features"],
    train_labels: Int[np.ndarray, " train"],
    test: Float[np.ndarray, "test features"],
    test_labels: Int[np.ndarray, " test"],
) -> float:
    """How often a held-out row has the class of the nearest fitted row (Euclidean distance)."""
    scores = (train**2).sum(1) - 2 * test @ train.T  # |x - y|^2 but for |x|^2
    return float((train_labels[scores.argmin(1)] == test_labels).mean())
