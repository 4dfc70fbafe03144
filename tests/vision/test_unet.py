"""Segment medical images with a U-Net: the twins agree, and it closes walls."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.filters import threshold_otsu

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import isbi2012, membranes
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import segmentation
from tutorials_lib.vision.unet import (
    classical,
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    timings,
)
from tutorials_lib.vision.unet.problem import PAGE, TINY, Config

EASY = dataclasses.replace(
    TINY, num_train=24, num_development=4, num_test=4, num_rounds=4, steps_per_round=40,
    crop_size=48,
)  # fmt: skip
"""Enough sections and steps to beat a threshold, in some seconds."""


@pytest.fixture(scope="module")
def easy() -> evaluation.Trained:
    return evaluation.train(EASY, seed=0)


def inputs_of(config: Config, dtype: type = np.float32) -> tuple:
    """Parameters, statistics, and one batch of images, targets and weights."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, inputs.statistics, *comparison.first_batch(inputs)


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    config = dataclasses.replace(TINY, channels=(2, 3, 4), batch_size=2, crop_size=16)
    with jax.enable_x64(True):
        inputs = inputs_of(config, np.float64)
        _, _, grads = in_numpy.loss_and_grads(*inputs, config=config)
        loss = partial(in_jax.loss, config=config)
        on_device = jax.tree.map(jnp.asarray, inputs)
        expected, _ = jax.jit(jax.grad(loss, has_aux=True))(*on_device)
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


# --- The network ------------------------------------------------------------------------------


def test_each_stage_has_the_shape_that_its_level_asks_for():
    params, statistics = in_jax.create.trace(PAGE, jax.random.key(0)).out_info
    images = jnp.zeros((1, 64, 64, 1))
    stages = jax.eval_shape(partial(in_jax.stages, config=PAGE), params, statistics, images)
    shapes = {name: maps.shape[1:] for name, maps in stages.items()}
    assert shapes["down 1"] == (64, 64, 8)
    assert shapes["bottom"] == (16, 16, 16)
    assert shapes["up 1"] == (64, 64, 8)
    assert shapes["logits"] == (64, 64, 1)
    bridged = params["up"][1]["first"]["conv"]["kernel"]
    assert bridged.shape[2] == 2 * shapes["down 1"][-1]


def test_every_stage_sees_its_receptive_field_and_no_farther():
    config = dataclasses.replace(TINY, channels=(2, 2, 2))
    params, statistics, *_ = jax.tree.map(jnp.asarray, inputs_of(config))
    params = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, params)  # more in is never less out
    rows = np.eye(64, dtype=np.float32)[:, :, None, None]
    images = 1 + np.concatenate([0 * rows[:1], rows]).repeat(64, 2)  # none, then each row raised
    stages = jax.jit(partial(in_jax.stages, config=config))(params, statistics, images)
    for name, field in problem.receptive_fields(config).items():
        maps = np.asarray(stages[name])
        middle = maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
        seen = np.flatnonzero((middle[1:] > middle[0] * 1.000001).any(-1))
        assert seen.max() - seen.min() + 1 == field, name


def test_a_network_that_trained_on_crops_takes_whole_sections(easy: evaluation.Trained):
    pictures = easy.data.test.pictures
    found = evaluation.probabilities(easy.state, pictures, EASY)
    assert found.shape == pictures.shape
    params, statistics = (
        jax.tree.map(np.asarray, each) for each in (easy.state.params, easy.state.statistics)
    )
    logits = in_numpy.predict(params, statistics, problem.to_images(pictures), EASY)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), found, atol=1e-4)


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_and_beats_every_threshold(easy: evaluation.Trained):
    assert easy.history.train_loss[-30:].mean() < 0.8 * easy.history.train_loss[:30].mean()
    assert easy.history.dice[-1] > easy.history.dice[0]
    judgement = evaluation.judge(EASY, seed=0, trained=easy)
    thresholds = ("Otsu's threshold", "adaptive threshold")
    assert judgement.value > max(judgement.baselines[name].held_out for name in thresholds)


def test_the_learning_curve_ends_at_the_dice_of_the_returned_network(easy: evaluation.Trained):
    development = easy.data.development
    found = evaluation.probabilities(easy.state, development.pictures, EASY) > 0.5
    expected = segmentation.dice(found, development.walls)
    assert easy.history.dice[-1] == pytest.approx(expected, abs=1e-3)


def test_one_seed_repeats_and_two_seeds_differ():
    config = dataclasses.replace(TINY, channels=(2, 2), num_rounds=1, steps_per_round=2)
    data = problem.load(config)
    train, development = (evaluation.to_batch(each, config) for each in data[:2])
    params, statistics, *_ = jax.tree.map(jnp.asarray, inputs_of(config))
    start = in_jax.start(params, statistics, config)
    fit = jax.jit(partial(in_jax.fit, config=config))
    first, again, other = (
        jax.tree.leaves(fit(start, train, development[:2], jax.random.key(seed)))
        for seed in (0, 0, 1)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert not np.array_equal(data.train.pictures, problem.load(config, seed=1).train.pictures)


def test_a_forest_of_one_seed_repeats():
    data = problem.load(TINY)
    one, two = (classical.forest(data.train, seed=0)(data.test.pictures) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_augmentation_moves_walls_and_weights_with_the_picture_and_only_lights_it():
    walls = problem.load(TINY).train.walls[0].astype(np.float32)
    keys = jax.random.split(jax.random.key(0), 24)
    augment = jax.vmap(partial(in_jax.augment, config=TINY), in_axes=(None, None, None, 0))
    picture, targets, weights = map(jnp.asarray, (walls[..., None] - 0.5, walls, 1 + walls))
    images, targets, weights = augment(picture, targets, weights, keys)
    np.testing.assert_array_equal(targets, weights - 1)
    gains = np.asarray(images[..., 0]).max((1, 2)) + 0.5
    expected = gains[:, None, None] * targets - 0.5
    np.testing.assert_allclose(images[..., 0], expected, atol=1e-6)
    assert 0.85 <= gains.min() < gains.max() <= 1.15
    assert len(np.unique(np.asarray(targets).reshape(24, -1), axis=0)) == 24


# --- What the loss and the schedule are made of -----------------------------------------------


def test_a_pixel_counts_most_on_a_wall_and_once_far_from_it():
    walls = np.zeros((1, 9, 41), bool)
    walls[:, :, 0] = True
    weights = problem.border_weights(walls, PAGE)[0, 4]
    assert weights[0] == 1 + PAGE.border_weight
    assert weights[3] == pytest.approx(1 + PAGE.border_weight / np.e)
    assert weights[-1] == 1
    assert (np.diff(weights) <= 0).all()


def test_the_learning_rate_rises_and_falls_and_ends_at_zero():
    rates = problem.learning_rates(PAGE)
    assert 0 < rates.argmax() < PAGE.num_steps / 4
    assert rates.max() == pytest.approx(PAGE.peak_learning_rate)
    assert rates[-1] == 0
    assert len(rates) == PAGE.num_steps + 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_size": 30, "channels": (2, 2, 2)}, "multiple of 4"),
        ({"crop_size": 128}, "at most 96"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- The rivals -------------------------------------------------------------------------------


def test_otsu_cuts_every_picture_at_its_own_threshold_and_specks_go():
    scores = np.random.default_rng(0).random((2, 20, 20)) * [[[1]], [[5]]]
    walls = classical.cut(scores, None, max_speck=0)
    for found, picture in zip(walls, scores, strict=True):
        np.testing.assert_array_equal(found, picture > threshold_otsu(picture))
    speck = np.zeros((1, 8, 8))
    speck[0, 4, 4] = 1
    assert classical.cut(speck, 0.5, max_speck=0).sum() == 1
    assert classical.cut(speck, 0.5, max_speck=1).sum() == 0


def test_a_dark_line_stands_out_for_every_technique_whatever_the_light():
    picture = np.full((1, 40, 40), 0.6, np.float32)
    picture[:, :, 19:21] = 0.3
    picture *= np.linspace(0.7, 1.3, 40, dtype=np.float32)[:, None]
    for scores in (
        classical.darkness(picture, blur=1.0),
        classical.darker_than_around(picture, blur=1.0, reach=8.0),
        classical.ridges(picture, widths=(1.5,)),
    ):
        inside = scores[0, 5:-5]
        assert (inside[:, 19:21].min(1) > inside[:, [10, 30]].max(1)).all()


def test_with_nothing_to_choose_from_the_error_says_so():
    with pytest.raises(ValueError, match="no technique or no threshold"):
        evaluation.segment([], [0.5], problem.load(TINY))


# --- The published stack ----------------------------------------------------------------------


def test_the_parts_of_the_stack_are_runs_of_neighbours_that_share_no_section(monkeypatch):
    pictures = np.arange(30, dtype=np.uint8)[:, None, None] * np.ones((1, 512, 512), np.uint8)
    stack = isbi2012.Stack(pictures, pictures > 100)
    monkeypatch.setattr(isbi2012, "load_isbi2012", lambda: stack)
    for seed in (0, 1, 2):
        data = problem.load(dataclasses.replace(PAGE, source="real"), seed=seed)
        numbers = [np.rint(part.pictures[:, 0, 0] * 255).astype(int) for part in data]
        assert [len(part) for part in numbers] == [20, 3, 6]
        assert numbers[0][0] == 10 * seed
        assert all(set(np.diff(part) % 30) == {1} for part in numbers)
        train, development, test = map(set, numbers)
        beside_training = {number + step for number in train for step in (-1, 0, 1)}
        assert not test & (beside_training | development)
        assert not development & train
    assert len(problem.load(dataclasses.replace(TINY, source="real")).train.pictures) == 2


def test_a_block_is_wall_where_half_of_it_is():
    walls = np.zeros((1, 512, 512), bool)
    walls[0, 0, :3] = True  # two pixels of the first block, one of the second
    halved = problem.halve(isbi2012.Stack(np.full((1, 512, 512), 51, np.uint8), walls))
    assert halved.walls[0, 0, :3].tolist() == [True, False, False]
    np.testing.assert_allclose(halved.pictures, 0.2, atol=1e-6)


# --- The page ---------------------------------------------------------------------------------


def test_the_pixel_of_the_page_is_a_wall_that_one_method_alone_finds(easy: evaluation.Trained):
    test = easy.data.test
    found = {"nothing": np.zeros_like(test.walls), "all": test.walls}
    section, row, column = reading.faint_pixel(test, found, margin=10)
    assert test.walls[section, row, column]
    assert 10 <= min(row, column) <= max(row, column) < 86
    assert "U-Net alone finds" in reading.say_why_shown(found, (section, row, column))
    everywhere = {"all": test.walls, "all again": test.walls}
    place = reading.faint_pixel(test, everywhere, margin=10)
    assert "none is found by the U-Net alone" in reading.say_why_shown(everywhere, place)


@pytest.mark.parametrize("config", problem.PRESETS.values(), ids=problem.PRESETS)
def test_a_window_around_the_pixel_of_the_page_fits_into_a_section(config: Config):
    sides = reading.distinct(problem.receptive_fields(config))
    assert max(sides.values()) < membranes.SIZE - 2


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (0.101, "part the cells better than those of any rival"),
        (0.1221, "part the cells as well as those of any rival"),
        (0.151, "part the cells less well than those of that rival"),
    ],
)
def test_how_well_the_walls_part_the_cells_is_told_for_every_outcome(own: float, told: str):
    judgement = Judgement(metric="Dice", value=0.9, baselines={"ridge": Score(0.8, 0.7)})
    scored = {"ridge": [0.7, 0.12], "Otsu's": [0.6, 0.4], "U-Net": [0.9, own]}
    assert reading.say_whether_met(judgement, scored).endswith(f"{told}.")


def test_a_gap_costs_little_of_the_pixels_and_most_of_the_cells():
    rows = {row[0]: row for row in reading.three_mistakes().rows}
    dice, rand = ({name: float(row[i]) for name, row in rows.items()} for i in (4, 7))
    assert dice["gap"] > max(dice["thin"], dice["thick"])
    assert rand["gap"] > max(rand["thin"], rand["thick"])


def test_the_bars_have_a_step_between_any_two_of_them():
    assert len(timings.STEPS) == len(comparison.COMPARISON.variants) - 1


def test_the_pictures_of_the_page_can_be_drawn_and_described(easy: evaluation.Trained):
    test, state = easy.data.test, easy.state
    images = jnp.asarray(problem.to_images(test.pictures[:1]))
    whole = jax.jit(partial(in_jax.stages, config=EASY))
    stages = whole(state.params, state.statistics, images)
    stages = {name: np.asarray(maps[0]) for name, maps in stages.items()}
    fields = problem.receptive_fields(EASY)
    watched, steps = np.asarray(easy.history.watched), [str(i) for i in range(EASY.num_rounds)]
    for figure in (
        figures.the_u(stages, fields),
        figures.windows(test.pictures[0], (30, 40), reading.distinct(fields)),
        figures.cells(test.pictures, {"truth": test.walls}),
        figures.mistakes(test.pictures, {"truth": test.walls}, test.walls),
        figures.strip(watched, steps),
        next(figures.training_frames(test.pictures[0], test.walls[0], watched)),
        figures.tolerances({"U-Net": [0.5, 0.9]}, [0.0, 2.0]),
    ):
        figure.canvas.draw()
    assert "bottom 48 × 48 × 4" in figures.describe_the_u(stages, fields)
    assert "14 in bottom" in figures.describe_the_u(stages, fields)
    found = reading.describe_training(test.walls[0], test.walls[:2].astype(float), steps)
    assert "found goes from 100% to" in found
    assert "0.50 to 0.90" in figures.describe_tolerances({"U-Net": [0.5, 0.9]}, [0.0, 2.0])
    assert "misses 0%" in reading.describe_mistakes({"truth": test.walls}, test.walls)
