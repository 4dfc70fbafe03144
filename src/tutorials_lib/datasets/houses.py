"""House prices: homes of one invented town, whose rule for the price is known."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

Places = Float64[np.ndarray, "homes 2"]

COEFFICIENTS = {
    "log area": 0.55,
    "baths": 0.06,
    "age": -0.004,
    "garage": 0.12,
    "log area x distance": -0.03,
}
"""What one more unit adds to the logarithm of the price; area in m², age in years, and distance
in km from `CENTER`, multiplied by how far the log area is above `MEAN_LOG_AREA`."""

CENTER = (5.0, 5.0)
"""The town hall, in km from the south-western corner of the map, which is 10 km wide."""

MEAN_LOG_AREA = 4.7
NUM_NEIGHBOURHOODS = 12

_INTERCEPT = 10.0
_MAP_KM = 10.0
_TOWN_SEED = 777
_SHARE_MISSING, _SHARE_OUTLIERS = 0.05, 0.02


class Houses(NamedTuple):
    """One row for each home that was sold.

    Attributes:
        area: living area in m².
        rooms: their number, NaN where nobody wrote it down; larger homes have more.
        baths: as `rooms`.
        age: in years, NaN where nobody wrote it down.
        garage: 1 with a garage, 0 without.
        place: km east and north of the corner of the map.
        neighbourhood: 0 to 11.
        price: what was paid, in euros.
        expected_log_price: the logarithm of the price by the rule, without chance.
    """

    area: Float64[np.ndarray, " homes"]
    rooms: Float64[np.ndarray, " homes"]
    baths: Float64[np.ndarray, " homes"]
    age: Float64[np.ndarray, " homes"]
    garage: Float64[np.ndarray, " homes"]
    place: Places
    neighbourhood: Int64[np.ndarray, " homes"]
    price: Float64[np.ndarray, " homes"]
    expected_log_price: Float64[np.ndarray, " homes"]


class _Town(NamedTuple):
    """Hills and hollows of the price, and the neighbourhoods: each home is of the nearest one."""

    peaks: Float64[np.ndarray, "peaks 2"]
    heights: Float64[np.ndarray, " peaks"]
    widths: Float64[np.ndarray, " peaks"]
    neighbourhoods: Float64[np.ndarray, "neighbourhoods 2"]
    effects: Float64[np.ndarray, " neighbourhoods"]


def houses(num_homes: int, *, seed: int) -> Houses:
    """Homes of the town, with prices by a rule that is linear in the logarithms, and chance.

    Chance grows with the age of a home; one sale in fifty is far off the rule, such as a sale
    within a family; and one in twenty of the rooms, baths and ages is missing. The town is the
    same for every seed.

    Raises:
        ValueError: the number of homes is negative.
    """
    if num_homes < 0:
        raise ValueError(f"num_homes is {num_homes}; it must be zero or more")
    rng = np.random.default_rng(seed)
    place = np.clip(rng.normal(_MAP_KM / 2, 2.3, (num_homes, 2)), 0, _MAP_KM)
    standard = rng.standard_normal(num_homes)
    log_area = MEAN_LOG_AREA + 0.38 * standard
    # The correlation of rooms with area is 0.85, before rounding.
    rooms = 4.5 + 2.0 * (0.85 * standard + 0.527 * rng.standard_normal(num_homes))
    rooms = np.clip(np.rint(rooms), 1, 12)
    baths = np.clip(np.rint(rooms / 3 + rng.normal(0, 0.6, num_homes)), 1, 5)
    age = np.clip(rng.gamma(2.0, 18.0, num_homes), 0, 110)
    garage = (rng.random(num_homes) < 0.45).astype(float)
    columns = {
        "log area": log_area,
        "baths": baths,
        "age": age,
        "garage": garage,
        "log area x distance": (log_area - MEAN_LOG_AREA) * distance_to_center(place),
    }
    expected = _INTERCEPT + sum(COEFFICIENTS[name] * columns[name] for name in COEFFICIENTS)
    expected += location_effect(place)
    log_price = expected + (0.08 + 0.001 * age) * rng.standard_normal(num_homes)
    outliers = rng.random(num_homes) < _SHARE_OUTLIERS
    signs = rng.choice([-1, 1], num_homes)
    log_price += outliers * signs * rng.uniform(0.8, 1.5, num_homes)
    missing = rng.random((3, num_homes)) < _SHARE_MISSING
    rooms, baths, age = np.where(missing, np.nan, [rooms, baths, age])
    return Houses(
        area=np.exp(log_area),
        rooms=rooms,
        baths=baths,
        age=age,
        garage=garage,
        place=place,
        neighbourhood=neighbourhood_of(place),
        price=np.exp(log_price),
        expected_log_price=expected,
    )


def distance_to_center(place: Places) -> Float64[np.ndarray, " homes"]:
    """Km from each place to the town hall, as the crow flies."""
    return np.linalg.norm(place - CENTER, axis=1)


def neighbourhood_of(place: Places) -> Int64[np.ndarray, " homes"]:
    """The number of the neighbourhood in which each place lies."""
    return _squared_distances(place, _town().neighbourhoods).argmin(1)


def location_effect(place: Places) -> Float64[np.ndarray, " homes"]:
    """What the place alone adds to the logarithm of the price: the hills and the neighbourhood."""
    town = _town()
    hills = np.exp(-_squared_distances(place, town.peaks) / (2 * town.widths**2))
    return hills @ town.heights + town.effects[neighbourhood_of(place)]


def _town() -> _Town:
    rng = np.random.default_rng(_TOWN_SEED)
    return _Town(
        peaks=rng.uniform(1, 9, (4, 2)),
        heights=np.array([0.35, 0.25, -0.30, 0.20]),
        widths=np.array([1.2, 1.8, 1.5, 0.9]),
        neighbourhoods=rng.uniform(0, _MAP_KM, (NUM_NEIGHBOURHOODS, 2)),
        effects=rng.normal(0, 0.12, NUM_NEIGHBOURHOODS),
    )


def _squared_distances(
    place: Places, centers: Float64[np.ndarray, "centers 2"]
) -> Float64[np.ndarray, "homes centers"]:
    return ((place[:, None] - centers) ** 2).sum(-1)
