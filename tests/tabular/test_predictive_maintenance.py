"""Predict machine failures: the twins agree, the selection is right, and the model learns."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.predictive_maintenance import (
    comparison,
    evaluation,
    features,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    selection,
)
from tutorials_lib.tabular.predictive_maintenance.problem import PAGE, TINY, Settings

BACKENDS = [pytest.param(in_numpy, id="numpy"), pytest.param(in_jax, id="jax")]
in_both = pytest.mark.parametrize("twin", BACKENDS)


@pytest.fixture(scope="module")
def data() -> problem.Data:
    return problem.load(TINY)


@pytest.fixture(scope="module")
def trained(data) -> selection.Trained:
    return selection.train(data, TINY, seed=0)


def small(rows: int = 40, columns: int = 3) -> tuple[dict, in_numpy.Batch]:
    """Parameters of one model and a batch, in float64."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(rows, columns))
    labels = (table[:, 0] + rng.normal(size=rows) > 0.5).astype(float)
    params = {"weights": rng.normal(size=columns), "bias": np.asarray(-0.5)}
    return params, in_numpy.Batch(table, labels, np.ones(rows))


def arrays(twin, tree):
    """The tree with the arrays of the twin; call it with 64 bits enabled."""
    return jax.tree.map(jnp.asarray if twin is in_jax else np.asarray, tree)


def loss_and_grads(twin, params: dict, batch: in_numpy.Batch, class_weight: float = 1.0) -> list:
    """All leaves of what the twin's function of this name returns, in float64."""
    with jax.enable_x64(True):
        given = arrays(twin, (params, twin.Batch(*batch), np.asarray(class_weight)))
        return [np.asarray(leaf) for leaf in jax.tree.leaves(twin.loss_and_grads(*given))]


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    ours, theirs = (loss_and_grads(twin, *small(), 3.0) for twin in (in_numpy, in_jax))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


@in_both
def test_a_part_that_is_held_back_counts_as_one_that_is_not_there(twin):
    params, batch = small()
    kept = np.arange(40) < 25
    zeros = loss_and_grads(twin, params, batch._replace(kept=kept * 1.0))
    without = loss_and_grads(twin, params, in_numpy.Batch(*(column[kept] for column in batch)))
    for a, b in zip(zeros, without, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


@in_both
def test_a_class_weight_of_two_is_every_failure_twice(twin):
    params, batch = small()
    twice = np.concatenate([np.arange(40), np.flatnonzero(batch.labels)])
    weighted = loss_and_grads(twin, params, batch, 2.0)
    repeated = loss_and_grads(twin, params, in_numpy.Batch(*(c[twice] for c in batch)))
    for a, b in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


@in_both
def test_the_loss_of_an_extreme_logit_is_finite(twin):
    params, batch = small()
    params = {"weights": 1e4 * params["weights"], "bias": params["bias"]}
    assert all(np.isfinite(leaf).all() for leaf in loss_and_grads(twin, params, batch))


@in_both
def test_training_finds_the_logistic_regression_of_scikit_learn(twin):
    _, batch = small(rows=200)
    theirs = LogisticRegression(C=np.inf, tol=1e-8).fit(batch.features, batch.labels)
    config = dataclasses.replace(TINY, num_steps=2_000, batch_size=200)
    rows = np.tile(np.arange(200, dtype=np.int32), (config.num_steps, 1))
    with jax.enable_x64(True):
        start, everybody, settings = arrays(
            twin,
            (
                {"weights": np.zeros(3), "bias": np.zeros(())},
                twin.Batch(batch.features, batch.labels, np.ones((1, 200))),
                Settings(np.zeros(1), np.ones(1)),
            ),
        )
        fit = in_jax.compiled_fit if twin is in_jax else in_numpy.fit
        state, losses = fit(twin.start(start, config), everybody, rows, settings, config)
    np.testing.assert_allclose(state.params["weights"][0, 0], theirs.coef_[0], atol=1e-4)
    assert losses[0, 0, 0] > losses[0, 0, -1]


@in_both
def test_all_models_at_once_are_each_model_alone(twin):
    config = dataclasses.replace(TINY, num_steps=10)
    inputs = comparison.prepare(twin, arrays(twin, comparison.make_inputs(config)), config)
    together, _ = comparison.fit(twin, inputs, config)
    alone, _ = twin.train_steps(
        inputs.state,
        twin.Batch(inputs.features, inputs.labels, inputs.kept[-1]),
        inputs.batches,
        Settings(*(each[1] for each in inputs.settings)),
        config,
    )
    weights = alone.params["weights"]
    np.testing.assert_allclose(together.params["weights"][-1, 1], weights, atol=1e-4)


# --- The machine and its features -------------------------------------------------------------


def test_the_machine_fails_at_a_steady_rate_for_every_reason():
    parts = problem.generate(30_000, np.random.default_rng(0))
    halves = parts.failed.reshape(2, -1).mean(axis=1)
    assert (np.abs(halves - 0.04) < 0.012).all()
    assert (parts.modes.sum(axis=0) > 10).all()
    assert parts.measurements[:, 4].max() < 260


def test_one_seed_repeats_and_two_seeds_differ():
    first, again, other = (problem.load(TINY, seed=seed).train for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.measurements, again.measurements)
    assert not np.array_equal(first.measurements, other.measurements)


def test_every_fold_has_its_share_of_the_failures(data):
    held_back = problem.folds(data.train.failed, TINY)
    assert (held_back.sum(axis=0) == 1).all()
    assert np.ptp((held_back & data.train.failed).sum(axis=1)) <= 1


def test_no_fold_each_fold_and_every_pair_is_left_out():
    held_back = np.eye(5, dtype=bool)
    kept = problem.kept(held_back, PAGE)
    assert kept.shape == (1 + 5 + 10, 5)
    assert kept.sum(axis=1).tolist() == [5] + 5 * [4] + 10 * [3]


def test_two_folds_are_refused():
    with pytest.raises(ValueError, match="num_folds is 2; nested selection"):
        dataclasses.replace(PAGE, num_folds=2)


def test_a_batch_may_be_larger_than_the_set_and_an_epoch_repeats_no_part():
    config = dataclasses.replace(TINY, num_steps=7, batch_size=4)
    batches = problem.draw_batches(10, config)
    assert batches.shape == (7, 4)
    assert len(np.unique(batches[:2])) == 8
    assert problem.draw_batches(3, config).shape == (7, 3)


def test_a_sum_of_ramps_is_the_curve_between_knots():
    knots, heights = np.array([0.0, 1.0, 4.0]), np.array([2.0, -1.0, 5.0])
    at = np.linspace(-1, 5, 31)
    curve = heights[0] + features.ramps(at, knots) @ np.diff(heights)
    np.testing.assert_allclose(curve, np.interp(at, knots, heights))


def test_features_are_measured_on_training_measurements_and_never_on_labels(data):
    encoding = features.fit_encoding(data.train)
    blind = dataclasses.replace(data.train, failed=~data.train.failed)
    jax.tree.map(np.testing.assert_array_equal, encoding, features.fit_encoding(blind))
    table = features.to_features(data.train, encoding)
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-5)
    ends = [each.stop for each in features.slices(encoding).values()]
    assert ends[-1] == table.shape[1]


# --- The selection ----------------------------------------------------------------------------


def test_the_nested_score_is_that_of_a_loop_over_trainings():
    """Random logits in the place of models: what counts is which of them is asked about what."""
    rng = np.random.default_rng(0)
    config = dataclasses.replace(PAGE, num_folds=3)
    failed = rng.random(60) < 0.3
    held_back = problem.folds(failed, config)
    out = problem.left_out(config)
    logits = rng.normal(size=(len(out), 4, 60))

    def score(left_out: tuple[int, ...], setting: int, fold: int) -> float:
        rows = held_back[fold]
        return average_precision_score(failed[rows], logits[out.index(left_out), setting, rows])

    nested = []
    for i in range(3):
        inner = [
            sum(score(tuple(sorted((i, j))), s, j) for j in range(3) if j != i) for s in range(4)
        ]
        nested.append(score((i,), int(np.argmax(inner)), i))
    found = selection.select(logits, failed, held_back, config)
    np.testing.assert_allclose(found.nested, nested)
    assert found.chosen == np.argmax(
        [np.mean([score((i,), s, i) for i in range(3)]) for s in range(4)]
    )


def test_a_class_weight_is_taken_out_of_the_probabilities(data, trained):
    (heavy,) = np.flatnonzero(problem.grid(TINY).class_weight == 16)[:1]
    logits = selection.predict(trained, data.train, TINY, chosen=int(heavy))
    share = data.train.failed.mean()
    taken_out, left_in = (expit(each).mean() - share for each in (logits, logits + np.log(16)))
    assert abs(taken_out) < left_in / 3


def test_the_selected_model_beats_logistic_regression_on_what_was_measured(data, trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    rivals = judgement.baselines
    assert judgement.value > rivals["logistic regression, measured"].held_out + 0.1
    assert len(rivals) == 5
    assert judgement.strongest[0] == "boosted trees, engineered"


@pytest.mark.usefixtures("published_data")
def test_the_selected_model_learns_the_published_parts():
    config = dataclasses.replace(TINY, num_train=3_000, num_steps=150, source="real")
    judgement = evaluation.judge(config, seed=0)
    assert judgement.value > judgement.baselines["logistic regression, engineered"].held_out
    assert [len(parts) for parts in problem.load(dataclasses.replace(PAGE, source="real"))] == [
        6_000,
        1_000,
        3_000,
    ]


def test_the_cheapest_threshold_is_that_of_a_search_over_all():
    rng = np.random.default_rng(0)
    probs = rng.choice([0.1, 0.2, 0.3, 0.5, 0.8], 50)
    failed = rng.random(50) < probs
    for miss in (0.5, 2.0, 10.0, 1_000.0):
        found = evaluation.cheapest_threshold(probs, failed, miss)
        every = [evaluation.cost(probs, failed, t, miss) for t in (*np.unique(probs), np.inf)]
        assert evaluation.cost(probs, failed, found, miss) == min(every)


# --- What the page reads and shows ------------------------------------------------------------


def test_the_sum_of_a_part_is_its_log_odds(data, trained):
    added = reading.contributions(trained, data.test, TINY)
    logits = selection.predict(trained, data.test, TINY)
    np.testing.assert_allclose(sum(added.values()), logits, atol=1e-4)


def test_a_choice_at_the_end_of_the_grid_is_said(trained):
    config = dataclasses.replace(TINY, weight_decays=(0.003, 0.03, 0.3), class_weights=(1.0,))
    said = [
        reading.say_edge(
            trained._replace(selection=trained.selection._replace(chosen=chosen)), config
        )
        for chosen in range(3)
    ]
    for words, text in zip(("smallest", "inside", "largest"), said, strict=True):
        assert words in text


def test_the_exercise_looks_beyond_the_end_that_was_chosen(trained):
    config = dataclasses.replace(TINY, weight_decays=(0.003, 0.03, 0.3), class_weights=(1.0,))
    for chosen, expected in enumerate([(0.0, 0.0003), (0.0, 0.0003), (0.9, 3.0)]):
        there = trained._replace(selection=trained.selection._replace(chosen=chosen))
        assert reading.beyond_the_grid(there, config) == pytest.approx(expected)


def test_the_heaviest_setting_keeps_the_chosen_weight_decay(trained):
    config = dataclasses.replace(TINY, weight_decays=(0.003, 0.3), class_weights=(16.0, 1.0))
    for chosen, expected in enumerate([0, 0, 2, 2]):
        there = trained._replace(selection=trained.selection._replace(chosen=chosen))
        assert reading.heaviest(there, config) == expected


def test_the_map_of_overstrain_shows_failures_of_low_quality_alone(data, trained):
    maps = reading.risk_maps(trained, data, TINY)
    for mode in maps:
        failed = data.test.modes[:, problem.MODES.index(mode)]
        shown = failed & (data.test.quality == 0) if mode == "overstrain" else failed
        assert len(maps[mode].failed[0]) == shown.sum()
    wear, torque = maps["overstrain"].failed
    assert (wear * torque > 1_000 * problem.STRAIN_LIMITS[0]).all()


def test_theory_and_search_are_compared_by_what_they_cost(data):
    failed = data.test.failed
    probs = np.where(failed, 0.9, 0.1)
    theory, search = "one over the cost of a miss", "cheapest on the development parts"
    for costly, words in (
        ({theory: 0.5, search: 0.05}, "theory is cheaper"),
        ({theory: 0.05, search: 0.5}, "search is cheaper"),
        ({theory: 0.5, search: 0.6}, "cost the same"),
    ):
        assert words in reading.say_thresholds(probs, data.test, costly, 25.0)


def test_the_nested_score_is_read_by_whether_the_folds_agree(trained):
    scores = np.array([[0.9, 0.8], [0.7, 0.75]])
    for nested, words in (
        ([0.9, 0.7], "same choice, so"),
        ([0.8, 0.7], "choice, and the nested score is lower."),
        ([0.9, 0.75], "choice, and the nested score is even higher"),
        ([0.85, 0.75], "choice, and the two scores are level."),
    ):
        found = selection.Selection(scores, 0, np.array(nested))
        assert words in reading.say_nested(trained._replace(selection=found))


def test_the_last_snapshot_is_the_selected_model(data, trained):
    shots = reading.snapshots(trained, data.train, TINY, after=(0, 10))
    assert [shot.steps for shot in shots] == [0, 10, TINY.num_steps]
    assert not shots[0].weights.any()
    selected = trained.params["weights"][0, trained.selection.chosen]
    np.testing.assert_allclose(shots[-1].weights, selected, atol=1e-3)


def test_every_picture_of_the_page_can_be_drawn_and_described(data, trained):
    maps = reading.risk_maps(trained, data, TINY)
    shots = reading.snapshots(trained, data.train, TINY, after=(0,))
    probs = expit(selection.predict(trained, data.test, TINY))
    both, failed = {"selected": probs, "random": np.full(len(probs), 0.5)}, data.test.failed
    _, thresholds = reading.costs({"development": probs[:500], "test": probs}, data, 25.0)
    drawn = [
        figures.risk_maps(maps),
        figures.curves(shots[-1], trained.encoding, height=5.0),
        figures.curve_strip(shots, trained.encoding),
        figures.precision_recall(both, failed),
        figures.reliability(both, failed),
        figures.threshold_costs(probs, failed, thresholds, 25.0),
    ]
    assert all(figure.axes for figure in drawn)
    assert "heat, over difference (K) and speed (rpm)" in figures.describe_risk_maps(maps)
    assert "after 0 steps they span power 0.0" in figures.describe_curves(shots, trained.encoding)
    assert "selected has precision" in figures.describe_precision_recall(both, failed)
    assert "random: 50.0% predicted" in figures.describe_reliability(both, failed)
    costs = figures.describe_threshold_costs(probs, failed, thresholds, 25.0)
    assert "even odds at 0.500 costs" in costs


def test_what_is_said_of_the_rivals_follows_the_scores():
    names = [
        f"{a}, {b}"
        for a in ("logistic regression", "boosted trees")
        for b in ("measured", "engineered")
    ]
    rivals = {
        name: Score(0.5, held_out)
        for name, held_out in zip(names, (0.4, 0.6, 0.7, 0.9), strict=True)
    }
    wins, loses = (Judgement(metric="AP", value=value, baselines=rivals) for value in (0.95, 0.85))
    assert "the line is met" in reading.say_who_wins(wins)
    assert "the line is *not met*." in reading.say_who_wins(loses)
    assert "boosted trees from 0.700 to 0.900" in reading.say_what_features_gain(loses)
