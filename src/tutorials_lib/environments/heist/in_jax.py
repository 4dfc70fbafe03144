"""The heist in JAX: the same functions as `in_numpy`, to be traced into a compiled training."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Int32

from tutorials_lib.environments.heist.levels import Levels
from tutorials_lib.environments.heist.observation import SCALE
from tutorials_lib.environments.heist.rules import (
    BEAT,
    DISTANCE,
    NEXT_CELL,
    NUM_ACTIONS,
    NUM_COINS,
    PERIOD,
    SIDE,
    SLIP,
    TIME_LIMIT,
)

Actions = Int[Array, " games"]
Flags = Bool[Array, " games"]
Guards = Int32[Array, "games 4"]
Chance = Float[Array, "games 2"]
Observations = Float[Array, "games features"]


class State(NamedTuple):
    """The games as they stand; see `in_numpy.State`."""

    level: Levels
    cell: Int32[Array, " games"]
    has_key: Flags
    has_coin: Bool[Array, "games 3"]
    age: Int32[Array, " games"]


class Step(NamedTuple):
    """What an action leads to; see `in_numpy.Step`."""

    state: State
    score: Int32[Array, " games"]
    is_over: Flags


class Ahead(NamedTuple):
    """What each action would lead to if the floor were not slippery; see `in_numpy.Ahead`."""

    cell: Int32[Array, "games 5"]
    is_deadly: Bool[Array, "games 5"]
    num_deadly: Int[Array, "games 5"]


def start(level: Levels) -> State:
    """The state in which games begin."""
    num_games = len(level.start)
    return State(
        level,
        level.start,
        has_key=jnp.zeros(num_games, bool),
        has_coin=jnp.zeros((num_games, NUM_COINS), bool),
        age=jnp.zeros(num_games, jnp.int32),
    )


def guards(level: Levels, age: Int32[Array, " games"]) -> Guards:
    """The cells of the guards after so many steps."""
    return jnp.asarray(BEAT)[(level.guard_phase + age[:, None]) % PERIOD] + level.guard_column


def is_caught(
    before: Int32[Array, "games *#actions"],
    after: Int32[Array, "games *#actions"],
    now: Guards,
    then: Guards,
) -> Bool[Array, "games *#actions"]:
    """Whether a thief walks into a guard, or the two change places."""
    shape = len(after), *(1,) * (after.ndim - 1), -1
    now, then = now.reshape(shape), then.reshape(shape)
    before, after = before[..., None], after[..., None]
    return ((then == after) | ((now == after) & (then == before))).any(-1)


def slip(action: Actions, chance: Chance) -> Actions:
    """The action, or on a slippery floor one of the five by chance."""
    any_action = (NUM_ACTIONS * chance[:, 1]).astype(action.dtype)
    return jnp.where(chance[:, 0] < SLIP, any_action, action)


def move(state: State, action: Actions) -> Step:
    """Act once in every game, without slipping."""
    level, before, age = state.level, state.cell, state.age + 1
    cell = jnp.asarray(NEXT_CELL)[state.has_key.astype(jnp.int32), level.door, before, action]
    is_caught_now = is_caught(before, cell, guards(level, state.age), guards(level, age))
    has_key = state.has_key | (cell == level.key)
    has_coin = state.has_coin | (cell[:, None] == level.coin)
    is_out = (cell == level.exit) & has_key & ~is_caught_now
    return Step(
        state=State(level, cell, has_key, has_coin, age),
        score=jnp.where(is_out, 1 + has_coin.sum(1, dtype=jnp.int32), 0),
        is_over=is_caught_now | is_out | (age >= TIME_LIMIT),
    )


def step(state: State, action: Actions, chance: Chance) -> Step:
    """Act once in every game, on a slippery floor."""
    return move(state, slip(action, chance))


def restart(state: State, is_over: Flags, level: Levels) -> State:
    """`state`, with a new game in `level` wherever the last one is over."""

    def put(old: Array, new: Array) -> Array:
        return jnp.where(is_over.reshape(-1, *(1,) * (old.ndim - 1)), new, old)

    return jax.tree.map(put, state, start(level))


def look_ahead(state: State) -> Ahead:
    """Where each action leads, whether it is deadly, and how deadly it is there."""
    level, age = state.level, state.age
    key, door, next_cell = state.has_key.astype(jnp.int32), level.door, jnp.asarray(NEXT_CELL)
    now, then, later = (guards(level, age + wait) for wait in range(3))
    cell = next_cell[key, door, state.cell]
    after = next_cell[key[:, None], door[:, None], cell]
    return Ahead(
        cell,
        is_caught(state.cell[:, None], cell, now, then),
        is_caught(cell[:, :, None], after, then, later).sum(2, dtype=jnp.int32),
    )


def items(level: Levels) -> Int32[Array, "games 5"]:
    """The cells of the coins, the key and the exit."""
    return jnp.concatenate([level.coin, level.key[:, None], level.exit[:, None]], axis=1)


def is_taken(state: State) -> Bool[Array, "games 5"]:
    """Which of the items the thief holds; the exit never."""
    never = jnp.zeros((len(state.cell), 1), bool)
    return jnp.concatenate([state.has_coin, state.has_key[:, None], never], axis=1)


def observe(state: State, dtype: DTypeLike = jnp.float32) -> Observations:
    """What the thief sees; `observation.PLACES` says what stands where."""
    level, cell, ahead = state.level, state.cell, look_ahead(state)
    there, door, left = items(level), level.door[:, None], ~is_taken(state)
    steps = jnp.asarray(DISTANCE)
    distance = steps[door, cell[:, None], there]
    after = steps[door[..., None], ahead.cell[:, None, :4], there[..., None]]
    guard, soon = guards(level, state.age), guards(level, state.age + 1)
    row, column = cell // SIDE, cell % SIDE
    nearer = jnp.where(left[..., None], after - distance[..., None], 0)
    seen = (
        row[:, None],
        column[:, None],
        jnp.where(left, distance, 0),
        ~left[:, :-1],
        nearer.reshape(len(cell), -1),
        ahead.is_deadly,
        ahead.num_deadly,
        guard // SIDE - row[:, None],
        level.guard_column - column[:, None],
        jnp.sign(soon - guard),
        state.age[:, None],
    )
    together = jnp.concatenate([part.astype(dtype) for part in seen], axis=1)
    return together * jnp.asarray(SCALE, dtype)
