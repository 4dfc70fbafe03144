"""See high-dimensional data with PCA: the twins agree, and the components are the right ones."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from tutorials_lib.tabular.pca import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    in_sklearn,
    problem,
    timings,
)
from tutorials_lib.tabular.pca.problem import PAGE, TINY, Config

BACKENDS = [
    pytest.param(in_numpy, np.asarray, id="numpy"),
    pytest.param(in_jax, jnp.asarray, id="jax"),
]
ALGORITHMS = ["fit_covariance", "fit_svd", "fit_randomized"]
in_both = pytest.mark.parametrize(("backend", "array"), BACKENDS)
by_each = pytest.mark.parametrize("algorithm", ALGORITHMS)
WINES = Config(table="wines", num_train=178, num_test=0, scale=True, num_components=3)


def table(num_rows: int = 200, num_features: int = 6, seed: int = 0) -> np.ndarray:
    """A table in float64 whose variances are far apart."""
    rng = np.random.default_rng(seed)
    mixing, _ = np.linalg.qr(rng.normal(size=(num_features, num_features)))
    deviations = np.geomspace(10, 0.1, num_features)
    return rng.normal(size=(num_rows, num_features)) * deviations @ mixing + rng.normal(
        size=num_features
    )


def fit_of(backend, algorithm: str):
    """The fit of that name, compiled where it is JAX's."""
    fit = getattr(backend, algorithm)
    static = ["num_components", "num_passes"][: 1 + (algorithm == "fit_randomized")]
    return fit if backend is in_numpy else jax.jit(fit, static_argnames=static)


def run(backend, algorithm: str, features, num_components: int, num_passes: int = 6):
    """Fit `features` by the algorithm of that name; random draws are the same every time."""
    fit = fit_of(backend, algorithm)
    if algorithm != "fit_randomized":
        return fit(features, num_components)
    shape = (features.shape[1], min(features.shape[1], num_components + 3))
    draws = np.random.default_rng(1).normal(size=shape).astype(features.dtype)
    return fit(features, draws, num_components, num_passes)


def fit_in_float64(backend, algorithm: str, features: np.ndarray, num_components: int):
    with jax.enable_x64(True):
        array = np.asarray if backend is in_numpy else jnp.asarray
        found = run(backend, algorithm, array(features), num_components)
        return {name: np.asarray(value) for name, value in found.items()}


# --- The twins --------------------------------------------------------------------------------


@by_each
@pytest.mark.parametrize(("num_rows", "num_features"), [(50, 1), (200, 6), (5_000, 3), (5, 8)])
def test_one_fit_of_the_twins_is_equal(algorithm: str, num_rows: int, num_features: int):
    features = table(num_rows, num_features)
    num_components = min(num_features, 4)
    ours = fit_in_float64(in_numpy, algorithm, features, num_components)
    theirs = fit_in_float64(in_jax, algorithm, features, num_components)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, rtol=1e-9, atol=1e-9, err_msg=name)


@in_both
@by_each
def test_no_operation_promotes_a_type(backend, array, algorithm: str):
    features = array(table().astype(np.float32))
    with jax.numpy_dtype_promotion("strict"):
        params = run(backend, algorithm, features, 3)
        scores = backend.project(params, features)
        found = backend.reconstruct(params, scores)
    dtypes = {value.dtype for value in [*params.values(), scores, found]}
    assert dtypes == {np.dtype("float32")}


def test_blocks_do_not_change_the_covariance_of_numpy(monkeypatch: pytest.MonkeyPatch):
    features = table()
    mean = features.mean(0)
    whole = in_numpy.covariance(features, mean)
    np.testing.assert_allclose(whole, np.cov(features.T), rtol=1e-12)
    monkeypatch.setattr(in_numpy, "BLOCK", 64)
    np.testing.assert_allclose(in_numpy.covariance(features, mean), whole, rtol=1e-12, atol=1e-12)


@in_both
@by_each
def test_inputs_are_left_as_they_were(backend, array, algorithm: str):
    features = table().astype(np.float32)
    given = array(features.copy())
    run(backend, algorithm, given, 3)
    np.testing.assert_array_equal(given, features)


# --- What PCA promises ------------------------------------------------------------------------


@in_both
@by_each
def test_points_on_a_line_have_that_line_as_their_component(backend, array, algorithm: str):
    line = np.array([3.0, -4.0], np.float32) / 5
    steps = np.array([-2.0, -1.0, 0.0, 1.0, 2.0], np.float32)
    params = run(backend, algorithm, array(steps[:, None] * line + np.float32(7)), 1)
    np.testing.assert_allclose(params["mean"], [7, 7], rtol=1e-6)
    np.testing.assert_allclose(params["components"], [-line], atol=1e-5)  # the larger entry > 0
    np.testing.assert_allclose(params["variances"], [2.5], rtol=1e-5)
    np.testing.assert_allclose(params["total"], 2.5, rtol=1e-5)


@in_both
@by_each
def test_variances_are_those_of_the_scores_and_the_scores_are_uncorrelated(
    backend, array, algorithm: str
):
    features = table()
    params = fit_in_float64(backend, algorithm, features, 4)
    scores = in_numpy.project(params, features)
    np.testing.assert_allclose(
        np.cov(scores.T), np.diag(params["variances"]), rtol=1e-9, atol=1e-7 * features.var()
    )
    np.testing.assert_allclose(params["total"], features.var(0, ddof=1).sum(), rtol=1e-9)
    np.testing.assert_allclose(params["components"] @ params["components"].T, np.eye(4), atol=1e-12)


@in_both
def test_as_many_components_as_features_reconstruct_every_row(backend, array):
    features = array(table().astype(np.float32))
    params = run(backend, "fit_covariance", features, 6)
    found = backend.reconstruct(params, backend.project(params, features))
    np.testing.assert_allclose(found, features, atol=1e-4)
    np.testing.assert_allclose(params["variances"].sum(), params["total"], rtol=1e-5)


@in_both
def test_what_is_lost_is_the_variance_of_the_components_left_out(backend, array):
    features = table()
    params = fit_in_float64(backend, "fit_covariance", features, 2)
    found = in_numpy.reconstruct(params, in_numpy.project(params, features))
    expected = 1 - params["variances"].sum() / params["total"]
    assert problem.lost_share(features, found, params["mean"]) == pytest.approx(expected)


@by_each
def test_no_other_subspace_of_the_same_dimension_loses_less(algorithm: str):
    data = problem.load(TINY)
    features = data.train.astype(np.float64)
    params = fit_in_float64(in_numpy, algorithm, features, 8)
    mean = params["mean"]
    lost = problem.lost_share(
        features, in_numpy.reconstruct(params, in_numpy.project(params, features)), mean
    )
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=params["components"].shape)
        other, _ = np.linalg.qr((params["components"] + 0.1 * noise).T)
        found = (features - mean) @ other @ other.T + mean
        assert problem.lost_share(features, found, mean) > lost


# --- Against scikit-learn ---------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("algorithm", ["fit_covariance", "fit_svd"])
@pytest.mark.parametrize("config", [TINY, PAGE, WINES], ids=["tiny", "digits", "wines"])
def test_scikit_learn_finds_the_same_components_with_the_same_signs(
    backend, array, algorithm: str, config: Config
):
    features = problem.prepare(config).train.astype(np.float64)
    ours = fit_in_float64(backend, algorithm, features, config.num_components)
    theirs = getattr(in_sklearn, algorithm)(features, config.num_components)
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)


@in_both
def test_scikit_learn_and_we_find_the_same_subspace_with_random_draws(backend, array):
    config = dataclasses.replace(TINY, table="factors", num_features=40)
    features = problem.load(config).train
    draws, k = problem.draw(config, 40), config.num_components
    fit = fit_of(backend, "fit_randomized")
    ours = fit(array(features), array(draws), k, config.num_passes)
    theirs = PCA(k, svd_solver="randomized", random_state=0).fit(features)
    angles = subspace_angles(np.asarray(ours["components"]).T, theirs.components_.T)
    assert np.degrees(angles.max()) < 0.1
    np.testing.assert_allclose(ours["variances"], theirs.explained_variance_, rtol=1e-4)


def test_each_algorithm_is_as_far_from_scikit_learn_as_it_should_be():
    errors = evaluation.errors_against_sklearn(TINY, (1, 16))
    names = ["covariance and eigh", "thin SVD", "randomized SVD, passes: 1"]
    assert list(errors) == [*names, "randomized SVD, passes: 16"]
    for name in names[:2]:
        assert max(errors[name].values()) < 1e-9
    assert errors[names[2]]["variances"] > 1e-3
    assert errors["randomized SVD, passes: 16"]["variances"] < 1e-4


def test_the_peer_uses_the_algorithm_that_is_timed(monkeypatch: pytest.MonkeyPatch):
    solvers = []
    fit = PCA.fit
    monkeypatch.setattr(PCA, "fit", lambda self, x: solvers.append(self.svd_solver) or fit(self, x))
    in_sklearn.fit_covariance(table(), 2)
    in_sklearn.fit_svd(table(), 2)
    assert solvers == ["covariance_eigh", "full"]


# --- The randomized algorithm -----------------------------------------------------------------


@in_both
def test_more_passes_come_closer_to_the_best_subspace(backend, array):
    features = problem.load(TINY).train.astype(np.float64)
    best = fit_in_float64(in_numpy, "fit_covariance", features, 8)["variances"].sum()
    draws = np.random.default_rng(0).normal(size=(64, 10))
    fit = fit_of(backend, "fit_randomized")
    with jax.enable_x64(True):
        kept = [
            float(fit(array(features), array(draws), 8, n)["variances"].sum()) for n in (0, 1, 6)
        ]
    assert kept[0] < kept[1] < kept[2] < best * (1 + 1e-12)
    assert kept[2] > 0.999 * best


@in_both
def test_a_table_of_low_rank_is_found_exactly_in_one_pass(backend, array):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 30))
    exact = fit_in_float64(in_numpy, "fit_svd", features, 3)
    with jax.enable_x64(True):
        draws = array(rng.normal(size=(30, 5)))
        found = fit_of(backend, "fit_randomized")(array(features), draws, 3, 1)
    for name, value in exact.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9, err_msg=name)


def test_the_first_components_are_good_long_before_the_last():
    features = problem.load(PAGE).train.astype(np.float64)
    best = in_numpy.fit_covariance(features, 32)["components"]
    draws = problem.draw(PAGE, 64).astype(np.float64)
    found = in_numpy.fit_randomized(features, draws, 32, 4)["components"]
    errors = np.abs(found - best).max(1)
    assert errors[:8].max() < 1e-3 < errors[-8:].max()


# --- Edge cases -------------------------------------------------------------------------------


@in_both
def test_every_component_has_its_largest_entry_positive(backend, array):
    rows = np.array([[-3.0, 2.0], [1.0, -4.0], [5.0, 0.0], [-1.0, 1.0]], np.float32)
    expected = [[3.0, -2.0], [-1.0, 4.0], [5.0, 0.0], [1.0, -1.0]]
    np.testing.assert_array_equal(backend.orient(array(rows)), expected)
    np.testing.assert_array_equal(backend.orient(array(-rows))[:3], expected[:3])


@in_both
@by_each
def test_features_that_never_change_have_no_part_in_any_component(backend, array, algorithm: str):
    features = table().astype(np.float32)
    features[:, 2] = 5
    params = run(backend, algorithm, array(features), 3)
    assert np.abs(np.asarray(params["components"])[:, 2]).max() < 1e-6
    assert np.isfinite(np.asarray(params["components"])).all()


@in_both
def test_a_covariance_without_full_rank_has_no_negative_variance(backend, array):
    features = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    variances = np.asarray(run(backend, "fit_covariance", array(features), 5)["variances"])
    assert (variances >= 0).all()
    assert variances[-1] < 1e-5 * variances[0]  # five rows vary in four directions


@in_both
@by_each
@pytest.mark.parametrize(
    ("shape", "num_components", "message"),
    [
        ((10, 3), 4, "4 components of a table of 10 rows and 3 columns; there are 1 to 3"),
        ((3, 10), 4, "there are 1 to 3"),
        ((10, 3), 0, "there are 1 to 3"),
        ((1, 3), 1, "a variance needs two rows; there are 1"),
    ],
)
def test_a_number_of_components_that_there_is_not_is_an_error(
    backend, array, algorithm: str, shape: tuple[int, int], num_components: int, message: str
):
    with pytest.raises(ValueError, match=message):
        run(backend, algorithm, array(np.ones(shape, np.float32)), num_components)


# --- The tables -------------------------------------------------------------------------------


def test_the_digits_are_divided_and_no_row_is_on_both_sides():
    data = problem.load(PAGE)
    assert data.train.shape == (1_438, 64)
    assert data.test.shape == (359, 64)
    assert data.train.dtype == np.float32
    assert (data.train.min(), data.train.max()) == (0, 1)
    rows = np.concatenate([data.train, data.test])
    assert len(np.unique(rows, axis=0)) == 1_797
    assert set(data.test_labels) == set(range(10))


def test_every_size_that_is_timed_is_as_its_label_says():
    for label, config in comparison.COMPARISON.sizes.items():
        num_rows, num_features = (int(part.replace(",", "")) for part in label.split(" × "))
        assert comparison.make_inputs(config).features.shape == (num_rows, num_features)


def test_generated_factors_stand_out_from_the_noise():
    config = Config(table="factors", num_train=2_000, num_test=0, num_features=50, num_components=5)
    params = in_numpy.fit_covariance(problem.load(config).train, 6)
    np.testing.assert_allclose(params["variances"][:5], np.geomspace(1, 0.1, 5), rtol=0.15)
    np.testing.assert_allclose(params["variances"][5], 0.01, rtol=0.5)


def test_features_that_never_change_are_not_blown_up_by_scaling():
    features = np.array([[1.0, 0.1, 2.0], [3.0, 0.1, 2.0]], np.float32)
    np.testing.assert_array_equal(problem.measure_spread(features), [1, 1, 1])
    config = dataclasses.replace(PAGE, scale=True)
    data = problem.prepare(config)
    spread = data.train.std(0)
    np.testing.assert_allclose(spread[spread > 0], 1, rtol=1e-4)
    assert (spread == 0).sum() >= 3  # corners that no digit reaches
    assert np.isfinite(data.test).all()


def test_a_table_or_source_that_does_not_exist_is_an_error_that_lists_those_that_do():
    with pytest.raises(ValueError, match="digits, wines, factors"):
        Config(table="letters")
    with pytest.raises(ValueError, match="offline, real"):
        Config(source="web")


def test_one_seed_repeats_and_two_seeds_differ():
    first, again = problem.load(TINY), problem.load(TINY)
    other = problem.load(TINY, seed=1)
    np.testing.assert_array_equal(first.train, again.train)
    assert (first.train != other.train).any()
    draws = problem.draw(TINY, 64)
    np.testing.assert_array_equal(draws, problem.draw(TINY, 64))
    assert (draws != problem.draw(TINY, 64, seed=1)).any()
    assert draws.shape == (64, TINY.num_components + TINY.num_extra)


# --- Against the baselines --------------------------------------------------------------------


@pytest.mark.parametrize("num_components", [2, 8, 32])
def test_held_out_digits_are_reconstructed_better_than_from_anything_else(num_components: int):
    judgement = evaluation.judge(dataclasses.replace(PAGE, num_components=num_components), seed=0)
    others = {name: score.held_out for name, score in judgement.baselines.items()}
    assert set(others) == {"mean picture", "random projection", "best pixels", "best cosines"}
    assert others["mean picture"] == pytest.approx(1, abs=1e-6)
    assert judgement.strongest[0] == "best cosines"
    assert judgement.met


def test_what_the_page_has_fitted_is_judged_and_not_fitted_again(monkeypatch: pytest.MonkeyPatch):
    expected = evaluation.judge(TINY, seed=1)
    trained = in_numpy.fit_covariance(problem.load(TINY, seed=1).train, TINY.num_components)
    monkeypatch.setattr(in_jax, "fit_covariance", None)
    judgement = evaluation.judge(TINY, seed=1, trained=trained)
    assert judgement.value == pytest.approx(expected.value, rel=1e-4)
    assert judgement.baselines == expected.baselines


def test_curves_end_where_the_judgement_stands():
    data = problem.load(TINY)
    params = in_numpy.fit_covariance(data.train, TINY.num_components)
    curves = evaluation.compare(data, params, (2, TINY.num_components), seed=0)
    judgement = evaluation.judge(TINY, seed=0, trained=params)
    assert curves.lost.pop("PCA")[-1] == judgement.value
    assert list(curves.lost) == list(judgement.baselines)
    for name, lost in curves.lost.items():
        assert lost[-1] == judgement.baselines[name].held_out
    assert all(values[0] < values[1] for values in curves.right.values())


def test_features_are_chosen_as_the_regressions_on_them_say():
    features = table() * [1, 1, 1, 3, 1, 1]
    centred = features - features.mean(0)
    chosen = list(evaluation.choose(features, 3))
    for number in range(3):
        left = [
            np.square(centred - evaluation.decode(kept, centred, kept)).sum()
            for kept in (centred[:, [*chosen[:number], other]] for other in range(6))
        ]
        assert chosen[number] == np.argmin(left)


def test_copies_of_a_feature_and_features_that_never_change_are_not_chosen():
    features = np.hstack([table(), table()[:, :2], np.ones((200, 1))])
    chosen = evaluation.choose(features, 6)
    assert len(set(chosen % 6)) == 6
    assert chosen.max() < 8


def test_pictures_are_the_sums_of_their_cosines():
    pictures = problem.load(TINY).test
    waves = evaluation.cosines(pictures)
    np.testing.assert_allclose((waves**2).sum(1), (pictures**2).sum(1), rtol=1e-5)
    np.testing.assert_allclose(waves[:, 0], pictures.sum(1) / 8, rtol=1e-5)


def test_a_linear_decoder_undoes_what_can_be_undone():
    features = table()
    mixing = np.random.default_rng(0).normal(size=(6, 6))
    found = evaluation.decode(features @ mixing, features, features[:5] @ mixing)
    np.testing.assert_allclose(found, features[:5], atol=1e-8)


def test_scaling_tells_wines_apart_and_spoils_digits():
    found = evaluation.compare_scaling("offline")
    assert found["wines, scaled"].right > found["wines, as they are"].right + 0.1
    assert found["digits, scaled"].right < found["digits, as they are"].right - 0.03
    assert found["digits, scaled"].largest > 30  # a pixel that one digit in a thousand reaches


def test_the_first_component_of_unscaled_wines_is_proline():
    wines = problem.load(dataclasses.replace(WINES, scale=False))
    component = in_numpy.fit_covariance(wines.train, 1)["components"][0]
    assert component[load_wine().feature_names.index("proline")] > 0.99


def test_shuffled_columns_have_no_large_components():
    data = problem.load(PAGE)
    by_chance = evaluation.shares_by_chance(data.train, 32, seed=0)
    shares = data.train.var(0) / data.train.var(0).sum()
    assert by_chance[0] < 1.2 * shares.max()


def test_the_parts_and_the_algorithms_are_timed_under_their_names():
    assert all(seconds > 0 for seconds in timings.time_algorithms(60, 20, 4).values())
    parts = timings.time_parts(TINY)
    assert {tuple(row) for row in parts.values()} == {("NumPy", "JAX", "JAX, all threads")}


def test_nearest_neighbours_are_those_of_scikit_learn():
    data = problem.load(TINY)
    model = KNeighborsClassifier(1).fit(data.train, data.train_labels)
    found = problem.neighbour_accuracy(*data)
    assert found == pytest.approx(model.score(data.test, data.test_labels))


# --- MNIST ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("published_data")
def test_mnist_is_reconstructed_better_than_from_anything_else_at_the_size_of_the_page():
    config = dataclasses.replace(PAGE, source="real")
    data = problem.load(config)
    assert data.train.shape == (8_000, 784)
    assert data.test.shape == (2_000, 784)
    assert (data.train.min(), data.train.max()) == (0, 1)
    assert evaluation.judge(config, seed=0).met


# --- The pictures -----------------------------------------------------------------------------


def test_every_picture_of_the_page_can_be_drawn_and_described():
    data, wines = problem.load(TINY), problem.prepare(WINES)
    params = in_numpy.fit_covariance(data.train, 8)
    scores = in_numpy.project(params, data.test)
    of_wines = in_numpy.fit_covariance(wines.train, 3)
    pair = wines.train[:, 5:7]
    shares, by_chance = np.array([0.6, 0.3, 0.1]), np.array([0.4, 0.3, 0.3])
    lost, right = evaluation.compare(data, params, (2, 8), seed=0)
    names = [str(number) for number in range(13)]
    drawn = [
        figures.plane(scores, data.test_labels),
        *figures.line_frames(pair, (0, 45), names),
        figures.line_strip(pair, (0, 45, 135)),
        figures.biplot(
            of_wines, in_numpy.project(of_wines, wines.train), wines.train_labels, names
        ),
        figures.scree(shares, by_chance),
        figures.components_and_map(params),
        figures.reconstructions(params, data.test[:5], [2, 8]),
        figures.kept([2, 8], lost, right),
    ]
    assert all(figure.axes for figure in drawn)
    assert "60 digits" in figures.describe_plane(scores, data.test_labels)
    assert "crossed after 1 components" in figures.describe_scree(shares, by_chance)
    share = f"PCA {lost['PCA'][0]:.0%} to {lost['PCA'][1]:.0%}"
    assert share in figures.describe_kept([2, 8], lost, right)


def test_turning_a_line_moves_variance_and_adds_none():
    points = np.array([[-3.0, -3.0], [-1.0, 1.0], [1.0, -1.0], [3.0, 3.0]])
    along = [figures.variance_along(points, angle) for angle in (0, 45, 90, 135)]
    np.testing.assert_allclose(along, [20 / 3, 12, 20 / 3, 4 / 3])
    assert "12.00 at 45°" in figures.describe_lines(points, (0, 45))


def test_components_are_above_chance_until_the_first_that_is_not():
    by_chance = np.array([0.3, 0.3, 0.3])
    assert figures.above_chance(np.array([0.5, 0.4, 0.1]), by_chance) == 2
    assert figures.above_chance(np.array([0.2, 0.4, 0.4]), by_chance) == 0
    assert figures.above_chance(np.array([0.4, 0.4, 0.4]), by_chance) == 3
