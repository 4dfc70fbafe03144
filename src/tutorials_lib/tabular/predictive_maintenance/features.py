"""From measurements to features: physics first, then ramps between knots (NumPy only).

Knots and means are measured on the training parts, and never look at which of them failed: a
fold that is held back tells nothing about its labels.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib.tabular.predictive_maintenance import problem
from tutorials_lib.tabular.predictive_maintenance.problem import Parts

Columns = dict[str, Float[np.ndarray, " parts"]]
"""Numbers of every part by the name of what they say."""

_TAIL = np.array([0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.2, 0.35])
QUANTILES = np.concatenate([[0.0], _TAIL, [0.5], 1 - _TAIL[::-1], [1.0]])
"""Where knots stand; densely in the tails, because machines fail at their limits."""

MAP_QUANTILES = np.concatenate(
    [np.arange(10) / 100, [0.1, 0.115, 0.13, 0.145, 0.16, 0.18, 0.2, 0.25, 0.3, 0.5, 1.0]]
)
"""Knots along each side of the map of `MAPPED`, densely where both are low: there heat stays."""

MAPPED = ("difference", "speed")
"""Heat is carried off by a difference in temperature and by turning: only both together tell."""

QUALITIES = ("low quality", "medium quality", "high quality")


class Encoding(NamedTuple):
    """What was measured on the training parts.

    Attributes:
        knots: of every physical column, in growing order.
        map_knots: of the two columns of `MAPPED`.
        mean: of every feature.
    """

    knots: dict[str, Float[np.ndarray, " knots"]]
    map_knots: tuple[Float[np.ndarray, " knots"], Float[np.ndarray, " knots"]]
    mean: Float[np.ndarray, " features"]


# --- Physics ----------------------------------------------------------------------------------


def measured(parts: Parts) -> Columns:
    """The measurements as they are, and a column of zeros and ones for each quality."""
    return dict(zip(problem.MEASUREMENTS, parts.measurements.T, strict=True)) | qualities(parts)


def qualities(parts: Parts) -> Columns:
    """1 for the parts of a quality, 0 for others."""
    return {name: (parts.quality == i) * 1.0 for i, name in enumerate(QUALITIES)}


def engineered(parts: Parts) -> Columns:
    """What an engineer would compute before anything else: the quantities that break things.

    The temperature difference drives heat out, power is torque times speed, and strain is wear
    times torque as a share of what a part of this quality bears.
    """
    columns = measured(parts)
    limits = 1_000 * np.array(problem.STRAIN_LIMITS)[parts.quality]
    return columns | {
        "difference": columns["process"] - columns["air"],
        "power": problem.power_kw(columns["speed"], columns["torque"]),
        "strain": columns["wear"] * columns["torque"] / limits,
    }


# --- Ramps between knots ----------------------------------------------------------------------


def fit_encoding(train: Parts) -> Encoding:
    """Knots at quantiles of the training parts, and the mean of every feature that they make."""
    columns = numbers(train)
    knots = {name: np.unique(np.quantile(c, QUANTILES)) for name, c in columns.items()}
    first, second = (np.unique(np.quantile(columns[name], MAP_QUANTILES)) for name in MAPPED)
    encoding = Encoding(knots, (first, second), np.zeros(()))
    return encoding._replace(mean=_encode(train, encoding).mean(axis=0))


def to_features(parts: Parts, encoding: Encoding) -> Float32[np.ndarray, "parts features"]:
    """Ramps of every column, the map, and the quality; each with the mean zero in training."""
    return (_encode(parts, encoding) - encoding.mean).astype(np.float32)


def numbers(parts: Parts) -> Columns:
    """The engineered columns that are numbers."""
    return {name: c for name, c in engineered(parts).items() if name not in QUALITIES}


def ramps(
    column: Float[np.ndarray, " parts"], knots: Float[np.ndarray, " knots"]
) -> Float[np.ndarray, "parts knots-1"]:
    """How much of the way from each knot to the next has been covered, 0 to 1.

    The piecewise-linear encoding of Gorishniy et al. (2022): a weighted sum of ramps is any curve
    that is straight between knots, and a weight is its rise between two of them.
    """
    return np.clip((column[:, None] - knots[:-1]) / np.diff(knots), 0, 1)


def encode_map(
    difference: Float[np.ndarray, " parts"], speed: Float[np.ndarray, " parts"], encoding: Encoding
) -> Float[np.ndarray, "parts cells"]:
    """Products of every ramp of one column with every ramp of the other: a surface."""
    first, second = encoding.map_knots
    products = ramps(difference, first)[:, :, None] * ramps(speed, second)[:, None]
    return products.reshape(len(difference), -1)


def _encode(parts: Parts, encoding: Encoding) -> Float[np.ndarray, "parts features"]:
    columns = numbers(parts)
    tables = [ramps(columns[name], knots) for name, knots in encoding.knots.items()]
    first, second = MAPPED
    surface = encode_map(columns[first], columns[second], encoding)
    quality = np.stack(list(qualities(parts).values()), axis=1)
    return np.concatenate([*tables, surface, quality], axis=1)


def slices(encoding: Encoding) -> dict[str, slice]:
    """Where the weights of each column, of the `map` and of the `quality` stand."""
    sizes = {name: len(knots) - 1 for name, knots in encoding.knots.items()}
    sizes["map"] = (len(encoding.map_knots[0]) - 1) * (len(encoding.map_knots[1]) - 1)
    sizes["quality"] = len(QUALITIES)
    ends = np.cumsum(list(sizes.values()))
    return {
        name: slice(int(end) - size, int(end))
        for (name, size), end in zip(sizes.items(), ends, strict=True)
    }
