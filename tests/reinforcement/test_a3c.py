"""Agents in parallel: the twins agree, no update is lost, and staleness is what it is called."""

import dataclasses
import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs, prepared
from tutorials_lib.environments.cartpole.physics import TIME_LIMIT
from tutorials_lib.environments.returns import in_jax as returns_in_jax
from tutorials_lib.environments.returns import in_numpy as returns_in_numpy
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.reinforcement.a3c import (
    asynchronous,
    comparison,
    evaluation,
    experiments,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
)
from tutorials_lib.reinforcement.a3c.evaluation import Run
from tutorials_lib.reinforcement.a3c.problem import PAGE, TINY

ALONE = problem.with_agents(TINY, 1)
AGREEMENT = comparison.COMPARISON.agreement


def numpy_start(config: problem.Config, *, seed: int = 0) -> in_numpy.State:
    params = jax.tree.map(np.asarray, in_jax.create(config, jax.random.key(seed)))
    return in_numpy.start(params, problem.first_observations(config, seed=seed), config)


def assert_equal(ours: Any, theirs: Any) -> None:
    for one, other in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def threads() -> dict[int, experiments.Threads]:
    """NumPy's workers, which compile nothing."""
    return {count: experiments.run_threads("NumPy", ALONE, count, seed=0) for count in (1, 3)}


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train_runs(TINY, (Run(0, 1e-2), Run(1, 1e-2), Run(0, 1e-2), Run(0, 3e-2)))


# --- The twins --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", problem.ACTIVATIONS)
def test_the_hand_gradient_equals_that_of_jax(activation: str):
    config = dataclasses.replace(AGREEMENT, activation=activation, hidden=(6, 5))
    with jax.enable_x64(True):
        inputs = make_inputs(comparison.COMPARISON, config, np.float64)
        inputs = prepared(comparison.COMPARISON, in_numpy, inputs, config)
        now = in_numpy.Draws(*(array[0] for array in inputs.draws))
        _, played = in_numpy.rollout(inputs.params, inputs.state.carts, now, config)
        assert (played.is_over & ~played.terminated).any(), "no episode is cut by the clock"
        assert played.terminated.any()
        terms, grads = in_numpy.loss_and_grads(inputs.params, played, config)
        theirs = jax.jit(in_jax.loss_and_grads, static_argnames="config")
        arrays = jax.tree.map(jnp.asarray, (inputs.params, tuple(played)))
        their_terms, their_grads = theirs(arrays[0], in_jax.Rollout(*arrays[1]), config)
    np.testing.assert_allclose(terms, their_terms, rtol=1e-12)
    for ours, other in zip(*map(jax.tree.leaves, (grads, their_grads)), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-14)


def test_acting_and_the_gradient_promote_nothing_silently():
    inputs = prepared(
        comparison.COMPARISON, in_jax, make_inputs(comparison.COMPARISON, AGREEMENT), AGREEMENT
    )
    now = in_jax.Draws(*(array[0] for array in inputs.draws))
    with jax.numpy_dtype_promotion("strict"):
        carts, grads, _ = jax.eval_shape(
            lambda p, c, d: in_jax.work(p, c, d, AGREEMENT), inputs.params, inputs.state.carts, now
        )
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}
    assert [leaf.dtype for leaf in carts] == [np.float32, np.int32]


def test_advantages_are_those_that_one_works_out_by_hand():
    def column(*numbers: float) -> np.ndarray:
        return np.array(numbers, np.float64)[:, None]

    value, after = column(2, 2, 2), column(2, 2, 8)
    fell = np.array([[False], [True], [False]])
    for terminated, expected in ((fell, [-1.25, -1, 6]), (~(fell | True), [-1, 0, 6])):
        inputs = column(0, 1, 4), value, after, terminated, fell
        ours = returns_in_numpy.advantages(*inputs, discount=0.5, trace=0.5)
        np.testing.assert_allclose(ours[:, 0], expected)
        theirs = returns_in_jax.advantages(*map(jnp.asarray, inputs), discount=0.5, trace=0.5)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_an_episode_that_the_clock_cuts_is_worth_what_would_have_followed():
    state = numpy_start(ALONE)
    carts = state.carts._replace(age=np.full(1, TIME_LIMIT - 1, np.int32))
    draws = in_numpy.Draws(*(array[0] for array in problem.draw(ALONE, seed=0)))
    after, played = in_numpy.rollout(state.params, carts, draws, ALONE)
    assert played.is_over[0, 0]
    assert not played.terminated[0, 0]
    assert played.age[0, 0] == TIME_LIMIT
    assert after.age[0] == ALONE.num_steps - 1
    np.testing.assert_array_equal(played.observation_t[1, 0], draws.first[0, 0])
    value = [
        in_numpy.values_of(state.params, each[0], ALONE)
        for each in (played.observation_t, played.observation_tp1)
    ]
    flat = in_numpy.values_of(state.params, played.observation_t.reshape(-1, 4), ALONE)
    found = in_numpy.advantages(state.params, played, flat, ALONE)[0]
    expected = problem.REWARD + ALONE.discount * value[1] - value[0]
    assert found == pytest.approx(expected[0], rel=1e-5)


# --- Old parameters on purpose ----------------------------------------------------------------


def test_agents_act_with_the_parameters_of_exactly_so_many_updates_ago(
    monkeypatch: pytest.MonkeyPatch,
):
    used: list[Any] = []
    real = in_numpy.work

    def watched(params: Any, *rest: Any) -> Any:
        used.append(jax.tree.map(np.copy, params))
        return real(params, *rest)

    monkeypatch.setattr(in_numpy, "work", watched)
    config = dataclasses.replace(TINY, delay=3)
    state, held = numpy_start(config), []
    draws = problem.draw(config, seed=0, num_updates=10)
    rates = problem.learning_rates(config)[:10]
    for gumbel, first, rate in zip(*draws, rates, strict=True):
        held.append(state.params)
        state, _ = in_numpy.train_step(state, in_numpy.Draws(gumbel, first), rate, config)
    for i, params in enumerate(used):
        assert_equal(params, held[max(i - 3, 0)])
    assert not np.array_equal(held[-1]["actor"][0]["kernel"], held[-2]["actor"][0]["kernel"])


# --- Workers in threads: only what holds always -----------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_every_update_is_done_once_and_none_is_lost(
    threads: dict[int, experiments.Threads], count: int
):
    store = threads[count].store
    assert sorted(entry.job for entry in store.log) == list(range(ALONE.num_updates))
    assert store.opt_state.steps == ALONE.num_updates
    assert {entry.worker for entry in store.log} <= set(range(count))


def test_one_worker_is_never_late_and_does_what_the_synchronous_training_does(
    threads: dict[int, experiments.Threads],
):
    store = threads[1].store
    assert not asynchronous.staleness(store).any()
    draws, rates = problem.draw(ALONE, seed=0), problem.learning_rates(ALONE)[:-1]
    state, seen = in_numpy.train_steps(numpy_start(ALONE), in_numpy.Draws(*draws), rates, ALONE)
    assert_equal(store.params, state.params)
    assert_equal([entry.seen.length for entry in store.log], list(seen.length))


def test_a_gradient_is_as_stale_as_there_were_updates_between_reading_and_writing():
    """Three workers read, and only then does the first of them write."""
    together = threading.Barrier(3)

    def work(params: Any, carts: Any, draws: problem.Draws) -> Any:
        together.wait(timeout=30)
        return carts, {"w": np.ones(1)}, None

    def apply(params: Any, count: int, grads: Any, rate: Any) -> Any:
        return {"w": params["w"] + grads["w"]}, count + 1

    draws = problem.Draws(*(array[:3] for array in problem.draw(ALONE, seed=0)))
    store = asynchronous.train(
        asynchronous.Library(work, apply), {"w": np.zeros(1)}, 0, [None] * 3, draws, np.ones(3)
    )
    assert list(asynchronous.staleness(store)) == [0, 1, 2]
    assert {entry.worker for entry in store.log} == {0, 1, 2}
    assert store.params["w"] == store.opt_state == 3, "an update was lost"


def test_what_goes_wrong_in_a_worker_is_raised():
    def work(*_: Any) -> Any:
        raise ZeroDivisionError("in the worker")

    library = asynchronous.Library(work, in_numpy.apply_gradient)
    draws = problem.draw(ALONE, seed=0)
    with pytest.raises(ZeroDivisionError, match="in the worker"):
        asynchronous.train(library, {}, None, [None, None], draws, np.ones(4))


def test_a_worker_of_jax_does_what_one_of_numpy_does(threads: dict[int, experiments.Threads]):
    theirs = experiments.run_threads("JAX", ALONE, 1, seed=0)
    ours = threads[1].store
    assert [int(entry.seen.length) for entry in theirs.store.log[:20]] == [
        entry.seen.length for entry in ours.log[:20]
    ]
    curve = experiments.curve_of(theirs, num_parts=4)
    assert curve.shape == (4,)
    assert curve.max() > 5
    assert theirs.speed > 0


# --- Runs and what has to be beaten -----------------------------------------------------------


def test_runs_side_by_side_repeat_and_differ_by_seed_and_rate(trained: evaluation.Trained):
    kernel = trained.params["actor"][0]["kernel"]
    np.testing.assert_array_equal(kernel[0], kernel[2])
    assert not np.array_equal(kernel[0], kernel[1])
    assert not np.array_equal(kernel[0], kernel[3])
    assert set(experiments.reached(trained)) == {1e-2, 3e-2}
    state = numpy_start(TINY)
    draws = in_numpy.Draws(*problem.draw(TINY, seed=0))
    rates = problem.learning_rates(dataclasses.replace(TINY, learning_rate=1e-2))[:-1]
    ours, _ = in_numpy.train_steps(state, draws, rates, TINY)
    np.testing.assert_allclose(ours.params["actor"][0]["kernel"], kernel[0], rtol=1e-3, atol=1e-4)


def test_a_curve_is_the_mean_of_what_ended_and_keeps_the_last_where_nothing_did():
    seen = problem.Seen(np.array([[1, 1, 0, 0, 2, 0]]), np.array([[10, 20, 0, 0, 80, 0]]), None)
    np.testing.assert_array_equal(evaluation.curves(seen, num_parts=3), [[15, 15, 40]])


def test_the_judgement_names_every_rival_and_a_tie_is_not_met(trained: evaluation.Trained):
    alone = evaluation.tune_one_agent(TINY, problem.load(TINY), seed=0)
    assert alone.trained.config.num_envs == 1
    judgement = evaluation.judge(TINY, seed=0, trained=evaluation.Both(trained, alone))
    assert set(judgement.baselines) == {
        "chance", "proportional controller", "damped controller", evaluation.ONE_AGENT,
    }  # fmt: skip
    assert judgement.strongest == ("damped controller", TIME_LIMIT)
    assert not judgement.met
    assert not dataclasses.replace(judgement, value=float(TIME_LIMIT)).met
    assert judgement.details[evaluation.ONE_AGENT]["updates"] == 80
    assert judgement.details["4 agents"]["updates"] == 20


def test_the_pictures_and_tables_of_the_page_can_be_made(
    trained: evaluation.Trained, threads: dict[int, experiments.Threads]
):
    late = {count: asynchronous.staleness(each.store) for count, each in threads.items()}
    curves = {"4 agents": evaluation.curves(trained.seen)}
    found = experiments.reached(trained)
    delayed: dict[int, Any] = {0: found, 15: found}
    by_rate = reading.lateness_of(delayed)
    speeds = {"NumPy": {1: 100.0, 4: 300.0}, "JAX": {1: 500.0, 4: 2_000.0}}
    drawn = [
        figures.by_steps_and_seconds(curves, TINY.total_steps, {"4 agents": trained.seconds}),
        figures.timeline(threads[3].store.log[:10]),
        figures.staleness(late),
        figures.lateness(by_rate),
        figures.throughput(speeds),
    ]
    for figure in drawn:
        figure.canvas.draw()
        figure.clear()
    assert list(by_rate) == ["0.01", "0.03"]
    assert len(reading.threads_table({"NumPy": threads}).rows) == 2
    assert len(reading.example_table(trained).rows) == 8
    assert len(reading.reached_table({"4": found}, first="Agents").rows) == 2
    assert len(reading.numbers_table({4: trained}, problem.load(TINY).test).rows) == 1
    assert "2,000 with 4" in reading.describe_speeds(speeds)
    assert "10 updates as bars" in reading.describe_timeline(10, late[3][:10])
    assert "one of 15 updates" in reading.say_lateness(delayed)
    assert "ahead in 0 of 4" in reading.compare_learning(trained, trained)
    assert "changes little" in reading.say_company({"1": found, "4": found})


def test_the_example_ends_an_episode_and_blames_the_pushes_before(trained: evaluation.Trained):
    rows = reading.example_table(trained).rows
    fallen = [i for i, row in enumerate(rows) if "falls" in row[3]]
    assert len(fallen) == 1
    assert abs(float(rows[fallen[0] + 1][1].rstrip("°"))) < 3, "the next row is a new episode"
    assert rows[fallen[0]][5] == rows[fallen[0]][6], "nothing is passed back beyond the fall"


def test_the_verdict_has_its_words_for_every_outcome():
    simple = {evaluation.ONE_AGENT: Score(None, 400.0)}
    details = {
        "16 agents": {"return while training": 300.0},
        evaluation.ONE_AGENT: {"return while training": 350.0},
    }
    judged = Judgement(metric="m", value=450.0, baselines=simple, details=details)
    assert reading.say_verdict(judged).endswith("*met*.")
    assert reading.say_verdict(dataclasses.replace(judged, value=399.0)).endswith("*not met*.")
    at_most = {"damped controller": Score(None, float(TIME_LIMIT))}
    assert "no room above" in reading.say_verdict(dataclasses.replace(judged, baselines=at_most))
    assert [row[0] for row in reading.rivals(judged).rows] == ["16 agents", evaluation.ONE_AGENT]


def test_whoever_judges_tunes_the_agent_alone_and_lets_it_act_as_often():
    alone = problem.with_agents(PAGE, 1)
    assert alone.num_updates * alone.batch_size == PAGE.num_updates * PAGE.batch_size
    assert alone.num_updates == 16 * PAGE.num_updates
    assert experiments.TUNED[PAGE.num_envs] == PAGE.learning_rate
    assert experiments.TUNED[1] in evaluation.RATES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_envs": 0}, "num_envs is 0"),
        ({"delay": -1}, "delay is -1"),
        ({"total_steps": 3}, "less than the 16 of one update"),
        ({"trace": 1.5}, "trace is 1.5"),
        ({"activation": "sine"}, "tanh, relu"),
        ({"source": "atari"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_rates_fall_to_zero_and_a_run_ends_before_it():
    rates = problem.learning_rates(PAGE)
    assert rates[0] == np.float32(PAGE.learning_rate)
    assert rates[-1] == 0 < rates[-2]
    assert len(rates) == PAGE.num_updates + 1
