"""Tracking: the twins agree, the trackers find what moves, and the scores are the known ones."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.vision.siamese_tracking import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    pyramid,
    reading,
    rivals,
)
from tutorials_lib.vision.siamese_tracking.evaluation import OURS, Followed
from tutorials_lib.vision.siamese_tracking.problem import PAGE, TINY, Clips, Config, Settings
from tutorials_lib.vision.siamese_tracking.pyramid import Place


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.follow_all(evaluation.train(TINY, seed=0), TINY, seed=0)


@pytest.fixture(scope="module")
def followed(trained: evaluation.Trained) -> dict[str, Followed]:
    return trained.followed or {}


def inputs_of(config: Config, dtype: type = np.float32) -> comparison.Inputs:
    return make_inputs(comparison.COMPARISON, config, dtype)


def moving_square(num_frames: int = 12) -> Clips:
    """A blob of stripes that moves two pixels down a frame, before a ground of another colour."""
    rng = np.random.default_rng(0)
    frames = np.full((1, num_frames, 128, 128, 3), (60, 120, 60), np.uint8)
    frames += rng.integers(0, 9, frames.shape, np.uint8)
    boxes = np.empty((1, num_frames, 4), np.float32)
    texture = np.where(np.arange(24)[:, None] % 6 < 3, (230, 60, 40), (120, 20, 90))
    texture = np.broadcast_to(texture[:, None], (24, 24, 3))
    for i in range(num_frames):
        top = 30 + 2 * i
        frames[0, i, top : top + 24, 50:74] = texture
        boxes[0, i] = 50, top, 74, top + 24
    return Clips(frames, boxes, np.ones(1, np.float32))


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    config = dataclasses.replace(TINY, channels=(2, 3, 2), batch_size=3)
    with jax.enable_x64(True):
        inputs = inputs_of(config, np.float64)
        pairs = comparison.first_of(inputs)
        _, grads = in_numpy.loss_and_grads(inputs.params, pairs, config)
        gradient = jax.jit(jax.grad(partial(in_jax.loss, config=config)))
        expected = gradient(*jax.tree.map(jnp.asarray, (inputs.params, pairs)))
    assert jax.tree.structure(grads) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = inputs_of(TINY)
    trees = jax.tree.map(jnp.asarray, (inputs.params, comparison.first_of(inputs)))
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(jax.grad(partial(in_jax.loss, config=TINY)), *trees)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_a_correlation_is_the_mean_product_at_every_shift():
    rng = np.random.default_rng(0)
    template, features = rng.standard_normal((2, 3, 3, 4)), rng.standard_normal((2, 6, 6, 4))
    expected = np.array(
        [
            [[(z * f[y : y + 3, x : x + 3]).mean() for x in range(4)] for y in range(4)]
            for z, f in zip(template, features, strict=True)
        ]
    )
    np.testing.assert_allclose(in_numpy.correlate(template, features)[0], expected)
    found = in_jax.correlate(jnp.asarray(template), jnp.asarray(features))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_crop_is_bilinear_and_its_outside_looks_like_the_border():
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, 20, 30, 3), np.uint8)
    center, side = np.array([[[6.3, 27.1]]], np.float32), np.array([[11.0]], np.float32)
    steps = ((np.arange(8) + 0.5) / 8 - 0.5) * 11 - 0.5
    grid = np.meshgrid(6.3 + steps, 27.1 + steps, indexing="ij")
    expected = np.stack(
        [
            map_coordinates(frame[0, ..., c].astype(float), grid, order=1, mode="nearest")
            for c in range(3)
        ],
        axis=-1,
    )
    np.testing.assert_allclose(pyramid.crop(frame, center, side, 8)[0, 0], expected, atol=1e-2)
    place = jnp.asarray(center[0, 0]), jnp.asarray(side[0, 0])
    found = in_jax.crop(jnp.asarray(frame[0]), *place, 8)
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_both_twins_cut_the_same_pairs_and_the_target_lies_at_its_offset():
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, (3, 4, 96, 96, 3), np.uint8)
    squares[:, :, 47:49, 47:49] = 255
    lessons = problem.draw_lessons(squares, TINY, num_steps=2, rng=rng)
    pairs = problem.cut_pairs(squares, lessons)
    for step in range(2):
        lesson = jax.tree.map(lambda each, step=step: jnp.asarray(each[step]), lessons)
        for ours, theirs in zip(pairs, in_jax.cut_pairs(jnp.asarray(squares), lesson), strict=True):
            np.testing.assert_allclose(ours[step], theirs, atol=1e-6)
    down, right = (32 + pairs.offsets[0, 0]).astype(int)
    assert (pairs.search[0, 0, down - 1 : down + 1, right - 1 : right + 1] == 0.5).all()
    assert (pairs.template[0, 0, 15:17, 15:17] == 0.5).all()
    assert (lessons.squares[..., 0] != lessons.squares[..., 1]).all()


# --- The pyramid and the rivals ---------------------------------------------------------------


def test_the_best_response_moves_the_target_and_the_window_prefers_the_middle():
    place = Place(np.array([[64.0, 60.0]], np.float32), np.array([20.0], np.float32))
    shifts = np.linspace(-1, 1, 9)
    response = np.zeros((1, 3, 9, 9), np.float32)
    response[0, 1, 8, 2], response[0, 1, 4, 4] = 1.0, 0.9
    for window, center, size in ((0.0, (84, 50), 20), (0.5, (64, 60), 20)):
        found = pyramid.move(place, response, shifts, Settings(window=window), (128, 128))
        np.testing.assert_allclose(found.center[0], center)
        np.testing.assert_allclose(found.size[0], size)
    response[0, 2, 4, 4] = 1.1
    grown = pyramid.move(place, response, shifts, Settings(window=0.0, damping=1.0), (128, 128))
    np.testing.assert_allclose(grown.size[0], 21, rtol=1e-6)


@pytest.mark.parametrize("name", rivals.RIVALS)
def test_every_rival_follows_what_is_easy_to_follow(name: str):
    clips = moving_square()
    boxes = rivals.follow(rivals.RIVALS[name], clips, Settings())
    scores = evaluation.score(boxes, clips)
    assert scores.auc[0] > 0.6
    assert scores.precision[0] == 1
    assert boxes[0, -1, 1] > boxes[0, 0, 1] + 15


@pytest.mark.usefixtures("trained")  # which has compiled the same program
def test_both_twins_follow_the_same_with_random_filters():
    clip = moving_square(num_frames=TINY.num_frames)
    clips = Clips(*(np.repeat(each, TINY.num_test, axis=0) for each in clip))
    params = in_jax.create(TINY, jax.random.key(0))
    theirs = evaluation.by_network(params, TINY)(clips, Settings())
    on_host = jax.tree.map(np.asarray, params)
    ours = in_numpy.follow(on_host, clips.frames, clips.boxes[:, 0], Settings(), TINY)
    for boxes in (ours, theirs):
        assert (evaluation.score(boxes, clips).auc > 0.6).all()
    np.testing.assert_allclose(ours, theirs, atol=0.5)


# --- Data and settings ------------------------------------------------------------------------


def test_the_parts_share_no_texture_and_two_seeds_differ(trained: evaluation.Trained):
    parts = [set(each) for each in (problem.TRAIN, problem.DEVELOPMENT, problem.TEST)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    data = trained.data
    assert data.train.shape == (6, 4, 96, 96, 3)
    assert data.test.frames.shape == (3, 8, 128, 128, 3)
    again, other = (problem.load(TINY, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(again.test.frames, data.test.frames)
    assert not np.array_equal(other.test.frames, data.test.frames)


def test_a_target_is_cut_out_in_the_middle_and_as_wide_as_a_sixth():
    clips = moving_square()
    squares = problem.cut_squares(clips.frames, clips.boxes, rng=np.random.default_rng(0))
    red = squares[0, :, 48, :, 0].astype(int) > 100
    assert (red.sum(1) >= 14).all()
    assert (red.sum(1) <= 19).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_squares": 1}, "a pair needs two"),
        ({"num_frames": 61}, "2 to 60"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


@pytest.mark.usefixtures("published_data")
def test_published_clips_keep_their_boxes_and_lengths():
    clips = problem.published(num_frames=3)
    assert clips.frames.shape == (3, 3, 128, 128, 3)
    np.testing.assert_allclose(clips.pixels, [2.75, 2.75, 2.8125])
    np.testing.assert_allclose(clips.boxes[0, 0] * 2.75, [111, 98, 136, 199], rtol=1e-5)
    assert clips.frames[2].std() > 20


# --- Learning ---------------------------------------------------------------------------------


def test_training_lowers_the_loss_and_one_seed_repeats(trained: evaluation.Trained):
    losses = trained.history.train_loss
    assert losses[-5:].mean() < losses[:5].mean()
    again = evaluation.train(TINY, seed=0)
    np.testing.assert_array_equal(losses, again.history.train_loss)


def test_the_judgement_has_every_rival_and_further_scores(trained: evaluation.Trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    assert judgement.baselines.keys() == {*rivals.RIVALS, evaluation.UNTRAINED}
    assert judgement.details.keys() == {*judgement.baselines, OURS}
    assert 0 <= judgement.value <= 1


def test_settings_are_chosen_on_development_clips_alone(trained: evaluation.Trained):
    data = trained.data
    good = Settings(window=0.5, update=0.0, damping=0.0)

    def tracker(clips: Clips, settings: Settings) -> np.ndarray:
        shares = [a == b for a, b in zip(settings, good, strict=True)]
        wrong = 1 - np.mean(shares) if clips is data.development else 100.0
        return clips.boxes + np.float32(20 * wrong)

    found = evaluation.choose(tracker, data)
    assert found.settings == good
    assert found.development > 0.9
    assert evaluation.mean_auc(found.boxes, data.test) == 0


def test_a_bootstrap_interval_covers_the_mean_about_as_often_as_it_says():
    draws = np.random.default_rng(0).beta(2, 2, (300, 40))
    found = [evaluation.bootstrap(each, num_draws=400) for each in draws]
    covered = np.mean([each.low < 0.5 < each.high for each in found])
    assert 0.88 < covered < 0.98


# --- The page ---------------------------------------------------------------------------------


def test_the_numbers_of_a_search_are_those_of_its_logits():
    logits = np.full((3, 11, 11), -5.0)
    logits[1, 5, 5], logits[1, 0, 0], logits[2, 5, 5] = 2.0, 1.0, 2.1
    pictures = np.zeros((32, 32, 3)), np.zeros((3, 64, 64, 3))
    search = reading.Search(0, *pictures, logits, target=np.array([1.0, -1.0]))
    assert reading.peaks(search) == ((5, 5), (0, 0))
    near, far = reading.peak_table(search, Settings(window=0.5)).rows
    assert near == ["A, the target", "+0", "+0", "2.00", "0.881", "1.000", "0.881"]
    assert far == ["B, elsewhere", "-20", "-20", "1.00", "0.731", "0.007", "0.369"]
    _, same, larger = reading.scale_table(search, Settings(scale_penalty=0.02)).rows
    assert same == ["1.000", "0.881", "0.881", "chosen"]
    assert larger == ["1.050", "0.891", "0.873", ""]
    assert "0.88 at the target (A) and at most 0.73" in reading.describe_search(search)


def test_a_search_finds_the_target_where_it_has_gone(trained: evaluation.Trained):
    clips = trained.data.test
    found = reading.searches(jax.tree.map(np.asarray, trained.params), clips, TINY, frame=3)
    assert len(found) == len(clips.frames)
    assert all(np.abs(each.target).max() < 16 for each in found)
    chosen = reading.telling_search(found)
    assert chosen.logits.shape == (3, problem.SHIFTS, problem.SHIFTS)


def test_what_is_said_of_the_line_follows_the_clips(
    trained: evaluation.Trained, followed: dict[str, Followed]
):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    clips = trained.data.test
    assert ("line is met" in reading.say_whether_met(judgement, followed, clips)) == judgement.met
    lost = dataclasses.replace(judgement, value=0.0)
    assert "*not met*" in reading.say_whether_met(lost, followed, clips)
    rival = judgement.strongest[0]
    right, wrong = (followed[OURS]._replace(boxes=each) for each in (clips.boxes, 0 * clips.boxes))
    for ours, word in ((right, "ahead on other clips"), (followed[rival], "from chance")):
        assert word in reading.say_whether_met(judgement, followed | {OURS: ours}, clips)
    assert "Training gains" in reading.say_what_was_learned(followed | {OURS: right}, clips)
    assert "does not surely" in reading.say_what_was_learned(followed | {OURS: wrong}, clips)
    assert "in the other half" in reading.say_where(followed, rival, clips)


def test_a_ground_of_the_colours_of_the_target_is_told_from_another():
    clips = moving_square()
    same = clips._replace(
        frames=np.broadcast_to(clips.frames[..., 40:41, 55:56, :], clips.frames.shape)
    )
    np.testing.assert_allclose(rivals.shared_colors(clips), 0, atol=0.05)
    np.testing.assert_allclose(rivals.shared_colors(same), 1, atol=0.05)


def test_the_pictures_of_the_page_can_be_drawn_and_described(
    trained: evaluation.Trained, followed: dict[str, Followed]
):
    clips, names, frames = trained.data.test, (*rivals.RIVALS, OURS)[-2:], [1, 4]
    clip = reading.rank_clips(followed, clips)[0]
    boxes = reading.boxes_in(followed, names, clips, clip, frames)
    notes = reading.overlap_notes(followed, names, clips, clip, frames)
    shown = [clips.frames[clip, i] for i in frames]
    assert reading.some_frames(clips, clip, 3) == [0, 3, 7]
    search = reading.searches(jax.tree.map(np.asarray, trained.params), clips, TINY, frame=3)[0]
    success, precise = (
        curves(followed, clips) for curves in (reading.success_curves, reading.precision_curves)
    )
    for figure in (
        figures.strip({f"frame {i}": shown[k] for k, i in enumerate(frames)}, boxes),
        next(figures.played(shown, boxes, notes)),
        figures.search(search.template, search.areas[1], np.ones((11, 11)), {"A": search.target}),
        figures.families({"train": problem.TRAIN, "test": problem.TEST}),
        figures.curves(success, precise, reading.PIXELS.tolist()),
    ):
        figure.canvas.draw()
    assert OURS in reading.describe_clip(followed, names, clips, clip)
    assert OURS in reading.describe_curves(success, precise)
    assert "of 3" in str(reading.score_table(followed, clips))


def test_the_learning_rate_rises_and_falls_and_ends_at_zero():
    rates = problem.learning_rates(PAGE)
    assert len(rates) == PAGE.num_steps + 1
    assert 0 < rates.argmax() < PAGE.num_steps / 4
    assert (rates.max(), rates[-1]) == (np.float32(PAGE.peak_learning_rate), 0)
