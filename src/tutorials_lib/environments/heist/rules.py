"""The rules of the heist: its constants, and what follows from them as tables (NumPy only).

The floor has nine rows and nine columns. The wall in column 4 has one door, which needs the key;
two guards walk up and down in each of the rooms beside it. A cell is one number, row times nine
plus column, so that a rule is a table and looking it up is one operation for many games at once.
"""

import numpy as np
from jaxtyping import Int32

SIDE = 9
NUM_CELLS = SIDE * SIDE
WALL = 4
"""The column of the wall, which has one door."""

NUM_COINS = 3
NUM_GUARDS = 4
NUM_ITEMS = NUM_COINS + 2
"""What the thief walks to: the coins, the key and the exit, in this order."""

ACTIONS = ("up", "down", "left", "right", "stay")
NUM_ACTIONS = len(ACTIONS)
_MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))

SLIP = 0.2
"""How often the floor is slippery: the action is then one of the five by chance."""

PERIOD = 2 * (SIDE - 1)
"""Steps in which a guard walks down its column and back."""

TIME_LIMIT = 200
"""Steps after which the alarm goes off; the thief sees the clock."""

MAX_SCORE = 1 + NUM_COINS
"""The score of a thief who gets out with all coins; without one it is 1, and caught it is 0."""

NUM_STATES = NUM_CELLS * 2 * 2**NUM_COINS * PERIOD
"""Cell, key, coins and where the guards are: all that the future of one level depends on."""


def _constant(table: np.ndarray) -> np.ndarray:
    table = table.astype(np.int32)
    table.flags.writeable = False
    return table


def _next_cells() -> np.ndarray:
    row, column = np.divmod(np.arange(NUM_CELLS), SIDE)
    step = np.array(_MOVES)
    to_row = np.clip(row[:, None] + step[:, 0], 0, SIDE - 1)
    to_column = np.clip(column[:, None] + step[:, 1], 0, SIDE - 1)
    is_open, door = np.arange(2), np.arange(SIDE)
    is_free = (to_column != WALL) | (
        (to_row == door[:, None, None]) & (is_open > 0)[:, None, None, None]
    )
    return np.where(is_free, to_row * SIDE + to_column, np.arange(NUM_CELLS)[:, None])


def _distances() -> np.ndarray:
    row, column = np.divmod(np.arange(NUM_CELLS), SIDE)
    straight = abs(row[:, None] - row) + abs(column[:, None] - column)
    door = np.arange(SIDE) * SIDE + WALL
    through = straight[:, door].T[:, :, None] + straight[door][:, None]
    side = np.sign(column - WALL)
    same_room = (side[:, None] == side) & (side != 0)
    return np.where(same_room, straight, through)


NEXT_CELL: Int32[np.ndarray, "2 9 81 5"] = _constant(_next_cells())
"""Where an action leads: by whether the door opens, the row of the door, and the cell."""

DISTANCE: Int32[np.ndarray, "9 81 81"] = _constant(_distances())
"""Steps from cell to cell without guards and slips, the door being open; by the row of the door."""

BEAT: Int32[np.ndarray, " 16"] = _constant((SIDE - 1 - abs(np.arange(PERIOD) - (SIDE - 1))) * SIDE)
"""The first cell of the row in which a guard is, by how many steps it has walked."""
