"""Levels of the heist: what lies where, and where the guards begin (NumPy only)."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib.environments.heist.rules import NUM_COINS, NUM_GUARDS, PERIOD, SIDE, WALL

Cells = Int32[Any, "*levels"]
"""Of NumPy or of JAX: levels are drawn here and played in both."""


class Levels(NamedTuple):
    """Many levels; every array has a row for each, or none for a single level.

    Attributes:
        start: the cell in which the thief begins, in the first column, where no guard walks.
        coin: the cells of the coins, the first of them in the left room.
        key: the cell of the key, in the left room.
        exit: the cell of the exit, in the right room.
        door: the row of the door.
        guard_column: the columns of the guards, two in each room.
        guard_phase: how many steps each guard has walked when the game begins.
    """

    start: Cells
    coin: Int32[Any, "*levels 3"]
    key: Cells
    exit: Cells
    door: Cells
    guard_column: Int32[Any, "*levels 4"]
    guard_phase: Int32[Any, "*levels 4"]


def draw(rng: np.random.Generator, num_levels: int) -> Levels:
    """As many levels; nothing lies on anything else, and a third of the columns is safe."""

    def some(kinds: int, count: int) -> np.ndarray:
        """`count` different numbers below `kinds` for every level."""
        return np.argsort(rng.random((num_levels, kinds)), axis=1)[:, :count]

    def cells(place: np.ndarray, first: int, width: int) -> np.ndarray:
        return place // width * SIDE + first + place % width

    left = cells(some(SIDE * (WALL - 1), 2), 1, WALL - 1)
    right = cells(some(SIDE * WALL, NUM_COINS), WALL + 1, WALL)
    columns = [first + some(WALL - 1, NUM_GUARDS // 2) for first in (1, WALL + 2)]
    levels = Levels(
        start=rng.integers(SIDE, size=num_levels) * SIDE,
        coin=np.column_stack([left[:, 1], right[:, 1:]]),
        key=left[:, 0],
        exit=right[:, 0],
        door=rng.integers(1, SIDE - 1, num_levels),
        guard_column=np.concatenate(columns, axis=1),
        guard_phase=rng.integers(PERIOD, size=(num_levels, NUM_GUARDS)),
    )
    return Levels(*(array.astype(np.int32) for array in levels))


def take(levels: Levels, rows: int | slice | np.ndarray) -> Levels:
    """Some of the levels, or a single one."""
    return Levels(*(array[rows] for array in levels))
