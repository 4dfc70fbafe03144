"""Recommend movies: the twins agree, known tables are found again, and the rivals are beaten."""

import dataclasses

import jax
import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from tutorials_lib.benchmark.agreement import prepared
from tutorials_lib.benchmark.comparison import compiled
from tutorials_lib.metrics import ranking
from tutorials_lib.tabular.matrix_factorization import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    rivals,
)
from tutorials_lib.tabular.matrix_factorization.problem import PAGE, TINY, Penalties, Ratings

BACKENDS = [pytest.param(in_numpy, id="numpy"), pytest.param(in_jax, id="jax")]
in_both = pytest.mark.parametrize("twin", BACKENDS)
SMALL = dataclasses.replace(TINY, num_users=30, num_movies=40, num_factors=2)
PENALTIES = Penalties(0.5, 2.0)


def some_ratings() -> Ratings:
    rng = np.random.default_rng(0)
    users, movies = np.nonzero(rng.random((SMALL.num_users, SMALL.num_movies)) < 0.5)
    return Ratings(users, movies, rng.integers(1, 6, len(users)).astype(float), None)


def in_float64(cells: problem.Cells) -> problem.Cells:
    return problem.Cells(*(c if c.dtype == np.int32 else c.astype(float) for c in cells))


def some_cells(*, implicit: bool = False) -> problem.Cells:
    make = problem.implicit if implicit else problem.explicit
    return in_float64(make(some_ratings(), 3.0, SMALL))


def some_params() -> problem.Params:
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), problem.start(SMALL))


def run(twin, work, *inputs):
    """`work(twin, *inputs)` in float64, by JAX as one program."""
    with jax.enable_x64(True):
        if twin is in_numpy:
            return work(twin, *inputs)
        result = jax.jit(lambda *inputs: work(twin, *inputs))(*inputs)
        return jax.tree.map(np.asarray, result)


def sweep(twin, params, cells, penalties):
    return twin.sweep(params, twin.to_table(cells), penalties)


# --- Alternating least squares ------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("implicit", [False, True])
def test_after_a_sweep_no_movie_could_be_better_for_these_people(twin, implicit: bool):
    cells = some_cells(implicit=implicit)
    found = run(twin, sweep, some_params(), cells, PENALTIES)
    slope = run(in_jax, lambda twin, *inputs: jax.grad(twin.loss)(*inputs), found, cells, PENALTIES)
    np.testing.assert_allclose(slope["movies"]["factors"], 0, atol=1e-9)
    np.testing.assert_allclose(slope["movies"]["bias"], 0, atol=1e-9)


@in_both
@pytest.mark.parametrize("implicit", [False, True])
def test_the_loss_is_the_weighted_sum_over_all_cells(twin, implicit: bool):
    cells, params = some_cells(implicit=implicit), some_params()
    shape = SMALL.num_users, SMALL.num_movies
    weights, targets = np.full(shape, float(cells.unseen)), np.zeros(shape)
    weights[cells.users, cells.movies] += cells.weights
    targets[cells.users, cells.movies] = cells.targets
    held = sum(
        PENALTIES.factors * (scale[:, None] * side["factors"] ** 2).sum()
        + PENALTIES.bias * (side["bias"] ** 2).sum()
        for side, scale in (
            (params["users"], cells.user_scale),
            (params["movies"], cells.movie_scale),
        )
    )
    expected = (weights * (targets - evaluation.everywhere(params)) ** 2).sum() + held
    found = run(twin, lambda twin, *inputs: twin.loss(*inputs), params, cells, PENALTIES)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@in_both
def test_no_sweep_raises_the_loss_and_float32_is_kept(twin):
    inputs = comparison.make_inputs(TINY)
    fit = compiled(comparison.fits, twin, "whole")
    for fitted in fit(prepared(comparison.COMPARISON, twin, inputs, TINY), TINY):
        assert np.diff(fitted.losses).max() <= 1e-6 * fitted.losses[0]
        assert {leaf.dtype for leaf in jax.tree.leaves(fitted)} == {np.dtype("float32")}


@in_both
def test_a_table_of_known_rank_is_found_again_from_half_of_its_cells(twin):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(SMALL.num_users, 2)) @ rng.normal(size=(2, SMALL.num_movies))
    cells = in_float64(problem.explicit(some_ratings(), 0.0, SMALL))
    cells = cells._replace(targets=truth[cells.users, cells.movies])
    config = dataclasses.replace(SMALL, num_sweeps=100)

    def fit(twin, params, cells):
        return twin.fit(params, twin.to_table(cells), Penalties(1e-2, 1e-2), config).params

    beginning = jax.tree.map(lambda leaf: leaf.astype(float), problem.start(SMALL))
    found = run(twin, fit, beginning, cells)
    np.testing.assert_allclose(evaluation.everywhere(found), truth, atol=0.2)


@in_both
def test_somebody_without_ratings_gets_zeros(twin):
    ratings = some_ratings()
    kept = problem.take(ratings, (ratings.users != 3) & (ratings.movies != 5))
    cells = in_float64(problem.explicit(kept, 3.0, SMALL))
    found = run(twin, sweep, some_params(), cells, PENALTIES)
    assert not found["users"]["factors"][3].any()
    assert not found["movies"]["factors"][5].any()


def test_many_small_systems_are_solved_as_by_numpy_one_by_one():
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(7, 4, 4))
    grams, moments = roots @ roots.transpose(0, 2, 1) + np.eye(4), rng.normal(size=(7, 4))
    expected = [np.linalg.solve(gram, moment) for gram, moment in zip(grams, moments, strict=True)]
    found = in_numpy.cholesky_solve(grams.transpose(1, 2, 0).copy(), moments.T.copy())
    np.testing.assert_allclose(found.T, expected, rtol=1e-9)


# --- Gradient descent ---------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax_with_people_who_occur_twice():
    users, movies = np.array([0, 0, 3, 3, 5]), np.array([1, 1, 1, 4, 0])
    batch = users, movies, np.array([1.0, -1.0, 0.5, 2.0, 0.0]), 0.3
    ours, theirs = (
        run(twin, lambda twin, *inputs: twin.loss_and_grads(*inputs), some_params(), *batch)
        for twin in (in_numpy, in_jax)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), ours, theirs)


def test_an_epoch_takes_every_rating_at_most_once():
    epochs = problem.batches(1_050, TINY).reshape(TINY.num_epochs, -1)
    assert epochs.shape[1] == 1_000
    assert all(len(np.unique(epoch)) == len(epoch) for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])


# --- Judging ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> tuple[problem.Data, evaluation.Trained]:
    data = problem.load(TINY)
    return data, evaluation.train(data, TINY, seed=0)


def test_it_beats_the_biases_even_on_a_few_people(trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained[1])
    assert judgement.value < judgement.baselines["biases"].held_out
    assert judgement.baselines["biases"].held_out < judgement.baselines["mean"].held_out


def test_nobody_beats_who_knows_how_the_ratings_were_made(trained):
    test = trained[0].test
    known = rivals.rmse(test.expected, test.stars)
    assert known < rivals.rmse(evaluation.predict(trained[1], test), test.stars)
    assert abs(np.mean(test.expected - test.stars)) < 0.1


def test_one_seed_repeats_and_two_seeds_differ():
    data = problem.load(TINY)
    first, same, other = (
        evaluation.train_by_descent(data, TINY, seed=seed).params["users"]["bias"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)
    assert not np.array_equal(data.test.stars, problem.load(TINY, seed=1).test.stars)


def test_lists_are_scored_as_by_hand_and_by_scikit_learn():
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]])
    liked = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
    lists = ranking.recommend(scores, np.zeros_like(liked), length=2)
    assert lists.tolist() == [[0, 1], [3, 2], [3, 2]]
    assert ranking.recall(lists, liked) == pytest.approx((1 / 3 + 0) / 2)
    theirs = ndcg_score(liked[[0, 2]], scores[[0, 2]], k=2)
    assert ranking.ndcg(lists, liked) == pytest.approx(theirs)


def test_what_was_seen_is_not_recommended_and_no_likes_are_an_error():
    scores, seen = np.arange(8.0).reshape(2, 4), np.zeros((2, 4), bool)
    seen[0, 3] = True
    assert ranking.recommend(scores, seen, length=1).tolist() == [[2], [3]]
    with pytest.raises(ValueError, match="nobody likes any item"):
        ranking.recall(np.array([[0], [1]]), seen & False)


def test_neighbours_agree_with_a_loop_over_one_rating(trained):
    train, base = trained[0].train, rivals.biases(trained[0].train, 4.0, 4.0, TINY)
    asked = problem.take(trained[0].test, np.arange(3))
    found = dict(rivals._predict_by_neighbours(train, base, asked, TINY))[50.0, 20, 0.5]
    left = np.full(base.shape, np.nan)
    left[train.users, train.movies] = train.stars - base[train.users, train.movies]
    user, movie = asked.users[0], asked.movies[0]
    near = []
    for other in np.flatnonzero(np.isfinite(left[user])):
        a, b = left[:, movie], left[:, other]
        both = np.isfinite(a) & np.isfinite(b)
        if both.any() and other != movie:
            cosine = a[both] @ b[both] / np.sqrt((a[both] ** 2).sum() * (b[both] ** 2).sum() + 1e-9)
            near.append((max(cosine, 0) * both.sum() / (both.sum() + 50), left[user, other]))
    weights, values = np.array(sorted(near, reverse=True)[:20]).T
    expected = base[user, movie] + weights @ values / (weights.sum() + 0.5)
    assert found[0] == pytest.approx(expected, abs=1e-4)


# --- The page -----------------------------------------------------------------------------------


def test_turned_axes_say_the_same_and_the_first_explains_most(trained):
    params = trained[1].params
    turned = reading.canonical(params)
    np.testing.assert_allclose(
        evaluation.everywhere(turned), evaluation.everywhere(params), atol=1e-4
    )
    spread = (turned["movies"]["factors"] ** 2).sum(axis=0)
    assert (np.diff(spread) <= 1e-6).all()


def test_movies_of_one_genre_are_neighbours_in_the_space_of_tastes():
    genres = np.repeat([0, 1], 5)
    factors = np.stack([1.0 - genres, genres], axis=1) + 0.01
    assert reading.share_of_same_genre(factors, genres) == (1.0, pytest.approx(4 / 9))


def test_every_picture_and_table_of_the_page_can_be_made(trained):
    data, fitted = trained
    moments = reading.unfold(fitted, data, TINY, (0, 1, 2, TINY.num_sweeps))
    shown = reading.popular(data, TINY)
    listed = reading.compare_lists(
        fitted, evaluation.train_for_lists(data, TINY, seed=0), data, TINY
    )
    errors = {"predicted stars": 0.8, "biases": 0.9}
    drawn = [
        figures.blanks(data.train, evaluation.everywhere(fitted.params) + fitted.mean),
        *figures.map_frames(moments, shown, data.genres),
        figures.map_strip(moments, shown, None),
        figures.by_penalty(TINY.penalties, fitted.errors),
        figures.stars_and_lists(errors, listed),
    ]
    assert all(figure.axes for figure in drawn)
    assert "of the cells are known" in figures.describe_blanks(data.train)
    assert f"{len(shown)} movies" in figures.describe_map(moments, shown)
    assert "2 factors do best" in figures.describe_by_penalty(TINY.penalties, fitted.errors)
    assert "popularity" in figures.describe_stars_and_lists(errors, listed)
    assert "place" in reading.say_who_lists_best(listed)
    rating = reading.telling(fitted, data.test)
    pair = int(data.test.users[rating]), int(data.test.movies[rating])
    total = reading.sum_up(fitted, pair, "it").markdown().splitlines()[-1]
    assert f"{fitted.mean + evaluation.everywhere(fitted.params)[pair]:.2f}" in total
    assert reading.favourites(fitted, data, pair[0], TINY).markdown().count("\n") == 7


@pytest.mark.usefixtures("published_data")
def test_the_published_ratings_are_divided_and_capped_as_the_preset_says():
    whole = problem.load(dataclasses.replace(PAGE, source="real"))
    assert [len(part.stars) for part in whole[:3]] == [70_000, 10_000, 20_000]
    assert whole.genres is None
    few = problem.load(dataclasses.replace(TINY, source="real"))
    assert few.train.users.max() < TINY.num_users
    assert few.train.movies.max() < TINY.num_movies
