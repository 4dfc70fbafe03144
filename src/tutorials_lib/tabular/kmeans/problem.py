"""k-means: the configuration, the customers and how a segmentation is judged (NumPy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from tutorials_lib import presets
from tutorials_lib.datasets.wholesale import load_wholesale

Features = Float[np.ndarray, "points features"]
Points = Float32[np.ndarray, "points features"]
Labels = Int[np.ndarray, " points"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """One segmentation.

    Attributes:
        num_points: customers that the segments are fitted to.
        num_held_out: further customers, who are only assigned to the segments found.
        num_clusters: segments to look for.
        num_steps: Lloyd iterations of one fit.
        num_restarts: fits from different starts, of which the best is kept.
        source: `offline` for the generated customers, `real` for the wholesale customers.

    Raises:
        ValueError: the source has another name.
    """

    num_points: int = 20_000
    num_held_out: int = 5_000
    num_clusters: int = 5
    num_steps: int = 25
    num_restarts: int = 32
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)


TINY = Config(num_points=400, num_held_out=100, num_steps=10, num_restarts=6)
PAGE = Config()
FULL = Config(num_points=1_000_000, num_held_out=50_000)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Customers in the units of the business; every feature is positive.

    Attributes:
        features: one row for each customer.
        feature_names: what each column holds, with its unit.
        segments: the group that each customer is known to belong to, which k-means never sees.
        segment_names: the names of these groups.
    """

    features: Features
    feature_names: tuple[str, ...]
    segments: Labels
    segment_names: tuple[str, ...]

    def __getitem__(self, rows: slice) -> "Customers":
        """The customers in `rows`."""
        return Customers(
            features=self.features[rows],
            feature_names=self.feature_names,
            segments=self.segments[rows],
            segment_names=self.segment_names,
        )


def load(config: Config, *, seed: int = 0) -> tuple[Customers, Customers]:
    """The customers to fit and the held-out ones, in an order drawn with `seed`.

    The real set has 440 customers: it is divided in the proportion that `config` states, and
    a configuration that asks for fewer gets fewer.
    """
    rng = np.random.default_rng(seed)
    total = config.num_points + config.num_held_out
    customers = wholesale(rng) if config.source == "real" else generate(total, rng)
    size = min(total, len(customers.features))
    num_points = round(size * config.num_points / total)
    return customers[:num_points], customers[num_points:size]


# --- The generated customers ------------------------------------------------------------------

FEATURE_NAMES = (
    "days since last order",
    "orders per year",
    "spending per year (€)",
    "items per order",
    "share bought at a discount",
    "years as a customer",
    "share sent back",
)
SEGMENT_NAMES = ("newcomers", "regulars", "bargain hunters", "lapsed", "champions")
SEGMENT_SHARES = (0.35, 0.25, 0.20, 0.15, 0.05)

# The median customer of each segment, in the units of FEATURE_NAMES.
_MEDIANS = (
    (60, 3, 110, 1.6, 0.10, 1.2, 0.06),
    (14, 14, 700, 3.0, 0.08, 4.0, 0.05),
    (35, 7, 240, 5.0, 0.40, 2.5, 0.20),
    (280, 2, 90, 1.8, 0.12, 4.5, 0.05),
    (5, 40, 5_000, 6.0, 0.05, 7.0, 0.03),
)
# The standard deviation of the logarithm, the same in every segment.
_SPREADS = (0.50, 0.40, 0.55, 0.35, 0.35, 0.40, 0.45)
# Newcomers and the lapsed spend little or much, together with how often and how many items they
# order: two long clouds, side by side, that overlap.
_PAIR = (0, 3)
_STRETCH = (0.0, 0.5, 0.65, 0.3, 0.0, 0.0, 0.0)
_OUTLIER_SHARE, _OUTLIER_SPREAD = 0.03, 1.0
# The shop is twenty years old, and two of the features are shares.
_AT_MOST = (2_000, np.inf, np.inf, np.inf, 1, 20, 1)
_POPULATION_SEED = 8  # of the correlations: they belong to the population, not to a sample of it


def generate(num_points: int, rng: np.random.Generator) -> Customers:
    """Customers of five known segments, log-normal within a segment, with outliers.

    The logarithms of a segment are Gaussian, with correlations of its own; two segments overlap
    along one direction; 3 % of the customers are outliers in every feature.
    """
    segments = rng.choice(len(SEGMENT_SHARES), size=num_points, p=SEGMENT_SHARES)
    logs = np.log(_MEDIANS)[segments]
    noise = rng.standard_normal(logs.shape)
    for segment, mixing in enumerate(_mixings()):
        rows = segments == segment
        logs[rows] += noise[rows] @ mixing * _SPREADS
    stretched = np.isin(segments, _PAIR)
    logs[stretched] += rng.standard_normal((stretched.sum(), 1)) * _STRETCH
    outliers = rng.random(num_points) < _OUTLIER_SHARE
    logs[outliers] += _OUTLIER_SPREAD * rng.standard_normal(logs[outliers].shape)
    return Customers(
        features=np.minimum(np.exp(logs), _AT_MOST),
        feature_names=FEATURE_NAMES,
        segments=segments,
        segment_names=SEGMENT_NAMES,
    )


def _mixings() -> Float[np.ndarray, "segments features features"]:
    """A symmetric matrix for each segment that correlates its features: a rotated ellipsoid."""
    num_features = len(FEATURE_NAMES)
    rng = np.random.default_rng(_POPULATION_SEED)
    axes, _ = np.linalg.qr(rng.standard_normal((len(SEGMENT_SHARES), num_features, num_features)))
    lengths = np.exp(np.linspace(-0.5, 0.5, num_features))
    return axes * lengths @ axes.swapaxes(-1, -2)


# --- The real customers -----------------------------------------------------------------------


def wholesale(rng: np.random.Generator) -> Customers:
    """The 440 clients of a wholesale distributor in Portugal, shuffled (Cardoso 2013).

    The features are what a client spends in a year on six kinds of goods, in the data set's
    monetary units; the known groups are the two sales channels.
    """
    clients = load_wholesale()
    order = rng.permutation(len(clients.spending))
    return Customers(
        features=clients.spending[order],
        feature_names=tuple(clients.feature_names),
        segments=clients.channel[order].astype(int) - 1,
        segment_names=("hotel, restaurant, café", "retail"),
    )


# --- Preprocessing ----------------------------------------------------------------------------


class Scaling(NamedTuple):
    """Mean and standard deviation of the logarithm of every feature."""

    mean: Float[np.ndarray, " features"]
    std: Float[np.ndarray, " features"]


def fit_scaling(features: Features) -> Scaling:
    """Measure the scale of each feature, on the customers that are fitted and no others.

    Raises:
        ValueError: a feature is zero or negative somewhere, or the same everywhere.
    """
    if not (features > 0).all():
        raise ValueError("a feature is zero or negative, so it has no logarithm; use log(1 + x)")
    logs = np.log(features)
    scaling = Scaling(mean=logs.mean(0), std=logs.std(0))
    if not (scaling.std > 0).all():
        raise ValueError("a feature is the same for every customer; leave it out")
    return scaling


def to_points(features: Features, scaling: Scaling) -> Points:
    """Logarithms with mean 0 and standard deviation 1: every feature counts alike."""
    return ((np.log(features) - scaling.mean) / scaling.std).astype(np.float32)


def to_units(
    centers: Float[np.ndarray, "clusters features"], scaling: Scaling
) -> Float[np.ndarray, "clusters features"]:
    """Centers in the units of the business: each is the geometric mean of its customers."""
    return np.exp(centers * scaling.std + scaling.mean)


def check_starts(num_points: int, num_clusters: int) -> None:
    """Raise `ValueError` unless there is a point for every cluster to start from."""
    if not 1 <= num_clusters <= num_points:
        raise ValueError(f"{num_clusters} clusters cannot start from {num_points} points")


def draw(config: Config, *, seed: int = 0) -> Float32[np.ndarray, "restarts clusters"]:
    """Uniform draws in [0, 1) for `choose_starts`: one row for each restart."""
    rng = np.random.default_rng((seed, 1))  # not the stream that made the customers
    return rng.random((config.num_restarts, config.num_clusters), np.float32)


# --- How a segmentation is judged -------------------------------------------------------------


def adjusted_rand_index(expected: Labels, found: Labels) -> float:
    r"""Agreement of two segmentations over all pairs of points, corrected for chance.

    1 when they are the same up to the names of the groups, 0 on average for random labels:
    $(S - E) / (\frac{1}{2}(A + B) - E)$, where $S$ pairs are together in both, $A$ and $B$ in
    each, and $E = A B / \binom{n}{2}$ is expected by chance (Hubert and Arabie 1985).
    """

    def pairs(counts: Int[np.ndarray, "..."]) -> float:
        return float((counts * (counts - 1.0)).sum() / 2)

    shape = (expected.max() + 1, found.max() + 1)
    table = np.bincount(expected * shape[1] + found, minlength=shape[0] * shape[1]).reshape(shape)
    together, in_expected, in_found = (
        pairs(table),
        pairs(table.sum(1)),
        pairs(table.sum(0)),
    )
    by_chance = in_expected * in_found / pairs(np.array([len(expected)]))
    largest = (in_expected + in_found) / 2
    return 1.0 if largest == by_chance else (together - by_chance) / (largest - by_chance)


def is_stuck(inertias: Float[np.ndarray, " restarts"]) -> Bool[np.ndarray, " restarts"]:
    """Which restarts ended in a worse place: more than a thousandth above the best."""
    return inertias > 1.001 * inertias.min()


def elbow(
    num_clusters: Int[np.ndarray, " choices"], inertias: Float[np.ndarray, " choices"]
) -> int:
    """The number of clusters at which the curve of the inertia bends most.

    That is where it lies furthest below the straight line between its ends
    (Satopaa et al. 2011).
    """
    ends = num_clusters[[0, -1]]
    line = np.interp(num_clusters, ends, inertias[[0, -1]])
    return int(num_clusters[np.argmax(line - inertias)])
