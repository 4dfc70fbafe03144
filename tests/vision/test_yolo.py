"""Detect objects in video: the twins agree, and boxes are found, suppressed and told rightly."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import bccd
from tutorials_lib.datasets.moving_shapes import _film
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.detection import Found, iou
from tutorials_lib.vision.yolo import (
    background,
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    rivals,
    timings,
)
from tutorials_lib.vision.yolo.problem import STRIDE, TINY, Config
from tutorials_lib.vision.yolo.template import SlidingTemplate


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train(TINY, seed=0)


@pytest.fixture(scope="module")
def found(trained: evaluation.Trained) -> Found:
    return evaluation.find(trained.state, problem.in_a_row(trained.data.test).frames, TINY)


def crowd(count: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 30, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(8, 25, (count, 2))], 1)
    return boxes, rng.integers(0, 3, count).astype(np.int32)


# --- The twins --------------------------------------------------------------------------------


def inputs_of(config: Config, dtype: type = np.float32) -> tuple[Any, ...]:
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    batch = inputs.images[0], inputs.boxes[0], inputs.labels[0]
    return inputs.params, inputs.statistics, *batch


def test_the_hand_gradient_of_the_loss_of_a_grid_equals_that_of_jax_with_objects_or_without():
    rng = np.random.default_rng(0)
    raw = 2 * rng.standard_normal((8, 4, 4, problem.NUM_OUTPUTS))
    _, _, _, boxes, labels = inputs_of(dataclasses.replace(TINY, batch_size=8), np.float64)
    boxes = boxes / 1.5  # into 32 pixels; those at the edge reach out
    grid_loss = jax.jit(jax.value_and_grad(in_jax.grid_loss))
    for there in (labels, np.full_like(labels, -1)):  # with objects, and without any
        value, draw = in_numpy.grid_loss(raw, boxes, there)
        with jax.enable_x64(True):
            expected, dexpected = grid_loss(*map(jnp.asarray, (raw, boxes, there)))
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(draw, dexpected, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(TINY))
    with jax.numpy_dtype_promotion("strict"):
        loss = partial(in_jax.loss, config=TINY)
        grads, _ = jax.eval_shape(jax.grad(loss, has_aux=True), *inputs)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_the_folded_network_is_the_network_without_its_normalization(trained):
    frames = problem.in_a_row(trained.data.test).frames[:2]
    params, statistics, _ = trained.state
    stages = jax.jit(in_jax.stages, static_argnames="config")
    raw = stages(params, statistics, problem.to_images(frames), TINY)["grid"]
    for twin in (in_jax, in_numpy):
        place = jnp.asarray if twin is in_jax else np.asarray
        folded = twin.fold(*jax.tree.map(place, (params, statistics)))
        np.testing.assert_allclose(twin.predict(folded, place(frames)), raw, rtol=1e-4, atol=1e-4)


# --- Boxes ------------------------------------------------------------------------------------


def test_boxes_and_overlaps_are_those_of_the_numbers_and_the_areas():
    raw, cells = np.zeros((1, 4)), np.array([[2, 1]], np.int32)
    box = in_numpy.decode(raw, cells)[0]
    np.testing.assert_allclose(box, [12, 4, 28, 20])  # the middle of the cell, 16 pixels wide
    other, apart = np.array([[20.0, 4, 36, 20]]), np.array([[28.0, 4, 44, 20]])
    for second, expected in ((other, 1 / 3), (apart, 0)):
        assert in_jax.iou(jnp.asarray(box), jnp.asarray(second))[0] == pytest.approx(expected)
        assert iou(box[None], second) == pytest.approx(expected)
    gap = in_jax.generalized_iou(jnp.asarray(box), jnp.array([[44.0, 4, 60, 20]]))
    assert float(gap[0]) == pytest.approx(-1 / 3)  # a third of what is around both is in neither


def test_an_object_is_answered_by_its_cell_and_the_two_nearest_ones():
    boxes = np.zeros((1, 2, 4), np.float32)
    boxes[0, 0] = [8, 14, 12, 24]  # the center (10, 19) lies in the cell (1, 2), up and left in it
    labels = np.array([[1, -1]], np.int32)
    for twin, place in ((in_numpy, np.asarray), (in_jax, jnp.asarray)):
        cells, answers = twin.assign(place(boxes), place(labels), (6, 6))
        assert cells[0, 0].tolist() == [[1, 2], [0, 2], [1, 1]]
        assert answers.tolist() == [[[True] * 3, [False] * 3]]


def naive_suppression(boxes: np.ndarray, labels: np.ndarray, overlap: float) -> list[int]:
    """The textbook's loop: keep the best box, drop what it overlaps, go on with the rest."""
    left, kept = list(range(len(boxes))), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [
            i for i in left if labels[i] != labels[best] or iou(boxes[i], boxes[best]) <= overlap
        ]
    return kept


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.8])
def test_the_suppression_without_a_loop_over_boxes_keeps_what_the_loop_keeps(overlap: float):
    suppress = jax.jit(partial(in_jax.suppress, overlap=overlap))
    for seed in range(5):
        boxes, labels = crowd(seed=seed)
        expected = naive_suppression(boxes, labels, overlap)
        assert np.flatnonzero(in_numpy.suppress(boxes, labels, overlap)).tolist() == expected
        stays = suppress(jnp.asarray(boxes), jnp.asarray(labels))
        assert np.flatnonzero(stays).tolist() == expected


def test_a_box_that_only_a_suppressed_box_overlaps_stays():
    """A chain: the first suppresses the second, which would have suppressed the third."""
    boxes = np.array([[0.0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]])
    labels = np.zeros(3, np.int32)
    assert in_numpy.suppress(boxes, labels, 0.5).tolist() == [True, False, True]


def test_detections_are_sorted_and_their_shapes_are_always_the_same(found: Found):
    assert found.boxes.shape == (32, 12, 4)
    for scores in found.scores:
        stays = scores[scores > 0]
        assert (np.diff(stays) <= 0).all()
        assert 0 < len(stays) <= 12


# --- Training ---------------------------------------------------------------------------------


def test_mirroring_moves_the_boxes_with_the_pixels():
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[2:5, 6:14] = 255
    boxes = jnp.array([[6.0, 2, 14, 5]])
    augment = jax.jit(partial(in_jax.augment, config=TINY))
    for key in jax.random.split(jax.random.key(0), 8):
        image, moved = augment(frame, boxes, key)
        left, upper, right, lower = np.asarray(moved[0]).astype(int)
        bright = np.asarray(image).max(-1) > 0
        assert bright[upper:lower, left:right].all()
        assert bright.sum() == 24


def test_the_loss_falls_and_every_round_is_looked_at(trained: evaluation.Trained):
    losses = trained.history.train_loss
    assert losses.shape == (TINY.num_steps,)
    assert losses[-20:].mean() < 0.95 * losses[:20].mean()
    assert len(evaluation.curve(trained, TINY)) == TINY.num_rounds


def test_what_training_starts_from_repeats_by_its_seed_and_differs_between_two(trained):
    assert [each.frames.shape[:2] for each in trained.data] == [(8, 16), (2, 16), (2, 16)]
    for seed, same in ((0, True), (1, False)):
        test = problem.load(TINY, seed=seed).test.frames
        assert np.array_equal(trained.data.test.frames, test) == same
    first, again, other = (in_jax.create(TINY, jax.random.key(seed))[0] for seed in (0, 0, 1))
    kernels = [np.asarray(each["head"]["kernel"]) for each in (first, again, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_pictures_of_blood_are_clips_of_one_frame(monkeypatch):
    cells = bccd.Cells(
        np.zeros((3, 24, 32, 3), np.uint8),
        np.zeros((3, 7, 4), np.float32),
        np.full((3, 7), -1, np.int32),
    )
    monkeypatch.setattr(bccd, "load_bccd", lambda: dict.fromkeys(bccd.SPLITS, cells))
    config = dataclasses.replace(TINY, source="real")
    assert problem.load(config).test.frames.shape == (3, 1, 24, 32, 3)
    assert config.class_names == ("RBC", "WBC", "Platelets")
    assert not config.mixes_colors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_size": 50}, "do not divide into cells of 8"),
        ({"channels": (4, 4)}, "take 3 at least"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- The rivals -------------------------------------------------------------------------------


def test_what_moves_differs_from_the_background_though_the_camera_moves_by_parts_of_a_pixel():
    rng = np.random.default_rng(0)
    scene = gaussian_filter(rng.random((80, 80, 3)), (1.5, 1.5, 0)).astype(np.float32)
    origins = (np.arange(12)[:, None] * [0.8, 0.3] + 3).astype(np.float32)
    frames = _film(scene, origins, 48)
    for moment, frame in enumerate(frames):
        frame[10:20, 3 * moment : 3 * moment + 10] = 1
    difference = background._differences((255 * frames).astype(np.uint8), origins)
    inside = np.stack([frame.min(-1) == 1 for frame in frames])
    assert np.quantile(difference[inside], 0.1) > 3 * np.quantile(difference[~inside], 0.9)


def test_a_blob_has_its_box_and_two_that_touch_are_cut_apart():
    difference = np.zeros((48, 48), np.float32)
    frame = np.zeros((48, 48, 3), np.uint8)
    difference[10:20, 5:15] = 1
    whole, shapes = background._blobs(difference, frame, 0.5, 1)
    assert whole.tolist() == [[5, 10, 15, 20]]
    assert shapes.shape == (1, 13)
    difference[13:17, 15:18] = difference[10:20, 18:28] = 1
    assert len(background._blobs(difference, frame, 0.5, 1)[0]) == 2


def test_the_setting_is_chosen_on_the_development_clips_alone(trained):
    data, truth = trained.data, problem.truth_of(trained.data.development)
    right = Found(truth.boxes, np.ones(truth.labels.shape), truth.labels)
    wrong = right._replace(boxes=truth.boxes + 100)

    class Oracle:
        """Finds everything with one setting in the development clips, with another elsewhere."""

        settings = ("development", "test")

        def prepare(self, clips):
            return clips is data.development

        def find(self, prepared, setting):
            return right if prepared == (setting == "development") else wrong

    chosen = rivals.choose(Oracle(), data)
    assert (chosen.setting, chosen.development) == ("development", 1)
    assert chosen.found is wrong


def test_templates_learn_from_the_places_where_they_were_surest_and_wrong(trained):
    clips = trained.data.development

    class Naive(SlidingTemplate):
        def _mistakes(self, edges, boxes):
            return super()._mistakes(edges, boxes)[:0]

    naive, wary = Naive(clips, seed=0), SlidingTemplate(clips, seed=0)
    wrong = SlidingTemplate._mistakes(naive, naive.prepare(clips), problem.in_a_row(clips).boxes)
    unsure, sure = (
        each._fit(0.3).predict_proba(wrong)[:, problem.NOTHING].mean() for each in (naive, wary)
    )
    assert sure > unsure + 0.1


def test_both_rivals_find_something_and_are_judged_beside_the_detector(trained):
    chosen = evaluation.choose_rivals(trained.data, TINY, seed=0)
    judgement = evaluation.judge(TINY, seed=0, trained=trained._replace(rivals=chosen))
    assert set(judgement.baselines) == {"background subtraction", "sliding template"}
    assert all(score.held_out > 0 for score in judgement.baselines.values())
    assert set(judgement.details) == {evaluation.OURS, *judgement.baselines}


# --- The page ---------------------------------------------------------------------------------


def test_clips_are_shown_as_rows_and_played_and_so_are_stills():
    for shape, played in (((20, 16, 8, 8, 3), 10), ((40, 1, 8, 8, 3), 10), ((2, 4, 8, 8, 3), 4)):
        assert len(reading.played_frames(*shape[:2])) == played
    assert reading.rows_of(np.zeros((20, 16, 8, 8, 3), np.uint8)).shape[:2] == (3, 6)
    assert reading.rows_of(np.zeros((40, 1, 8, 8, 3), np.uint8)).shape[:2] == (3, 6)
    assert "whole clip" in reading.say_rival(16)
    assert "slide" in reading.say_rival(1)


def test_boxes_are_drawn_once_for_each_object_whatever_their_classes():
    boxes = np.zeros((1, 6, 4))  # two places are empty
    boxes[0, :4] = [[0, 0, 10, 10], [0, 0, 10, 11], [30, 0, 40, 10], [0, 30, 9, 39]]
    few = Found(boxes, np.array([[0.6, 0.9, 0.5, 0.1, 0, 0]]), np.array([[0, 1, 0, 2, 0, 0]]))
    assert reading.shown(few, 0).scores.tolist() == [0.9, 0.5]


def test_the_pictures_and_sentences_of_the_page_can_be_made(trained, found: Found):
    frames = problem.in_a_row(trained.data.test).frames
    truth, names = problem.truth_of(trained.data.test), TINY.class_names
    sure = found._replace(scores=np.where(found.scores > 0, 0.9, 0))
    example = reading.telling_example(sure, truth)
    assert truth.labels[example.frame, example.thing] >= 0
    numbers = np.linspace(-1, 1, problem.NUM_OUTPUTS)
    middle = np.r_[0, np.zeros(4), 0, 0, 0.0]  # of its cell, and two cells wide
    rows = reading.cell_table(middle, example, names).rows
    assert rows[1][-1] == f"center {(example.column + 0.5) * STRIDE:.1f} pixels from the left"
    assert rows[3][-1] == f"{2 * STRIDE:.1f} pixels wide"
    assert "The edges of the box" in reading.say_cell(numbers, example, truth, names)
    counts = reading.count_boxes(sure, 0, (6, 6))
    assert "make 108 boxes. The 12" in reading.say_counts(counts)
    both, all_boxes = {"one": sure, "two": found}, reading.Visible(*(each[0] for each in found))
    seconds = timings.Stream(np.array([[2e-3, 4e-3]]), np.array([[1e-3, 4e-2]]))
    for figure in (
        figures.side_by_side(frames, both, truth, [0, 9], names),
        figures.clips(trained.data.train.frames[:2, :4]),
        figures.cell(frames[0], truth, example, all_boxes, reading.shown(sure, 0), names),
        figures.curves(both, truth, names),
        figures.latencies(seconds),
        next(figures.film_frames(frames, both, truth, [1], names)),
    ):
        figure.canvas.draw()
    assert "2 frames with" in figures.describe_side_by_side(both, truth, [0, 9])
    assert "one disc" in figures.describe_curves(both, truth, names)
    assert "NumPy 3 ms" in figures.describe_latencies(seconds)
    assert "NumPy is faster by 6.8 times on the median" in timings.say_stream(seconds)
    assert "NumPy is late for 0 and JAX is late for 1" in timings.say_real_time(seconds)
    assert reading.ranked_table(sure, truth, 0).rows[0][2] in ("hit", "miss")
    assert [row[0] for row in timings.stream_table(seconds).rows] == ["NumPy", "JAX"]


@pytest.mark.parametrize(
    ("small", "told"),
    [(0.5, "are level"), (0.3, f"*{evaluation.OURS}* is ahead"), (0.9, "*rival* is ahead")],
)
def test_where_the_rival_is_level_is_told(small: float, told: str):
    details = {
        evaluation.OURS: {"small": 0.52, "large": 0.8},
        "rival": {"small": small, "large": 0.4},
    }
    judgement = Judgement(
        metric="m", value=0.7, baselines={"rival": Score(0.5, 0.5)}, details=details
    )
    assert told in reading.say_sizes(judgement).split(";")[0]
    assert "an mAP of 0.700" in reading.say_whether_met(judgement)
    assert "beats them all" in reading.say_whether_met(judgement)
