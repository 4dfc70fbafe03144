"""Forecast a time series with an LSTM: the twins agree, the past stays blind, rivals are fair."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import stock_prices
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.sequences.lstm_forecasting import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    rivals,
)
from tutorials_lib.sequences.lstm_forecasting.evaluation import MODEL, Difference
from tutorials_lib.sequences.lstm_forecasting.problem import CHAOS, GOOGLE, PAGE, TINY

SMALL = dataclasses.replace(TINY, hidden_size=2, horizon=3, batch_size=5, window=4, periods=())


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    found = evaluation.train(TINY, seed=0)
    return found._replace(rivals=rivals.tune_all(found.data, TINY))


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        inputs = make_inputs(comparison.COMPARISON, SMALL, np.float64)
        arrays = inputs.params, inputs.windows, inputs.targets
        values, grads = in_numpy.loss_and_grads(*arrays, SMALL)
        total: Any = jax.jit(jax.grad(lambda *arrays: in_jax.loss(*arrays, config=SMALL).sum()))
        expected = total(*jax.tree.map(jnp.asarray, arrays))
    np.testing.assert_allclose(values, in_numpy.loss(*arrays, SMALL))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), grads, expected
    )


def test_the_loss_promotes_nothing_silently():
    inputs = make_inputs(comparison.COMPARISON, SMALL, np.float32)
    arrays = jax.tree.map(jnp.asarray, (inputs.params, inputs.windows, inputs.targets))
    with jax.numpy_dtype_promotion("strict"):
        _, grads = jax.eval_shape(partial(in_jax.loss_and_grads, config=SMALL), *arrays)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_networks_do_not_hear_of_each_other():
    inputs = make_inputs(comparison.COMPARISON, SMALL, np.float32)
    arrays = inputs.params, inputs.windows, inputs.targets
    _, grads = in_numpy.loss_and_grads(*arrays, SMALL)
    inputs.windows[1:] += 1
    _, others = in_numpy.loss_and_grads(*arrays, SMALL)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[0], b[0]), grads, others)
    assert not np.array_equal(grads["readout"]["kernel"][1], others["readout"]["kernel"][1])


# --- What is known when -----------------------------------------------------------------------


@pytest.mark.parametrize("series", [None, CHAOS, GOOGLE])
def test_every_part_ends_before_the_next_begins(series: str | None):
    config = PAGE if series is None else problem.of_series(PAGE, series)
    data = problem.load(config)
    for train, development, known, test in zip(
        data.train, data.development, data.known, data.test, strict=True
    ):
        assert train[0] == config.lookback
        assert train[-1] + config.horizon == development[0]
        assert development[-1] + config.horizon == known[-1] + config.horizon == test[0]
    assert np.concatenate(data.test).tolist() == list(
        range(data.test[0][0], len(data.values) - config.horizon + 1)
    )


def test_a_window_holds_means_of_what_lies_before_its_origin():
    config = dataclasses.replace(SMALL, window=2, pooling=3, num_lags=6)
    values = np.arange(20.0)
    assert problem.windows_of(values, np.array([6, 7]), config).tolist() == [[1, 4], [2, 5]]
    assert problem.targets_of(values, np.array([6]), config).tolist() == [[6, 7, 8]]
    relative = dataclasses.replace(config, is_relative=True)
    assert problem.windows_of(values, np.array([6]), relative).tolist() == [[-4, -1]]
    assert problem.targets_of(values, np.array([6]), relative).tolist() == [[1, 2, 3]]


def test_scaled_targets_come_back_as_they_were():
    data = problem.load(TINY)
    for config in (TINY, dataclasses.replace(TINY, is_relative=True)):
        examples, scalings = problem.to_examples(data, data.known, config)
        outputs = examples.targets[0, :5].astype(float)
        origins = data.known[0][:5]
        back = problem.to_forecasts(outputs, data.values, origins, scalings[0], config)
        np.testing.assert_allclose(back, problem.truth_of(data.values, origins, config), atol=1e-5)
        windows = examples.windows[0, : len(data.known[0])]
        np.testing.assert_allclose(windows.mean(0), 0, atol=1e-5)
        assert windows.std() == pytest.approx(1, rel=1e-5)


def test_another_future_changes_no_forecast_of_the_past(
    trained: evaluation.Trained, monkeypatch: pytest.MonkeyPatch
):
    """Scaling, training and choosing anew, with another series from the second test on."""
    assert trained.rivals is not None
    cut = trained.data.test[1][0]
    values = trained.data.values.copy()
    values[cut:] = 50 + np.random.default_rng(0).standard_normal(len(values) - cut)
    monkeypatch.setattr(problem, "_values", lambda series, seed: values)
    again = evaluation.train(TINY, seed=0)
    before = trained.data.test[0] + TINY.horizon <= cut
    np.testing.assert_array_equal(again.forecasts[0], trained.forecasts[0])
    assert not np.array_equal(again.forecasts[1][1:], trained.forecasts[1][1:])
    for name, tuned in rivals.tune_all(again.data, TINY).items():
        expected = trained.rivals[name].test[0]
        np.testing.assert_allclose(tuned.test[0][before], expected[before], err_msg=name)
    for ours, theirs in zip(
        reading.first_forecasts(trained, values), trained.forecasts, strict=True
    ):
        np.testing.assert_allclose(ours, theirs[:1], rtol=1e-5)


def test_batches_are_drawn_from_the_own_fold_and_anew_for_every_network():
    data = problem.load(TINY)
    batches = problem.draw_batches(data.known, TINY, rng=np.random.default_rng(0))
    assert batches.shape == (TINY.num_steps, TINY.num_networks, TINY.batch_size)
    for network, fold in enumerate(problem.fold_of(TINY)):
        assert batches[:, network].max() < len(data.known[fold])
    assert not np.array_equal(batches[:, 0], batches[:, 1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"series": "tea leaves"}, "sunspots, chaos, google, sp500"),
        ({"horizon": 0}, "each must be at least 1"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_a_series_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="200 values is too short for windows of 140"):
        problem.walk_forward(np.zeros(200), TINY)


# --- Rivals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [1, 12])
def test_smoothing_is_that_of_statsmodels(period: int):
    # For the twelfth value ahead, statsmodels takes a season that has not seen the last value.
    config = dataclasses.replace(SMALL, horizon=11)
    values = problem.load(SMALL).values[:200]
    smoothed = rivals.smooth(values, period, 0.3, 0.1, 0.9)
    model = ExponentialSmoothing(
        values[period:],
        trend="add",
        damped_trend=True,
        seasonal="add" if period > 1 else None,
        seasonal_periods=period if period > 1 else None,
        initialization_method="known",
        initial_level=values[:period].mean(),
        initial_trend=0.0,
        initial_seasonal=values[:period] - values[:period].mean() if period > 1 else None,
    )
    rates = {"smoothing_level": 0.3, "smoothing_trend": 0.1, "damping_trend": 0.9}
    rates |= {"smoothing_seasonal": 0.1} if period > 1 else {}
    expected = model.fit(**rates, optimized=False).forecast(11)
    origins = np.array([len(values)])
    found = rivals.holt_winters(values, origins, origins, smoothed, config)[0]
    np.testing.assert_allclose(found, expected)


def test_rivals_know_what_is_simple():
    config = dataclasses.replace(SMALL, horizon=6, num_lags=8)
    values = np.tile([0.0, 1.0, 4.0, 9.0], 30)
    known, origins = np.arange(8, 60), np.arange(80, 90)
    truth = problem.truth_of(values, origins, config)
    exact: Any = {
        rivals.seasonal_naive: 4,
        rivals.analogues: (rivals.Past(8, 1, False), 5),
        rivals.ridge: (rivals.Past(8, 1, True), 1e-6),
        rivals.holt_winters: rivals.smooth(values, 4, 0.1, 0.1, 1.0),
    }
    for rival, setting in exact.items():
        found = rival(values, known, origins, setting, config)
        np.testing.assert_allclose(found, truth, atol=1e-4, err_msg=rival.__name__)
    last = rivals.last_value(values, known, origins, None, config)
    assert (last == values[origins - 1, None]).all()


def test_a_rival_is_tuned_on_the_development_part_and_learns_from_all_that_is_known():
    data = problem.load(SMALL)
    seen = []

    def rival(values: Any, known: Any, origins: Any, setting: int, config: Any) -> Any:
        seen.append((setting, known, origins))
        return problem.truth_of(values, origins, config) + setting

    found = rivals.tune(rival, [3, -1, 2], data, SMALL)
    for fold in range(SMALL.num_folds):
        *tried, chosen = seen[4 * fold : 4 * fold + 4]
        assert all(origins is data.development[fold] for _, _, origins in tried)
        assert chosen[0] == -1
        np.testing.assert_array_equal(chosen[1], data.known[fold])
        assert chosen[2] is data.test[fold]
    assert evaluation.rmse(
        evaluation.errors_of(found.test, data.test, data, SMALL)
    ) == pytest.approx(1)


# --- Learning and judging ---------------------------------------------------------------------


def test_a_few_steps_beat_the_last_value(trained: evaluation.Trained):
    assert trained.losses.shape == (TINY.num_steps, TINY.num_networks)
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    assert judgement.value < judgement.baselines[rivals.LAST].held_out
    assert judgement.value == pytest.approx(
        evaluation.rmse(evaluation.errors_by_method(trained)[MODEL])
    )
    assert judgement.baselines[rivals.LAST].development is None
    assert set(judgement.details) == {MODEL, *judgement.baselines}
    assert judgement.baselines == evaluation.baselines(trained.data, TINY, seed=0)


def test_two_seeds_differ_and_one_repeats(trained: evaluation.Trained):
    first, same, other = (in_jax.create(TINY, jax.random.key(seed)) for seed in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, first, same)
    assert not np.array_equal(first["readout"]["kernel"], other["readout"]["kernel"])
    chaos = problem.of_series(TINY, CHAOS)
    assert not np.array_equal(problem.load(chaos).values, problem.load(chaos, seed=1).values)
    np.testing.assert_array_equal(problem.load(TINY).values, problem.load(TINY, seed=1).values)


def test_a_difference_is_settled_where_its_interval_leaves_zero_out():
    errors, others = np.full((40, 2), 2.0), np.ones((40, 2))
    found = evaluation.difference(errors, others, TINY)
    assert found == Difference(3.0, 3.0, 3.0)
    assert found.is_settled
    assert not Difference(0.1, -0.2, 0.4).is_settled


def test_published_prices_take_the_settings_of_prices(monkeypatch: pytest.MonkeyPatch):
    found = stock_prices.Prices(np.arange(900), np.exp(np.linspace(0, 1, 900)))
    monkeypatch.setattr(stock_prices, "load_sp500", lambda: found)
    data = problem.load(dataclasses.replace(TINY, source="real"))
    np.testing.assert_allclose(np.diff(data.values), 1 / 899)
    config = problem.for_source(dataclasses.replace(TINY, source="real"))
    assert rivals.SEASONAL not in rivals.choices(data.values, config)
    assert problem.for_source(TINY) is TINY


# --- The page ---------------------------------------------------------------------------------


def test_one_forecast_goes_all_the_way(trained: evaluation.Trained):
    one = reading.one_forecast(trained, 1)
    np.testing.assert_allclose(one.window.shape, (TINY.window,))
    mean = one.members.mean(0)
    scaling = trained.scalings[1]
    back = mean * scaling.target_spread + scaling.target_center
    np.testing.assert_allclose(one.forecast, back**2, rtol=1e-4)
    table = reading.forecast_table(one, trained)
    assert table.header[0].startswith("Forecast of ")
    assert reading.month_of(12) == "January 1750"


def test_the_pictures_and_tables_of_the_page_can_be_made(trained: evaluation.Trained):
    errors = evaluation.errors_by_method(trained)
    data, times = trained.data, reading.years_of(trained.data.values)
    origins, shown = figures.every(data.test, {MODEL: trained.forecasts}, 18, 4)
    curves, at = reading.losses_by_fold(trained)
    assert [len(each) for each in (*curves.values(), at)] == [TINY.num_steps // 10] * 3
    assert curves["fold 1"][0] == pytest.approx(trained.losses[:10, :2].mean())
    np.testing.assert_array_equal(np.diff(origins), 18)
    differences = reading.differences_from(errors, rivals.LAST, TINY)
    one = reading.one_forecast(trained, 0)
    for figure in (
        figures.paths(times, data.values, origins, shown, x="year", y="number"),
        figures.walk(data, times, x="year"),
        figures.memory(one.window, one.cells),
        figures.errors_ahead(errors, y="error"),
        figures.intervals(differences, x="difference"),
    ):
        figure.canvas.draw()
    assert "LSTM is off by" in figures.describe_paths(data.values, origins, shown, y="n")
    assert "row of bars" in figures.describe_walk(data, times)
    assert "calmest cell" in figures.describe_memory(one.cells)
    assert "LSTM from" in figures.describe_errors_ahead(errors)
    assert "ridge on lags" in figures.describe_intervals(differences, form="+.2f")
    assert "still to come" in reading.scaling_table(trained).rows[-1][0]
    assert reading.metrics_table(errors).rows[1][-1] == "+0.0%"
    thousandfold = reading.thousandfold_differences(trained)["ridge on lags"].mean
    assert thousandfold == pytest.approx(1000 * differences["ridge on lags"].mean)


def test_what_the_page_says_follows_the_scores():
    def verdict(value: float, compared: Difference) -> str:
        baselines = {"ridge": Score(0.5, 1.0)}
        judgement = Judgement(
            metric="RMSE", value=value, baselines=baselines, higher_is_better=False
        )
        return reading.say_whether_met(judgement, compared)

    assert verdict(0.9, Difference(-0.2, -0.3, -0.1)).startswith("Met: ")
    assert "the two are level" in verdict(1.1, Difference(0.2, -0.3, 0.4))
    errors = {
        name: np.full((2, 2), size)
        for name, size in ((MODEL, 1.0), (rivals.RIDGE, 2.0), (rivals.ANALOGUES, 0.5))
    }
    assert "nowhere" in reading.say_ahead(errors)
    errors[MODEL] = np.array([[2.0, 0.1], [2.0, 0.1]])
    assert "that of analogues. The networks have it at 1 of 2" in reading.say_ahead(errors)
    errors[MODEL] = np.ones((2, 2))
    assert "ridge is 2.0 times" in reading.say_chaos(errors)
    assert "are ahead of them" in reading.say_chaos(errors)
    level, worse = Difference(0.0, -1.0, 1.0), Difference(2.0, 1.0, 3.0)
    assert "nothing here beats" in reading.say_prices({"ridge": level, "LSTM": worse})
    assert "beyond the interval: LSTM" in reading.say_prices({"LSTM": Difference(-2, -3, -1)})
