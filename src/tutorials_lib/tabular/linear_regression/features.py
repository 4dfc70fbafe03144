"""From recorded homes to features: what a linear model is given to add up (NumPy only).

A recipe turns homes without gaps into named columns. What has to be measured first (medians that
fill gaps, the grid on the map, means and scales) is measured on the training homes alone.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from tutorials_lib.datasets import houses
from tutorials_lib.tabular.linear_regression.problem import Columns, Homes

GRID = 6
"""Bumps of the map along each side."""


class Map(NamedTuple):
    """A grid of bumps over the places of the training homes."""

    centers: Float[np.ndarray, "bumps 2"]
    width: Float[np.ndarray, "2"]


class Preparation(NamedTuple):
    """What was measured on the training homes.

    Attributes:
        recipe: makes named columns.
        medians: fill the gaps, by column.
        gaps: columns that had some.
        map: where the bumps stand.
        names: the features, without columns that are the same for every training home.
        mean: of each feature ...
        std: ... and its standard deviation.
    """

    recipe: "Recipe"
    medians: dict[str, float]
    gaps: tuple[str, ...]
    map: Map
    names: tuple[str, ...]
    mean: Float[np.ndarray, " features"]
    std: Float[np.ndarray, " features"]


Recipe = Callable[[Homes, Map], Columns]
"""Homes without gaps, and the map, to named columns."""


# --- Recipes ----------------------------------------------------------------------------------


def numbers(homes: Homes, grid: Map) -> Columns:
    """The numbers as they were recorded."""
    return dict(homes.numbers)


def numbers_and_categories(homes: Homes, grid: Map) -> Columns:
    """The numbers, and a column of zeros and ones for each category but the first."""
    return numbers(homes, grid) | one_hot(homes)


def engineered(homes: Homes, grid: Map) -> Columns:
    """What a price may really depend on: proportions, interactions, categories, place."""
    proportions = of_districts if "income" in homes.numbers else of_houses
    return proportions(homes.numbers) | one_hot(homes) | bumps(homes, grid)


def of_houses(numbers: Columns) -> Columns:
    """The logarithm of the area, its interaction with the distance to the center, and the rest.

    On a logarithmic scale a home that is twice as large is a step of the same size everywhere,
    and so is a price that is a tenth higher. The interaction lets space be worth less far out.
    """
    log_area = np.log(numbers["area"])
    place = np.stack([numbers["east"], numbers["north"]], axis=1)
    far = (log_area - houses.MEAN_LOG_AREA) * houses.distance_to_center(place)
    kept = {name: numbers[name] for name in ("baths", "age", "garage", "rooms")}
    return {"log area": log_area} | kept | {"log area x distance": far}


def of_districts(numbers: Columns) -> Columns:
    """Ratios in the place of totals: a district with more rooms may simply be larger."""
    income, households = np.log(numbers["income"]), numbers["households"]
    crowding = np.log(numbers["people"] / households)
    return {
        "log income": income,
        "income": numbers["income"],
        "income squared": numbers["income"] ** 2,
        "age": numbers["age"],
        "log rooms per household": np.log(numbers["rooms"] / households),
        "log bedrooms per room": np.log(numbers["bedrooms"] / numbers["rooms"]),
        "log people per household": crowding,
        "log households": np.log(households),
        "log income x log people": income * crowding,
    }


def one_hot(homes: Homes) -> Columns:
    """1 for the homes of a category, 0 for others; the first is told by zeros everywhere."""
    names = homes.category_names
    return {names[i]: (homes.category == i).astype(float) for i in range(1, len(names))}


def bumps(homes: Homes, grid: Map) -> Columns:
    """How near each home is to each point of the grid: exp(-d²/2), d in widths of the grid.

    A weighted sum of bumps can follow hills and hollows that a plane cannot.
    """
    steps = (_place(homes)[:, None] - grid.centers) / grid.width
    near = np.exp(-0.5 * (steps**2).sum(-1))
    return {f"place {i // GRID}, {i % GRID}": column for i, column in enumerate(near.T)}


def is_of_place(homes: Homes, names: tuple[str, ...]) -> Bool[np.ndarray, " features"]:
    """Which features of `engineered` say where a home is, and nothing else."""
    return np.array([name in homes.category_names or name[:6] == "place " for name in names])


# --- Fitted on the training homes -------------------------------------------------------------


def fit_preparation(train: Homes, recipe: Recipe) -> Preparation:
    """Measure on the training homes whatever `to_features` needs."""
    medians = {name: float(np.nanmedian(column)) for name, column in train.numbers.items()}
    gaps = tuple(name for name, column in train.numbers.items() if np.isnan(column).any())
    unscaled = Preparation(recipe, medians, gaps, _fit_map(train), (), np.zeros(0), np.ones(0))
    columns = _columns(train, unscaled)
    names = tuple(name for name, column in columns.items() if column.std() > 0)
    table = np.stack([columns[name] for name in names], axis=1)
    return unscaled._replace(names=names, mean=table.mean(0), std=table.std(0))


def to_features(homes: Homes, preparation: Preparation) -> Float[np.ndarray, "homes features"]:
    """A column of ones, then every feature with mean 0 and deviation 1 over the training homes."""
    columns = _columns(homes, preparation)
    table = np.stack([columns[name] for name in preparation.names], axis=1)
    scaled = (table - preparation.mean) / preparation.std
    return np.concatenate([np.ones((len(table), 1)), scaled], axis=1)


def per_unit(
    weights: Float[np.ndarray, "... features"], preparation: Preparation
) -> Float[np.ndarray, "... features-1"]:
    """Weights of the scaled features as effects of one unit, in the order of the names."""
    return weights[..., 1:] / preparation.std


def _columns(homes: Homes, preparation: Preparation) -> Columns:
    """The recipe's columns, gaps filled; a further column for each says where they were."""
    medians = preparation.medians
    filled = {
        name: np.where(np.isnan(column), medians[name], column)
        for name, column in homes.numbers.items()
    }
    whole = dataclasses.replace(homes, numbers=filled)
    flags = {f"{name} missing": np.isnan(homes.numbers[name]) * 1.0 for name in preparation.gaps}
    return preparation.recipe(whole, preparation.map) | flags


def _fit_map(train: Homes) -> Map:
    place = _place(train)
    low, high = place.min(0), place.max(0)
    ticks = np.linspace(low, high, GRID)
    centers = np.stack(np.meshgrid(*ticks.T, indexing="ij"), axis=-1).reshape(-1, 2)
    return Map(centers, (high - low) / (GRID - 1))


def _place(homes: Homes) -> Float[np.ndarray, "homes 2"]:
    return np.stack([homes.numbers[name] for name in homes.map_columns], axis=1)


# --- Read from fitted weights -----------------------------------------------------------------


def place_effect(
    place: Float[np.ndarray, "homes 2"],
    weights: Float[np.ndarray, " features"],
    preparation: Preparation,
    train: Homes,
) -> Float[np.ndarray, " homes"]:
    """What a place adds to the log price, beside the average over the training homes.

    Its category is that of the nearest training home; NaN where that is far away.
    """
    distances, nearest = KDTree(_place(train) / preparation.map.width).query(
        place / preparation.map.width
    )
    numbers = {name: np.full(len(place), value) for name, value in preparation.medians.items()}
    numbers |= dict(zip(train.map_columns, place.T, strict=True))
    moved = Homes(
        numbers=numbers,
        category=train.category[nearest],
        category_names=train.category_names,
        map_columns=train.map_columns,
        price=np.full(len(place), np.nan),
        expected_log_price=None,
    )
    of_place = is_of_place(train, preparation.names)
    effect = to_features(moved, preparation)[:, 1:][:, of_place] @ weights[1:][of_place]
    return np.where(distances < 0.5, effect, np.nan)
