"""Scores of found boxes: by hand, after COCO's definition by loops, and as pycocotools has them."""

import json
from pathlib import Path

import numpy as np
import pytest

from tutorials_lib.metrics.detection import (
    RECALLS,
    Found,
    Truth,
    iou,
    mean_average_precision,
    precisions,
    size_of,
)


def square(left: float, upper: float, side: float) -> list[float]:
    return [float(left), float(upper), float(left + side), float(upper + side)]


def one_picture(boxes: list, scores: list, labels: list) -> Found:
    return Found(np.array([boxes], float), np.array([scores], float), np.array([labels]))


def test_two_boxes_that_share_a_quarter_of_each_have_an_iou_of_one_seventh():
    assert iou(np.array(square(0, 0, 10)), np.array(square(5, 5, 10))) == pytest.approx(1 / 7)
    assert iou(np.array(square(0, 0, 10)), np.array(square(10, 0, 10))) == 0
    assert size_of(np.array([0.0, 0, 8, 2])) == 4


def test_a_hit_and_a_miss_and_a_hit_average_as_by_hand():
    """Two objects; hit, miss, hit: precision 1 up to the recall 1/2, and 2/3 beyond."""
    truth = Truth(np.array([[square(0, 0, 10), square(30, 30, 10)]]), np.array([[0, 0]]))
    found = one_picture(
        [square(0, 0, 10), square(60, 0, 10), square(30, 31, 10)], [0.9, 0.8, 0.7], [0, 0, 0]
    )
    curve = precisions(found, truth, label=0)
    assert curve is not None
    np.testing.assert_allclose(curve, np.where(RECALLS <= 0.5, 1, 2 / 3))
    assert mean_average_precision(found, truth, num_classes=3) == pytest.approx(
        (51 * 1 + 50 * 2 / 3) / 101
    )


def test_a_second_box_on_the_same_object_is_a_miss():
    truth = Truth(np.array([[square(0, 0, 10)]]), np.array([[1]]))
    twice = one_picture([square(0, 0, 10), square(0, 1, 10)], [0.5, 0.9], [1, 1])
    assert mean_average_precision(twice, truth, num_classes=2) == 1  # the better one came first
    both = Truth(np.array([[square(0, 0, 10), square(50, 0, 10)]]), np.array([[1, 1]]))
    assert mean_average_precision(twice, both, num_classes=2) == pytest.approx(51 / 101)


def test_a_box_of_another_class_or_with_less_than_half_in_common_is_a_miss():
    truth = Truth(np.array([[square(0, 0, 10)]]), np.array([[0]]))
    for box, label in ((square(0, 0, 10), 1), (square(4, 0, 10), 0)):
        found = one_picture([box], [0.9], [label])
        assert mean_average_precision(found, truth, num_classes=2) == 0


def test_objects_of_another_size_and_boxes_on_them_are_left_out():
    truth = Truth(np.array([[square(0, 0, 10), square(30, 30, 30)]]), np.array([[0, 0]]))
    found = one_picture(
        [square(30, 30, 30), square(0, 0, 10), square(70, 70, 40)], [0.9, 0.8, 0.95], [0, 0, 0]
    )
    small = mean_average_precision(found, truth, num_classes=1, sizes=(0.0, 16.0))
    large = mean_average_precision(found, truth, num_classes=1, sizes=(16.0, np.inf))
    assert (small, large) == (1, pytest.approx(1 / 2))
    with pytest.raises(ValueError, match=r"no object with a size from 50\.0 to 60\.0"):
        mean_average_precision(found, truth, num_classes=1, sizes=(50.0, 60.0))


# --- COCO's definition, box by box ------------------------------------------------------------


def naive_ap(found: Found, truth: Truth, label: int, threshold: float, sizes: tuple) -> float:
    """Average precision by loops, after the description of the COCO evaluation.

    In each picture the boxes of a class are taken from the highest score on. Each takes the free
    object that it overlaps most, if by `threshold` at least; objects in the range of sizes are
    preferred to those outside of it. A box that took an object outside, or took nothing and is
    outside itself, is ignored.
    """
    ranked, count = [], 0
    for boxes, scores, labels, objects, classes in zip(*found, *truth, strict=True):
        free = [k for k in range(len(classes)) if classes[k] == label]
        asked = {k for k in free if sizes[0] <= size_of(objects[k]) < sizes[1]}
        count += len(asked)
        mine = [i for i in range(len(scores)) if labels[i] == label and scores[i] > 0]
        for i in sorted(mine, key=lambda i: -scores[i]):
            fits = [k for k in free if iou(boxes[i], objects[k]) >= threshold]
            preferred = [k for k in fits if k in asked] or fits
            if preferred:
                best = max(preferred, key=lambda k: iou(boxes[i], objects[k]))
                free.remove(best)
                if best in asked:
                    ranked.append((scores[i], True))
            elif sizes[0] <= size_of(boxes[i]) < sizes[1]:
                ranked.append((scores[i], False))
    ranked.sort(key=lambda pair: -pair[0])
    points, hits = [], 0
    for place, (_, hit) in enumerate(ranked, start=1):
        hits += hit
        points.append((hits / count, hits / place))
    at = [max((p for r, p in points if r >= recall), default=0.0) for recall in RECALLS]
    return sum(at) / len(at)


@pytest.mark.parametrize("threshold", [0.5, 0.75])
@pytest.mark.parametrize("sizes", [(0.0, np.inf), (0.0, 16.0), (16.0, np.inf)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_mean_average_precision_is_that_of_the_definition(
    threshold: float, sizes: tuple, seed: int
):
    rng = np.random.default_rng(seed)
    corners, sides = rng.uniform(0, 40, (6, 9, 2)), rng.uniform(6, 26, (6, 9, 2))
    truth = Truth(np.concatenate([corners, corners + sides], -1), rng.integers(-1, 3, (6, 9)))
    near = np.repeat(truth.boxes, 3, axis=1) + rng.normal(0, 1.5, (6, 27, 4))
    near[..., 2:] = np.maximum(near[..., 2:], near[..., :2] + 1)
    labels = np.where(
        rng.random((6, 27)) < 0.8, np.repeat(truth.labels, 3, axis=1), rng.integers(0, 3, (6, 27))
    )
    found = Found(near, rng.random((6, 27)) * (rng.random((6, 27)) < 0.9), labels)
    expected = np.mean([naive_ap(found, truth, label, threshold, sizes) for label in range(3)])
    score = mean_average_precision(found, truth, num_classes=3, threshold=threshold, sizes=sizes)
    assert score == pytest.approx(expected, abs=1e-12)
    assert 0.05 < score < 0.95


# --- The answers of pycocotools ---------------------------------------------------------------

FIXTURE = json.loads((Path(__file__).parent / "detections.json").read_text())
"""Of tests/reference/make_detection_fixture.py."""


@pytest.mark.parametrize("answer", FIXTURE["average_precisions"])
def test_the_average_precision_is_that_of_pycocotools_in_a_crowd_with_equal_scores(answer: dict):
    truth = Truth(np.array(FIXTURE["objects"], float), np.array(FIXTURE["labels"]))
    found = Found(
        np.array(FIXTURE["boxes"], float),
        np.array(FIXTURE["scores"]),
        np.array(FIXTURE["found_labels"]),
    )
    low, high = np.sqrt(answer["areas"])
    curve = precisions(
        found,
        truth,
        label=answer["label"],
        threshold=answer["threshold"],
        sizes=(low, high),
    )
    assert curve is not None
    assert curve.mean() == pytest.approx(answer["value"], abs=1e-12)
