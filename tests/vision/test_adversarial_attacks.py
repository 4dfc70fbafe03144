"""Fool a classifier, then defend it: the twins agree, attacks succeed, and defences are tested."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, norm

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import mnist
from tutorials_lib.vision.adversarial_attacks import (
    attacking,
    black_box,
    comparison,
    defences,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
)
from tutorials_lib.vision.adversarial_attacks.attacking import Classifier, Left
from tutorials_lib.vision.adversarial_attacks.problem import PAGE, TINY, Attack, Digits

EASY = dataclasses.replace(
    TINY, num_train=1_000, num_development=60, num_test=60, channels=(8, 16), hidden=32,
    batch_size=50, num_epochs=6, epsilon=0.1, num_steps=8, num_checked=40, num_queries=100,
)  # fmt: skip
"""Enough digits and steps to read most of them, in some seconds."""


@pytest.fixture(scope="module")
def easy() -> evaluation.Trained:
    trained = evaluation.train(EASY, seed=0)
    params = trained.ours.classifier.params
    rivals = evaluation.train_rivals(trained.data, EASY, seed=0, under_attack=params)
    return trained._replace(rivals=rivals)


@pytest.fixture(scope="module")
def undefended(easy: evaluation.Trained) -> Classifier:
    assert easy.rivals is not None
    return easy.rivals["undefended"].classifier


# --- The twins --------------------------------------------------------------------------------


def test_both_hand_gradients_equal_those_of_jax():
    with jax.enable_x64(True):
        config = dataclasses.replace(TINY, batch_size=3)
        inputs = make_inputs(comparison.COMPARISON, config, np.float64)
        batch = inputs.params, inputs.images[0], inputs.labels[0]
        _, grads = in_numpy.loss_and_grads(*batch, config)
        pixels = in_numpy.input_gradient(*batch, config)
        on_device = jax.tree.map(jnp.asarray, batch)
        loss = partial(in_jax.loss, config=config)
        expected, of_pixels = jax.jit(jax.grad(loss, argnums=(0, 1)))(*on_device)
    assert jax.tree.structure(grads) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(pixels, 3 * np.asarray(of_pixels), rtol=1e-9, atol=1e-12)


def test_folding_keeps_every_pixel_and_its_gradient_goes_back_where_it_came_from():
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 3))
    y, vjp = in_numpy.fold(x)
    assert y.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(y[1, 0, 2], x[1, :2, 4:].reshape(-1))
    np.testing.assert_array_equal(vjp(y), x)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(in_jax.fold(jnp.asarray(x)), y)


def test_the_gradient_of_the_pixels_promotes_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, make_inputs(comparison.COMPARISON, TINY))
    with jax.numpy_dtype_promotion("strict"):
        gradient = jax.eval_shape(
            partial(in_jax.input_gradient, config=TINY),
            inputs.params, inputs.images[0], inputs.labels[0],
        )  # fmt: skip
    assert gradient.dtype == np.float32


# --- The attack -------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [1.0, -1.0])
@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_on_a_slope_the_attack_goes_to_the_end_of_the_budget_and_no_farther(twin, direction):
    images = np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 28, 28, 1)
    slope = np.where(np.arange(784) % 3, 1.0, -1.0).astype(np.float32).reshape(images.shape)
    attack = Attack(0.2, 0.05, 30, direction)
    given = images if twin is in_numpy else jnp.asarray(images)
    attacked = twin.projected_ascent(lambda x: 0 * x + slope, given, 0 * given, attack)
    np.testing.assert_allclose(attacked, np.clip(images + direction * 0.2 * slope, 0, 1), atol=1e-6)


def test_without_a_step_the_attack_is_its_random_start_inside_the_budget():
    images = np.full((1, 28, 28, 1), 0.1, np.float32)
    noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype(np.float32)
    still = in_numpy.projected_ascent(lambda x: x, images, noise, Attack(0.3, 0.1, 0))
    np.testing.assert_allclose(still, np.clip(images + np.float32(0.3) * noise, 0, 0.4), atol=1e-6)


def test_more_steps_fool_more_and_the_budget_is_kept(easy, undefended):
    digits = easy.data.test
    left = [attacking.accuracy(undefended, digits, EASY)]
    for num_steps in (1, 8):
        attack = problem.judging_attack(EASY)._replace(num_steps=num_steps)
        changed = attacking.run_attack(undefended, digits, attack, EASY, seed=0)
        assert np.abs(changed - digits.images).max() <= EASY.epsilon + 1e-6
        assert 0 <= changed.min() <= changed.max() <= 1
        left.append(attacking.accuracy(undefended, Digits(changed, digits.labels), EASY))
    assert left[0] > left[1] > left[2]


def test_restarts_never_leave_more(easy, undefended):
    one, three = (
        attacking.accuracy_under_attack(
            undefended, easy.data.test, EASY, seed=0, num_restarts=number, epsilon=0.05
        )
        for number in (1, 3)
    )
    assert three <= one


def test_a_targeted_attack_gets_what_it_wants(easy, undefended):
    test = easy.data.test
    wanted = Digits(test.images, problem.targets(test.labels))
    attack = Attack(0.3, 0.04, 40, -1.0)
    changed = attacking.run_attack(undefended, wanted, attack, EASY, seed=0)
    assert attacking.accuracy(undefended, Digits(changed, wanted.labels), EASY) > 0.8


def test_the_square_attack_keeps_the_budget_and_lowers_margins(easy, undefended):
    images, labels = (jnp.asarray(each[: EASY.batch_size]) for each in easy.data.test)
    key = jax.random.fold_in(jax.random.key(0), 0)
    found = black_box.attack(
        undefended.params, images, labels, 0.1, 0.0, key, EASY, num_queries=100
    )
    assert jnp.abs(found.images - images).max() <= 0.1 + 1e-6
    assert 0 <= found.images.min() <= found.images.max() <= 1
    before, after = (
        black_box.margins(in_jax.compiled_predict(undefended.params, each, EASY), labels)
        for each in (images, found.images)
    )
    np.testing.assert_allclose(found.margins, after, atol=1e-4)
    assert after.mean() < before.mean()
    left = attacking.survives_squares(undefended, easy.data.test, EASY, seed=0)
    assert len(left) == EASY.num_test
    np.testing.assert_array_equal(left[: len(after)], np.asarray(after) > 0)


def test_squares_shrink_from_a_large_one_to_a_pixel():
    sides = black_box.square_sides(600)
    assert (np.diff(sides) <= 0).all()
    assert sides[-1] == 1 < sides[0] < 28


# --- The defences -----------------------------------------------------------------------------


def test_training_under_attack_resists_and_the_attack_gets_through_where_nobody_defends(easy):
    judgement = evaluation.judge(EASY, seed=0, trained=easy)
    left = {name: score.held_out for name, score in judgement.baselines.items()}
    assert left["undefended"] < 0.7
    assert min(judgement.value, left[evaluation.ALONE]) > left["undefended"] + 0.1
    assert easy.history.accuracy[-1] > easy.history.accuracy[0]
    assert easy.ours.classifier.threshold in evaluation.THRESHOLDS
    assert "The line" in reading.say_whether_met(judgement)
    assert easy.rivals is not None
    table = reading.defences_table(judgement, easy.rivals | {evaluation.OURS: easy.ours})
    assert [row[0] for row in table.rows] == [*judgement.baselines, evaluation.OURS]


def test_no_attack_of_the_page_leaves_less_than_what_is_judged(easy):
    few = Digits(*(each[: EASY.batch_size] for each in easy.data.test))
    cut = easy.ours.classifier
    judged = attacking.accuracy_under_all_attacks(cut, few, EASY, seed=0)
    left = attacking.compare_knowledge({"cut": cut}, few, EASY, seed=0)["cut"]
    bare = {"bare": cut._replace(threshold=0.0), "cut": cut}
    borrowed = attacking.transfer(bare, few, EASY, seed=0)["bare"][1]
    assert left.by_passing is not None
    assert judged <= min(left.by_gradient, left.by_passing, borrowed)
    assert judged <= attacking.survives_squares(cut, few, EASY, seed=0).mean() + 0.1


def test_one_seed_repeats_and_two_seeds_differ(easy, undefended):
    again, other = (
        jax.tree.leaves(
            evaluation.fit_network(
                problem.load(EASY, seed=seed), problem.UNDEFENDED, EASY, seed=seed
            )
        )
        for seed in (0, 1)
    )
    first = jax.tree.leaves(undefended.params)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_cut_pixels_have_no_slope_and_an_attack_that_knows_of_the_cut_finds_a_way(easy, undefended):
    digits = easy.data.test
    images, labels = map(jnp.asarray, digits)
    slopes = defences.true_gradient(undefended.params, images, labels, 0.5, EASY)
    assert not np.asarray(slopes).any()
    cut = Classifier(undefended.params, 0.5)
    blind, knowing = (
        attacking.accuracy_under_attack(cut, digits, EASY, seed=0, epsilon=0.4, straight=straight)
        for straight in (False, True)
    )
    assert knowing < blind


def test_a_vote_certifies_what_the_bound_of_clopper_and_pearson_allows():
    votes = np.zeros((3, 10), int)
    votes[0, 3], votes[1, 3], votes[1, 4], votes[2, 5] = 1_000, 480, 520, 700
    votes[2, 6] = 300
    selection = np.eye(10, dtype=int)[[3, 4, 5]]
    classes, radii = defences.certify(selection, votes, 0.5)
    assert classes.tolist() == [3, 4, 5]
    assert radii[1] == 0
    shares = norm.cdf(radii / 0.5)  # so many votes or more are as unlikely as was asked for
    assert shares[0] ** 1_000 == pytest.approx(0.001)
    assert binom.sf(699, 1_000, shares[2]) == pytest.approx(0.001)


def test_every_picture_gets_all_its_votes_and_without_noise_they_agree(undefended, easy):
    images = jnp.asarray(easy.data.test.images[:5])
    votes = defences.count_votes(undefended.params, images, 0.0, jax.random.key(0), 7, EASY)
    assert votes.max(-1).tolist() == [7] * 5
    assert votes.sum(-1).tolist() == [7] * 5


# --- The problem ------------------------------------------------------------------------------


def test_the_parts_share_no_digit_and_another_seed_divides_them_anew():
    config = dataclasses.replace(PAGE, num_train=4_000)
    data, other = (problem.load(config, seed=seed) for seed in (0, 1))
    train, development, test = ({image.tobytes() for image in part.images} for part in data)
    assert train.isdisjoint(development | test)
    assert development.isdisjoint(test)
    assert not np.array_equal(data.test.labels, other.test.labels)
    assert data.train.images.dtype == np.float32


def test_the_schedules_start_and_end_where_they_should():
    rates, shares = problem.learning_rates(PAGE), problem.growth(PAGE)
    assert len(rates) == len(shares) == PAGE.num_train_steps + 1
    assert rates.max() == pytest.approx(PAGE.peak_learning_rate)
    assert rates[-1] == 0 < rates[0]
    assert shares[0] == pytest.approx(0.1)
    assert (shares[PAGE.num_train_steps // 2 :] == 1).all()


def test_the_published_test_digits_stay_apart(monkeypatch: pytest.MonkeyPatch):
    def digits(grey: int) -> tuple[np.ndarray, np.ndarray]:
        images = np.full((200, 28, 28), grey, np.uint8)
        return images, np.zeros(200, np.int32)

    published = mnist.Mnist(*digits(51), *digits(102))
    monkeypatch.setattr(mnist, "load_mnist", lambda: published)
    data = problem.load(dataclasses.replace(TINY, source="real"))
    assert [len(part.labels) for part in data] == [120, 20, 20]
    np.testing.assert_allclose([part.images.max() for part in data], [0.2, 0.2, 0.4])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 500}, "120 digits to learn"),
        ({"epsilon": 1.5}, "pixels go from 0 to 1"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_more_digits_than_there_are_cannot_be_had():
    with pytest.raises(ValueError, match=r"5,001 digits .* there are 5,000"):
        problem.load(dataclasses.replace(PAGE, num_train=4_001))


# --- The page ---------------------------------------------------------------------------------


def test_the_sentences_follow_the_numbers():
    left = {"plain": Left(0.0, 0.1, None), "cut": Left(0.9, 0.3, 0.2)}
    told = reading.say_whether_masked(left)
    assert "hidden in cut (90% are left by the true gradient, 20% by" in told
    assert "In no network do squares get further" in told
    assert "further than the best gradient in cut (30% are left, not 40%)" in (
        reading.say_whether_masked({"cut": Left(0.9, 0.3, 0.4)})
    )
    assert "No borrowed" in reading.say_whether_borrowed({"a": [0.1, 0.9], "b": [0.5, 0.2]}, "ab")
    assert "of a, that of b" in reading.say_whether_borrowed({"a": [0.6], "b": [0.5]}, "a")
    assert "left of b (10%)" in reading.say_what_stays({"a": [0.9, 0.0], "b": [0.9, 0.1]})
    assert "nothing is left" in reading.say_what_stays({"a": [0.9, 0.0]})
    assert "0.30. It rises by 0.69" in reading.say_rise(0.3, [0.5, 0.25])
    assert reading.open_share(np.array([0.0, 0.4, 0.6, 1.0]), 0.5, 0.2) == 0.5


def test_the_pixels_of_the_page_are_one_of_paper_one_of_grey_and_one_of_ink():
    digit = np.zeros((28, 28))
    digit[3, 4], digit[5, 6] = 0.5, 1.0
    rows = reading.three_pixels(digit, np.full((28, 28), 0.01), 0.2).rows
    assert [row[1] for row in rows] == ["0.00", "0.50", "1.00"]
    assert [row[-1] for row in rows] == ["0.20", "0.70", "1.00"]


def test_slopes_are_counted_on_the_strokes_whatever_their_sign():
    digits = np.zeros((2, 28, 28), np.float32)
    digits[:, 0, :7] = 1.0
    slopes = np.zeros_like(digits)
    slopes[0, 0, 0], slopes[0, 1, :2] = -2.0, (1.0, -1.0)
    slopes[1, 0, 0] = 1e-20
    assert reading.share_on_strokes(digits, slopes) == pytest.approx(0.75)
    assert reading.share_on_strokes(digits, 0 * slopes) == 0
    told = reading.say_slopes(digits, {"plain": slopes})
    assert "75% (plain)" in told
    assert "would have 1% there" in told


def test_the_pictures_of_the_page_can_be_drawn_and_described():
    images = problem.load(TINY).test.images[:3, ..., 0]
    labels = np.array([1, 2, 3])
    probs = np.eye(10)[[1, 2, 4]]
    for figure in (
        figures.read_digits({"as written": (images[..., None], probs.argmax(-1))}, labels),
        next(figures.attack_frames(images, probs, epsilon=0.2)),
        figures.strip(images, probs, count=3),
        figures.gradients(images, {"plain": images - 0.5}),
        figures.accuracies({"a": [1.0, 0.0]}, [0.0, 0.2], x="budget", mark=0.2),
    ):
        figure.canvas.draw()
    rows = {"as written": (images, probs.argmax(-1)), "plain": (images + 0.25, labels)}
    told = reading.describe_result(rows, labels)
    assert "as written: 2 of 3; plain: 3 of 3" in told
    assert told.endswith("from the first row is 0.25.")
    slopes = {"plain": images - 0.5, "flat": 0 * images}
    assert "3 digits" in reading.describe_gradients(images, slopes)
    assert "plain and flat" in reading.describe_gradients(images, slopes)
    assert "from 100% to 0%" in reading.describe_frames(probs, 1)
    curves = reading.describe_curves("share", {"a": [1.0, 0.5]}, [0.0, 0.2], "budgets")
    assert "a from 100% to 50%" in curves
