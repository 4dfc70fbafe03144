r"""The best that can be done in a level, by value iteration (Bellman 1957): exact, slips and all.

The guards repeat themselves after `PERIOD` steps, so all that the future depends on is one of
`NUM_STATES` states. The time limit is left out: the best play is never near it.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32

from tutorials_lib.environments.heist import in_jax
from tutorials_lib.environments.heist.levels import Levels
from tutorials_lib.environments.heist.rules import (
    NUM_ACTIONS,
    NUM_CELLS,
    NUM_COINS,
    NUM_STATES,
    PERIOD,
    SLIP,
)

_BITS = 2 ** np.arange(NUM_COINS, dtype=np.int32)
_SHAPE = NUM_CELLS, 2, 2**NUM_COINS, PERIOD

ActionValues = Float[Array, "states 5"]
Potential = Callable[[in_jax.State], Float[Array, " states"]]


class Moves(NamedTuple):
    """Where every action leads from every state when nobody slips, and what it brings."""

    after: Int32[Array, "states 5"]
    reward: Float[Array, "states 5"]
    is_over: Bool[Array, "states 5"]


def all_states(level: Levels) -> in_jax.State:
    """Every state of one level, as that many games; `index` says which is which."""
    cell, key, coins, phase = (part.ravel() for part in np.indices(_SHAPE, dtype=np.int32))
    same = jax.tree.map(lambda x: jnp.broadcast_to(x, (NUM_STATES, *jnp.shape(x))), level)
    has_coin = (coins[:, None] & _BITS) > 0
    return in_jax.State(same, *map(jnp.asarray, (cell, key > 0, has_coin, phase)))


def index(state: in_jax.State) -> Int[Array, " games"]:
    """The place of each game among `all_states` of its level."""
    coins = (state.has_coin * jnp.asarray(_BITS)).sum(-1, dtype=jnp.int32)
    place = (state.cell * 2 + state.has_key) * 2**NUM_COINS + coins
    return place * PERIOD + state.age % PERIOD


def moves(level: Levels, discount: float, potential: Potential | None = None) -> Moves:
    r"""What every action does in every state of one level.

    With a `potential` $\Phi$ the rewards are the shaped ones,
    $r + \gamma \Phi(s') - \Phi(s)$, where the potential of a game that is over is zero.
    """
    states = all_states(level)

    def act(action: Int[Array, ""]) -> Moves:
        step = in_jax.move(states, jnp.full(NUM_STATES, action))
        reward = step.score.astype(jnp.result_type(float))
        if potential is not None:
            later = jnp.where(step.is_over, 0.0, potential(step.state))
            reward = reward + discount * later - potential(states)
        return Moves(index(step.state), reward, step.is_over)

    return jax.vmap(act, out_axes=1)(jnp.arange(NUM_ACTIONS, dtype=jnp.int32))


def iterate(moves: Moves, discount: float, num_sweeps: int) -> ActionValues:
    """What each action is worth in each state, after so many sweeps of value iteration.

    Where an action leads does not depend on the guards, only whether it ends the game does; so a
    sweep fetches the values of a cell for all places of the guards at once.
    """
    reward, is_over = (
        x.reshape(-1, PERIOD, NUM_ACTIONS).swapaxes(1, 2) for x in (moves.reward, moves.is_over)
    )
    after = moves.after[::PERIOD] // PERIOD

    def sweep(values: Float[Array, "places 5 16"], _: None) -> tuple[Array, None]:
        later = jnp.roll(values.max(1), -1, axis=1)[after]
        kept = reward + discount * jnp.where(is_over, 0.0, later)
        return (1 - SLIP) * kept + SLIP * kept.mean(1, keepdims=True), None

    values, _ = jax.lax.scan(sweep, jnp.zeros_like(reward), length=num_sweeps)
    return values.swapaxes(1, 2).reshape(-1, NUM_ACTIONS)


def action_values(
    level: Levels, discount: float, num_sweeps: int, potential: Potential | None = None
) -> ActionValues:
    """`iterate` for one level."""
    return iterate(moves(level, discount, potential), discount, num_sweeps)


@partial(jax.jit, static_argnums=(1, 2))
def best_returns(levels: Levels, discount: float, num_sweeps: int) -> Float[Array, " levels"]:
    """What the best play of each level is worth at its start: the oracle."""

    def one(level: Levels) -> Float[Array, ""]:
        values = action_values(level, discount, num_sweeps)
        begin = in_jax.start(jax.tree.map(lambda x: x[None], level))
        return values[index(begin)[0]].max()

    return jax.lax.map(one, levels)
