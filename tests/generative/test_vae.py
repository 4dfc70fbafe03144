"""Generate faces with a variational autoencoder: the twins agree, and it learns."""

import dataclasses
from functools import partial
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from tutorials_lib import schedules
from tutorials_lib.benchmark.agreement import agree, make_inputs, prepared
from tutorials_lib.benchmark.comparison import compiled
from tutorials_lib.datasets import faces, olivetti
from tutorials_lib.generative.vae import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    ppca,
    problem,
    timings,
)
from tutorials_lib.generative.vae.problem import PAGE, TINY, Config, Data, Split

EASY = Config(
    num_train=4_000, num_test=200, num_latents=4, hidden=(128,), batch_size=32, num_epochs=16
)
"""Enough faces and steps to beat PCA, in a few seconds."""


def inputs_of(config: Config, dtype: type = np.float32):
    """Parameters, one batch of faces, and its noise."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, inputs.images[0], inputs.noise[0]


def fitted(config: Config, data: Data, seed: int = 0) -> tuple[in_jax.State, in_jax.History]:
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    state = in_jax.start(in_jax.create(config, create_key), config)
    images, test_images = jnp.asarray(data.train_images), jnp.asarray(data.test_images)
    return in_jax.fit(state, images, test_images, fit_key, config)


@pytest.fixture(scope="module")
def easy_data() -> Data:
    return problem.load(EASY)


@pytest.fixture(scope="module")
def easy_fit(easy_data: Data) -> tuple[in_jax.State, in_jax.History]:
    return fitted(EASY, easy_data)


# --- The twins --------------------------------------------------------------------------------


def test_sampling_is_timed_in_both_libraries():
    assert min(timings.sampling_seconds(3, TINY)) > 0
    assert timings.sampling_table((2, 3), TINY).markdown().count("\n| ") >= 2


@pytest.mark.parametrize("hidden", [(), (8,), (16, 8)])
def test_the_hand_gradient_equals_that_of_jax(hidden: tuple[int, ...]):
    config = dataclasses.replace(TINY, hidden=hidden)
    with jax.enable_x64(True):
        params, images, noise = inputs_of(config, np.float64)
        value, grads = in_numpy.loss_and_grads(params, images, noise, 0.3, config)
        on_device = jax.tree.map(jnp.asarray, (params, images, noise, 0.3))
        loss = partial(in_jax.loss, config=config)
        expected, expected_grads = jax.jit(jax.value_and_grad(loss))(*on_device)
    assert value == pytest.approx(float(expected), rel=1e-12)
    assert jax.tree.structure(grads) == jax.tree.structure(expected_grads)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected_grads), strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(TINY))
    loss = partial(in_jax.loss, config=TINY)
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(jax.grad(loss), *inputs, jnp.float32(0.5))
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_every_part_of_the_state_leaves_a_step_with_the_type_it_came_with(twin: ModuleType):
    inputs = make_inputs(comparison.COMPARISON, TINY)
    inputs = prepared(comparison.COMPARISON, twin, inputs, TINY)
    after, losses = compiled(comparison.train_steps, twin, "whole")(inputs, TINY)
    assert jax.tree.structure(after) == jax.tree.structure(inputs.state)
    for before, leaf in zip(*map(jax.tree.leaves, (inputs.state, after)), strict=True):
        assert leaf.dtype == before.dtype
    assert losses.dtype == np.float32
    assert after.step.dtype == np.int32


def test_the_schedules_begin_and_end_where_they_should():
    rates, weights = problem.learning_rates(PAGE), problem.kl_weights(PAGE)
    for schedule in (rates, weights):
        assert schedule.dtype == np.float32
        assert len(schedule) == PAGE.num_steps + 1
        assert not schedule.flags.writeable
    assert (np.diff(rates) <= 0).all()
    assert rates[0] == np.float32(PAGE.peak_learning_rate)
    assert rates[-1] == schedules.at(rates, PAGE.num_steps + 5) == 0
    assert weights[0] == np.float32(1 / PAGE.num_anneal_steps)
    assert weights[PAGE.num_anneal_steps - 2] < 1
    assert (weights[PAGE.num_anneal_steps - 1 :] == 1).all()
    assert (problem.kl_weights(dataclasses.replace(PAGE, anneal_share=0.0)) == 1).all()


def test_a_batch_of_one_face_and_one_latent_trains_alike_in_both():
    config = dataclasses.replace(TINY, batch_size=1, num_latents=1)
    agree(dataclasses.replace(comparison.COMPARISON, agreement=config))


def test_a_decoder_that_is_certain_does_not_overflow():
    params, _, noise = inputs_of(TINY)
    params["decoder"]["layers"][1]["bias"] = np.array([-1e4, 1e4] * 512, np.float32)
    images = in_numpy.decode(params, noise, TINY)
    np.testing.assert_array_equal(images[:, :2], [[0, 1]] * len(noise))


# --- The evidence lower bound -----------------------------------------------------------------


def test_the_kl_divergence_is_zero_for_the_prior_and_positive_elsewhere():
    zeros = np.zeros((1, 3))
    assert (in_numpy.kl_divergence(in_numpy.Posterior(zeros, zeros)) == 0).all()
    rng = np.random.default_rng(0)
    elsewhere = in_numpy.Posterior(*rng.normal(size=(2, 50, 3)))
    assert (in_numpy.kl_divergence(elsewhere) > 0).all()


def test_the_kl_divergence_in_closed_form_is_the_mean_over_draws():
    rng = np.random.default_rng(0)
    posterior = in_numpy.Posterior(np.array([[0.5, -2.0]]), np.array([[-1.0, 0.7]]))
    noise = rng.standard_normal((100_000, 2))
    latents = in_numpy.reparameterize(posterior, noise)
    draws = 0.5 * (latents**2 - noise**2 - posterior.log_variance)
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - in_numpy.kl_divergence(posterior)[0]) < 4 * error).all()


def test_the_bound_is_the_mean_log_weight():
    params, images, _ = inputs_of(TINY, np.float64)
    images = np.repeat(images[:3], 1_000, axis=0)
    noise = np.random.default_rng(0).standard_normal((len(images), TINY.num_latents))
    reconstruction, kl = in_numpy.elbo(params, images, noise, TINY)
    weights = in_numpy.log_weights(params, images, noise, TINY)
    difference = (reconstruction - kl.sum(1) - weights).reshape(3, 1_000)
    error = difference.std(1) / np.sqrt(1_000)
    assert (np.abs(difference.mean(1)) < 4 * error).all()


def test_the_likelihood_estimate_rises_with_the_draws_from_the_bound():
    params, images, _ = inputs_of(TINY)
    noise = np.random.default_rng(0).standard_normal(
        (50, len(images), TINY.num_latents), np.float32
    )
    weights = [in_numpy.log_weights(params, images, each, TINY) for each in noise]
    many = in_numpy.log_likelihood(params, images, noise, TINY)
    np.testing.assert_allclose(many, np.logaddexp.reduce(weights, axis=0) - np.log(50), rtol=1e-5)
    assert many.mean() > np.mean(weights)
    one = in_numpy.log_likelihood(params, images, noise[:1], TINY)
    np.testing.assert_allclose(one, weights[0], rtol=1e-6)


def test_the_log_density_is_that_of_a_normal_distribution():
    rng = np.random.default_rng(0)
    images, means = rng.random((2, 4, 6))
    params = {"log_noise": np.array(np.log(0.3))}
    expected = [
        multivariate_normal(mean, 0.3**2 * np.eye(6)).logpdf(image)
        for image, mean in zip(images, means, strict=True)
    ]
    np.testing.assert_allclose(in_numpy.log_density(params, images, means), expected)


# --- The baseline -----------------------------------------------------------------------------


def test_probabilistic_pca_has_the_likelihood_of_its_covariance():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12))
    model = ppca.fit_ppca(images, 3)
    scaled = model.components * np.sqrt(model.variances - model.noise_variance)
    covariance = scaled @ scaled.T + model.noise_variance * np.eye(12)
    expected = multivariate_normal(model.mean, covariance).logpdf(images[:20])
    np.testing.assert_allclose(ppca.log_likelihood(model, images[:20]), expected)


def test_probabilistic_pca_is_that_of_scikit_learn():
    images = faces.faces(150, seed=0).images[:, 8:14, 8:14].reshape(150, -1).astype(float)
    ours = ppca.fit_ppca(images, 5)
    theirs = PCA(5, svd_solver="full").fit(images)
    # scikit-learn divides by one face less.
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_ * 149 / 150)
    assert theirs.noise_variance_ * 149 / 150 == pytest.approx(ours.noise_variance)
    np.testing.assert_allclose(
        ppca.reconstruct(ours, images[:9]),
        theirs.inverse_transform(theirs.transform(images[:9])),
        atol=1e-9,
    )


def test_probabilistic_pca_needs_a_dimension_for_the_noise():
    with pytest.raises(ValueError, match="1 to 3"):
        ppca.fit_ppca(np.eye(4), 4)


def test_the_best_number_of_dimensions_is_chosen_on_the_development_faces(easy_data: Data):
    whole = ppca.spectrum(easy_data.train_images)
    chosen = evaluation.best_ppca(whole, easy_data)
    faces = easy_data.development_images
    scores = [
        evaluation.mean_likelihood(ppca.cut(whole, count), faces)
        for count in evaluation.NUM_COMPONENTS
    ]
    assert evaluation.mean_likelihood(chosen, faces) == max(scores)
    assert chosen.components.shape[1] > EASY.num_latents


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_and_beats_pca_with_as_many_dimensions(easy_data: Data, easy_fit):
    state, history = easy_fit
    assert history.elbo[-1] > history.elbo[0]
    judgement = evaluation.judge(EASY, seed=0, trained=state.params)
    assert judgement.value > judgement.baselines[evaluation.SAME].held_out
    assert judgement.value >= history.elbo[-1]
    assert judgement.strongest[0] == evaluation.BEST
    pca = ppca.fit_ppca(easy_data.train_images, EASY.num_latents)
    report = evaluation.scores(state.params, pca, easy_data, EASY)
    assert report.error < report.error_of_pca


def test_judging_trains_where_nothing_has_been_trained():
    first, again, other = (evaluation.judge(TINY, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.value != other.value


def test_the_learning_curve_ends_at_the_bound_of_the_returned_model(easy_data: Data, easy_fit):
    state, history = easy_fit
    noise = np.random.default_rng(0).standard_normal(
        (len(easy_data.test_images), EASY.num_latents), np.float32
    )
    params = jax.tree.map(np.asarray, state.params)
    reconstruction, kl = in_numpy.elbo(params, easy_data.test_images, noise, EASY)
    np.testing.assert_allclose(kl.mean(0), history.kl[-1], rtol=1e-3)
    assert (reconstruction - kl.sum(1)).mean() == pytest.approx(float(history.elbo[-1]), rel=0.01)


def test_without_annealing_a_noisy_decoder_gives_up_more_dimensions(easy_data: Data):
    config = dataclasses.replace(PAGE, num_train=960, num_epochs=8)
    runs = list(problem.annealing_runs(config).values())
    assert [run.initial_noise for run in runs] == [1.0, 1.0, *2 * [config.initial_noise]]
    in_use = [problem.num_in_use(np.asarray(fitted(run, easy_data)[1].kl[-1])) for run in runs[:2]]
    assert in_use[0] < in_use[1]


def test_the_draws_of_the_page_agree_with_the_closed_form():
    data = problem.load(TINY)
    params = in_jax.create(TINY, jax.random.key(0))
    drawn = evaluation.draw_bound(params, data.test_images, jax.random.key(1), TINY)
    posterior = in_jax.encode(params, jnp.asarray(data.test_images), TINY)
    closed = in_jax.kl_divergence(posterior).sum(1).mean()
    assert abs(drawn.kl.mean() - closed) < 4 * drawn.kl.std() / np.sqrt(len(drawn.kl))
    assert (drawn.bound + closed - drawn.weight).mean() == pytest.approx(drawn.kl.mean(), rel=1e-3)


def test_the_short_runs_have_a_history_for_each_start():
    histories = evaluation.short_runs(problem.load(TINY), jax.random.key(0), TINY)
    assert histories.keys() == problem.annealing_runs(TINY).keys()
    shape = evaluation.NUM_SHORT_EPOCHS, TINY.num_latents
    assert {history.kl.shape for history in histories.values()} == {shape}


def test_one_seed_repeats_and_two_seeds_differ():
    data = problem.load(TINY)
    (first, _), (again, _), (other, _) = (fitted(TINY, data, seed) for seed in (0, 0, 1))
    for one, two in zip(jax.tree.leaves(first.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.params["log_noise"], other.params["log_noise"])
    other_data = problem.load(TINY, seed=1)
    assert not np.array_equal(data.train_images, other_data.train_images)


# --- Grading the latents ----------------------------------------------------------------------


def test_r2_is_one_for_a_factor_that_is_a_latent_and_zero_for_one_that_is_noise():
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(4_000, 3))
    factors = np.stack([2 * latents[:, 1] - 3, rng.normal(size=4_000)], axis=1)
    train, test = (Split(latents[part], factors[part]) for part in np.split(np.arange(4_000), 2))
    together, alone = problem.r2_together(train, test), problem.r2_alone(train, test)
    np.testing.assert_allclose(together, [1, 0], atol=0.01)
    np.testing.assert_allclose(alone, [[0, 0], [1, 0], [0, 0]], atol=0.01)


def test_paths_through_the_latents_begin_and_end_where_they_should():
    latents = np.arange(4.0)
    path = problem.traverse(latents, 2, np.array([-1.0, 0.0, 1.0]))
    assert path[:, 2].tolist() == [-1, 0, 1]
    np.testing.assert_array_equal(np.delete(path, 2, axis=1), [[0, 1, 3]] * 3)
    line = problem.blend(latents, -latents, 5)
    np.testing.assert_allclose(line[[0, 2, 4]], [latents, 0 * latents, -latents])


def test_spread_draws_have_the_mean_and_the_covariance_of_the_latents():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 3))
    latents = rng.normal(size=(5_000, 3)) @ mixing + 2.0
    drawn = problem.spread_like(rng.normal(size=(50_000, 3)), latents)
    np.testing.assert_allclose(drawn.mean(0), latents.mean(0), atol=0.05)
    covariance = np.cov(latents.T)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.03 * np.abs(covariance).max())


def test_a_varied_factor_is_all_that_varies():
    rows = problem.vary(("smile", "light"), 3, seed=0)
    assert rows.keys() == {"smile", "light"}
    assert rows["smile"].shape == (3, 1024)
    differs = problem.to_pictures(np.ptp(rows["smile"], axis=0, keepdims=True))[0] > 0.01
    assert differs[18:28].any()
    assert not differs[:16].any(), "only the mouth smiles"


def test_traversals_show_each_factor_by_the_latent_that_tells_most_of_it():
    params = in_jax.create(TINY, jax.random.key(0))
    alone = np.array([[0.8, 0.2], [0.9, 0.0], [0.0, 0.0], [0.3, 0.4]])
    rows = evaluation.traversals(params, np.zeros(4, np.float32), alone, TINY)
    assert [(row.latent, row.factor) for row in rows] == [(1, 0), (3, 1)]
    assert rows[0].images.shape == (9, 1024)


def test_a_dimension_is_in_use_when_its_posterior_leaves_the_prior():
    assert problem.num_in_use(np.array([0.0, 0.05, 0.2, 3.0])) == 2


# --- Photographs ------------------------------------------------------------------------------

REAL = dataclasses.replace(TINY, source="real", num_train=560)


def photographs() -> olivetti.Olivetti:
    images, _ = faces.faces(400, seed=0)
    return olivetti.Olivetti(images, np.repeat(np.arange(40, dtype=np.int32), 10))


def test_nobody_is_in_two_splits_of_the_photographs():
    images = np.repeat(np.arange(40, dtype=np.float32), 10)[:, None, None] / 40
    of_people = photographs()._replace(images=np.tile(images, (1, 32, 32)))
    data = problem.split_photographs(of_people, dataclasses.replace(REAL, num_test=1_000), seed=0)
    assert data.train_images.shape == (560, 1024)
    assert data.test_images.shape == (80, 1024)
    assert data.development_images.shape == (40, 1024)
    assert data.train_images.max() < data.development_images.min()
    assert data.development_images.max() < data.test_images.min()
    counts = np.unique(data.train_images[:, 0], return_counts=True)[1]
    assert counts.tolist() == [20] * 28


def test_photographs_are_mirrored_and_shifted():
    pictures = photographs().images[:3]
    varied = problem.varied(pictures, 300, np.random.default_rng(0))
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="edge")
    possible = {
        face[i : i + 32, j : j + 32][:, ::step].tobytes()
        for face in padded
        for i, j in np.ndindex(3, 3)
        for step in (1, -1)
    }
    assert {face.tobytes() for face in varied} == possible


def test_real_faces_come_from_olivetti(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(olivetti, "load_olivetti", photographs)
    data = problem.load(REAL)
    assert data.train_factors.shape == (560, len(problem.factor_names(REAL)))
    assert "brightness" in problem.factor_names(REAL)
    assert "smile" in problem.factor_names(TINY)


def test_the_published_photographs_can_be_learned(
    published_data: Path, monkeypatch: pytest.MonkeyPatch
):
    remote = dataclasses.replace(
        olivetti.OLIVETTI,
        sha256="b1988d02c72fe5b8ee82b5ef3bb7982eafc74f1e1ff0ae0ade35061ad0af534d",
    )
    mirrored = partial(olivetti.load_olivetti, remote=remote)
    monkeypatch.setattr(olivetti, "load_olivetti", mirrored)
    config = dataclasses.replace(REAL, num_test=80)
    _, history = fitted(config, problem.load(config))
    assert history.elbo[-1] > history.elbo[0]


# --- Settings and pictures --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 65}, "64 faces"),
        ({"anneal_share": 1.5}, "anneal_share is 1.5"),
        ({"initial_noise": 0.0}, "initial_noise is 0.0"),
        ({"source": "celeba"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_the_model_has_the_parameters_that_the_page_names():
    params = in_jax.create(PAGE, jax.random.key(0))
    assert params["encoder"]["layers"][1]["kernel"].shape == (256, 40)
    assert params["decoder"]["layers"][0]["kernel"].shape == (20, 256)
    assert np.exp(params["log_noise"]) == pytest.approx(PAGE.initial_noise)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 541_225


def test_an_exercise_may_bring_another_optimizer_and_loss():
    params, images, noise = jax.tree.map(jnp.asarray, inputs_of(TINY))
    optimizer = optax.sgd(learning_rate=1e-3)
    state = in_jax.State(params, optimizer.init(params), jnp.zeros((), jnp.int32))
    loss = partial(in_jax.loss, config=TINY)
    state, _ = in_jax.gradient_step(loss, optimizer, state, images, noise, jnp.float32(1.0))
    assert state.step == 1


def test_the_pictures_of_the_page_can_be_drawn_and_described():
    rng = np.random.default_rng(0)
    images = rng.random((6, 1024))
    kl = {name: rng.random((5, 4)) for name in ("without", "with")}
    names = ("smile", "gaze", "tilt")
    scores = rng.random((4, 3)), rng.random(3), names
    drawn = (
        figures.gallery({"a": images[:3], "b": images[3:]}),
        figures.kl_by_dimension(kl, steps_per_row=3),
        figures.factor_scores(*scores),
    )
    for figure in drawn:
        figure.canvas.draw()
        figure.clear()
    assert "smile" in figures.describe_factor_scores(*scores)
    assert "without" in figures.describe_kl_by_dimension(kl)
