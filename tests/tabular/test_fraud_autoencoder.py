"""Detect fraud: the twins agree, probabilities are probabilities, and frauds come out on top."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.datasets import creditcard, transactions
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.fraud_autoencoder import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    timings,
)
from tutorials_lib.tabular.fraud_autoencoder.problem import PAGE, TINY
from tutorials_lib.trees import tree_map

BACKENDS = [pytest.param(in_numpy, id="numpy"), pytest.param(in_jax, id="jax")]
in_both = pytest.mark.parametrize("twin", BACKENDS)


@pytest.fixture(scope="module")
def inputs() -> comparison.Inputs:
    """Random parameters and batches, in float64."""
    made = comparison.make_inputs(dataclasses.replace(TINY, batch_size=6))
    return jax.tree.map(
        lambda leaf: leaf.astype(np.float64) if leaf.dtype == np.float32 else leaf, made
    )


@pytest.fixture(scope="module")
def data() -> problem.Data:
    return problem.load(TINY)


@pytest.fixture(scope="module")
def trained(data) -> evaluation.Trained:
    return evaluation.train(data, TINY, seed=0)


def arrays(twin, *values) -> Any:
    """The values as the arrays of the twin."""
    return jax.device_put(values) if twin is in_jax else values


def batch(inputs: comparison.Inputs) -> tuple[Any, Any, Any]:
    return inputs.answers[0], inputs.context[0], inputs.hidden[0]


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax(inputs):
    value, grads = in_numpy.loss_and_grads(inputs.params, *batch(inputs), TINY)
    with jax.enable_x64(True):
        params, *rows = arrays(in_jax, inputs.params, *batch(inputs))
        theirs, their_grads = in_jax.loss_and_grads(params, *rows, config=TINY)
        np.testing.assert_allclose(value, theirs, rtol=1e-12)
        jax.tree.map(
            lambda ours, other: np.testing.assert_allclose(ours, other, atol=1e-12),
            grads,
            their_grads,
        )


@in_both
def test_what_is_hidden_does_not_reach_the_network(twin, inputs):
    answers, context, hidden = batch(inputs)
    of_hidden = hidden[:, problem.owners(TINY.sizes)] == 1
    other = np.where(of_hidden, np.roll(answers, 1, axis=0), answers)
    with jax.enable_x64(True):
        first, second = (
            twin.predict(*arrays(twin, inputs.params, each, context, hidden), TINY)
            for each in (answers, other)
        )
    np.testing.assert_array_equal(first, second)


@in_both
def test_a_field_that_is_shown_costs_nothing(twin, inputs):
    answers, context, _ = batch(inputs)
    hidden = np.zeros((len(answers), len(TINY.sizes)))
    hidden[:, 2] = 1
    with jax.enable_x64(True):
        rows = arrays(twin, inputs.params, answers, context, hidden)
        logits = twin.predict(*rows, TINY)
        actual = twin.surprise_of(rows[1], logits, TINY).actual
        value = twin.loss(*rows, TINY)
    np.testing.assert_allclose(value, len(TINY.sizes) * np.asarray(actual)[:, 2].mean())


@in_both
def test_enormous_logits_neither_overflow_nor_turn_into_nan(twin):
    answers = problem.one_hot(np.zeros((2, 8), int), TINY.sizes)
    logits = np.full_like(answers, -1e4)
    logits[:, problem.starts(TINY.sizes)] = 1e4
    logits[1] *= -1
    found = twin.surprise_of(*arrays(twin, answers, logits), TINY)
    np.testing.assert_allclose(found.actual[0], 0, atol=1e-6)
    assert np.isfinite(found.actual).all()
    assert np.asarray(found.actual[1]).min() >= 1e4
    np.testing.assert_allclose(
        found.expected[1], np.log(np.array(TINY.sizes) - 1), rtol=1e-5
    )  # all but the first are equally likely


@in_both
def test_equal_logits_are_as_surprising_as_the_number_of_choices(twin):
    answers = problem.one_hot(np.ones((3, 8), int), TINY.sizes)
    for part in twin.surprise_of(*arrays(twin, answers, np.zeros_like(answers)), TINY):
        np.testing.assert_allclose(part, np.tile(np.log(TINY.sizes), (3, 1)), rtol=1e-6)


@in_both
def test_by_the_chain_rule_the_probabilities_of_all_payments_add_up_to_one(twin):
    """Two fields with a few choices each: every payment there is can be written down."""
    config = _Small()
    chosen = np.stack(np.meshgrid(np.arange(3), np.arange(4)), axis=-1).reshape(-1, 2)
    answers = problem.one_hot(chosen, config.sizes).astype(float)
    context = np.tile(np.random.default_rng(0).normal(size=config.num_contexts), (12, 1))
    with jax.enable_x64(True):
        params = draw_params(in_jax.create, config, rng=np.random.default_rng(0))
        rows = tree_map(np.float64, params), answers, context
        for order in ([[0, 1]], [[1, 0]]):
            found = twin.surprise(*arrays(twin, *rows, np.array(order)), config)
            assert np.exp(-np.asarray(found.actual).sum(1)).sum() == pytest.approx(1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Small(problem.Config):
    num_hidden: int = 5
    num_code: int = 2

    @property
    def sizes(self) -> tuple[int, ...]:
        return 3, 4


# --- Payments as answers ----------------------------------------------------------------------


def test_every_field_of_a_payment_has_one_answer_and_every_choice_a_name(data):
    firsts = problem.starts(PAGE.sizes)
    np.testing.assert_array_equal(np.add.reduceat(data.test.answers, firsts, axis=1), 1)
    names = problem.choice_names(PAGE)
    assert len(names) == sum(PAGE.sizes)
    assert names[firsts[2] + 3] == "3 to 4 h"
    assert (names[firsts[4]], names[firsts[5] - 1]) == ("below 0.61 euros", "above 665 euros")


def test_the_training_payments_are_normal_and_the_others_are_not_all(data):
    assert not data.train.is_fraud.any()
    for rows in data[1:]:
        assert 0.03 < rows.is_fraud.mean() < 0.07


def test_any_number_of_fields_is_hidden_in_both_libraries():
    ours = problem.draw_hidden(8_000, TINY, rng=np.random.default_rng(0))
    theirs = np.asarray(in_jax.hide(jax.random.uniform(jax.random.key(0), (8_000, 9))))
    for hidden in (ours, theirs):
        counts = np.bincount(hidden.sum(1).astype(int), minlength=9)
        assert counts[0] == 0
        np.testing.assert_allclose(counts[1:] / 8_000, 1 / 8, atol=0.02)
        np.testing.assert_allclose(hidden.mean(0), 9 / 16, atol=0.02)


def test_one_seed_repeats_and_two_differ(data, trained):
    again, other = problem.load(TINY), problem.load(TINY, seed=1)
    np.testing.assert_array_equal(data.test.answers, again.test.answers)
    assert not np.array_equal(data.test.kind, other.test.kind)
    repeated = evaluation.train(data, TINY, seed=0)
    jax.tree.map(np.testing.assert_array_equal, trained.params, repeated.params)


# --- Training and judging ---------------------------------------------------------------------


def test_training_learns_what_is_normal(trained):
    held_out = trained.history.held_out_loss
    assert held_out[-1] < held_out[0] - 1
    assert held_out[-1] < np.log(TINY.sizes).sum() - 3  # what knowing nothing would cost


def test_frauds_are_ranked_far_above_chance_by_all_methods(data, trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    held_out = [judgement.value, *(score.held_out for score in judgement.baselines.values())]
    assert min(held_out) > 3 * data.test.is_fraud.mean()
    assert len(judgement.baselines) == 7


def test_scores_do_not_depend_on_the_rows_beside_them(data, trained):
    whole = evaluation.find(trained.params, data.test, TINY)
    few = problem.Rows(data.test.answers[:7], data.test.context[:7], {}, data.test.kind[:7])
    for part, alone in zip(whole, evaluation.find(trained.params, few, TINY), strict=True):
        np.testing.assert_allclose(part[:7], alone, rtol=1e-4)


def test_a_budget_is_spent_on_the_highest_scores():
    development = np.arange(1_000.0)
    test = np.array([995.0, 991.0, 500.0, 1.0])
    found = evaluation.alerts(development, test, np.array([True, False, True, False]))
    assert found.threshold == pytest.approx(989.01)
    assert found == (found.threshold, 2, 0.5, 0.5)


def test_labels_help(data):
    few, many = (evaluation.with_labels(data, count, seed=0) for count in (100, 1_500))
    assert many > max(few, 0.4)


def test_the_typical_payment_of_a_kind_is_in_the_middle_of_its_kind():
    scores, kind = np.array([5.0, 1.0, 9.0, 7.0]), np.array([1, 0, 1, 1])
    assert reading.typical(scores, kind, 1) == 3


# --- The published set ------------------------------------------------------------------------


def test_the_published_table_goes_the_same_way(monkeypatch):
    rng = np.random.default_rng(0)
    is_fraud = rng.random(1_000) < 0.05
    numbers = rng.normal(size=(1_000, 30)) + 2 * is_fraud[:, None]
    table = creditcard.CreditCard(numbers, is_fraud)
    monkeypatch.setattr(creditcard, "load_creditcard", lambda: table)
    config = dataclasses.replace(
        TINY, source="real", num_train=400, num_epochs=8, batch_size=40, num_orders=1
    )
    data = problem.load(config)
    assert len(data.train.kind) == 400
    assert not data.train.is_fraud.any()
    assert len(data.test.kind) == 300
    assert data.train.answers.sum() == 30 * 400
    trained = evaluation.train(data, config, seed=0)
    found = evaluation.read(trained.params, data, config)
    assert evaluation.score(data, found).held_out > 0.5
    assert problem.kind_names(config) == ("normal", "fraud")
    assert len(problem.choice_names(config)) == data.test.answers.shape[1]


# --- Pictures and sentences -------------------------------------------------------------------


def test_a_payment_is_explained_field_by_field(data, trained):
    found = evaluation.find(trained.params, data.test, TINY)
    text = reading.explain_payment(data.test, found, 0, TINY).markdown()
    assert f"**{found.actual[0].sum():.1f}**" in text
    assert all(field in text for field in problem.FIELDS)


def test_the_expected_hours_of_a_weekday_add_up_to_one(trained):
    by_profile = reading.hours_by_weekday(trained.params, problem.draw(TINY), TINY)
    assert list(by_profile) == list(transactions.PROFILES)
    for hours in by_profile.values():
        np.testing.assert_allclose(hours.sum(1), 1, rtol=1e-5)
    figures.expected_hours(by_profile)
    assert "office is expected most from" in figures.describe_expected_hours(by_profile)


def test_both_days_of_the_weekend_are_described_together():
    hours = np.full((7, 24), 0.01)
    hours[:5, 8], hours[5, 12], hours[6, 12], hours[6, 20] = 0.5, 0.6, 0.3, 0.4
    assert (
        "nights is expected most from 8 to 9 h on working days, "
        "from 12 to 13 h on Saturdays and Sundays."
    ) in figures.describe_expected_hours({"nights": hours})


def test_the_table_says_that_other_kinds_are_left_out(data):
    """A score that ranks one kind alone: perfect on it, and hardly better than chance on all."""
    scores = {"tests": (data.test.kind == 1) * 1.0}
    text = reading.table_by_kind(scores, data.test, transactions.KINDS).markdown()
    header, _, row = text.splitlines()[:3]
    assert "card testing, no other fraud" in header
    assert row.count("|") == header.count("|")
    assert "| 1.00 |" in row
    assert row.count("1.00") == 1


def test_questions_in_a_chain_cost_what_the_payment_costs(data, trained):
    order = problem.draw_orders(TINY)[0]
    asked = reading.ask(trained.params, data.test, 3, order, TINY)
    row = data.test.answers[3:4], data.test.context[3:4]
    params = jax.tree.map(np.asarray, trained.params)
    found = in_numpy.surprise(params, *row, order[None], TINY)
    np.testing.assert_allclose(
        [(each.surprise, each.expected) for each in asked],
        np.stack([found.actual[0, order], found.expected[0, order]], axis=1),
        rtol=1e-4,
    )
    figures.question(asked, 4)
    figures.question_strip(asked, (0, 7))
    assert f"{asked[0].field} {asked[0].surprise:.1f}" in figures.describe_questions(asked)


def test_by_habits_alone_a_payment_is_read_as_its_name_says(data, trained):
    everything = np.ones((len(data.test.kind), len(TINY.sizes)), np.float32)
    rows = data.test.answers, data.test.context, everything
    params = jax.tree.map(np.asarray, trained.params)
    logits = in_numpy.predict(params, *rows, TINY)
    actual, expected = in_numpy.surprise_of(rows[0], logits, TINY)
    for name, each in (("surprise", actual), ("surplus", actual - expected)):
        readings = {"autoencoder": evaluation.Reading(name, np.zeros(1), np.zeros(1))}
        models = {"autoencoder": (trained.params, TINY)}
        found = reading.habits_and_chain(models, readings, data.test)["autoencoder"][0]
        np.testing.assert_allclose(found, each.sum(1), rtol=1e-3, atol=1e-3)


def test_what_is_said_of_chain_and_rivals_follows_the_scores():
    assert "better here" in reading.say_of_the_chain(0.6, 0.5)
    assert "no better" in reading.say_of_the_chain(0.5, 0.6)
    for nats, words in ((16.0, "The autoencoder has a better"), (17.0, "as good"), (18.0, "Here")):
        assert words in reading.say_whose_idea_is_better(nats, 17.0)
    rivals = {"PCA": Score(0.2, 0.3), "neighbours": Score(0.7, 0.6)}
    for value, words in ((0.7, "0.600: with this seed the line is met"), (0.5, "is not met")):
        found = Judgement(metric="average precision", value=value, baselines=rivals)
        assert words in reading.say_whether_met(found)


def test_the_share_of_the_products_is_compared_between_two_batches(monkeypatch):
    monkeypatch.setattr(timings, "share_of_products", lambda config: 1 / config.batch_size)
    assert timings.shares_of_products() == {"16 payments": 1 / 16, "256 payments": 1 / 256}
    for small, words in (
        (0.2, "larger part of the smaller"),
        (0.501, "as large a part of either"),
        (0.6, "larger part of the larger"),
    ):
        said = timings.say_shares({"16 payments": small, "256 payments": 0.5})
        assert f"{small:.0%} with 16 payments and 50% with 256 payments in a batch" in said
        assert words in said


def test_the_bars_have_a_step_between_any_two_of_them():
    assert len(timings.STEPS) == len(comparison.COMPARISON.variants) - 1
