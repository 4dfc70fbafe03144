"""Segment customers with k-means: the twins agree, and the segments are the right ones."""

import dataclasses
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.datasets import load_wine

from tutorials_lib.tabular.kmeans import (
    evaluation,
    figures,
    in_jax,
    in_numpy,
    in_sklearn,
    problem,
    reading,
)
from tutorials_lib.tabular.kmeans.problem import PAGE, TINY, Config

BACKENDS = [
    pytest.param(in_numpy, np.asarray, id="numpy"),
    pytest.param(in_jax, jnp.asarray, id="jax"),
]
in_both = pytest.mark.parametrize(("backend", "array"), BACKENDS)


def random_points(num_points: int = 300, num_features: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num_points, num_features)).astype(np.float32)


def customers_and_starts(config: Config, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Prepared customers, and starting centers for every restart."""
    customers, _ = problem.load(config, seed=seed)
    points = problem.to_points(customers.features, problem.fit_scaling(customers.features))
    return points, in_numpy.choose_all_starts(points, problem.draw(config, seed=seed))


# --- The twins --------------------------------------------------------------------------------


@pytest.mark.parametrize(("num_features", "num_clusters"), [(1, 1), (1, 4), (3, 2), (13, 7)])
def test_one_step_of_the_twins_is_equal(num_features: int, num_clusters: int):
    points = random_points(num_features=num_features).astype(np.float64)
    centers = points[:num_clusters]
    labels = in_numpy.assign(points, centers)
    moved = in_numpy.update(points, labels, centers)
    with jax.enable_x64(True):
        on_device, start = jnp.asarray(points), jnp.asarray(centers)
        np.testing.assert_array_equal(labels, in_jax.assign(on_device, start))
        theirs = in_jax.update(on_device, jnp.asarray(labels), start)
    np.testing.assert_allclose(moved, theirs, rtol=1e-9)


def test_the_twins_choose_the_same_starts_and_the_same_best_fit():
    points, _ = customers_and_starts(TINY)
    draws = problem.draw(TINY)
    with jax.enable_x64(True):
        points, draws = points.astype(np.float64), draws.astype(np.float64)
        ours = in_numpy.best_fit(points, draws, TINY)
        theirs = in_jax.best_fit(jnp.asarray(points), jnp.asarray(draws), TINY)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_no_operation_of_the_jax_twin_promotes_a_type():
    points, starts = customers_and_starts(TINY)
    with jax.numpy_dtype_promotion("strict"):
        centers, inertias = in_jax.fit_restarts(jnp.asarray(points), jnp.asarray(starts), TINY)
        labels = in_jax.assign(jnp.asarray(points), centers[0])
        silhouette = in_jax.silhouette(jnp.asarray(points), labels, TINY.num_clusters)
    assert {centers.dtype, inertias.dtype, silhouette.dtype} == {jnp.dtype("float32")}


def test_numpy_keeps_the_type_of_its_input():
    points, starts = customers_and_starts(TINY)
    fitted = in_numpy.fit(points, starts[0], TINY)
    assert {fitted.centers.dtype, fitted.shifts.dtype} == {np.dtype("float32")}


def test_blocks_do_not_change_the_result_of_numpy(monkeypatch: pytest.MonkeyPatch):
    points, starts = customers_and_starts(TINY)
    points, start = points.astype(np.float64), starts[0].astype(np.float64)
    whole = in_numpy.fit(points, start, TINY)
    monkeypatch.setattr(in_numpy, "BLOCK", 64)
    np.testing.assert_allclose(whole.centers, in_numpy.fit(points, start, TINY).centers, rtol=1e-12)


# --- What k-means promises --------------------------------------------------------------------


@in_both
def test_no_step_raises_the_inertia(backend, array):
    points, starts = customers_and_starts(TINY)
    points, centers = array(points), array(starts[0])
    inertias = []
    for _ in range(15):
        inertias.append(float(backend.inertia(points, centers)))
        centers = backend.update(points, backend.assign(points, centers), centers)
    assert np.diff(inertias).max() <= 1e-5 * inertias[0]
    assert inertias[-1] < 0.9 * inertias[0]


@in_both
def test_two_pairs_of_points_have_their_midpoints_as_centers(backend, array):
    points = array(np.array([[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 2.0]], np.float32))
    centers, shifts = backend.fit(points, points[::2], Config(num_steps=2))
    np.testing.assert_array_equal(centers, [[0.0, 1.0], [10.0, 1.0]])
    np.testing.assert_allclose(shifts, [np.sqrt(2.0), 0.0])
    assert float(backend.inertia(points, centers)) == 4.0


@in_both
def test_a_converged_fit_no_longer_moves(backend, array):
    points, starts = customers_and_starts(TINY)
    config = dataclasses.replace(TINY, num_steps=60)
    _, shifts = backend.fit(array(points), array(starts[0]), config)
    assert shifts[0] > 0.1
    assert shifts[-1] == 0.0


@in_both
def test_scikit_learn_arrives_at_the_same_inertia_from_the_same_starts(backend, array):
    points, starts = customers_and_starts(TINY)
    _, ours = backend.fit_restarts(array(points), array(starts), TINY)
    theirs = [
        in_numpy.inertia(points, in_sklearn.fit(points, start, TINY).centers.astype(points.dtype))
        for start in starts
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@in_both
def test_the_best_fit_puts_the_largest_cluster_first(backend, array):
    points, _ = customers_and_starts(TINY)
    centers = backend.best_fit(array(points), array(problem.draw(TINY)), TINY)
    sizes = np.bincount(in_numpy.assign(points, np.asarray(centers)))
    assert list(sizes) == sorted(sizes, reverse=True)


# --- k-means++ --------------------------------------------------------------------------------


@in_both
def test_starts_are_points_drawn_by_their_squared_distance(backend, array):
    points = array(np.array([[0.0], [1.0], [3.0]], np.float32))
    # From the first point, the others weigh 1 and 9: draws below a tenth choose the second.
    for draw, expected in [(0.05, 1.0), (0.15, 3.0), (0.95, 3.0)]:
        starts = backend.choose_starts(points, array(np.array([0.0, draw], np.float32)))
        np.testing.assert_array_equal(starts, [[0.0], [expected]])


@in_both
def test_no_point_is_chosen_twice_while_others_are_left(backend, array):
    points = array(random_points(num_points=6))
    for draws in np.random.default_rng(0).random((20, 6), np.float32):
        starts = np.asarray(backend.choose_starts(points, array(draws)))
        assert len(np.unique(starts, axis=0)) == 6


# --- Edge cases -------------------------------------------------------------------------------


@in_both
def test_an_empty_cluster_keeps_its_center(backend, array):
    points, far_away = random_points(), np.full((1, 3), 1e6, np.float32)
    start = np.concatenate([points[:2], far_away])
    centers, _ = backend.fit(array(points), array(start), TINY)
    np.testing.assert_array_equal(centers[2:], far_away)
    without, _ = backend.fit(array(points), array(start[:2]), TINY)
    np.testing.assert_allclose(centers[:2], without, rtol=1e-6)


@in_both
def test_a_point_between_two_centers_goes_to_the_first(backend, array):
    points = array(np.array([[0.0], [1.0], [-1.0]], np.float32))
    centers = array(np.array([[1.0], [-1.0], [1.0]], np.float32))
    np.testing.assert_array_equal(backend.assign(points, centers), [0, 0, 1])
    moved, _ = backend.fit(points, centers, Config(num_steps=1))
    np.testing.assert_array_equal(moved, [[0.5], [-1.0], [1.0]])


@in_both
def test_more_clusters_than_points_is_an_error_that_says_so(backend, array):
    points, draws = array(random_points(num_points=2)), array(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="3 clusters cannot start from 2 points"):
        backend.choose_starts(points, draws)


@in_both
def test_customers_who_are_all_the_same_are_one_cluster(backend, array):
    points = array(np.ones((10, 2), np.float32))
    starts = backend.choose_starts(points, array(np.full(3, 0.5, np.float32)))
    centers, _ = backend.fit(points, starts, TINY)
    np.testing.assert_array_equal(centers, np.ones((3, 2)))
    labels = backend.assign(points, centers)
    np.testing.assert_array_equal(labels, np.zeros(10))
    assert float(backend.silhouette(points, labels, 3)) == 0.0


# --- How a segmentation is judged -------------------------------------------------------------


@in_both
@pytest.mark.parametrize("num_clusters", [2, 5])
def test_the_silhouette_is_that_of_scikit_learn(backend, array, num_clusters: int):
    points = random_points()
    labels = in_numpy.assign(points, points[:num_clusters])
    labels[0] = num_clusters  # alone in its cluster, and cluster number num_clusters + 1 is empty
    found = backend.silhouette(array(points), array(labels), num_clusters + 2)
    assert float(found) == pytest.approx(metrics.silhouette_score(points, labels), abs=1e-5)


def test_the_adjusted_rand_index_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    expected, found = rng.integers(0, 4, 500), rng.integers(0, 7, 500)
    mixed = np.where(rng.random(500) < 0.6, expected, found)
    for labels in (found, mixed, expected, 3 - expected, np.zeros(500, int)):
        theirs = metrics.adjusted_rand_score(expected, labels)
        assert problem.adjusted_rand_index(expected, labels) == pytest.approx(theirs, abs=1e-12)


def test_the_elbow_is_where_the_curve_bends():
    assert problem.elbow(np.arange(1, 8), np.array([100.0, 60, 20, 18, 16, 14, 12])) == 3


# --- Beside scikit-learn ----------------------------------------------------------------------


def test_the_best_restart_is_on_a_par_with_scikit_learn():
    judgement = evaluation.judge(TINY, seed=1)
    assert judgement.met
    (line,) = judgement.baselines.values()
    assert judgement.value == pytest.approx(line.held_out / (1 + evaluation.PARITY), rel=1e-5)


def test_an_inertia_a_thousandth_above_that_of_scikit_learn_is_not_on_a_par():
    points, starts = evaluation.prepare(TINY, seed=1)
    trained, _ = in_numpy.fit_restarts(points, starts, TINY)
    assert evaluation.judge(TINY, seed=1, trained=trained).met
    moved = trained + 0.03 * np.sqrt(evaluation.best_inertia(points, trained) / points.size)
    excess = evaluation.best_inertia(points, moved) / evaluation.best_inertia(points, trained) - 1
    assert 1e-4 < excess < 2e-3
    assert not evaluation.judge(TINY, seed=1, trained=moved).met


# --- The data ---------------------------------------------------------------------------------


def test_the_known_segments_are_found_in_customers_that_were_held_out():
    customers, held_out = problem.load(TINY)
    scaling = problem.fit_scaling(customers.features)
    points = problem.to_points(customers.features, scaling)
    centers = in_numpy.best_fit(points, problem.draw(TINY), TINY)
    labels = in_numpy.assign(problem.to_points(held_out.features, scaling), centers)
    assert problem.adjusted_rand_index(held_out.segments, labels) > 0.8


def test_most_restarts_that_are_stuck_have_merged_champions_with_regulars():
    customers, _ = problem.load(PAGE)
    points, starts = customers_and_starts(PAGE)
    found, inertias = in_numpy.fit_restarts(points, starts, PAGE)
    regulars, champions = (problem.SEGMENT_NAMES.index(n) for n in ("regulars", "champions"))
    merged = []
    for centers in found[problem.is_stuck(inertias)]:
        labels = in_numpy.assign(points, centers)
        main = [np.bincount(labels[customers.segments == s]).argmax() for s in range(5)]
        merged.append(main[regulars] == main[champions])
    assert 0 < len(merged) < len(starts)
    assert np.mean(merged) > 0.5


def test_without_preparation_the_segments_are_not_found():
    customers, _ = problem.load(TINY)
    raw = customers.features.astype(np.float32)
    labels = in_numpy.assign(raw, in_numpy.best_fit(raw, problem.draw(TINY), TINY))
    assert problem.adjusted_rand_index(customers.segments, labels) < 0.3


def test_wines_are_grouped_by_cultivar():
    wine, config = load_wine(), Config(num_clusters=3)
    points = problem.to_points(wine.data, problem.fit_scaling(wine.data))
    labels = in_numpy.assign(points, in_numpy.best_fit(points, problem.draw(config), config))
    assert problem.adjusted_rand_index(wine.target, labels) > 0.8


def test_generated_customers_are_as_described():
    customers, held_out = problem.load(PAGE)
    assert customers.features.shape == (PAGE.num_points, 7)
    assert held_out.features.shape == (PAGE.num_held_out, 7)
    shares = np.bincount(customers.segments) / PAGE.num_points
    np.testing.assert_allclose(shares, problem.SEGMENT_SHARES, atol=0.02)
    assert (customers.features > 0).all()
    for share in (4, 6):
        assert customers.features[:, share].max() <= 1


def test_centers_return_to_the_units_of_the_business():
    customers, _ = problem.load(TINY)
    scaling = problem.fit_scaling(customers.features)
    points = problem.to_points(customers.features, scaling)
    np.testing.assert_allclose(problem.to_units(points, scaling), customers.features, rtol=1e-4)


@pytest.mark.parametrize(("value", "message"), [(0.0, "no logarithm"), (1.0, "leave it out")])
def test_a_feature_that_cannot_be_prepared_is_an_error_that_says_why(value: float, message: str):
    features = np.exp(random_points()).astype(np.float64)
    features[:, 1] = value
    with pytest.raises(ValueError, match=message):
        problem.fit_scaling(features)


def test_one_seed_repeats_and_two_seeds_differ():
    def fitted(seed: int) -> np.ndarray:
        points, starts = customers_and_starts(TINY, seed)
        return in_numpy.fit(points, starts[0], TINY).centers

    np.testing.assert_array_equal(fitted(0), fitted(0))
    assert not np.allclose(fitted(0), fitted(1))
    draws = problem.draw(TINY)
    assert len(np.unique(draws, axis=0)) == len(draws)


# --- The real customers -----------------------------------------------------------------------


@pytest.mark.usefixtures("published_data")
def test_the_wholesale_customers_are_segmented_at_the_size_of_the_page():
    config = dataclasses.replace(PAGE, source="real")
    customers, held_out = problem.load(config)
    assert (len(customers.features), len(held_out.features)) == (352, 88)
    assert set(customers.segments) == {0, 1}
    points, starts = customers_and_starts(config)
    ours = in_numpy.fit_restarts(points, starts, config)[1].min()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = min(
            in_numpy.inertia(
                points, in_sklearn.fit(points, start, config).centers.astype(np.float32)
            )
            for start in starts
        )
    assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.usefixtures("published_data")
def test_most_starts_on_the_wholesale_customers_end_in_places_of_their_own():
    config = dataclasses.replace(PAGE, source="real")
    points, starts = customers_and_starts(config)
    _, inertias = in_numpy.fit_restarts(points, starts, config)
    assert len(np.unique(np.round(inertias / inertias.min(), 3))) > len(starts) / 2


# --- The pictures -----------------------------------------------------------------------------


def test_every_picture_of_the_page_can_be_drawn_and_described():
    customers, _ = problem.load(TINY)
    points, starts = customers_and_starts(TINY)
    centers = in_numpy.fit(points, starts[0], TINY).centers
    labels, names = in_numpy.assign(points, centers), "ABCDE"
    in_units = problem.to_units(centers, problem.fit_scaling(customers.features))
    inertias = np.array([[4.0, 3.0], [4.0, 2.0], [3.0, 2.0]])
    plane = points[:, [0, 2]]
    moments = reading.unfold(plane, plane[:5])
    ks, scores = np.arange(1, 4), {"inertia": (np.array([3.0, 1.0, 0.5]), 2)}
    drawn = [
        figures.segments(customers, labels, in_units, names, axes=(0, 2)),
        figures.before_and_after(customers, points, axes=(0, 2)),
        figures.restarts(inertias),
        figures.profile(centers, in_units, customers.feature_names, names),
        figures.choices(ks, scores),
        figures.lloyd_strip(plane, moments),
        *figures.lloyd_frames(plane, moments, ("x", "y")),
    ]
    assert all(figure.axes for figure in drawn)
    assert "400 customers" in figures.describe_segments(customers, names, axes=(0, 2))
    assert "2 at the best, 1 above it, by up to 50.0%" in figures.describe_restarts(inertias)
    assert f"in {moments[-1].steps} steps" in figures.describe_lloyd(moments)
    assert "inertia at 2" in figures.describe_choices(ks, scores)
    described = figures.describe_profile(centers, in_units, customers.feature_names, names)
    assert described.count(";") == len(names) - 1


def test_the_process_that_a_reader_steps_through_ends_where_the_fit_ends():
    points, starts = customers_and_starts(TINY)
    moments = reading.unfold(points, starts[0])
    names = [moment.name for moment in moments]
    assert names[:5] == ["start", "assign 1", "move 1", "assign 2", "move 2"]
    assert names[-1] == "settled"
    inertias = [moment.inertia for moment in moments[1:]]
    assert inertias == sorted(inertias, reverse=True)
    last = moments[-1]
    assert len(last.path) == last.steps + 1
    enough = dataclasses.replace(TINY, num_steps=last.steps + 5)
    np.testing.assert_allclose(
        last.path[-1], in_numpy.fit(points, starts[0], enough).centers, rtol=1e-6
    )


def test_four_customers_settle_as_the_page_computes_by_hand():
    moments = reading.unfold(np.array([[1.0], [2.0], [9.0], [10.0]]), np.array([[1.0], [2.0]]))
    assert [moment.inertia for moment in moments[1:]] == [113, 38, 14, 1, 1]
    assert [moment.num_changed for moment in moments[1:]] == [4, 0, 1, 0, 0]


def test_scikit_learn_is_asked_for_lloyd_iterations_and_no_more():
    points, starts = customers_and_starts(TINY)
    one_step = dataclasses.replace(TINY, num_steps=1)
    ours = in_numpy.fit(points, starts[0], one_step).centers
    np.testing.assert_allclose(in_sklearn.fit(points, starts[0], one_step).centers, ours, rtol=1e-5)
    assert KMeans().n_init == "auto"  # the peer states n_init itself
