"""The heist in both backends: the same game step for step, and what planning says of it."""

from collections import deque
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tutorials_lib.environments.heist import in_jax, in_numpy, levels, planning
from tutorials_lib.environments.heist.observation import NUM_OBSERVED, PLACES, SCALE
from tutorials_lib.environments.heist.rules import (
    DISTANCE,
    MAX_SCORE,
    NEXT_CELL,
    NUM_ACTIONS,
    NUM_CELLS,
    NUM_STATES,
    SIDE,
    SLIP,
    TIME_LIMIT,
    WALL,
)

UP, DOWN, LEFT, RIGHT, STAY = range(NUM_ACTIONS)
DISCOUNT = 0.99


class HeistEnv(gymnasium.Env):
    """One game at a time, as gymnasium wants it."""

    def __init__(self) -> None:
        self.action_space = gymnasium.spaces.Discrete(NUM_ACTIONS)
        bound = np.full(NUM_OBSERVED, 20, np.float32)
        self.observation_space = gymnasium.spaces.Box(-bound, bound, dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.state = in_numpy.start(levels.draw(self.np_random, 1))
        return in_numpy.observe(self.state)[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        chance = self.np_random.random((1, 2), np.float32)
        self.state, score, is_over = in_numpy.step(self.state, np.array([action]), chance)
        return in_numpy.observe(self.state)[0], float(score[0]), bool(is_over[0]), False, {}


def one_level(**changes: Any) -> levels.Levels:
    """A level without guards on the way: they walk in columns 3 and 8, and in 2 and 7."""
    level = levels.Levels(
        start=np.array([0]),
        coin=np.array([[1, 7, 16]]),
        key=np.array([10]),
        exit=np.array([15]),
        door=np.array([1]),
        guard_column=np.array([[2, 3, 7, 8]]),
        guard_phase=np.array([[8, 8, 8, 8]]),
    )._replace(**changes)
    return levels.Levels(*(array.astype(np.int32) for array in level))


def walk(state: in_numpy.State, *actions: int) -> in_numpy.Step:
    """Act without slipping."""
    *before, last = actions
    for action in before:
        state = in_numpy.move(state, np.array([action])).state
    return in_numpy.move(state, np.array([last]))


def at(cell: int, level: levels.Levels, **changes: Any) -> in_numpy.State:
    return in_numpy.start(level)._replace(cell=np.array([cell], np.int32), **changes)


@pytest.fixture(scope="module")
def level() -> levels.Levels:
    return levels.take(levels.draw(np.random.default_rng(5), 1), 0)


@pytest.fixture(scope="module")
def values(level: levels.Levels) -> np.ndarray:
    """What every action is worth in every state of one level, in float64."""
    with jax.enable_x64(True):
        plan = jax.jit(lambda level: planning.action_values(level, DISCOUNT, 200))
        return np.asarray(plan(jax.tree.map(jnp.asarray, level)))


# --- The game ---------------------------------------------------------------------------------


def test_gymnasium_finds_nothing_to_complain_about():
    check_env(HeistEnv(), skip_render_check=True)


def test_a_long_random_walk_of_many_thieves_is_the_same_in_both_backends():
    rng = np.random.default_rng(0)
    ours = in_numpy.start(levels.draw(rng, 64))
    theirs = in_jax.start(jax.tree.map(jnp.asarray, ours.level))

    @jax.jit
    def act(state: in_jax.State, action: Any, chance: Any, fresh: Any) -> Any:
        step = in_jax.step(state, action, chance)
        return step, in_jax.restart(step.state, step.is_over, fresh), in_jax.observe(step.state)

    num_over = 0
    for _ in range(2 * TIME_LIMIT):
        action = rng.choice(NUM_ACTIONS, 64, p=(0.1, 0.1, 0.4, 0.1, 0.3)).astype(np.int32)
        chance, fresh = rng.random((64, 2), np.float32), levels.draw(rng, 64)
        step = in_numpy.step(ours, action, chance)
        their_step, theirs, their_seen = act(theirs, *jax.device_put((action, chance, fresh)))
        np.testing.assert_allclose(in_numpy.observe(step.state), their_seen, rtol=1e-6, atol=1e-7)
        ours = in_numpy.restart(step.state, step.is_over, fresh)
        for one, two in zip(
            jax.tree.leaves((step, ours)), jax.tree.leaves((their_step, theirs)), strict=True
        ):
            assert one.dtype == two.dtype
            np.testing.assert_array_equal(one, two)
        num_over += step.is_over.sum()
    assert num_over > 200


def test_the_table_of_distances_is_what_a_search_step_by_step_finds():
    for door in range(1, SIDE - 1):
        next_cell = NEXT_CELL[1, door]
        free = [c for c in range(NUM_CELLS) if c % SIDE != WALL or c == door * SIDE + WALL]
        for begin in free[::7]:
            found, queue = {begin: 0}, deque([begin])
            while queue:
                cell = queue.popleft()
                for after in set(next_cell[cell].tolist()) - found.keys():
                    found[after] = found[cell] + 1
                    queue.append(after)
            assert found == {cell: DISTANCE[door, begin, cell] for cell in free}


def test_nothing_lies_on_anything_else_and_guards_leave_the_first_column_alone():
    drawn = levels.draw(np.random.default_rng(1), 2_000)
    together = np.column_stack([drawn.start, drawn.coin, drawn.key, drawn.exit])
    assert (np.diff(np.sort(together, axis=1), axis=1) > 0).all()
    assert (together % SIDE != WALL).all()
    left = together[:, [0, 1, 4]] % SIDE
    assert left.max() < WALL < (together[:, [2, 3, 5]] % SIDE).min()
    assert (left[:, 0] == 0).all()
    assert set(drawn.guard_column[:, :2].ravel()) == {1, 2, 3}
    assert set(drawn.guard_column[:, 2:].ravel()) == {6, 7, 8}
    assert (drawn.guard_column[:, ::2] != drawn.guard_column[:, 1::2]).all()


def test_the_door_opens_to_the_key_alone_and_the_score_counts_the_coins():
    start = in_numpy.start(one_level())
    shut = walk(start, DOWN, STAY)
    assert walk(at(12, one_level()), RIGHT).state.cell == 12
    key = walk(shut.state, RIGHT)
    assert key.state.has_key.all()
    assert not key.is_over.any()
    out = walk(key.state, UP, DOWN, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT)
    assert out.state.cell == 15
    assert (out.score, out.is_over) == (2, True)
    without = walk(at(14, one_level()), RIGHT)
    assert (without.score, without.is_over) == (0, False)


def test_a_thief_is_caught_in_the_cell_of_a_guard_and_when_the_two_change_places():
    level = one_level(guard_phase=np.array([[3, 8, 8, 8]]))
    assert in_numpy.guards(level, np.array([0, 1], np.int32)[:1])[0] == 3 * SIDE + 2
    both = {"meets": (4 * SIDE + 1, RIGHT), "changes places": (4 * SIDE + 2, UP)}
    for cell, action in both.values():
        caught = walk(at(cell, level, has_key=np.array([True])), action)
        assert (caught.score, caught.is_over) == (0, True)
        ahead = in_numpy.look_ahead(at(cell, level))
        assert ahead.is_deadly[0, action]
    assert not walk(at(2 * SIDE + 2, level), DOWN).is_over.any(), "behind the guard it is safe"


def test_time_runs_out_and_the_thief_sees_it_coming():
    old = at(0, one_level(), age=np.array([TIME_LIMIT - 1], np.int32))
    assert in_numpy.observe(old)[0, PLACES["clock"]] == pytest.approx(1 - 1 / TIME_LIMIT)
    assert (walk(old, STAY).score, walk(old, STAY).is_over) == (0, True)


def test_the_floor_is_slippery_as_often_as_the_rules_say():
    chance = np.random.default_rng(2).random((20_000, 2), np.float32)
    action = in_numpy.slip(np.full(20_000, STAY), chance)
    shares = np.bincount(action, minlength=NUM_ACTIONS) / 20_000
    np.testing.assert_allclose(shares[:STAY], SLIP / NUM_ACTIONS, atol=0.005)
    highest = np.array([[0.0, np.nextafter(np.float32(1), np.float32(0))]], np.float32)
    assert in_numpy.slip(np.array([UP]), highest) == STAY


def test_the_thief_sees_which_moves_bring_it_nearer():
    seen = in_numpy.observe(in_numpy.start(one_level())) / SCALE
    distance, nearer = seen[0, PLACES["distance"]], seen[0, PLACES["nearer"]].reshape(-1, 4)
    np.testing.assert_allclose(distance, [1, 9, 8, 2, 7], rtol=1e-6)
    assert nearer[3].tolist() == [0, -1, 0, -1], "the key is down and to the right"
    has_it = in_numpy.start(one_level())._replace(has_key=np.array([True]))
    seen = in_numpy.observe(has_it) / SCALE
    assert not seen[0, PLACES["nearer"]].reshape(-1, 4)[3].any()
    assert seen[0, PLACES["taken"]].tolist() == [0, 0, 0, 1]


# --- Planning ---------------------------------------------------------------------------------


def test_the_best_play_earns_what_planning_promises(level: levels.Levels, values: np.ndarray):
    best = values.argmax(1)

    many = levels.Levels(*(np.broadcast_to(x, (4_000, *np.shape(x))) for x in level))
    begin = in_numpy.start(many)

    def policy(state: in_numpy.State) -> np.ndarray:
        coins = (state.has_coin * np.array([1, 2, 4])).sum(1)
        place = (state.cell * 2 + state.has_key) * 8 + coins
        return best[place * 16 + state.age % 16]

    chance = np.random.default_rng(3).random((TIME_LIMIT, 4_000, 2), np.float32)
    earned = in_numpy.play(policy, begin.level, chance).discounted(DISCOUNT)
    promised = values[((level.start * 2) * 8) * 16].max()
    assert earned.mean() == pytest.approx(promised, abs=4 * earned.std() / 4_000**0.5)
    assert 1.5 < promised < MAX_SCORE


def test_every_state_has_a_place_of_its_own(level: levels.Levels):
    states = planning.all_states(jax.tree.map(jnp.asarray, level))
    assert np.asarray(planning.index(states)).tolist() == list(range(NUM_STATES))


def test_planning_stands_still_after_enough_sweeps(level: levels.Levels, values: np.ndarray):
    some = jax.tree.map(lambda x: jnp.asarray(x)[None], level)
    best = planning.best_returns(some, DISCOUNT, 80)
    assert float(best[0]) == pytest.approx(values[((level.start * 2) * 8) * 16].max(), abs=1e-3)
