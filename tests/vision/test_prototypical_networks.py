"""Learn classes from a few examples: the twins agree, and unseen characters are recognized."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.benchmark.reasons import Times
from tutorials_lib.datasets import omniglot
from tutorials_lib.vision.prototypical_networks import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    rivals,
    timings,
)
from tutorials_lib.vision.prototypical_networks.problem import PAGE, TINY, Config, Episodes

EASY = dataclasses.replace(
    TINY, num_train=6, channels=(8, 16), num_features=16, num_ways=10, steps_per_round=30
)
"""Enough alphabets and steps to beat pixels, in some seconds."""


@pytest.fixture(scope="module")
def easy() -> evaluation.Trained:
    return evaluation.train(EASY, seed=0)


@pytest.fixture(scope="module")
def found(easy: evaluation.Trained) -> dict[str, rivals.Chosen]:
    return evaluation.choose_rivals(easy.data, EASY, seed=0)


def episodes(count: int = 7, *, ways: int = 5, shots: int = 3, characters: int = 20) -> Episodes:
    return problem.draw_episodes(
        characters, count, num_ways=ways, num_shots=shots, num_queries=4, seed=0
    )


def points(characters: int = 20, features: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((characters, 1, features))
    return (centers + rng.standard_normal((characters, 20, features))).reshape(-1, features)


# --- The twins --------------------------------------------------------------------------------


def inputs_of(config: Config, dtype: type = np.float32) -> tuple[Any, Any, Any]:
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, inputs.statistics, inputs.images[0]


def test_the_hand_gradient_equals_that_of_jax():
    config = dataclasses.replace(
        TINY, channels=(2, 3, 2), num_features=3, num_ways=3, num_shots=3, num_queries=2
    )
    with jax.enable_x64(True):
        inputs = inputs_of(config, np.float64)
        _, _, grads = in_numpy.loss_and_grads(*inputs, config)
        loss = partial(in_jax.loss, config=config)
        expected, _ = jax.jit(jax.grad(loss, has_aux=True))(*jax.tree.map(jnp.asarray, inputs))
    assert jax.tree.structure(grads) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(TINY))
    with jax.numpy_dtype_promotion("strict"):
        grads, _ = jax.eval_shape(
            jax.grad(partial(in_jax.loss, config=TINY), has_aux=True), *inputs
        )
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_logits_are_distances_and_a_shift_of_all_points_changes_none():
    queries, prototypes = points()[:4], points()[4:7]
    expected = -((queries[:, None] - prototypes) ** 2).sum(-1) / TINY.temperature
    for twin, place in ((in_numpy, np.asarray), (in_jax, jnp.asarray)):
        for shift in (0, 3.0):
            moved = (place(each + shift) for each in (queries, prototypes))
            logits = twin.compare(*moved, TINY)
            np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


# --- Scoring, against software that nobody here wrote -----------------------------------------


def by_sklearn(model, rows: np.ndarray, episodes: Episodes) -> list[float]:
    scores = []
    for support, queries in zip(*episodes, strict=True):
        ways = np.arange(len(support))
        model.fit(rows[support.ravel()], ways.repeat(support.shape[1]))
        scores.append(model.score(rows[queries.ravel()], ways.repeat(queries.shape[1])))
    return scores


def test_the_accuracy_of_prototypes_is_that_of_nearest_centroids():
    rows, some = points(), episodes()
    expected = by_sklearn(NearestCentroid(), rows, some)
    np.testing.assert_allclose(in_numpy.accuracies(rows, some), expected)
    np.testing.assert_allclose(in_jax.accuracies(jnp.asarray(rows), some), expected, atol=1e-6)
    one = [in_numpy.accuracy(rows, *each) for each in zip(*some, strict=True)]
    np.testing.assert_allclose(one, expected)


def test_the_accuracy_of_the_nearest_example_is_that_of_one_neighbour():
    rows, some = points(), episodes()
    expected = by_sklearn(KNeighborsClassifier(1), rows, some)
    np.testing.assert_allclose(rivals.nearest_features(rows)(some), expected)


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    draws = np.random.default_rng(0).binomial(20, 0.7, (400, 600)) / 20
    estimates = [evaluation.estimate(each) for each in draws]
    covered = np.mean([abs(mean - 0.7) < margin for mean, margin in estimates])
    assert 0.91 < covered < 0.98


# --- Episodes and data ------------------------------------------------------------------------


def test_an_episode_has_different_characters_and_different_drawings_of_each():
    some = episodes(count=50)
    together = np.concatenate(some, axis=-1)
    characters = together // problem.NUM_DRAWERS
    assert (characters == characters[..., :1]).all()
    assert all(len(set(each)) == 5 for each in characters[..., 0].tolist())
    assert all(len(set(each.ravel())) == 5 * 7 for each in together)
    np.testing.assert_array_equal(together, np.concatenate(episodes(count=50), axis=-1))


def test_a_turn_is_one_of_eight_pictures_and_the_same_for_all_drawings():
    images = jnp.arange(2 * 9.0).reshape(2, 3, 3, 1)
    turned = [in_jax.turn(images, jnp.int32(number))[..., 0] for number in range(8)]
    np.testing.assert_array_equal(turned[0], images[..., 0])
    assert len({np.asarray(each[0]).tobytes() for each in turned}) == 8
    for each in turned:
        np.testing.assert_array_equal(each[1] - each[0], np.full((3, 3), 9))


def test_the_parts_share_no_drawing_and_two_seeds_differ():
    data = problem.load(TINY)
    rows = np.concatenate([part.reshape(-1, problem.SIZE**2) for part in data])
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert [len(part) for part in data] == [40, 20, 20]
    assert not np.array_equal(data.test, problem.load(TINY, seed=1).test)


def test_of_omniglot_one_alphabet_is_held_back_and_shared_ones_are_not_tested(monkeypatch):
    sets = {"small1": ("Cree", "Greek", "Runes"), "small2": ("Greek", "Tifinagh")}

    def load(remote):
        names = sets[next(name for name, each in omniglot.OMNIGLOT.items() if each == remote)]
        drawings = np.zeros((len(names) * 24, 20, 105, 105), bool)
        for place in range(len(drawings)):
            drawings[place, :, : 10 + place // 24] = True  # an alphabet is known by its ink
        return omniglot.Characters(drawings, tuple(np.repeat(names, 24)))

    monkeypatch.setattr(omniglot, "load_omniglot", load)
    config = dataclasses.replace(PAGE, source="real")
    for seed in (0, 1, 2):
        train, development, test = problem.load(config, seed=seed)
        ink = [np.unique(part.sum((-1, -2))[:, 0]) for part in (train, development, test)]
        assert [len(part) for part in (train, development, test)] == [48, 24, 24]
        assert ink[0].size == 2
        assert ink[1].size == 1
        assert ink[1][0] not in ink[0]
        assert ink[1][0] == sorted(np.concatenate(ink[:2]))[seed]
    assert len(problem.load(dataclasses.replace(TINY, source="real")).test) == 20


def test_shrinking_keeps_the_place_of_ink_and_its_darkest_is_one():
    drawings = np.zeros((1, 1, 105, 105), bool)
    drawings[..., 30:45, 60:75] = True  # four by four squares of 3.75 pixels
    small = problem.shrink(drawings)[0, 0]
    assert small.max() == 1
    np.testing.assert_allclose(small.sum(), 16, rtol=1e-5)
    np.testing.assert_allclose(small[8:12, 16:20], 1, atol=1e-6)


def test_the_learning_rate_rises_and_falls_and_ends_at_zero():
    rates = problem.learning_rates(PAGE)
    assert len(rates) == PAGE.num_steps + 1
    assert 0 < rates.argmax() < PAGE.num_steps / 4
    assert (rates.max(), rates[-1]) == (np.float32(PAGE.peak_learning_rate), 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_characters": 19}, "20 ways needs as many"),
        ({"num_ways": 41}, "there are 40"),
        ({"num_queries": 16}, "more than the 20 drawings"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_and_beats_pixels_on_unseen_alphabets(
    easy: evaluation.Trained, found: dict[str, rivals.Chosen]
):
    assert easy.history.train_loss[-20:].mean() < 0.7 * easy.history.train_loss[:20].mean()
    judgement = evaluation.judge(EASY, seed=0, trained=easy._replace(rivals=found))
    assert judgement.value > judgement.baselines["pixels, nearest example"].held_out + 0.05
    assert judgement.value > judgement.baselines[evaluation.RANDOM].held_out


def test_the_learning_curve_ends_at_the_accuracy_of_the_returned_network(easy: evaluation.Trained):
    development = easy.data.development
    score = evaluation.by_network(easy.state, development, EASY)
    some = evaluation.judged_episodes(development, EASY, seed=0)
    assert easy.history.accuracy[-1] == pytest.approx(score(some).mean(), abs=1e-3)


def test_one_seed_repeats(easy: evaluation.Trained):
    again = evaluation.train(EASY, seed=0)
    np.testing.assert_array_equal(easy.history.train_loss, again.history.train_loss)


# --- The rivals -------------------------------------------------------------------------------


def test_a_shifted_drawing_is_the_nearest_only_for_who_tolerates_shifts():
    rng = np.random.default_rng(0)
    pictures = np.zeros((5, 20, 28, 28), np.float32)
    pictures[..., 8:20, 8:20] = rng.random((5, 1, 12, 12)) < 0.3
    pictures[:, 1::2] = np.roll(pictures[:, 1::2], (2, -2), axis=(2, 3))
    some = episodes(count=30, shots=1, characters=5)
    tolerant = rivals.shift_tolerant(pictures, [(0.5, 2), (0.5, 1)])
    assert tolerant[0.5, 2](some).min() == 1
    assert tolerant[0.5, 1](some).mean() < 1
    assert rivals.pixels(pictures)(some).mean() < 0.9


def test_the_best_setting_is_chosen_on_the_development_characters_alone():
    data = problem.load(TINY)

    def technique(pictures: np.ndarray, settings: Sequence) -> dict:
        held_out = np.array_equal(pictures, data.test)
        return {each: lambda _, each=each: np.full(3, each != held_out) for each in settings}

    chosen = rivals.choose(technique, [False, True], data, episodes())
    assert (chosen.setting, chosen.development) == (True, 1)
    assert chosen.score(episodes()).mean() == 0


# --- The page ---------------------------------------------------------------------------------


def test_the_question_of_the_page_is_answered_by_features_and_not_by_pixels():
    features, pixels = points(), np.random.default_rng(1).standard_normal((400, 9))
    question = reading.telling_question(pixels, features, episodes(shots=1))
    steps = reading.steps_of(pixels, features, question, TINY)
    assert steps.features.argmin() == steps.probs.argmax() == question.answer
    assert steps.pixels.argmin() != question.answer
    assert steps.probs.sum() == pytest.approx(1)
    assert f"another {'ABCDE'[question.answer]}" in reading.say_answers(steps, question)
    assert reading.say_why_shown(steps, question).startswith("It is the first question that")


def test_where_features_are_no_better_than_pixels_the_page_says_so():
    rows = points()
    question = reading.telling_question(rows, rows, episodes(shots=1))
    steps = reading.steps_of(rows, rows, question, TINY)
    assert "there is none" in reading.say_why_shown(steps, question)


def test_how_much_an_example_is_worth_is_read_off_the_curves():
    ours = [evaluation.Estimate(0.8, 0.01)] * 5
    for means, told in (
        ((0.5, 0.6, 0.7, 0.75, 0.79), "still knows less"),
        ((0.5, 0.6, 0.81, 0.85, 0.9), "needs 3 examples"),
        ((0.8, 0.8, 0.8, 0.8, 0.8), "at least as much from one example"),
    ):
        rival = [evaluation.Estimate(mean, 0.01) for mean in means]
        assert told in reading.say_worth({evaluation.OURS: ours, "rival": rival}, "rival")


def test_the_pictures_of_the_page_can_be_drawn_and_described(easy: evaluation.Trained):
    test, some = easy.data.test, episodes(shots=1)
    known = {"one": reading.recognized(points(), some, 0)}
    rows = test.reshape(-1, 28, 28)
    estimates = {evaluation.OURS: [evaluation.Estimate(0.9, 0.01)] * 4}
    curves = {evaluation.OURS: [evaluation.Estimate(0.9, 0.01)] * 5}
    features = np.asarray(easy.history.features).reshape(3, 20, 20, -1)[:, :5]
    maps, names = figures.flat_maps(features), ["1", "2", "3"]
    for figure in (
        figures.gallery({"drawings": test[:3, :4]}),
        figures.answers(rows[some.support[0, :, 0]], rows[some.queries[0]], known),
        figures.question(rows[0], rows[1:4], {"distance": ["1", "2", "3"]}),
        figures.bars(estimates),
        figures.by_shots(curves, reading.SHOTS, 20),
        next(figures.map_frames(maps, test[:5, 0])),
        figures.map_strip(maps, test[:5, 0], names),
    ):
        figure.canvas.draw()
    assert f"one knows {known['one'].sum()} of 20" in figures.describe_answers(known)
    assert "0.90" in figures.describe_bars(estimates)
    assert "1 to 3 training steps" in reading.describe_maps(features, names)
    assert reading.separation(features[-1]) > 0


def test_what_a_loop_costs_is_told_for_both_libraries():
    times = {"loop": Times(4.0, 9.0), "at once": Times(2.0, 1.0), "classify": Times(1.0, 3.0)}
    told = timings.say_scoring(times)
    assert "2 times in NumPy and 9 times in JAX" in told
    assert "is slower in JAX" in told
    for seconds, spoken in ((0.95, "is about as fast in both"), (0.5, "is faster in JAX")):
        assert spoken in timings.say_scoring(times | {"classify": Times(1.0, seconds)})


def test_convolutions_are_counted_as_the_layers_multiply():
    config = dataclasses.replace(TINY, channels=(2,), num_features=3, num_ways=2, num_queries=1)
    convolution, head, distances = 4 * 28**2 * 9 * 2, 4 * 14**2 * 2 * 3, 2 * 2 * 3
    share = convolution / (convolution + head + distances)
    assert timings.share_of_convolutions(config) == pytest.approx(share)
