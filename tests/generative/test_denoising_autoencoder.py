"""Removing noise: the twins agree, the rivals do what they should, and the network learns."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.fft import dctn

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.generative.denoising_autoencoder import (
    classical,
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
)
from tutorials_lib.generative.denoising_autoencoder.problem import PAGE, TINY, Config

SMALL = dataclasses.replace(
    TINY, num_passes=1, num_crops=256, batch_size=8, steps_per_round=150, peak_learning_rate=4e-3
)
"""Enough steps to learn something, in a few seconds."""


@pytest.fixture(scope="module")
def small() -> evaluation.Trained:
    return evaluation.train(SMALL, seed=0)


def inputs_of(config: Config, dtype: type = np.float32) -> tuple[Any, Any, Any, Any]:
    """Parameters, and one batch of squares with their noise and its sigma."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, *comparison.first(inputs)


def fresh(config: Config) -> Any:
    """The parameters before training."""
    return in_jax.create(config, jax.random.key(0))


# --- The twins --------------------------------------------------------------------------------


@pytest.mark.parametrize("num_passes", [1, 2])
def test_the_hand_gradient_equals_that_of_jax(num_passes: int):
    config = dataclasses.replace(TINY, num_passes=num_passes)
    with jax.enable_x64(True):
        inputs = inputs_of(config, np.float64)
        value, grads = in_numpy.loss_and_grads(*inputs, config)
        on_device = jax.tree.map(jnp.asarray, inputs)
        expected = jax.jit(partial(in_jax.loss_and_grads, config=config))(*on_device)
    assert value == pytest.approx(float(expected[0]), rel=1e-12)
    assert in_numpy.loss(*inputs, config) == pytest.approx(value, rel=1e-12)
    assert jax.tree.structure(grads) == jax.tree.structure(expected[1])
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected[1]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(TINY))
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(jax.grad(partial(in_jax.loss, config=TINY)), *inputs)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_patches_hold_their_pixels_row_by_row_in_both_libraries():
    pictures = np.arange(2 * 8 * 10, dtype=np.float32).reshape(2, 8, 10)
    ours = in_numpy.to_patches(pictures, TINY)
    assert ours.shape == (2, 3, 4, 16)
    np.testing.assert_array_equal(ours[1, 1, 2], pictures[1, 2:6, 4:8].ravel())
    np.testing.assert_array_equal(in_jax.to_patches(jnp.asarray(pictures), TINY), ours)


def test_a_square_of_one_patch_can_be_learned_from():
    inputs = inputs_of(dataclasses.replace(TINY, crop_size=TINY.patch_size))
    assert np.isfinite(in_numpy.loss_and_grads(*inputs, TINY)[0])


def test_adding_patches_up_is_the_transpose_of_cutting_them():
    rng = np.random.default_rng(0)
    pictures = rng.standard_normal((2, 8, 10))
    patches = rng.standard_normal((2, 3, 4, 16))
    total = in_numpy.add_up(patches, pictures, TINY)
    left = (in_numpy.to_patches(pictures, TINY) * patches).sum()
    assert left == pytest.approx((pictures * total).sum(), rel=1e-12)


# --- Where training starts --------------------------------------------------------------------


def test_the_waves_are_the_cosine_transform_without_the_mean():
    patch = np.random.default_rng(0).standard_normal((8, 8))
    expected = dctn(patch, norm="ortho").ravel()[1:]
    np.testing.assert_allclose(patch.ravel() @ problem.waves(8), expected, atol=1e-5)


def test_an_untrained_network_already_removes_noise_and_leaves_an_even_grey_alone():
    data = problem.load(TINY)
    noisy = evaluation.noisy_development(data, 25)
    found = {n: evaluation.denoise(fresh(TINY), p, 25 / 255, TINY) for n, p in noisy.items()}
    before, after = (evaluation.mean_psnr(each, data.development) for each in (noisy, found))
    assert after > before + 3
    even = np.full((48, 48), 0.3, np.float32)
    np.testing.assert_allclose(evaluation.denoise(fresh(TINY), even, 0.1, TINY), even, atol=1e-6)


def test_brightness_makes_no_difference_to_what_is_taken_for_noise():
    noisy = np.random.default_rng(0).random((12, 12), np.float32)
    params, *_ = inputs_of(TINY)
    sigma = np.full(1, 0.1, np.float32)
    dark, light = (in_numpy.predict(params, (noisy + add)[None], sigma, TINY) for add in (0, 0.2))
    np.testing.assert_allclose(light - dark, 0.2, atol=1e-5)


@pytest.mark.parametrize("shape", [(48, 48), (49, 50), (51, 49)])
def test_a_picture_of_any_size_is_padded_to_whole_patches_and_back(shape: tuple[int, int]):
    picture = np.random.default_rng(0).random(shape, np.float32)
    config = dataclasses.replace(PAGE, patch_size=12, crop_size=24, stride=4)
    padded = problem.pad(picture, config)
    assert all((side - 12) % 4 == 0 for side in padded.shape)
    np.testing.assert_array_equal(problem.unpad(padded, shape, config), picture)


# --- The rivals -------------------------------------------------------------------------------


def test_the_wavelets_give_the_picture_back_where_nothing_is_set_to_zero():
    picture = np.random.default_rng(0).random((30, 41), np.float32)
    np.testing.assert_allclose(classical.wavelets(picture, 0.1, 0.0), picture, atol=1e-6)
    assert pytest.approx(0, abs=1e-7) == classical.LOW @ classical.HIGH
    assert pytest.approx(1, abs=1e-6) == classical.LOW @ classical.LOW


def test_the_sliding_transform_removes_all_but_the_mean_where_the_threshold_is_high():
    picture = np.random.default_rng(0).random((30, 41), np.float32)
    np.testing.assert_allclose(classical.sliding_dct(picture, 0.1, 0.0), picture, atol=1e-5)
    assert classical.sliding_dct(picture, 1.0, 100.0).std() < 0.2 * picture.std()


@pytest.mark.parametrize("name", classical.TECHNIQUES)
def test_each_rival_removes_noise_and_keeps_the_size(name: str):
    data = problem.load(TINY)
    found = evaluation.tune(classical.TECHNIQUES[name], data, 50)
    noisy = evaluation.noisy_development(data, 50)
    assert found.development > evaluation.mean_psnr(noisy, data.development) + 2
    assert {p.shape for p in found.pictures.values()} == {(48, 48)}


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_to_do_better_than_the_transform_that_it_starts_from(small: evaluation.Trained):
    before = evaluation.restore_by_network(fresh(SMALL), small.data, SMALL)[50]
    after = evaluation.restore_by_network(small.params, small.data, SMALL)[50]
    assert after.development > before.development + 0.25


def test_the_learning_curve_is_that_of_the_returned_network(small: evaluation.Trained):
    curves = evaluation.learning_curves(small, SMALL)
    found = evaluation.restore_by_network(small.params, small.data, SMALL)
    for sigma, curve in curves.items():
        assert len(curve) == SMALL.num_rounds
        assert curve[-1] == pytest.approx(found[sigma].development, abs=1e-3)


def test_the_judgement_has_every_rival_at_every_level_of_noise(small: evaluation.Trained):
    judgement = evaluation.judge(SMALL, seed=0, trained=small)
    assert set(judgement.baselines) == set(classical.TECHNIQUES)
    assert len(judgement.details) == 6
    row = judgement.details["sigma 50, PSNR"]
    assert set(row) == {*classical.TECHNIQUES, evaluation.MODEL}
    psnr = [judgement.details[f"sigma {s}, PSNR"][evaluation.MODEL] for s in problem.SIGMAS]
    assert judgement.value == pytest.approx(np.mean(psnr))


def test_one_seed_repeats_and_two_seeds_differ(small: evaluation.Trained):
    again, other = (evaluation.train(SMALL, seed=seed) for seed in (0, 1))
    for one, two in zip(jax.tree.leaves(small.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(small.history.loss, other.history.loss)


def test_noise_has_the_asked_for_level_and_is_not_cut_off():
    dark = {"dark": np.zeros((200, 200), np.float32)}
    noisy = problem.add_noise(dark, 50, seed=0)["dark"]
    assert noisy.std() == pytest.approx(50 / 255, rel=0.02)
    assert noisy.min() < -0.5
    np.testing.assert_array_equal(problem.add_noise(dark, 50, seed=0)["dark"], noisy)


# --- Pictures and settings --------------------------------------------------------------------


def test_held_out_photographs_are_in_one_set_only():
    train, development, test = (set(each) for each in problem.load(TINY))
    assert test == set(problem.TEST)
    assert len(train | development | test) == len(train) + len(development) + len(test) == 16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stride": 3}, "must divide both"),
        ({"crop_size": 13}, "must divide both"),
        ({"crop_size": 2}, "must hold a patch"),
        ({"num_passes": 0}, "at least one"),
        ({"least_sigma": 0.0}, "start above zero"),
        ({"least_sigma": 60.0}, "not end below"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- The published sets -----------------------------------------------------------------------


@pytest.mark.usefixtures("published_data")
def test_the_published_sets_are_judged_beside_the_paper(small: evaluation.Trained):
    config = dataclasses.replace(SMALL, source="real")
    data = problem.load(config)
    assert {name.split("/")[0] for name in data.test} == {"Set12", "BSD68"}
    judgement = evaluation.judge(config, seed=0, trained=small._replace(data=data))
    assert len(judgement.details) == 6
    assert judgement.details["BSD68, sigma 25"]["DnCNN-S as published"] == 29.23


# --- The page ---------------------------------------------------------------------------------


def test_the_slope_of_the_density_gives_the_posterior_mean():
    example, seen = reading.TwoLevels(), np.linspace(-50, 300, 30)
    mean = example.posterior_mean(seen)
    np.testing.assert_allclose(example.by_tweedie(seen), mean, atol=1e-4)
    assert example.posterior_mean(np.array([120.0]))[0] == pytest.approx(120)
    draws = np.random.default_rng(0)
    true = draws.choice(example.levels, 200_000)
    noisy = true + example.sigma * draws.standard_normal(len(true))
    near = np.abs(noisy - 150) < 2
    assert true[near].mean() == pytest.approx(example.posterior_mean(np.array([150.0]))[0], abs=3)


def test_the_pictures_and_tables_of_the_page_can_be_made(small: evaluation.Trained):
    test = small.data.test
    network = evaluation.restore_by_network(small.params, small.data, SMALL)
    found = {**evaluation.restore_by_rivals(SMALL), evaluation.MODEL: network}
    worst = reading.worst_places(found, test, 25, side=24)
    assert list(worst) == list(found)
    places = reading.busiest_places(test, side=24)
    for place in (*places, *worst.values()):
        assert place.cut(test[place.name]).shape == (24, 24)
    shown = {name: each[50].pictures for name, each in found.items()}
    columns, notes = reading.strip(places, evaluation.noisy_test(small.data, 50), shown, test)
    assert list(columns) == list(notes) == ["noisy", *found, "truth"]
    assert "chelsea" in reading.describe_notes(notes, what="Squares.")
    columns, notes = reading.failures(worst, found, test, 25)
    assert [len(each) for each in notes.values()] == [2] * len(found)
    scores = reading.psnr_by_sigma(found, test)
    assert "median from" in figures.describe_by_sigma(scores, problem.SIGMAS)
    assert len(reading.score_table(found, test).rows) == len(found)
    figure = figures.by_sigma(scores, problem.SIGMAS, "sliding DCT")
    figure.canvas.draw()
    kernel = np.asarray(small.params["passes"][0]["encoder"])
    figures.filters(problem.waves(SMALL.patch_size), kernel, count=8).canvas.draw()
    judgement = evaluation.judge(SMALL, seed=0, trained=small)
    assert "at sigma 50" in reading.say_who_wins(judgement, scores)
