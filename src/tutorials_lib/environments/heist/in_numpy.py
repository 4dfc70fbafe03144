"""The heist in NumPy: many games at once, each in a level of its own.

The score is sparse: 1 and a point for every coin, on reaching the exit with the key; before that
nothing. Nothing restarts by itself; `restart` says which games begin anew, and in which level.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from tutorials_lib.environments.heist.levels import Levels
from tutorials_lib.environments.heist.observation import NUM_OBSERVED, PLACES, SCALE
from tutorials_lib.environments.heist.rules import (
    BEAT,
    DISTANCE,
    NEXT_CELL,
    NUM_ACTIONS,
    NUM_CELLS,
    NUM_COINS,
    PERIOD,
    SIDE,
    SLIP,
    TIME_LIMIT,
)

Actions = Int[np.ndarray, " games"]
Flags = Bool[np.ndarray, " games"]
Guards = Int32[np.ndarray, "4 games"]
Chance = Float[np.ndarray, "games 2"]
Observations = Float[np.ndarray, "games features"]

_NEXT_CELL = NEXT_CELL.reshape(-1, NUM_ACTIONS)


class State(NamedTuple):
    """The games as they stand.

    Attributes:
        level: of each game.
        cell: where the thief is.
        has_key: whether the thief holds the key.
        has_coin: which coins the thief holds.
        age: steps since the game began.
    """

    level: Levels
    cell: Int32[np.ndarray, " games"]
    has_key: Flags
    has_coin: Bool[np.ndarray, "games 3"]
    age: Int32[np.ndarray, " games"]


class Step(NamedTuple):
    """What an action leads to.

    Attributes:
        state: after the action, also where the game is over.
        score: of a thief who gets out with this step; else 0.
        is_over: the thief is out, or caught, or out of time, which the thief sees coming.
    """

    state: State
    score: Int32[np.ndarray, " games"]
    is_over: Flags


class Ahead(NamedTuple):
    """What each action would lead to if the floor were not slippery.

    Attributes:
        cell: where it leads.
        is_deadly: whether a guard catches the thief on the way.
        num_deadly: how many of the five actions after it would be deadly.
    """

    cell: Int32[np.ndarray, "games 5"]
    is_deadly: Bool[np.ndarray, "games 5"]
    num_deadly: Int[np.ndarray, "games 5"]


def start(level: Levels) -> State:
    """The state in which games begin."""
    num_games = len(level.start)
    return State(
        level,
        level.start,
        has_key=np.zeros(num_games, bool),
        has_coin=np.zeros((num_games, NUM_COINS), bool),
        age=np.zeros(num_games, np.int32),
    )


def guards(level: Levels, age: Int32[np.ndarray, " games"]) -> Guards:
    """The cells of the guards after so many steps; the guards come first, as their axis is short.

    NumPy reduces the first axis by whole rows, and the last one number by number.
    """
    walked = level.guard_phase.T + age
    walked &= PERIOD - 1
    return BEAT.take(walked) + level.guard_column.T


def is_caught(
    before: Int32[np.ndarray, "games *#actions"],
    after: Int32[np.ndarray, "games *#actions"],
    now: Guards,
    then: Guards,
) -> Bool[np.ndarray, "games *#actions"]:
    """Whether a thief walks into a guard, or the two change places."""
    shape = *now.shape, *(1,) * (after.ndim - 1)
    now, then = now.reshape(shape), then.reshape(shape)
    caught = now == after
    caught &= then == before
    caught |= then == after
    return caught.any(0)


def next_cells(
    state: State, cell: Int32[np.ndarray, "games *actions"]
) -> Int32[np.ndarray, "games *actions 5"]:
    """Where each action leads from a cell, without guards and slips."""
    rules = (state.has_key * np.int32(SIDE) + state.level.door) * np.int32(NUM_CELLS)
    return _NEXT_CELL.take(rules.reshape(-1, *(1,) * (cell.ndim - 1)) + cell, axis=0)


def distances(
    level: Levels,
    cell: Int32[np.ndarray, "games *#cells"],
    there: Int32[np.ndarray, "games *#cells"],
) -> Int32[np.ndarray, "games *cells"]:
    """Steps from cell to cell without guards and slips, once the door is open."""
    place = (level.door * np.int32(NUM_CELLS**2)).reshape(-1, *(1,) * (cell.ndim - 1))
    return DISTANCE.take(place + cell * np.int32(NUM_CELLS) + there)


def slip(action: Actions, chance: Chance) -> Actions:
    """The action, or on a slippery floor one of the five by chance."""
    any_action = (NUM_ACTIONS * chance[:, 1]).astype(action.dtype)
    return np.where(chance[:, 0] < SLIP, any_action, action)


def move(state: State, action: Actions) -> Step:
    """Act once in every game, without slipping."""
    level, before, age = state.level, state.cell, state.age + np.int32(1)
    cell = next_cells(state, before)[np.arange(len(before)), action]
    is_caught_now = is_caught(before, cell, guards(level, state.age), guards(level, age))
    has_key = state.has_key | (cell == level.key)
    has_coin = state.has_coin | (cell[:, None] == level.coin)
    is_out = (cell == level.exit) & has_key & ~is_caught_now
    return Step(
        state=State(level, cell, has_key, has_coin, age),
        score=np.where(is_out, 1 + has_coin.sum(1, dtype=np.int32), np.int32(0)),
        is_over=is_caught_now | is_out | (age >= TIME_LIMIT),
    )


def step(state: State, action: Actions, chance: Chance) -> Step:
    """Act once in every game, on a slippery floor."""
    return move(state, slip(action, chance))


def restart(state: State, is_over: Flags, level: Levels) -> State:
    """`state`, with a new game in `level` wherever the last one is over."""
    rows = np.flatnonzero(is_over)
    if not rows.size:
        return state
    fresh = start(Levels(*(array[rows] for array in level)))

    def put(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        old = old.copy()
        old[rows] = new
        return old

    return State(Levels(*map(put, state.level, fresh.level)), *map(put, state[1:], fresh[1:]))


def look_ahead(state: State) -> Ahead:
    """Where each action leads, whether it is deadly, and how deadly it is there."""
    now, then, later = (guards(state.level, state.age + np.int32(wait)) for wait in range(3))
    cell = next_cells(state, state.cell)
    after = next_cells(state, cell)
    return Ahead(
        cell,
        is_caught(state.cell[:, None], cell, now, then),
        is_caught(cell[:, :, None], after, then, later).sum(2),
    )


def items(level: Levels) -> Int32[np.ndarray, "games 5"]:
    """The cells of the coins, the key and the exit."""
    return np.concatenate([level.coin, level.key[:, None], level.exit[:, None]], axis=1)


def is_taken(state: State) -> Bool[np.ndarray, "games 5"]:
    """Which of the items the thief holds; the exit never."""
    never = np.zeros((len(state.cell), 1), bool)
    return np.concatenate([state.has_coin, state.has_key[:, None], never], axis=1)


def observe(state: State, dtype: type = np.float32) -> Observations:
    """What the thief sees; `observation.PLACES` says what stands where."""
    level, cell, ahead = state.level, state.cell, look_ahead(state)
    there, left = items(level), ~is_taken(state)
    distance = distances(level, cell[:, None], there)
    after = distances(level, ahead.cell[:, None, :4], there[..., None])
    guard, soon = guards(level, state.age), guards(level, state.age + np.int32(1))

    seen = np.empty((len(cell), NUM_OBSERVED), dtype)
    row, column = np.divmod(cell, SIDE)
    seen[:, 0], seen[:, 1] = row, column
    seen[:, PLACES["distance"]] = distance * left
    seen[:, PLACES["taken"]] = ~left[:, :-1]
    nearer = (after - distance[..., None]) * left[..., None]
    seen[:, PLACES["nearer"]] = nearer.reshape(len(cell), -1)
    seen[:, PLACES["deadly"]] = ahead.is_deadly
    seen[:, PLACES["deadly after"]] = ahead.num_deadly
    seen[:, PLACES["guard row"]] = (guard // SIDE - row).T
    seen[:, PLACES["guard column"]] = level.guard_column - column[:, None]
    seen[:, PLACES["guard moves"]] = np.sign(soon - guard).T
    seen[:, -1] = state.age
    seen *= SCALE.astype(dtype)
    return seen


class Episodes(NamedTuple):
    """One game in every level, side by side, on to the step after which all are over.

    Attributes:
        state: before each step; after the end of a game it means nothing. The levels are not
            repeated for every step.
        is_running: whether the step belongs to the game.
        score: of each game.
    """

    state: State
    is_running: Bool[np.ndarray, "steps games"]
    score: Int32[np.ndarray, " games"]

    @property
    def length(self) -> Int[np.ndarray, " games"]:
        """Steps that each game lasted."""
        return self.is_running.sum(0)

    def discounted(self, discount: float) -> Float[np.ndarray, " games"]:
        """The scores, each worth less for every step before it."""
        return self.score * discount ** (self.length - 1)


def play(
    policy: Callable[[State], Actions], level: Levels, chance: Float[np.ndarray, "steps games 2"]
) -> Episodes:
    """Follow `policy` to the end of every game; `chance` has `TIME_LIMIT` steps."""
    state = start(level)
    running = np.ones(len(level.start), bool)
    score = np.zeros(len(level.start), np.int32)
    seen = []
    for now in chance:
        seen.append((*state[1:], running))
        after = step(state, policy(state), now)
        state, score = after.state, np.where(running, after.score, score)
        running = running & ~after.is_over
        if not running.any():
            break
    *parts, is_running = (np.stack(part) for part in zip(*seen, strict=True))
    return Episodes(State(level, *parts), is_running, score)
