"""Super-resolution: the twins agree, pictures are resized rightly, and the network restores."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from tutorials_lib import augmentation
from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import super_resolution
from tutorials_lib.vision.srcnn import (
    classical,
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    resizing,
)
from tutorials_lib.vision.srcnn.problem import PAGE, TINY, Config

SMALL = dataclasses.replace(
    TINY, channels=(8, 8), kernel_sizes=(5, 3, 3), num_crops=256, batch_size=8, num_rounds=3,
    steps_per_round=100, peak_learning_rate=5e-3,
)  # fmt: skip
"""Enough steps to beat the bicubic enlargement, in some seconds."""


@pytest.fixture(scope="module")
def small() -> evaluation.Trained:
    trained = evaluation.train(SMALL, seed=0)
    return trained._replace(rivals=evaluation.enlarge_by_rivals(trained.data, SMALL))


@pytest.fixture(scope="module")
def rivals(small: evaluation.Trained) -> dict[str, evaluation.Enlarged]:
    return small.rivals or {}


def inputs_of(config: Config, dtype: type = np.float32) -> tuple[Any, Any, Any]:
    """Parameters, and one batch of squares at low and at high resolution."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, inputs.low[0], inputs.high[0]


# --- The twins --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [TINY, dataclasses.replace(TINY, scale=3), problem.original(TINY)],
    ids=["twice", "three times", "the paper's layers"],
)
def test_the_hand_gradient_equals_that_of_jax(config: Config):
    config = dataclasses.replace(config, batch_size=2)
    with jax.enable_x64(True):
        inputs = inputs_of(config, np.float64)
        value, grads = in_numpy.loss_and_grads(*inputs, config)
        on_device = jax.tree.map(jnp.asarray, inputs)
        expected = jax.jit(partial(in_jax.loss_and_grads, config=config))(*on_device)
    assert value == pytest.approx(float(expected[0]), rel=1e-12)
    assert in_numpy.loss(*inputs, config) == value
    assert jax.tree.structure(grads) == jax.tree.structure(expected[1])
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected[1]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(TINY))
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(jax.grad(partial(in_jax.loss, config=TINY)), *inputs)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("config", [TINY, problem.original(TINY)])
def test_training_starts_with_the_bicubic_picture(config: Config):
    low = np.random.default_rng(0).random((1, 9, 14), np.float32)
    params = in_jax.create(config, jax.random.key(0))
    found = in_jax.predict(params, jnp.asarray(low), config)
    np.testing.assert_allclose(found[0], resizing.enlarge(low[0], config.scale), atol=1e-5)


def test_the_four_numbers_of_a_pixel_become_a_block():
    numbers = np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4)
    expected = [[[0, 1, 4, 5], [2, 3, 6, 7]]]
    picture, vjp = in_numpy.depth_to_space(numbers, 2)
    np.testing.assert_array_equal(picture, expected)
    np.testing.assert_array_equal(vjp(picture), numbers)
    np.testing.assert_array_equal(in_jax.depth_to_space(jnp.asarray(numbers), 2), expected)


def test_each_stage_has_the_shape_that_the_scale_asks_for():
    params = in_jax.create.trace(PAGE, jax.random.key(0)).out_info
    shapes = jax.eval_shape(partial(in_jax.stages, config=PAGE), params, jnp.zeros((1, 10, 20)))
    assert shapes["feature maps 3"].shape == (1, 10, 20, 32)
    assert shapes["sub-pixels"].shape == (1, 10, 20, 4)
    assert shapes["high resolution"].shape == (1, 20, 40)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 20_484


def test_the_papers_layers_get_as_much_arithmetic_as_ours():
    layers = problem.original(PAGE)
    assert problem.multiply_adds(layers) == 81 * 64 + 64 * 32 + 25 * 32
    ours, theirs = (problem.multiply_adds(c) * c.num_steps for c in (PAGE, layers))
    assert theirs == pytest.approx(ours, rel=0.01)


# --- Resizing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(60, 30), (60, 20), (30, 60), (20, 60)])
def test_the_matrix_does_what_pillow_does_away_from_the_border(before: int, after: int):
    picture = np.random.default_rng(0).random((before, before), np.float32)
    inside = slice(10, -10)  # beyond it, Pillow repeats nothing and leaves weights out
    for kernel, theirs in (
        (resizing.cubic, Image.Resampling.BICUBIC),
        (resizing.lanczos, Image.Resampling.LANCZOS),
    ):
        ours = resizing.resize(picture, after, after, kernel)
        expected = np.asarray(Image.fromarray(picture).resize((after, after), theirs))
        np.testing.assert_allclose(ours[inside, inside], expected[inside, inside], atol=1e-5)


def test_an_even_grey_stays_even_up_to_the_border():
    matrix = resizing.resampling(12, 4)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(resizing.resampling(7, 21) @ np.full(7, 0.3), 0.3, atol=1e-6)


def test_shrinking_leaves_nothing_finer_than_the_new_pixels():
    stripes = np.tile(np.array([0, 1], np.float32), (16, 8))
    np.testing.assert_allclose(resizing.shrink(stripes, 2)[:, 1:-1], 0.5, atol=0.02)


# --- The rivals -------------------------------------------------------------------------------


def test_what_the_learned_filter_leaves_no_linear_filter_can_mend():
    picture = problem.load(TINY).development["china"][:160, :160]
    learned = classical.fit_filter({"china": picture}, scale=2, penalty=0.0)
    low = resizing.shrink(picture, 2)
    left = classical.to_subpixels(picture - classical.filtered(low, scale=2, learned=learned), 2)
    before = classical.to_subpixels(picture - resizing.enlarge(low, 2), 2)
    seen = classical.windows(low)
    np.testing.assert_allclose(seen.T @ left / len(seen), 0, atol=1e-6)
    assert (left**2).mean() < 0.9 * (before**2).mean()


def test_sub_pixels_go_back_to_where_they_came_from():
    picture = np.random.default_rng(0).random((6, 9), np.float32)
    subpixels = classical.to_subpixels(picture, 3)
    np.testing.assert_array_equal(subpixels[1], picture[:3, 3:6].ravel())
    np.testing.assert_array_equal(classical.to_picture(subpixels, 3, 3), picture)


def test_unsharp_masking_steepens_an_edge_and_leaves_even_grey_alone():
    low = np.full((20, 20), 0.3, np.float32)
    low[:, 10:] = 0.7
    plain = resizing.enlarge(low, 2)
    sharp = classical.sharpened(low, scale=2, amount=1.0, radius=1.0)
    assert np.ptp(np.diff(sharp[20])) > np.ptp(np.diff(plain[20]))
    np.testing.assert_allclose(sharp[:, :8], plain[:, :8], atol=1e-3)


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_and_beats_every_fixed_kernel(small: evaluation.Trained):
    judgement = evaluation.judge(SMALL, seed=0, trained=small)
    rivals = {name: score.held_out for name, score in judgement.baselines.items()}
    assert judgement.value > max(rivals["bicubic"], rivals["Lanczos"]) + 0.2
    assert rivals["bicubic"] < rivals["Lanczos"] < rivals["ridge filter"]


def test_the_learning_curve_is_that_of_the_returned_network(small: evaluation.Trained):
    technique = partial(evaluation.enlarge, small.params, config=SMALL)
    found = evaluation.psnr_of_crops(technique, small.held_back, SMALL)
    assert evaluation.to_psnr(np.asarray(small.history.loss)[-1]) == pytest.approx(found, abs=1e-3)
    np.testing.assert_allclose(
        small.history.watched[-1], technique(small.held_back.low[0]), atol=1e-5
    )


def test_both_twins_enlarge_a_whole_photograph_alike(small: evaluation.Trained):
    low = resizing.shrink(small.data.test["coffee"], 2)[:50]
    ours = in_numpy.predict(jax.tree.map(np.asarray, small.params), low[None], SMALL)[0]
    np.testing.assert_allclose(ours, evaluation.enlarge(small.params, low, SMALL), atol=1e-5)


def test_one_seed_repeats_and_two_seeds_differ():
    config = dataclasses.replace(TINY, channels=(2,), kernel_sizes=(3, 3), num_rounds=1)
    first, again, other = (
        jax.tree.leaves(evaluation.train(config, seed=seed)[1:3]) for seed in (0, 0, 1)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_a_square_in_eight_positions_moves_with_its_small_picture():
    crops = problem.draw_crops(
        problem.load(TINY).development, TINY, num_crops=8, crop_size=24,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    flips = jnp.array(list(np.ndindex(2, 2, 2)), bool)
    turn = augmentation.turn
    low, high = (np.asarray(jax.vmap(turn)(jnp.asarray(each), flips)) for each in crops)
    positions = jax.vmap(turn, (None, 0))(jnp.asarray(high[0]), flips)
    assert len(np.unique(np.asarray(positions), axis=0)) == 8
    for small, large in zip(low, high, strict=True):
        shrunk = resizing.shrink(large, 2)
        np.testing.assert_allclose(shrunk[2:-2, 2:-2], small[2:-2, 2:-2], atol=1e-5)


# --- Pictures and settings --------------------------------------------------------------------


def test_held_out_photographs_are_whole_and_in_one_set_only():
    train, development, test = (set(each) for each in problem.load(PAGE))
    assert test == set(problem.TEST)
    assert len(train | development | test) == len(train) + len(development) + len(test) == 16
    assert "clock" not in train


def test_white_and_black_have_the_brightness_of_television():
    colors = np.array([[[1, 1, 1], [0, 0, 0], [0, 1, 0]]], np.float32)
    expected = [[235 / 255, 16 / 255, 145 / 255]]
    np.testing.assert_allclose(problem.luma(colors), expected, atol=1e-6)
    np.testing.assert_array_equal(problem.luma(colors[..., :1]), colors[..., 0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": (4, 4)}, "4 kernel_sizes for 2 channels"),
        ({"kernel_sizes": (5, 3, 3, 4)}, "each must be odd"),
        ({"crop_size": 25}, "a multiple of it"),
        ({"crop_size": 8}, "without the border"),
        ({"scale": 1}, "must be 2 or more"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- The published sets -----------------------------------------------------------------------


@pytest.mark.usefixtures("published_data")
def test_the_bicubic_enlargement_of_set5_scores_as_in_the_paper():
    set5 = super_resolution.load_super_resolution(t91={}, set14={}).set5
    for scale in (2, 3):
        config = dataclasses.replace(TINY, scale=scale)
        true = {name: problem.prepare(picture, config) for name, picture in set5.items()}
        found = evaluation.apply(partial(resizing.enlarge, scale=scale), true, config)
        psnr, ssim = evaluation.AS_PUBLISHED["Set5", scale]["bicubic"]
        assert evaluation.mean_psnr(found, true, config) == pytest.approx(psnr, abs=0.03)
        assert evaluation.mean_ssim(found, true, config) == pytest.approx(ssim, abs=0.001)


@pytest.mark.usefixtures("published_data")
def test_the_published_sets_are_judged_at_every_scale_beside_the_paper():
    config = dataclasses.replace(TINY, source="real", num_rounds=1, steps_per_round=2)
    judgement = evaluation.judge(config, seed=0)
    assert len(judgement.details) == 8
    row = judgement.details["Set14, × 3, SSIM"]
    assert row["SRCNN as published"] == 0.8215
    assert 0.3 < row[evaluation.MODEL] < 1


# --- The page ---------------------------------------------------------------------------------


def test_three_errors_of_one_size_have_one_psnr_and_three_similarities(small: evaluation.Trained):
    picture = small.data.test["camera"][:120, :120]
    wrong = reading.equal_errors(picture)
    errors = [np.mean((each - picture) ** 2) for each in wrong.values()]
    np.testing.assert_allclose(errors, errors[0], rtol=1e-4)


def test_the_hardest_place_is_on_the_grid_and_its_pixel_inside_it(small, rivals):
    test, bicubic = small.data.test, rivals["bicubic"].pictures
    for place in reading.hardest_places(bicubic, test, SMALL):
        assert place.top % 2 == place.left % 2 == 0
        pixel = reading.restored_pixel(place, rivals, test, SMALL)
        assert place.top <= pixel.top < place.top + place.side
        rows = reading.one_pixel(pixel, rivals, test, SMALL).rows
        assert [len(row) for row in rows] == [5] * len(rows)


def test_the_pictures_of_the_page_can_be_drawn_and_described(small, rivals):
    test = small.data.test
    places = reading.hardest_places(rivals["bicubic"].pictures, test, SMALL)
    columns, notes = reading.close_look(places, rivals, test, SMALL)
    psnrs = reading.psnr_by_picture(rivals, test, SMALL)
    steps = [str(i) for i in range(SMALL.num_rounds)]
    low, high = (each[0] for each in small.held_back)
    for figure in (
        figures.panels(columns, notes=notes),
        figures.gains(psnrs, list(test)),
        figures.filters(np.asarray(small.params["convs"][0]["kernel"])),
        figures.strip(small.history.watched, steps),
        next(figures.training_frames(low, high, small.history.watched, steps)),
    ):
        figure.canvas.draw()
    assert "astronaut: low resolution" in reading.describe_close_look(places, notes)
    assert "ridge filter +" in figures.describe_gains(psnrs, list(test))


@pytest.mark.parametrize(
    ("config", "theirs", "told"),
    [
        (PAGE, 30.0, "For the same arithmetic, the layers of the paper reach 30.00 dB, 0.50 dB le"),
        (PAGE, 30.49, "30.49 dB, about as much as the network"),
        (PAGE, 31.0, "31.00 dB, 0.50 dB more than the network"),
        (TINY, 31.0, "times the arithmetic, the layers"),
    ],
)
def test_the_layers_of_the_paper_are_compared_for_what_they_were_given(
    config: Config, theirs: float, told: str
):
    assert told in reading.say_original(30.5, theirs, config)


def test_training_is_described_as_it_went():
    truth = np.full((4, 4), 0.5, np.float32)
    found = reading.describe_training(np.stack([truth + 0.01, truth + 0.1]), truth, ["1", "2"])
    assert found.endswith("goes from 40.0 to 20.0 dB.")


def test_a_picture_in_colour_is_described_by_all_its_colours():
    truth = np.full((4, 4, 3), 0.5, np.float32)
    found = reading.describe_colors({"bicubic": truth + 0.1, "network": truth + 0.01}, truth)
    assert found.endswith("bicubic 20.0 dB, network 40.0 dB.")


def test_two_rows_of_the_page_become_the_same_six_numbers():
    sharp, small, _, other = (row[1:] for row in reading.edge().rows)
    assert sharp == ["40"] * 6 + ["200"] * 6
    assert other != sharp
    shrunk = resizing.resampling(12, 6) @ np.array(other, float)
    np.testing.assert_allclose(shrunk, [float(level) for level in small if level], atol=1)
