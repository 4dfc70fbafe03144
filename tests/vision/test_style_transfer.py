"""Paint a photograph in another style: the twins agree, and the style comes over."""

import dataclasses
import hashlib
import json
from functools import partial
from inspect import unwrap
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import agree, cast, prepared
from tutorials_lib.datasets import photos
from tutorials_lib.figures.stepper import stepper
from tutorials_lib.judge.record import PUBLISHED, evaluation_digest
from tutorials_lib.vision.style_transfer import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    recorded,
    timings,
)
from tutorials_lib.vision.style_transfer.problem import PAGE, TINY, Config, Pair

ROOT = Path(__file__).parents[2]

EASY = dataclasses.replace(TINY, num_steps=60, style_weight=10.0, num_filters=16, smoothness=0.1)
"""Enough steps to bring most of the style over, in a second."""


def arguments_of(twin: Any, config: Config, dtype: type = np.float32, seed: int = 0) -> tuple:
    """What a step of `twin` takes before the configuration."""
    made = comparison.make_inputs(config)
    picture = problem.first_picture(made.content, config, seed=seed)
    made = made._replace(params=problem.draw_filters(config, seed=seed), picture=picture)
    inputs = prepared(comparison.COMPARISON, twin, cast(made, dtype), config)
    return inputs.params, inputs.state, inputs.targets, inputs.style_weight


def with_picture(arguments: tuple) -> tuple[Any, Any, Any, Any]:
    """The same with the picture of the state alone, as `loss` takes it."""
    params, state, *others = arguments
    return params, state.picture, *others


fit = jax.jit(in_jax.fit, static_argnames="config")


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        ours = with_picture(arguments_of(in_numpy, TINY, np.float64))
        value, losses, dpicture = in_numpy.loss_and_grad(*ours, TINY)
        run = jax.jit(in_jax.loss_and_grad, static_argnames="config")
        theirs = with_picture(arguments_of(in_jax, TINY, np.float64))
        expected, expected_losses, gradient = run(*theirs, config=TINY)
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


def test_what_arrives_beyond_the_border_goes_back_to_where_it_was_mirrored_from():
    rng = np.random.default_rng(0)
    planes, dmirrored = rng.normal(size=(3, 6, 9)), rng.normal(size=(3, 12, 15))
    with jax.enable_x64(True):
        y, vjp = jax.vjp(lambda x: in_jax.mirror(x, 3), jnp.asarray(planes.transpose(1, 2, 0)))
        expected = vjp(jnp.asarray(dmirrored.transpose(1, 2, 0)))[0].transpose(2, 0, 1)
    np.testing.assert_array_equal(in_numpy.mirror(planes, 3).transpose(1, 2, 0), y)
    np.testing.assert_allclose(in_numpy.fold(dmirrored.copy(), 3), expected, rtol=1e-12)


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
    params = cast(problem.draw_filters(TINY), np.float64)
    content, style = cast(tuple(problem.load(TINY)), np.float64)
    with jax.enable_x64(True):
        ours = in_numpy.make_targets(params, content, style, TINY)
        theirs = in_jax.make_targets(params, content, style, TINY)
    for one, two in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)


def test_a_step_keeps_the_precision_of_its_input_in_both():
    before = arguments_of(in_numpy, TINY)
    state, losses = in_numpy.fit(*before, config=TINY)
    theirs, their_losses = fit(*arguments_of(in_jax, TINY), config=TINY)
    for found in (state, theirs):
        leaves = jax.tree.leaves(found)
        types = {np.dtype(leaf.dtype) for leaf in leaves}
        assert types == {np.dtype(np.float32), np.dtype(np.int32)}
        assert [leaf.dtype for leaf in leaves if leaf.ndim == 0] == [np.int32]
    arrays = *losses, *their_losses
    assert {np.asarray(array).dtype for array in arrays} == {np.dtype(np.float32)}
    np.testing.assert_allclose(losses.content, their_losses.content, rtol=1e-2)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    arguments = with_picture(arguments_of(in_jax, TINY))
    loss = partial(in_jax.loss, config=TINY)
    with jax.numpy_dtype_promotion("strict"):
        gradient, _ = jax.eval_shape(jax.grad(loss, argnums=1, has_aux=True), *arguments)
    assert gradient.dtype == np.float32


# --- What is measured -------------------------------------------------------------------------


def test_the_photograph_has_content_loss_zero_and_style_loss_one():
    pair, params = problem.load(TINY), problem.draw_filters(TINY)
    targets = in_numpy.make_targets(params, *pair, config=TINY)
    of_photo = in_numpy.loss(params, pair.content, targets, 1.0, TINY)[1]
    of_style = in_numpy.loss(params, pair.style, targets, 1.0, TINY)[1]
    assert of_photo.content == 0
    assert of_photo.style == pytest.approx(1, abs=1e-2)  # but for EPSILON
    assert of_style.style == pytest.approx(0, abs=1e-10)
    assert of_style.content > 0.1


def test_filters_see_no_uniform_colour_and_have_length_one():
    for scale in problem.draw_filters(PAGE)["scales"].values():
        np.testing.assert_allclose(scale["kernel"].sum((0, 1)), 0, atol=1e-5)
        np.testing.assert_allclose((scale["kernel"] ** 2).sum((0, 1, 2)), 1, rtol=1e-5)
    grey = np.full((32, 32, 3), 0.3, np.float32)
    maps, _ = in_numpy.describe(problem.draw_filters(TINY), grey, TINY)
    for pattern in maps.style[:-1]:
        np.testing.assert_allclose(pattern, 0, atol=1e-5)


def test_a_filter_prefers_one_direction():
    for scale in problem.draw_filters(PAGE)["scales"].values():
        grey = np.abs(np.fft.fft2(scale["kernel"].sum(2), axes=(0, 1), s=(32, 32))) ** 2
        down, across = np.meshgrid(*2 * [np.fft.fftfreq(32)], indexing="ij")
        twice = np.exp(2j * np.arctan2(down, across))[..., None]
        lean = np.abs((grey * twice).sum((0, 1))) / grey.sum((0, 1))
        assert np.median(lean) > 0.5


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


def painted(config: Config, seed: int = 0) -> np.ndarray:
    state, _ = fit(*arguments_of(in_jax, config, seed=seed), config=config)
    return np.asarray(state.picture)


def test_the_style_comes_over_and_beats_matched_colours_at_equal_content(
    monkeypatch: pytest.MonkeyPatch,
):
    pair = problem.load(EASY)
    monkeypatch.setattr(evaluation, "STYLE_WEIGHTS", (0.1, 1.0, 10.0, 100.0))
    monkeypatch.setattr(evaluation, "_UNSEEN", 1)
    pictures = evaluation.paint(pair, EASY, seed=0)
    curve = evaluation.losses_of(pictures, pair, EASY, seed=0)
    assert (np.diff(curve.contents) > 0).all()
    assert (np.diff(curve.styles) < 0).all()
    judgement = evaluation.judge(EASY, seed=0, trained=pictures)
    assert judgement.value < judgement.baselines["double exposure"].held_out
    assert set(judgement.baselines) == set(evaluation.all_ends(pair))
    assert judgement.value < judgement.baselines["matched colours"].held_out


def test_the_style_alone_is_as_rough_at_the_border_as_inside(monkeypatch: pytest.MonkeyPatch):
    """Of four textures from noise; without the mirror image the border stands out."""

    def textures() -> np.ndarray:
        targets = unwrap(in_jax.make_targets)(params, *map(jnp.asarray, pair), EASY)
        run = jax.vmap(lambda x: in_jax.fit(params, in_jax.start(x), targets, 1e3, EASY)[0])
        return np.asarray(jax.jit(run)(noise).picture)

    pair, params = problem.load(EASY), problem.draw_filters(EASY)
    noise = 0.5 + 0.1 * jax.random.normal(jax.random.key(0), (4, *pair.content.shape))
    assert evaluation.border_variance(textures()) == pytest.approx(1, abs=0.1)
    monkeypatch.setattr(in_jax, "mirror", lambda picture, margin: picture)
    assert evaluation.border_variance(textures()) > 1.1


def test_border_variance_compares_fine_detail_of_the_strip_with_that_of_the_rest():
    picture = np.random.default_rng(0).normal(size=(64, 64, 3)).astype(np.float32)
    louder = 2 * picture
    louder[4:-4, 4:-4] = picture[4:-4, 4:-4]
    assert evaluation.border_variance([picture]) == pytest.approx(1, abs=0.1)
    assert evaluation.border_variance([louder]) > 3


def test_pixels_stay_possible_in_both():
    config = dataclasses.replace(TINY, learning_rate=0.5)
    for found in (
        in_numpy.fit(*arguments_of(in_numpy, config), config=config)[0],
        fit(*arguments_of(in_jax, config), config=config)[0],
    ):
        picture = np.asarray(found.picture)
        assert picture.min() == 0
        assert picture.max() == 1


def test_what_is_followed_begins_with_the_start_and_ends_with_the_result():
    arguments = arguments_of(in_jax, TINY)
    pictures = jax.jit(in_jax.follow, static_argnames="config")(*arguments, config=TINY)
    assert len(pictures) == TINY.num_steps + 1
    np.testing.assert_array_equal(pictures[0], arguments[1].picture)
    np.testing.assert_allclose(pictures[-1], painted(TINY), atol=1e-5)


def test_what_the_page_has_painted_is_judged_and_not_painted_again(
    monkeypatch: pytest.MonkeyPatch,
):
    pair = problem.load(TINY)
    expected = evaluation.judge(TINY, seed=1)
    pictures = evaluation.paint(pair, TINY, seed=1)
    monkeypatch.setattr(evaluation, "paint", None)
    judgement = evaluation.judge(TINY, seed=1, trained=pictures)
    assert judgement == expected


def test_pictures_are_judged_by_filters_that_painted_none(monkeypatch: pytest.MonkeyPatch):
    seeds: list[int] = []
    load_params = problem.load_params

    def load(config: Config, *, seed: int) -> dict:
        seeds.append(seed)
        return load_params(config, seed=seed)

    monkeypatch.setattr(evaluation, "load_params", load)
    pair = problem.load(TINY)
    pictures = evaluation.paint(pair, TINY, seed=2)
    assert seeds == [2]
    evaluation.losses_of(pictures, pair, TINY, seed=2)
    assert 2 not in seeds[1:]


def test_only_the_filters_of_the_optimization_choose_the_setting_of_a_rival(
    monkeypatch: pytest.MonkeyPatch,
):
    pair = problem.load(TINY)
    monkeypatch.setattr(evaluation, "BLURS", (1, 4))
    laid_over = evaluation.tune(pair, TINY, seed=0)["texture laid over"]
    content = evaluation.content_of_matched(pair, TINY, seed=0)
    styles = [
        evaluation.at_equal_content(
            evaluation.measure(evaluation.way_to(end, pair), pair, TINY, seed=0), content
        )
        for end in evaluation.all_ends(pair)["texture laid over"]
    ]
    assert laid_over.score.development == min(styles)
    best = evaluation.lay_over(pair, (1, 4)[int(np.argmin(styles))])
    np.testing.assert_array_equal(laid_over.end, best)


def test_the_parts_of_a_step_are_timed_in_both_libraries():
    parts = timings.time_parts(TINY)
    assert [tuple(took) for took in parts.values()] == [("NumPy", "JAX")] * 3 + [("JAX",)]
    assert all(seconds > 0 for took in parts.values() for seconds in took.values())


def test_lbfgs_reaches_a_lower_loss_than_adam_in_as_many_steps():
    params, start, targets, style_weight = arguments_of(in_jax, EASY)

    def loss_after(method: str, state: in_jax.State) -> float:
        return float(
            in_jax.run_steps(params, state, targets, style_weight, EASY, method, EASY.num_steps)[1]
        )

    start_lbfgs = in_jax.start_lbfgs(start.picture)
    assert loss_after("lbfgs", start_lbfgs) < loss_after("adam", start)


def test_one_seed_repeats_and_two_seeds_differ():
    first, again, other = (painted(TINY, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# --- Rivals and edges -------------------------------------------------------------------------


def test_matched_colours_have_the_histogram_of_the_style():
    pair = problem.load(TINY)
    matched = evaluation.match_colors(pair)
    for c in range(3):
        np.testing.assert_allclose(
            np.sort(matched[..., c], None), np.sort(pair.style[..., c], None), atol=0.05
        )


def test_sorted_pixels_are_those_of_the_style_in_the_order_of_the_photograph():
    ramp = np.repeat(np.array([[0.9, 0.1], [0.2, 0.6]], np.float32)[..., None], 3, -1)
    style = np.random.default_rng(0).random((2, 2, 3), np.float32)
    found = evaluation.sort_pixels(Pair(ramp, style))
    assert sorted(map(tuple, found.reshape(-1, 3))) == sorted(map(tuple, style.reshape(-1, 3)))
    brightness = found @ np.array([0.2125, 0.7154, 0.0721], np.float32)
    np.testing.assert_array_equal(np.argsort(brightness, None), np.argsort(ramp[..., 0], None))


def test_the_texture_that_is_laid_over_is_what_blurring_takes_away():
    grey = np.full((16, 16, 3), 0.5, np.float32)
    stripes = grey.copy()
    stripes[::2] = 0.6
    stripes[1::2] = 0.4
    smooth = evaluation.lay_over(Pair(grey, grey), 2)
    np.testing.assert_allclose(smooth, grey, atol=1e-6)
    detail = evaluation.lay_over(Pair(grey, stripes), 2) - evaluation.match_colors(
        Pair(grey, stripes)
    )
    np.testing.assert_allclose(detail[8], 0.1, atol=0.01)


def test_the_way_to_a_rival_ends_there_and_keeps_pixels_possible():
    pair = problem.load(TINY)
    way = evaluation.way_to(2 * pair.style - 0.5, pair)
    np.testing.assert_allclose(way[-1], (2 * pair.style - 0.5).clip(0, 1), atol=1e-6)
    assert all(each.dtype == np.float32 and each.min() >= 0 and each.max() <= 1 for each in way)


def test_a_curve_counts_by_its_lowest_style_left_of_the_content():
    curve = evaluation.Curve(np.array([0.1, 0.2, 0.4]), np.array([0.8, 0.4, 0.2]))
    assert evaluation.at_equal_content(curve, 0.3) == pytest.approx(0.3)
    assert evaluation.at_equal_content(curve, 0.05) == pytest.approx(0.9)
    assert evaluation.at_equal_content(curve, 9.0) == pytest.approx(0.2)
    rising = evaluation.Curve(np.array([0.1, 0.2, 0.4]), np.array([0.8, 0.4, 0.9]))
    assert evaluation.at_equal_content(rising, 0.3) == pytest.approx(0.4)


def test_the_order_of_the_pictures_does_not_change_what_a_curve_counts():
    curve = evaluation.Curve(np.array([0.4, 0.1, 0.2]), np.array([0.2, 0.8, 0.4]))
    assert evaluation.at_equal_content(curve, 0.3) == pytest.approx(0.3)


def test_grey_pictures_get_three_channels():
    config = dataclasses.replace(TINY, content="moon", style="brick")
    for picture in problem.load(config):
        assert picture.shape == (32, 32, 3)
        assert picture.dtype == np.float32


def test_every_picture_of_a_pair_has_a_source():
    assert problem.sources(PAGE)[1].licence == "our own"
    photograph, style = problem.sources(dataclasses.replace(TINY, style="brick"))
    assert (photograph.shows, style.licence) == ("a pagoda by a lake", "CC0")
    published = problem.sources(dataclasses.replace(TINY, source="real"))
    assert published[1].licence == "public domain"


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
    pair, params = problem.load(config), problem.load_params(config)
    targets = in_jax.make_targets(params, *pair, config=config)
    assert [len(gram) for gram in targets.grams] == [96, 128, 256, 384, 512]
    state = in_jax.start(jnp.asarray(pair.content))
    state, losses = fit(params, state, targets, 1.0, config=config)
    assert state.picture.shape == (48, 48, 3)
    first, second = np.asarray(losses.style)
    assert second < first == pytest.approx(1, abs=1e-3)


def test_the_picture_that_is_committed_is_the_one_that_its_record_describes():
    record = json.loads((ROOT / recorded.RECORD).read_text(encoding="utf-8"))
    picture = (ROOT / recorded.PICTURE).read_bytes()
    assert hashlib.sha256(picture).hexdigest() == record["sha256"]
    assert len(picture) <= recorded.LARGEST
    scores = json.loads((ROOT / PUBLISHED / "style_transfer.json").read_text(encoding="utf-8"))
    if scores["code_digest"] == evaluation_digest("style_transfer"):
        assert record["code_digest"] == scores["code_digest"], (
            "the scores were recorded anew, the picture was not: "
            "python -m tutorials_lib.vision.style_transfer.recorded"
        )
    licences = {file["name"]: file["licence"] for file in record["files"]}
    assert licences["vangogh_starry_night.jpg"] == "public domain"
    assert "Tuebingen_Neckarfront.jpg" not in licences  # its licence is not stated


def test_pictures_are_laid_side_by_side_with_a_gap():
    pair = problem.load(TINY)
    assert recorded.side_by_side([*pair, pair.content]).size == (3 * 32 + 2 * 8, 32)


# --- The pictures of the page -----------------------------------------------------------------


def test_the_pictures_of_the_page_can_be_drawn_and_described():
    pair = Pair(photos.load_photo("coffee", size=16), photos.load_photo("retina", size=16))
    curve = np.array([0.1, 0.3]), np.array([0.8, 0.2])
    run = np.array([0.1, 0.2]), np.array([3.0, 2.0])
    curves = {"style transfer": curve, "matched colours": (np.array([0.4]), np.array([0.9]))}
    for figure in (
        figures.gallery([*pair, pair.content], ["a", "b", "c"], columns=3),
        figures.corners(pair.content, side=4),
        *figures.forming(pair),
        figures.filters(problem.draw_filters(TINY)),
        figures.trade_off(curves, [1.0, 10.0], 0.4),
        figures.race({"Adam": run, "L-BFGS": run}),
    ):
        figure.canvas.draw()
        figure.clear()
    assert "0.20" in figures.describe_trade_off(curves, 0.4)
    assert "L-BFGS" in figures.describe_race({"Adam": run, "L-BFGS": run})


@pytest.mark.parametrize("side", [PAGE.size, 2 * PAGE.size])
def test_pictures_full_of_noise_make_a_stepper_that_is_light_enough(side: int):
    """As many as the page shows, and nothing about them can be compressed."""
    noise = np.random.default_rng(0).random((8, side, side, 3), np.float32)
    shown = stepper(
        figures.forming(noise),
        [str(i) for i in range(8)],
        strip=figures.gallery(list(noise[:2]), ["a", "b"], columns=2),
        alt="Eight pictures of noise, one after the other.",
    )
    assert len(shown.html) > 8 * 3 * PAGE.size**2  # all of it is there
