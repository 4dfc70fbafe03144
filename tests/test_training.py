"""Rounds of steps: what two plain loops compute, epochs that take every example, clear errors."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib import training

ROUNDS, STEPS, BATCH = 3, 4, 2
BATCHES = np.random.default_rng(0).integers(0, 100, (ROUNDS, STEPS, BATCH))
START = {"total": jnp.float32(0), "count": jnp.int32(0)}


def step(state, batch):
    """Add up what comes; the report is the total before."""
    after = {"total": state["total"] + batch.sum(), "count": state["count"] + 1}
    return after, state["total"]


def look(state, reports, one_round):
    return {"total": state["total"], "reports": reports, "round": one_round}


def draw(key):
    return jax.random.randint(key, (STEPS, BATCH), 0, 100)


def in_two_loops(rounds, batches=lambda one_round: one_round):
    """`scan_rounds` in Python."""
    state, looks = START, []
    for one_round in rounds:
        reports = []
        for batch in batches(one_round):
            state, report = step(state, batch)
            reports.append(report)
        looks.append(look(state, jnp.stack(reports), one_round))
    return state, jax.tree.map(lambda *each: jnp.stack(each), *looks)


def assert_same(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert (one == other).all()


def test_rounds_that_are_batches_are_what_two_loops_compute():
    rounds = jnp.asarray(BATCHES, jnp.float32)
    found = training.scan_rounds(step, look, START, rounds)
    assert found[1]["reports"].shape == (ROUNDS, STEPS)
    assert_same(found, in_two_loops(rounds))


def test_rounds_that_are_keys_draw_their_batches_when_they_begin():
    keys = jax.random.split(jax.random.key(0), ROUNDS)
    found = training.scan_rounds(step, look, START, keys, draw)
    assert (found[1]["round"] == keys).all()
    assert_same(found, in_two_loops(keys, draw))


def test_batches_of_all_rounds_never_exist_together():
    keys = jax.random.split(jax.random.key(0), ROUNDS)

    def train(keys):
        return training.scan_rounds(step, look, START, keys, draw)

    program = str(jax.make_jaxpr(train)(keys))
    assert f"[{STEPS},{BATCH}]" in program
    assert f"[{ROUNDS},{STEPS},{BATCH}]" not in program


def test_state_and_reports_may_be_trees_and_a_look_may_keep_nothing():
    class State(NamedTuple):
        params: dict[str, jax.Array]
        step: jax.Array

    def one(state, batch):
        places, scale = batch
        params = {"w": state.params["w"] + scale * places.sum()}
        return State(params, state.step + 1), {"before": state.params["w"], "at": state.step}

    rounds = {"places": jnp.asarray(BATCHES), "scale": jnp.arange(float(ROUNDS))}

    def batches(one_round):
        return one_round["places"], jnp.full(STEPS, one_round["scale"])

    def keep_nothing(state, reports, one_round):
        assert reports["at"].shape == (STEPS,)

    start = State({"w": jnp.zeros(())}, jnp.int32(0))
    state, kept = training.scan_rounds(one, keep_nothing, start, rounds, batches)
    assert kept is None
    assert isinstance(state, State)
    assert state.step == ROUNDS * STEPS
    assert state.params["w"] == (BATCHES.sum((1, 2)) * np.arange(ROUNDS)).sum()


def test_a_step_that_loses_part_of_the_state_is_refused():
    def careless(state, batch):
        return {"total": state["total"] + batch.sum()}, None

    with pytest.raises(TypeError, match="count"):
        training.scan_rounds(careless, look, START, jnp.asarray(BATCHES, jnp.float32))


@pytest.mark.parametrize(
    ("rounds", "message"),
    [
        ((jnp.zeros((2, 3)), jnp.zeros((4, 3))), "different leading axis sizes: 2, 4"),
        (jnp.zeros(3), "no axis of steps in front"),  # keys, say, and no `batches`
        (jnp.zeros(()), "no axis of rounds in front"),
    ],
    ids=["of two lengths", "without steps", "without rounds"],
)
def test_rounds_that_fit_nothing_are_refused(rounds, message: str):
    with pytest.raises(ValueError, match=message):
        training.scan_rounds(lambda state, batch: (state, None), look, START, rounds)


def test_an_epoch_takes_every_example_once():
    key = jax.random.key(0)
    order = training.shuffled(key, 12, (3, 4))
    assert order.shape == (3, 4)
    np.testing.assert_array_equal(np.sort(order.ravel()), np.arange(12))
    np.testing.assert_array_equal(order, training.shuffled(key, 12, (3, 4)))
    assert not np.array_equal(order, training.shuffled(jax.random.key(1), 12, (3, 4)))


def test_other_examples_fill_no_batch_every_time():
    keys = jax.random.split(jax.random.key(0), 20)
    orders = jax.vmap(lambda key: training.shuffled(key, 7, (3, 2)))(keys)
    assert all(len(np.unique(order)) == 6 for order in orders)
    left_out = {(set(range(7)) - set(np.ravel(order).tolist())).pop() for order in orders}
    assert len(left_out) > 3


def test_more_than_there_is_cannot_be_shuffled():
    with pytest.raises(ValueError, match="3 batches of 4 take 12 examples, but there are 11"):
        training.shuffled(jax.random.key(0), 11, (3, 4))


def test_batches_that_are_drawn_take_any_examples_and_a_key_for_each():
    key = jax.random.key(0)
    places, keys = training.drawn(key, 3, (2, 40))
    assert places.shape == keys.shape == (2, 40)
    assert set(np.ravel(places).tolist()) == {0, 1, 2}
    assert len(np.unique(jax.random.key_data(keys).reshape(80, -1), axis=0)) == 80
    again = training.drawn(key, 3, (2, 40))
    np.testing.assert_array_equal(places, again[0])
    assert (keys == again[1]).all()
    assert not np.array_equal(places, training.drawn(jax.random.key(1), 3, (2, 40))[0])


def test_nothing_can_be_drawn_from_nothing():
    with pytest.raises(ValueError, match="there are 0 examples to draw from"):
        training.drawn(jax.random.key(0), 0, (2, 4))


def test_steps_are_cut_into_rounds_in_their_order():
    steps = {"places": jnp.arange(12).reshape(6, 2), "keys": jax.random.split(jax.random.key(0), 6)}
    rounds = training.in_rounds(steps, 3)
    assert rounds["places"].shape == (3, 2, 2)
    assert rounds["keys"].shape == (3, 2)
    np.testing.assert_array_equal(rounds["places"][1], steps["places"][2:4])
    assert (rounds["keys"].ravel() == steps["keys"]).all()


@pytest.mark.parametrize("num_rounds", [4, 0, 7])
def test_steps_that_do_not_fill_the_rounds_are_refused(num_rounds: int):
    with pytest.raises(ValueError, match=rf"shape \(6, 2\) cannot be cut into {num_rounds} rounds"):
        training.in_rounds(jnp.zeros((6, 2)), num_rounds)


def test_a_number_has_no_steps():
    with pytest.raises(ValueError, match="expected an axis of steps in front"):
        training.in_rounds(jnp.zeros(()), 1)
