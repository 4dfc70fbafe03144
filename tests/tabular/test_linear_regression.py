"""Predict house prices: the twins agree, known answers are found, and the rivals are beaten."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import HuberRegressor, Lasso, LinearRegression, Ridge

from tutorials_lib.datasets import houses
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.linear_regression import (
    comparison,
    evaluation,
    features,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
)
from tutorials_lib.tabular.linear_regression.problem import PAGE, TINY

BACKENDS = [pytest.param(in_numpy, id="numpy"), pytest.param(in_jax, id="jax")]
in_both = pytest.mark.parametrize("twin", BACKENDS)


@pytest.fixture(scope="module")
def patients() -> tuple[np.ndarray, np.ndarray]:
    """Scaled measurements of 442 patients with a column of ones, and how their disease went on."""
    measured = load_diabetes()
    scaled = (measured.data - measured.data.mean(0)) / measured.data.std(0)
    return np.concatenate([np.ones((len(scaled), 1)), scaled], axis=1), measured.target


def arrays(twin, *values) -> list:
    """The values as the arrays of the twin, in float64."""
    make = jnp.asarray if twin is in_jax else np.asarray
    return [make(value, float) for value in values]


def solved(twin, patients, penalty: float, *, solve=None) -> np.ndarray:
    with jax.enable_x64(True):
        table, targets, counts, penalty = arrays(
            twin, *patients, np.ones(len(patients[1])), penalty
        )
        return np.asarray((solve or twin.ridge)(twin.system(table, targets, counts), penalty))


# --- The twins --------------------------------------------------------------------------------


def test_one_gradient_by_hand_equals_that_of_jax():
    inputs = comparison.make_inputs(TINY)
    weights = np.random.default_rng(0).normal(size=len(inputs.weights))
    with jax.enable_x64(True):
        ours, theirs = (
            twin.gradient(*arrays(twin, weights, inputs.features, inputs.targets))
            for twin in (in_numpy, in_jax)
        )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@in_both
def test_steps_down_the_gradient_keep_float32_and_never_raise_the_loss(twin):
    made = comparison.make_inputs(TINY)
    inputs = jax.device_put(made) if twin is in_jax else made
    with jax.numpy_dtype_promotion("strict"):
        fitted = comparison.fit(twin, inputs, TINY)
    assert {fitted.weights.dtype, fitted.losses.dtype} == {np.dtype("float32")}
    assert np.diff(fitted.losses).max() <= 0
    assert fitted.losses[-1] < 0.5 * fitted.losses[0]
    assert not np.asarray(made.weights).any()  # the start is left as it was


@in_both
def test_gradient_descent_arrives_at_the_solution_of_the_normal_equations(twin, patients):
    table, targets = patients
    config = dataclasses.replace(TINY, num_steps=20_000)
    with jax.enable_x64(True):
        start, size = np.zeros(table.shape[1]), problem.step_size(table)
        walked = twin.fit(*arrays(twin, start, table, targets, size), config).weights
    np.testing.assert_allclose(walked, solved(twin, patients, 0.0), atol=1e-2)


# --- Known answers ----------------------------------------------------------------------------


@in_both
def test_without_a_penalty_the_weights_are_those_of_scikit_learn(twin, patients):
    table, targets = patients
    theirs = LinearRegression().fit(table[:, 1:], targets)
    weights = solved(twin, patients, 0.0)
    np.testing.assert_allclose(weights, [theirs.intercept_, *theirs.coef_], rtol=1e-8)


@in_both
def test_ridge_is_that_of_scikit_learn_and_leaves_the_intercept_alone(twin, patients):
    table, targets = patients
    theirs = Ridge(alpha=0.3 * len(table)).fit(table[:, 1:], targets)
    weights = solved(twin, patients, 0.3)
    np.testing.assert_allclose(weights, [targets.mean(), *theirs.coef_], rtol=1e-8)


@in_both
@pytest.mark.parametrize("penalty", [1.0, 20.0])
def test_lasso_is_that_of_scikit_learn_zeros_included(twin, patients, penalty: float):
    table, targets = patients
    theirs = Lasso(alpha=penalty, tol=1e-12, max_iter=100_000).fit(table[:, 1:], targets)
    lasso = partial(twin.lasso, config=dataclasses.replace(TINY, num_shrinkages=3_000))
    weights = solved(twin, patients, penalty, solve=lasso)
    np.testing.assert_allclose(weights[1:], theirs.coef_, atol=1e-4)
    np.testing.assert_array_equal(weights[1:] == 0, theirs.coef_ == 0)


@in_both
def test_a_penalty_that_is_strong_enough_leaves_the_mean(twin, patients):
    table, targets = patients
    largest = np.abs(table.T @ (targets - targets.mean()) / len(table)).max()
    lasso = partial(twin.lasso, config=TINY)
    weights = solved(twin, patients, 1.01 * largest, solve=lasso)
    assert weights[0] == pytest.approx(targets.mean(), rel=1e-6)
    assert not weights[1:].any()


@in_both
def test_huber_is_hardly_moved_by_one_wild_value(twin, patients):
    table, targets = patients
    wild = targets.copy()
    wild[0] += 1e5
    config = dataclasses.replace(TINY, num_reweightings=60)
    counts = np.ones(len(table))
    with jax.enable_x64(True):
        before, after = (
            np.asarray(twin.huber(table, y, counts, 1e-6, 60.0, config)) for y in (targets, wild)
        )
    assert np.abs(after - before).max() < 2
    assert np.abs(LinearRegression().fit(table, wild).coef_).max() > 100


@in_both
def test_huber_is_that_of_scikit_learn(twin, patients):
    table, targets = patients
    theirs = HuberRegressor(epsilon=1.5, alpha=0, tol=1e-9, max_iter=2_000).fit(
        table[:, 1:], targets
    )
    config = dataclasses.replace(TINY, num_reweightings=100)
    with jax.enable_x64(True):
        settings = 0.0, 1.5 * theirs.scale_, config
        ours = twin.huber(table, targets, np.ones(len(table)), *settings)
    np.testing.assert_allclose(ours, [theirs.intercept_, *theirs.coef_], atol=0.05)


@in_both
def test_a_resample_that_draws_everybody_once_is_the_fit_of_all(twin, patients):
    table, targets = patients
    with jax.enable_x64(True):
        settings = 1e-3, 50.0, TINY
        once = np.ones((2, len(table)))
        all_homes = twin.huber(table, targets, once[0], *settings)
        resampled = twin.bootstrap(table, targets, once, *settings)
    np.testing.assert_allclose(resampled, [all_homes, all_homes], rtol=1e-7)


@in_both
def test_cross_validation_is_the_loop_over_folds_and_penalties(twin, patients):
    table, targets = patients
    held_back = problem.folds(len(table), TINY)
    penalties = np.array([0.01, 1.0])
    with jax.enable_x64(True):
        found = twin.cross_validate(twin.ridge, table, targets, held_back, penalties)
    for i, out in enumerate(held_back):
        for j, penalty in enumerate(penalties):
            model = Ridge(alpha=penalty * (~out).sum()).fit(table[~out, 1:], targets[~out])
            error = ((model.predict(table[out, 1:]) - targets[out]) ** 2).mean()
            assert float(found.errors[i, j]) == pytest.approx(error, rel=1e-8)


# --- The homes and their features -------------------------------------------------------------


def test_the_three_sets_share_no_home_and_folds_hold_back_each_home_once():
    data = problem.load(TINY)
    assert [len(homes) for homes in data] == [600, 100, 300]
    prices = np.concatenate([homes.price for homes in data])
    assert len(np.unique(prices)) == len(prices)
    assert (problem.folds(601, TINY).sum(axis=0) == 1).all()
    assert (problem.resample(600, TINY).sum(axis=1) == 600).all()


def test_features_are_measured_on_the_training_homes_alone():
    train, _, test = problem.load(TINY)
    preparation = features.fit_preparation(train, features.engineered)
    table = features.to_features(train, preparation)
    np.testing.assert_allclose(table[:, 0], 1)
    np.testing.assert_allclose(table[:, 1:].mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(table[:, 1:].std(0), 1)
    np.testing.assert_array_equal(
        features.to_features(test[:5], preparation), features.to_features(test, preparation)[:5]
    )


def test_a_gap_is_filled_with_the_median_and_said_to_be_one():
    train = problem.load(TINY).train
    preparation = features.fit_preparation(train, features.numbers)
    assert set(preparation.gaps) == {"rooms", "baths", "age"}
    table = features.to_features(train, preparation)[:, 1:] * preparation.std + preparation.mean
    gaps = np.isnan(train.numbers["age"])
    age, said = (preparation.names.index(name) for name in ("age", "age missing"))
    np.testing.assert_allclose(table[gaps, age], np.nanmedian(train.numbers["age"]))
    np.testing.assert_allclose(table[:, said], gaps, atol=1e-9)


def test_a_column_that_is_the_same_everywhere_is_left_out():
    train = problem.load(TINY).train
    numbers = train.numbers | {"garage": np.ones(len(train))}
    same = dataclasses.replace(train, numbers=numbers)
    preparation = features.fit_preparation(same, features.engineered)
    assert "garage" not in preparation.names
    assert np.isfinite(features.to_features(same, preparation)).all()


def test_one_seed_repeats_and_two_seeds_differ():
    prices = [problem.load(TINY, seed=seed).train.price for seed in (0, 0, 1)]
    np.testing.assert_array_equal(prices[0], prices[1])
    assert not np.isclose(prices[0], prices[2]).any()


# --- What it is worth -------------------------------------------------------------------------


def test_engineered_features_beat_the_numbers_as_recorded():
    judgement = evaluation.judge(TINY, seed=0)
    assert judgement.value > judgement.baselines["numbers as recorded"].held_out + 0.05
    assert judgement.baselines["mean price"].held_out < 0.01
    assert set(judgement.baselines) >= {"numbers and categories", "boosted trees"}


def test_intervals_cover_the_known_coefficients_and_hubers_are_narrower():
    config = dataclasses.replace(PAGE, num_train=2_000, num_resamples=100)
    data = problem.load(config)
    trained = evaluation.train(data, config, seed=0)
    intervals = reading.relative_intervals(data, trained, 1e-5, 0.15, config)
    for both in intervals.values():
        assert reading.num_covered(both) >= len(houses.COEFFICIENTS) - 1
    squares, robust = ((high - low).mean() for low, high in intervals.values())
    assert robust < 0.9 * squares


def test_the_strongest_penalty_within_a_standard_error_is_no_weaker_than_the_best():
    errors = np.array([[1.0, 1.1, 1.2, 9.0], [2.0, 2.0, 2.3, 9.0], [3.0, 2.9, 3.3, 9.0]])
    assert reading.strongest_within_error(errors) == 1
    assert reading.strongest_within_error(errors[:, ::-1]) == 3


@pytest.mark.usefixtures("published_data")
def test_engineered_features_beat_plain_ones_on_the_districts_of_california():
    config = dataclasses.replace(TINY, num_train=3_000, source="real")
    data = problem.load(config)
    trained = evaluation.train(data, config, seed=0)
    plain = evaluation.best_of(data, features.numbers, [evaluation.least_squares])
    found = evaluation.scores(data.test.price, evaluation.predict(trained, data.test))
    assert found["R²"] > plain.held_out + 0.03


def test_all_districts_are_divided_at_the_size_of_the_page(published_data):
    data = problem.load(dataclasses.replace(PAGE, source="real"))
    assert [len(homes) for homes in data] == [14_448, 2_064, 4_128]


# --- What the page reads and shows ------------------------------------------------------------


def test_the_sum_of_a_home_is_its_predicted_price():
    data = problem.load(TINY)
    trained = evaluation.train(data, TINY, seed=0)
    predicted = evaluation.predict(trained, data.test)
    home = reading.ordinary(data.test, predicted)
    adds = reading.contributions(trained, data.test, home)
    assert min(abs(added) for name, added in adds.items() if name != reading.REST) >= reading.SMALL
    total = trained.weights[0] + sum(adds.values())
    assert total == pytest.approx(np.log(predicted[home]))
    first, *rows, last = reading.sum_up(trained, data.test, home).rows
    assert [first[-1], last[-1]] == [f"{trained.weights[0]:.4f}", f"{np.log(predicted[home]):.4f}"]
    assert float(first[-1]) + sum(float(row[-1]) for row in rows) == pytest.approx(total, abs=2e-3)
    for name, *numbers, added in rows:
        if name not in ("place", reading.REST):
            here, average, unit = map(float, numbers)
            assert (here - average) * unit == pytest.approx(float(added), rel=0.02, abs=1e-3)
    errors = np.abs(predicted / data.test.price - 1)
    assert errors[home] == pytest.approx(np.median(errors), rel=0.1)


def test_the_verdict_speaks_of_the_rival_that_is_strongest():
    def said(value: float, *, trees: float, linear: float) -> str:
        rivals = {
            "numbers and categories": Score(None, linear),
            reading.TREES: Score(None, trees),
        }
        return reading.say_whether_met(Judgement(metric="R²", value=value, baselines=rivals))

    assert "far harder to read" in said(0.9, trees=0.8, linear=0.7)
    assert "itself a linear model" in said(0.9, trees=0.7, linear=0.8)
    assert "boosted trees reach 0.700" in said(0.9, trees=0.7, linear=0.8)
    assert "short of it by 0.100" in said(0.7, trees=0.8, linear=0.6)
    assert "not met" in said(0.8, trees=0.8, linear=0.6)


def test_maps_are_correlated_where_both_are_drawn():
    fitted = np.array([[0.0, 0.1], [0.2, np.nan]])
    told = figures.describe_maps({"as fitted": fitted, "as it is": 2 * fitted})
    assert told.endswith("The correlation of the two maps is 1.00.")


def test_every_picture_of_the_page_can_be_drawn_and_described():
    data = problem.load(TINY)
    trained = evaluation.train(data, TINY, seed=0)
    effects, extent = reading.maps(trained, data.train)
    adds = {"area": 0.3, "place": -0.1}
    excess = {"recorded": np.array([1.0, 0.1]), "engineered": np.array([1.0, 0.5])}
    penalties, path = np.array([0.1, 1.0]), {"lasso": np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 1.0]])}
    errors, relative = (
        {"lasso": np.array([1.0, 2.0])},
        {"Huber": np.array([[0.9, 1.1], [1.2, 1.3]])},
    )
    predicted = reading.predictions(data, trained)
    drawn = [
        figures.maps(effects, extent, ("east", "north")),
        figures.contributions(2e5, adds),
        figures.descent(excess),
        figures.paths(penalties, path, errors, {"area": 1}),
        figures.intervals(["area", "age"], relative, label="multiple"),
        figures.residuals(data.test.price, predicted),
    ]
    assert all(figure.axes for figure in drawn)
    assert "as it is" in figures.describe_maps(effects)
    assert "area +35.0%, place -9.5%" in figures.describe_contributions(2e5, adds)
    assert "engineered falls from 1.0e+00 to 5.0e-01" in figures.describe_descent(excess)
    assert "zero go from 0 to 1" in figures.describe_paths(penalties, path, errors)
    assert "Huber covers 1" in figures.describe_intervals(["area", "age"], relative)
    assert "knows the rule: medians" in figures.describe_residuals(data.test.price, predicted)
