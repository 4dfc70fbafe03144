"""Play a game of our own with PPO: the twins agree, shaping is harmless, and it learns."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tutorials_lib import schedules
from tutorials_lib.benchmark.agreement import make_inputs, prepared
from tutorials_lib.environments.heist import in_numpy as heist
from tutorials_lib.environments.heist.levels import take
from tutorials_lib.environments.heist.rules import NUM_CELLS, NUM_STATES, SIDE, TIME_LIMIT, WALL
from tutorials_lib.reinforcement.ppo import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
)
from tutorials_lib.reinforcement.ppo.problem import PAGE, TINY

SHORT = dataclasses.replace(
    TINY, num_envs=128, num_steps=32, num_updates=100, hidden=(32, 32), num_minibatches=4,
    num_train=512,
)  # fmt: skip
"""Enough to get past a thief who walks by chance, in a few seconds."""


def two_rows(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float64)[:, None]


def batch_of(inputs: comparison.Inputs) -> in_numpy.Batch:
    """A rollout of the comparison, seen by a policy that has moved since, so that some is cut."""
    _, played = in_numpy.rollout(
        inputs.params,
        inputs.state.game,
        inputs.levels,
        inputs.draws,
        comparison.COMPARISON.agreement,
    )
    batch = in_numpy.to_batch(inputs.params, played, comparison.COMPARISON.agreement)
    moved = batch.log_prob + np.linspace(-0.5, 0.5, len(batch.log_prob))
    return batch._replace(log_prob=moved)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train(SHORT, seed=0)


@pytest.fixture(scope="module")
def plans() -> reading.Plans:
    level = take(problem.load(TINY).test.level, 0)
    return reading.plan_with_and_without_shaping(level, PAGE)


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax_also_where_the_clip_cuts():
    config = comparison.COMPARISON.agreement
    with jax.enable_x64(True):
        inputs = make_inputs(comparison.COMPARISON, config, np.float64)
        inputs = prepared(comparison.COMPARISON, in_numpy, inputs, config)
        batch = batch_of(inputs)
        terms, grads = in_numpy.loss_and_grads(inputs.params, batch, config)
        theirs = jax.jit(in_jax.loss_and_grads, static_argnames="config")
        params, arrays = jax.tree.map(jnp.asarray, (inputs.params, tuple(batch)))
        their_terms, their_grads = theirs(params, in_jax.Batch(*arrays), config)
    assert 0.1 < terms.clipped < 0.9
    np.testing.assert_allclose(terms, their_terms, rtol=1e-12)
    assert jax.tree.structure(grads) == jax.tree.structure(their_grads)
    for ours, other in zip(jax.tree.leaves(grads), jax.tree.leaves(their_grads), strict=True):
        assert other.dtype == np.float64
        np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-14)


def test_loss_and_gradient_promote_nothing_silently():
    config = comparison.COMPARISON.agreement
    inputs = make_inputs(comparison.COMPARISON, config)
    ours = prepared(comparison.COMPARISON, in_numpy, inputs, config)
    batch = in_jax.Batch(*(jnp.asarray(x) for x in batch_of(ours)))
    batch = batch._replace(log_prob=batch.log_prob.astype(jnp.float32))
    with jax.numpy_dtype_promotion("strict"):
        found = jax.eval_shape(lambda p, b: in_jax.loss_and_grads(p, b, config), ours.params, batch)
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {np.dtype(np.float32)}


def test_the_game_outside_the_program_leaves_what_the_game_inside_leaves():
    config = comparison.COMPARISON.agreement
    inputs = make_inputs(comparison.COMPARISON, config)
    ours = prepared(comparison.COMPARISON, in_numpy, inputs, config)
    theirs = prepared(comparison.COMPARISON, in_jax, inputs, config)
    state, seen = comparison.with_the_game_outside(in_jax, theirs, config)
    expected, expected_seen = comparison.update(in_numpy, ours, config)
    np.testing.assert_array_equal(state.game.cell, expected.game.cell)
    assert int(seen.score) == expected_seen.score > 0


# --- Rewards and advantages -------------------------------------------------------------------


def test_advantages_are_those_that_one_works_out_by_hand():
    config = dataclasses.replace(TINY, discount=0.5, trace=0.5)
    reward, value = two_rows(0, 1, 4), two_rows(2, 2, 2, 8)
    goes_on = np.zeros((3, 1), bool)
    ours = in_numpy.advantages(reward, value, goes_on, config)
    np.testing.assert_allclose(ours[:, 0], [-0.625, 1.5, 6])
    ends = np.array([[False], [True], [False]])
    ours = in_numpy.advantages(reward, value, ends, config)
    np.testing.assert_allclose(ours[:, 0], [-1.25, -1, 6])
    theirs = in_jax.advantages(jnp.asarray(reward), jnp.asarray(value), jnp.asarray(ends), config)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_with_a_trace_of_one_an_advantage_is_all_that_follows_less_the_value():
    config = dataclasses.replace(TINY, trace=1.0)
    rng = np.random.default_rng(0)
    reward, value = rng.random((20, 3)), rng.random((21, 3))
    is_over = rng.random((20, 3)) < 0.2
    total, expected = value[-1], np.empty_like(reward)
    for t in range(19, -1, -1):
        total = reward[t] + config.discount * np.where(is_over[t], 0, total)
        expected[t] = total - value[t]
    found = in_numpy.advantages(reward, value, is_over, config)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_shaped_rewards_of_a_game_add_up_to_its_score_less_where_it_began():
    rng = np.random.default_rng(1)
    potential, score = rng.random((9, 2)), np.zeros((8, 2), np.int32)
    score[-1] = 3
    is_over = np.zeros((8, 2), bool)
    is_over[-1] = True
    discounts = TINY.discount ** np.arange(8)
    shaped = in_numpy.rewards(score, potential, is_over, TINY)
    np.testing.assert_allclose(discounts @ shaped, discounts[-1] * 3 - potential[0])
    plain = in_numpy.rewards(score, potential, is_over, dataclasses.replace(TINY, shaped=False))
    np.testing.assert_array_equal(plain, score)


def test_shaping_takes_the_potential_from_every_value_of_every_state(plans: reading.Plans):
    assert plans.plain.shape == (NUM_STATES, 5)
    np.testing.assert_allclose(
        plans.shaped, plans.plain - plans.potential[:, None], rtol=0, atol=1e-12
    )
    assert plans.plain.max() > 2
    assert np.ptp(plans.potential) > 1
    assert reading.count_changed(plans) == 0
    moved = plans._replace(shaped=plans.shaped + np.eye(5)[0])
    assert reading.count_changed(moved) > 1_000, "a bonus for one action would be noticed"


def test_both_libraries_give_every_state_the_same_potential(plans: reading.Plans):
    level = take(problem.load(TINY).test.level, slice(1))
    start = heist.start(level)
    cell = int(level.start[0])
    place = cell * 2 * 8 * 16
    assert in_numpy.potential(start, np.float64)[0] == pytest.approx(plans.potential[place])
    rich = start._replace(has_coin=np.ones((1, 3), bool), has_key=np.ones(1, bool))
    far = heist.distances(level, level.start, level.exit)[0]
    assert in_numpy.potential(rich, np.float64)[0] == pytest.approx(2 - 0.03 * far)


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_to_earn_what_no_thief_by_chance_does(trained: evaluation.Trained):
    scores = reading.scores(trained.seen, num_points=4)
    assert scores[0] < 0.1
    assert scores[-1] > scores[0] + 0.1
    assert trained.seen.terms.entropy[-1] < trained.seen.terms.entropy[0]
    assert trained.seen.terms.entropy[0] == pytest.approx(np.log(5), abs=0.05)


def test_one_seed_repeats_and_two_differ():
    def fit(seed: int) -> tuple[in_jax.State, problem.Seen]:
        draws = in_jax.Draws(*map(jnp.asarray, problem.draw(TINY, seed=seed)))
        inputs = in_jax.create(TINY, jax.random.key(seed)), problem.load(TINY, seed=seed).train
        return in_jax.compiled_fit(*jax.tree.map(jnp.asarray, (*inputs, draws)), TINY)

    (one, seen), (again, _), (_, other) = map(fit, (0, 0, 1))
    for ours, theirs in zip(*map(jax.tree.leaves, (one.params, again.params)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(seen.terms.loss, other.terms.loss)


def test_the_draws_follow_the_policy():
    draws = problem.draw(dataclasses.replace(TINY, num_steps=500), seed=3, num_updates=5)
    logits = np.log([0.5, 0.2, 0.1, 0.1, 0.1])
    shares = np.bincount((draws.gumbel + logits).argmax(-1).ravel(), minlength=5) / 20_000
    np.testing.assert_allclose(shares, np.exp(logits), atol=0.015)
    everything = np.sort(draws.order.reshape(5 * TINY.num_epochs, -1), axis=1)
    assert (everything == np.arange(8 * 500)).all()


def test_the_optimizer_cuts_long_gradients_and_its_rate_falls_to_zero():
    rates = problem.learning_rates(PAGE)
    assert rates.dtype == np.float32
    assert rates[0] == np.float32(PAGE.learning_rate)
    assert rates[-1] == schedules.at(rates, 10**9) == 0
    assert len(rates) == PAGE.num_updates * PAGE.steps_per_update + 1
    params = {"w": jnp.zeros(4)}
    ours, whole = in_jax.optimizer(TINY), optax.adam(TINY.learning_rate, eps=problem.EPSILON)
    long, cut = {"w": jnp.full(4, 10.0)}, {"w": jnp.full(4, problem.MAX_NORM / 2)}
    found = ours.update(long, ours.init(params))[0]
    expected = whole.update(cut, whole.init(params))[0]
    np.testing.assert_allclose(found["w"], expected["w"], rtol=1e-5)


# --- What has to be beaten --------------------------------------------------------------------


def test_a_cautious_thief_earns_more_than_a_greedy_one_and_nobody_more_than_the_best_play():
    config = dataclasses.replace(PAGE, num_test=24, num_plays=8, num_development=64)
    data = problem.load(config, seed=5)
    scores = evaluation.baselines(data, config, seed=5)
    shares = [scores[name].held_out for name in (evaluation.RANDOM, "greedy", "cautious greedy")]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert 0.6 < shares[2] < 1


def test_all_thieves_meet_the_same_slips_in_levels_that_nobody_has_learned_in():
    data, again, other = problem.load(TINY), problem.load(TINY), problem.load(TINY, seed=1)
    np.testing.assert_array_equal(data.test.chance, again.test.chance)
    assert not np.array_equal(data.test.level.coin, other.test.level.coin)
    assert len(data.test.level.start) == TINY.num_test * TINY.num_plays
    np.testing.assert_array_equal(data.test.level.coin[:6], data.test.level.coin[6:])
    assert data.test.chance.shape == (TIME_LIMIT, 12, 2)


def test_the_judgement_names_every_rival_and_measures_by_the_best_play(
    trained: evaluation.Trained,
):
    judgement = evaluation.judge(SHORT, seed=0, trained=trained)
    assert list(judgement.baselines) == [evaluation.RANDOM, evaluation.GREEDY, evaluation.CAUTIOUS]
    assert judgement.strongest[0] == evaluation.CAUTIOUS
    ours = judgement.details[evaluation.PPO][evaluation.EARNED]
    best = evaluation.best_return(take(trained.data.test.level, slice(6)), SHORT)
    assert judgement.value == pytest.approx(ours / best)
    assert "not met" in reading.say_verdict(judgement)
    assert "met" in reading.say_verdict(dataclasses.replace(judgement, value=1.0))
    assert len(reading.games_table(judgement).rows) == 5


# --- Edges and pictures -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_minibatches": 3}, "64 steps, which 3 batches"),
        ({"num_minibatches": 0}, "which 0 batches"),
        ({"trace": 1.5}, "trace is 1.5"),
        ({"source": "atari"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_the_far_room_is_worth_something_to_who_holds_the_key_alone(
    trained: evaluation.Trained, plans: reading.Plans
):
    start = heist.start(take(trained.data.test.level, slice(1)))
    beyond = np.arange(NUM_CELLS) % SIDE > WALL
    for has_key in (False, True):
        game = start._replace(has_key=np.full(1, has_key))
        best = reading.values_of_cells(plans, trained.params, game)["the best play"]
        assert (best[beyond] > 0).all() == has_key
        assert (best[~beyond] > 0).any()


def test_the_pictures_and_tables_of_the_page_can_be_made(
    trained: evaluation.Trained, plans: reading.Plans
):
    game = reading.follow(trained.params, trained.data.test, 0)
    numbers = reading.steps_of(game, trained.params, SHORT)
    assert len(game.states) == len(game.chosen) + 1 == len(reading.notes(game))
    assert len(reading.steps_table(game, numbers).rows) == min(8, len(game.chosen))
    assert numbers["advantage"][-1] == pytest.approx(numbers["surprise"][-1])
    values = reading.values_of_cells(plans, trained.params, game.states[0])
    boards = {name: figures.board(each, game.states[0].level) for name, each in values.items()}
    drawn = [
        next(figures.game_frames(game.states, reading.notes(game))),
        figures.game_strip(game.states, [str(i) for i in range(len(game.states))]),
        figures.clipping(0.2),
        figures.values(boards, game.states[0]),
    ]
    for figure in drawn:
        figure.canvas.draw()
        figure.clear()
    assert f"In {len(game.chosen)} steps" in reading.describe_game(game)
    assert "left room" in reading.describe_values(values)
