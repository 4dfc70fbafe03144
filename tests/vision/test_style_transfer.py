"""Paint a photograph in another style: the twins agree, and the style comes over."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import agree, cast, make_inputs
from tutorials_lib.datasets import photos
from tutorials_lib.vision.style_transfer import (
    baselines,
    comparison,
    figures,
    in_jax,
    in_numpy,
    problem,
)
from tutorials_lib.vision.style_transfer.problem import PAGE, TINY, Config, Pair

EASY = dataclasses.replace(TINY, num_steps=60, style_weight=10.0, num_filters=16, smoothness=0.1)
"""Enough steps to bring most of the style over, in a second."""


def arguments_of(config: Config, dtype: type = np.float32) -> tuple[Any, Any, Any, Any]:
    """What `in_numpy.loss` takes before the configuration."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    targets = in_numpy.Targets(**inputs["targets"])
    return inputs["params"], inputs["picture"], targets, inputs["style_weight"]


def in_jax_of(arguments: tuple) -> tuple[Any, Any, Any, Any]:
    """The same for `in_jax.loss`."""
    params, picture, targets, style_weight = jax.tree.map(jnp.asarray, arguments)
    return params, picture, in_jax.Targets(*targets), style_weight


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        arguments = arguments_of(TINY, np.float64)
        value, losses, dpicture = in_numpy.loss_and_grad(*arguments, TINY)
        value_and_grad = jax.value_and_grad(in_jax.loss, argnums=1, has_aux=True)
        run = jax.jit(partial(value_and_grad, config=TINY))
        (expected, expected_losses), gradient = run(*in_jax_of(arguments))
    assert value == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(np.array(losses), np.array(expected_losses), rtol=1e-12)
    np.testing.assert_allclose(dpicture, gradient, rtol=1e-9, atol=1e-14)


def test_every_piece_goes_back_as_jax_does():
    rng = np.random.default_rng(0)
    picture, target, dgram = (rng.normal(size=shape) for shape in ((9, 8, 3), (9, 8, 3), (3, 3)))
    with jax.enable_x64(True):
        x, on_device = jnp.asarray(picture), jnp.asarray(target)
        one = np.asarray(1.5)
        for ours, theirs, cotangent in (
            (in_numpy.gram(picture), jax.vjp(in_jax.gram, x), dgram),
            (in_numpy.roughness(picture), jax.vjp(in_jax.roughness, x), one),
            (
                in_numpy.squared_distance(picture, target),
                jax.vjp(lambda x: in_jax.squared_distance(x, on_device), x),
                one,
            ),
        ):
            np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
            expected = theirs[1](jnp.asarray(cotangent))[0]
            np.testing.assert_allclose(ours[1](cotangent), expected, rtol=1e-12, atol=1e-14)


def test_our_convolution_has_the_gradients_of_the_plain_one():
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        x, kernel, dy = (
            jnp.asarray(rng.normal(size=shape))
            for shape in ((2, 9, 8, 3), (5, 3, 3, 4), (2, 5, 6, 4))
        )
        plain = partial(
            jax.lax.conv_general_dilated,
            window_strides=(1, 1),
            padding="VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        y, vjp = jax.vjp(in_jax.convolve, x, kernel)
        expected_y, expected_vjp = jax.vjp(plain, x, kernel)
        for ours, theirs in zip((y, *vjp(dy)), (expected_y, *expected_vjp(dy)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_targets_of_the_twins_are_equal():
    params = cast(problem.draw_filters(TINY, 0), np.float64)
    content, style = cast(tuple(problem.load(TINY)), np.float64)
    with jax.enable_x64(True):
        ours = in_numpy.make_targets(params, content, style, TINY)
        theirs = in_jax.make_targets(params, content, style, TINY)
    for one, two in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)


def test_a_step_keeps_the_precision_of_its_input_in_both():
    arguments = arguments_of(TINY)
    picture, losses = in_numpy.fit(*arguments, config=TINY)
    theirs, their_losses = in_jax.fit(*in_jax_of(arguments), config=TINY)
    arrays = picture, *losses, theirs, *their_losses
    assert {np.asarray(array).dtype for array in arrays} == {np.dtype(np.float32)}
    np.testing.assert_allclose(losses.content, their_losses.content, rtol=1e-2)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    arguments = in_jax_of(arguments_of(TINY))
    loss = partial(in_jax.loss, config=TINY)
    with jax.numpy_dtype_promotion("strict"):
        gradient, _ = jax.eval_shape(jax.grad(loss, argnums=1, has_aux=True), *arguments)
    assert gradient.dtype == np.float32


# --- What is measured -------------------------------------------------------------------------


def test_the_photograph_has_content_loss_zero_and_style_loss_one():
    pair, params = problem.load(TINY), problem.draw_filters(TINY, 0)
    targets = in_numpy.make_targets(params, *pair, config=TINY)
    of_photo = in_numpy.loss(params, pair.content, targets, 1.0, TINY)[1]
    of_style = in_numpy.loss(params, pair.style, targets, 1.0, TINY)[1]
    assert of_photo.content == 0
    assert of_photo.style == pytest.approx(1, abs=1e-2)  # but for EPSILON
    assert of_style.style == pytest.approx(0, abs=1e-10)
    assert of_style.content > 0.1


def test_filters_see_no_uniform_colour_and_have_length_one():
    for scale in problem.draw_filters(PAGE, 0)["scales"].values():
        np.testing.assert_allclose(scale["kernel"].sum((0, 1)), 0, atol=1e-5)
        np.testing.assert_allclose((scale["kernel"] ** 2).sum((0, 1, 2)), 1, rtol=1e-5)
    grey = np.full((32, 32, 3), 0.3, np.float32)
    maps, _ = in_numpy.describe(problem.draw_filters(TINY, 0), grey, TINY)
    for pattern in maps.style[:-1]:
        np.testing.assert_allclose(pattern, 0, atol=1e-5)


def test_halving_keeps_uniform_colours_and_straight_slopes():
    matrix = problem.halving(16)
    np.testing.assert_allclose(matrix.sum(1), 1)
    np.testing.assert_allclose((matrix @ np.arange(16))[1:-1], np.arange(0.5, 16, 2)[1:-1])


def test_a_gram_matrix_forgets_where_patterns_are():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6, 5, 4))
    shuffled = rng.permutation(features.reshape(-1, 4)).reshape(6, 5, 4)
    np.testing.assert_allclose(in_numpy.gram(features)[0], in_numpy.gram(shuffled)[0])


# --- The optimization -------------------------------------------------------------------------


def painted(config: Config, seed: int = 0) -> tuple[np.ndarray, in_jax.Losses]:
    config = dataclasses.replace(config, seed=seed)
    picture, losses = in_jax.fit(*in_jax_of(arguments_of(config)), config=config)
    return np.asarray(picture), losses


def test_the_style_comes_over_and_beats_matched_colours_at_equal_content():
    pair = problem.load(EASY)
    other = problem.draw_filters(EASY, 1)  # the optimization has not seen these
    targets = in_numpy.make_targets(other, *pair, config=EASY)

    def judge(picture: np.ndarray) -> in_numpy.Losses:
        return in_numpy.loss(other, picture, targets, 1.0, EASY)[1]

    matched = judge(baselines.match_colors(pair))
    results = [
        judge(painted(dataclasses.replace(EASY, style_weight=weight))[0].clip(0, 1))
        for weight in (0.1, 1.0, 10.0, 100.0)
    ]
    contents, styles = np.array([result[:2] for result in results]).T
    assert (np.diff(contents) > 0).all()
    assert (np.diff(styles) < 0).all()
    assert baselines.at_equal_content(contents, styles, float(matched.content)) < matched.style


def test_the_parts_of_a_step_are_timed_in_both_libraries():
    parts = comparison.time_parts(TINY)
    assert [tuple(took) for took in parts.values()] == [("NumPy", "JAX")] * 3 + [("JAX",)]
    assert all(seconds > 0 for took in parts.values() for seconds in took.values())


def test_lbfgs_reaches_a_lower_loss_than_adam_in_as_many_steps():
    params, picture, targets, style_weight = in_jax_of(arguments_of(EASY))

    def loss_after(method: str, state: in_jax.State) -> float:
        return float(
            in_jax.run_steps(params, state, targets, style_weight, EASY, method, EASY.num_steps)[1]
        )

    assert loss_after("lbfgs", in_jax.start_lbfgs(picture)) < loss_after(
        "adam", in_jax.start(picture)
    )


def test_one_seed_repeats_and_two_seeds_differ():
    (first, _), (again, _), (other, _) = (painted(TINY, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# --- Baselines and edges ----------------------------------------------------------------------


def test_matched_colours_have_the_histogram_of_the_style():
    pair = problem.load(TINY)
    matched = baselines.match_colors(pair)
    for c in range(3):
        np.testing.assert_allclose(
            np.sort(matched[..., c], None), np.sort(pair.style[..., c], None), atol=0.05
        )


def test_between_two_results_the_style_loss_is_read_off_a_straight_line():
    contents, styles = np.array([0.1, 0.2, 0.4]), np.array([0.8, 0.4, 0.2])
    assert baselines.at_equal_content(contents, styles, 0.3) == pytest.approx(0.3)
    assert baselines.at_equal_content(contents, styles, 0.05) == pytest.approx(0.9)
    assert baselines.at_equal_content(contents, styles, 9.0) == pytest.approx(0.2)


def test_grey_pictures_get_three_channels():
    config = dataclasses.replace(TINY, content="moon", style="brick")
    for picture in problem.load(config):
        assert picture.shape == (32, 32, 3)
        assert picture.dtype == np.float32


def test_a_filter_as_large_as_the_smallest_picture_works_alike_in_both():
    config = dataclasses.replace(TINY, size=20, num_filters=1)
    agree(dataclasses.replace(comparison.COMPARISON, agreement=config))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 33}, "33 pixels does not halve 2 times"),
        ({"size": 16}, "at least the 5 pixels"),
        ({"content_scale": 3}, "content_scale is 3"),
        ({"kernel_size": 4}, "must be odd"),
        ({"source": "louvre"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_the_real_pair_is_seen_by_the_trained_network(published_data: Path):
    config = dataclasses.replace(TINY, size=48, num_steps=2, source="real")
    pair, params = problem.load(config), problem.load_params(config, 0)
    targets = in_jax.make_targets(params, *pair, config=config)
    assert [len(gram) for gram in targets.grams] == [96, 128, 256, 384, 512]
    picture, losses = in_jax.fit(params, pair.content, targets, 1.0, config)
    assert picture.shape == (48, 48, 3)
    first, second = np.asarray(losses.style)
    assert second < first == pytest.approx(1, abs=1e-3)


# --- The pictures of the page -----------------------------------------------------------------


def test_the_pictures_of_the_page_can_be_drawn_and_described():
    pair = Pair(photos.load_photo("coffee", size=16), photos.load_photo("retina", size=16))
    curve = np.array([0.1, 0.3]), np.array([0.8, 0.2])
    run = np.array([0.1, 0.2]), np.array([3.0, 2.0])
    matched = np.array([0.0, 0.4]), np.array([1.0, 0.9])
    for figure in (
        figures.gallery([*pair, pair.content], ["a", "b", "c"], columns=3),
        figures.filters(problem.draw_filters(TINY, 0)),
        figures.trade_off(curve, [1.0, 10.0], matched),
        figures.race({"Adam": run, "L-BFGS": run}),
    ):
        figure.canvas.draw()
        figure.clear()
    assert "0.20" in figures.describe_trade_off(curve, matched)
    assert "L-BFGS" in figures.describe_race({"Adam": run, "L-BFGS": run})
