"""Balance a pole with deep Q-learning: the twins agree, and it learns."""

import dataclasses
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tutorials_lib import schedules
from tutorials_lib.benchmark.agreement import agree, cast, make_inputs, prepared
from tutorials_lib.benchmark.comparison import compiled
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import MAX_ANGLE, TIME_LIMIT
from tutorials_lib.reinforcement.dqn import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
)
from tutorials_lib.reinforcement.dqn.problem import PAGE, TINY, Config

SHORT = Config(hidden=(32, 32), capacity=4_000, batch_size=64, num_epochs=6, steps_per_epoch=250)
"""Enough steps to balance far longer than by chance, in a few seconds."""


def inputs_of(
    config: Config, dtype: type = np.float32, *, twin: ModuleType = in_numpy
) -> comparison.Inputs:
    """The inputs of the comparison, prepared for `twin`."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return prepared(comparison.COMPARISON, twin, inputs, config)


def first_of(draws: Any) -> Any:
    """The chance in the first of many training steps."""
    return type(draws)(*(array[0] for array in draws))


def on_device(tree: Any) -> Any:
    return jax.tree.map(jnp.asarray, tree)


@pytest.fixture(scope="module")
def trained() -> tuple[in_jax.Best, in_jax.History]:
    """Three runs, of two keys and the first of them again."""
    keys = jax.random.split(jax.random.key(0))[jnp.array([0, 1, 0])]
    return in_jax.fit_runs(*in_jax.prepare(keys, SHORT), SHORT)


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        inputs = inputs_of(TINY, np.float64)
        towards = in_numpy.targets(inputs.params, inputs.target, inputs.batch, TINY)
        loss, grads = in_numpy.loss_and_grads(inputs.params, inputs.batch, towards)
        expected, expected_grads = jax.jit(jax.value_and_grad(in_jax.loss))(
            on_device(inputs.params),
            on_device(in_jax.Transitions(*inputs.batch)),
            jnp.asarray(towards),
        )
    assert loss == pytest.approx(float(expected), rel=1e-12)
    assert jax.tree.structure(grads) == jax.tree.structure(expected_grads)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected_grads), strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_targets_loss_and_gradient_promote_nothing_silently():
    inputs = inputs_of(TINY, twin=in_jax)
    with jax.numpy_dtype_promotion("strict"):
        towards = in_jax.targets(inputs.params, inputs.target, inputs.batch, TINY)
        grads = jax.eval_shape(jax.grad(in_jax.loss), inputs.params, inputs.batch, towards)
    assert {leaf.dtype for leaf in jax.tree.leaves((towards, grads))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_every_part_of_the_state_leaves_a_step_with_the_type_it_came_with(twin: ModuleType):
    inputs = inputs_of(TINY, twin=twin)
    train_step = compiled(
        lambda twin, inputs, config: twin.train_step(inputs.state, first_of(inputs.draws), config),
        twin,
        "whole",
    )
    after, loss = train_step(inputs, TINY)
    assert jax.tree.structure(after) == jax.tree.structure(inputs.state)
    for before, leaf in zip(*map(jax.tree.leaves, (inputs.state, after)), strict=True):
        assert leaf.dtype == before.dtype
    assert loss.dtype == np.float32
    assert after.step.dtype == np.int32


def test_the_rates_fall_in_a_straight_line_and_then_stay():
    rates, shares = problem.learning_rates(PAGE), problem.exploration_rates(PAGE)
    for each in (rates, shares):
        assert each.dtype == np.float32
        assert len(each) == PAGE.num_steps + 1
        assert (np.diff(each) <= 0).all()
        assert not each.flags.writeable
    assert shares[0] == np.float32(PAGE.first_exploration)
    assert shares[-1] == np.float32(PAGE.last_exploration)
    assert (shares == shares[-1]).mean() == pytest.approx(1 - PAGE.exploring, abs=1e-3)
    assert rates[0] == np.float32(PAGE.learning_rate)
    assert 0 < rates[-2] < 1e-3 * PAGE.learning_rate
    assert rates[-1] == schedules.at(rates, PAGE.num_steps + 5) == 0
    at_once = problem.exploration_rates(dataclasses.replace(TINY, exploring=0.0))
    assert (at_once[1:] == np.float32(TINY.last_exploration)).all()


# --- Q-learning -------------------------------------------------------------------------------


def constant_network(values: tuple[float, float]) -> in_numpy.Params:
    """A network that gives the same two values to every observation."""
    return {
        "hidden": {0: {"kernel": np.zeros((4, 3)), "bias": np.zeros(3)}},
        "output": {"kernel": np.zeros((3, 2)), "bias": np.array(values)},
    }


def test_no_reward_follows_a_fall_but_one_may_follow_the_time_limit():
    observation = np.zeros((2, 4))
    batch = in_numpy.Transitions(
        observation, np.array([0, 1]), np.ones(2), observation, np.array([True, False])
    )
    params = constant_network((3.0, 5.0))
    towards = in_numpy.targets(params, params, batch, dataclasses.replace(TINY, discount=0.9))
    np.testing.assert_allclose(towards, [1, 1 + 0.9 * 5])


def test_double_q_learning_values_by_the_target_what_the_network_chose():
    observation = np.zeros((1, 4))
    batch = in_numpy.Transitions(
        observation, np.array([0]), np.zeros(1), observation, np.array([False])
    )
    params, target = constant_network((2.0, 1.0)), constant_network((10.0, 20.0))
    for double, value in ((True, 10.0), (False, 20.0)):
        config = dataclasses.replace(TINY, double=double, discount=1.0)
        assert in_numpy.targets(params, target, batch, config) == [value]


def test_a_target_is_kept_within_what_a_policy_can_have():
    observation = np.zeros((2, 4))
    batch = in_numpy.Transitions(
        observation, np.array([0, 1]), np.ones(2), observation, np.zeros(2, bool)
    )
    for value, bounded, expected in (
        (500.0, True, 10.0),
        (500.0, False, 1 + 0.9 * 500),
        (-5.0, True, 1.0),
    ):
        config = dataclasses.replace(TINY, discount=0.9, bounded=bounded)
        params = constant_network((value, value))
        towards = in_numpy.targets(params, params, batch, config)
        np.testing.assert_allclose(towards, [expected, expected])
    assert dataclasses.replace(TINY, discount=1.0).largest_value == np.inf


def test_a_network_that_fits_its_targets_has_no_loss_and_no_gradient():
    inputs = inputs_of(TINY, np.float64)
    params, batch = inputs.params, inputs.batch
    rows = np.arange(len(batch.action_t))
    towards = in_numpy.q_values(params, batch.observation_t)[rows, batch.action_t]
    loss, grads = in_numpy.loss_and_grads(params, batch, towards)
    assert loss == 0
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(grads))


def test_the_memory_forgets_the_oldest_step_first():
    config = dataclasses.replace(TINY, num_envs=2, capacity=6)
    state = in_numpy.start(constant_network((0.0, 0.0)), np.zeros((2, 4)), config)
    replay = in_jax.start(on_device(state.params), jnp.zeros((2, 4)), config).replay
    ours = state.replay
    for step in range(4):
        rewards = np.array([10.0 * step, 10.0 * step + 1])
        seen = in_numpy.Transitions(
            np.zeros((2, 4)), np.zeros(2, np.int32), rewards, np.zeros((2, 4)), np.zeros(2, bool)
        )
        ours = in_numpy.store(ours, seen, step)
        new = on_device(cast(in_jax.Transitions(*map(jnp.asarray, seen)), np.float32))
        replay = in_jax.store(replay, new, jnp.asarray(step))
    assert ours.reward_tp1.tolist() == replay.reward_tp1.tolist() == [30, 31, 10, 11, 20, 21]


def test_only_what_has_been_stored_is_replayed():
    rows = np.arange(8.0)
    replay = in_numpy.Transitions(
        np.zeros((8, 4)), np.zeros(8, np.int32), rows, np.zeros((8, 4)), np.zeros(8, bool)
    )
    replayed = np.linspace(0, 1, 50, endpoint=False)
    ours = in_numpy.sample(replay, replayed, 5)
    stored = on_device(cast(in_jax.Transitions(*map(jnp.asarray, replay)), np.float32))
    theirs = in_jax.sample(stored, jnp.asarray(replayed, jnp.float32), jnp.asarray(5))
    assert set(ours.reward_tp1) == set(theirs.reward_tp1.tolist()) == {0, 1, 2, 3, 4}
    almost_one = jnp.asarray([np.nextafter(np.float32(1), np.float32(0))])
    assert in_jax.sample(stored, almost_one, jnp.asarray(8)).reward_tp1.tolist() == [7]


def test_the_next_observation_is_never_that_of_the_next_episode():
    leaning = np.array([[0.0, 0.0, MAX_ANGLE, 1.0]] * 4)
    state = in_numpy.start(constant_network((1.0, 0.0)), leaning, TINY)
    draws = in_numpy.Draws(
        explore=np.ones(4), action=np.zeros(4, int), observation=np.zeros((4, 4)),
        replayed=np.zeros(16),
    )  # fmt: skip
    after, seen = in_numpy.interact(state, draws, TINY)
    assert seen.terminated.all()
    assert (np.abs(seen.observation_tp1[:, 2]) > MAX_ANGLE).all()
    assert (after.carts.observation == 0).all()
    assert (after.carts.age == 0).all()


def test_one_pole_after_the_other_acts_as_all_at_once():
    inputs = inputs_of(TINY)
    draws = first_of(inputs.draws)
    together, apart = (
        interact(inputs.state, draws, TINY)
        for interact in (in_numpy.interact, in_numpy.interact_one_by_one)
    )
    for ours, theirs in zip(jax.tree.leaves(together), jax.tree.leaves(apart), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_many_steps_at_once_leave_the_memory_of_the_caller_alone():
    inputs = inputs_of(TINY)
    in_numpy.train_steps(inputs.state, inputs.draws, TINY)
    assert not inputs.state.replay.reward_tp1.any()


# --- Learning ---------------------------------------------------------------------------------


def test_it_balances_far_longer_than_by_chance(trained):
    best, history = trained
    starts = cartpole.reset(np.random.default_rng(1), 50).astype(np.float32)
    chance = evaluation.mean_return(evaluation.random_policy(np.random.default_rng(0)), starts)
    for policy in evaluation.learned_policies(best.params):
        assert evaluation.mean_return(policy, starts) > 3 * chance
    assert history.promised.shape == (3, SHORT.num_epochs)


def test_the_best_network_is_the_last_of_those_with_the_highest_return(trained):
    best, history = trained
    np.testing.assert_array_equal(best.total, history.total.max(axis=1))
    old = in_jax.Best({"w": jnp.zeros(2)}, jnp.asarray(5.0))
    for total, kept in ((4.0, 0.0), (5.0, 1.0), (6.0, 1.0)):
        new = in_jax.keep_better(old, {"w": jnp.ones(2)}, jnp.asarray(total))
        assert new.params["w"].tolist() == [kept, kept]
        assert new.total == max(total, 5.0)


def test_no_policy_keeps_more_than_the_discount_allows(trained):
    _, history = trained
    assert (np.asarray(history.kept) < 1 / (1 - SHORT.discount)).all()
    assert (np.asarray(history.kept) <= np.asarray(history.total)).all()


def test_one_key_repeats_and_two_keys_differ(trained):
    best, history = trained
    for leaf in jax.tree.leaves((best, history)):
        np.testing.assert_array_equal(leaf[0], leaf[2])
    kernel = best.params["output"]["kernel"]
    assert not np.array_equal(kernel[0], kernel[1])
    assert not np.array_equal(history.loss[0], history.loss[1])


# --- What has to be beaten --------------------------------------------------------------------


def test_the_lines_to_beat_are_known_answers():
    starts = cartpole.reset(np.random.default_rng(2), 100)
    by_chance = evaluation.mean_return(evaluation.random_policy(np.random.default_rng(0)), starts)
    assert 18 < by_chance < 26
    assert 35 < evaluation.mean_return(evaluation.controller(0.0), starts) < 60
    damped = evaluation.controller(evaluation.best_lead(problem.load(PAGE).development))
    assert evaluation.mean_return(damped, starts) == TIME_LIMIT


def test_no_policy_is_judged_by_the_starts_of_another_seed_or_of_tuning():
    data, other = (problem.load(PAGE, seed=seed) for seed in (0, 1))
    assert len({array.tobytes() for array in (*data, *other)}) == 4
    np.testing.assert_array_equal(data.test, problem.load(PAGE).test)


def test_the_fourth_best_of_five_runs_is_judged_beside_every_policy_without_a_network():
    always_left, always_right = constant_network((1.0, 0.0)), constant_network((0.0, 1.0))
    runs = [always_left, always_right, always_left, always_right, always_left]
    trained = jax.tree.map(lambda *leaves: np.stack(leaves), *runs)
    judgement = evaluation.judge(TINY, seed=3, trained=trained)
    starts = problem.load(TINY, seed=3).test
    returns = [evaluation.mean_return(p, starts) for p in evaluation.learned_policies(trained)]
    assert judgement.value == sorted(returns)[1]
    assert judgement.strongest == ("damped controller", TIME_LIMIT)
    assert judgement.baselines.keys() == {
        "chance",
        "proportional controller",
        "damped controller",
    }
    assert not judgement.met


def test_judging_trains_where_nothing_has_been_trained():
    assert evaluation.judge(TINY, seed=0).value > 0


# --- Edges ------------------------------------------------------------------------------------


def test_a_single_pole_and_a_single_transition_train_alike_in_both():
    config = dataclasses.replace(TINY, num_envs=1, batch_size=1, capacity=3, hidden=(4,))
    both_ends = comparison.COMPARISON.variants[0], comparison.COMPARISON.variants[-1]
    agree(
        dataclasses.replace(
            comparison.COMPARISON,
            agreement=config,
            checks=comparison.COMPARISON.checks[-1:],
            variants=both_ends,
        )
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"capacity": 63}, "4 environments"),
        ({"num_envs": 0}, "0 environments"),
        ({"discount": 1.5}, "discount is 1.5"),
        ({"exploring": -0.1}, "exploring is -0.1"),
        ({"source": "atari"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- The network and its pictures -------------------------------------------------------------


def test_the_network_has_the_parameters_that_the_page_names():
    params = in_jax.create(PAGE, jax.random.key(0))
    assert params["hidden"][0]["kernel"].shape == (4, 64)
    assert params["output"]["kernel"].shape == (64, 2)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 4 * 64 + 64 + 64 * 65 + 65 * 2


def test_the_optimizer_is_adam_with_a_falling_rate():
    params = on_device(inputs_of(TINY).params)
    grads = jax.tree.map(jnp.ones_like, params)
    ours = in_jax.optimizer(TINY)
    theirs = optax.adam(optax.linear_schedule(TINY.learning_rate, 0.0, TINY.num_steps))
    updates = [each.update(grads, each.init(params))[0] for each in (ours, theirs)]
    for one, two in zip(*map(jax.tree.leaves, updates), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_the_pictures_of_the_page_can_be_drawn_and_described():
    start = np.array([[0.0, 0.0, 0.02, 0.0]], np.float32)
    episodes = {
        name: cartpole.play(evaluation.controller(lead), start)
        for name, lead in (("proportional", 0.0), ("damped", 0.2))
    }
    total = np.array([[9.0, 500.0, 480.0], [20.0, 30.0, 100.0]])
    chosen = problem.last_best(total)
    assert chosen.tolist() == [1, 2]
    runs = {"DQN": (total, total / 10), "double DQN": (total / 2, total / 10)}
    params = inputs_of(TINY).params
    values = {
        position: in_numpy.q_values(params, figures.grid(position, 9)) for position in (-1.0, 1.0)
    }
    drawn = (
        *figures.film(episodes, (0, 40)),
        figures.strip(episodes, (0, 20, 40)),
        figures.learning_curve(np.array([100, 200, 300]), total, chosen, {"random": 20.0}),
        figures.promises(runs, 100.0),
        figures.q_function(values),
    )
    assert len(drawn) == 6
    for figure in drawn:
        figure.canvas.draw()
        figure.clear()
    assert "damped, 500 steps" in figures.describe_film(episodes)
    assert "480" in figures.describe_learning_curve(total, chosen)
    assert "DQN: promised 290" in figures.describe_promises(runs, 100.0)
    assert "metres" in figures.describe_q_function(values)
