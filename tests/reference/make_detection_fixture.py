"""Make `tests/metrics/detections.json`: found boxes, and how pycocotools scores them.

    python tests/reference/make_detection_fixture.py

needs pycocotools, which is not among the requirements of this project. Edges are whole pixels and
scores have one digit, so that scores are equal and overlaps too; pictures are crowded; some have
nothing in them, and in some nothing is found.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO  # pyright: ignore[reportMissingModuleSource]
from pycocotools.cocoeval import COCOeval  # pyright: ignore[reportMissingModuleSource]

OUTPUT = Path(__file__).parent.parent / "metrics" / "detections.json"
NUM_PICTURES, NUM_OBJECTS, NUM_FOUND, NUM_CLASSES = 12, 7, 18, 3
THRESHOLDS = [0.5, 0.75]
AREAS = {"all": [0, 1e10], "small": [0, 250.5], "large": [250.5, 1e10]}  # pycocotools has both ends


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    shape = NUM_PICTURES, NUM_OBJECTS
    corners, sides = rng.integers(0, 30, (*shape, 2)), rng.integers(8, 26, (*shape, 2))
    objects = np.concatenate([corners, corners + sides], axis=-1)
    labels = rng.integers(-1, NUM_CLASSES, shape)
    which = rng.integers(NUM_OBJECTS, size=(NUM_PICTURES, NUM_FOUND))
    boxes = np.take_along_axis(objects, which[..., None], axis=1)
    boxes = boxes + rng.integers(-2, 3, boxes.shape)
    named = rng.random(which.shape) < 0.8
    found_labels = np.where(
        named,
        np.take_along_axis(labels, which, axis=1),
        rng.integers(NUM_CLASSES, size=which.shape),
    ).clip(0)
    scores = rng.integers(0, 10, which.shape) / 10
    labels[3] = -1
    scores[5] = 0
    fixture = {
        "objects": objects.tolist(),
        "labels": labels.tolist(),
        "boxes": boxes.tolist(),
        "scores": scores.tolist(),
        "found_labels": found_labels.tolist(),
        "average_precisions": _score(objects, labels, boxes, scores, found_labels),
    }
    OUTPUT.write_text(json.dumps(fixture) + "\n")


def _score(
    objects: np.ndarray,
    labels: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray,
    found_labels: np.ndarray,
) -> list[dict]:
    truth: Any = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": picture} for picture in range(NUM_PICTURES)],
        "categories": [{"id": label} for label in range(NUM_CLASSES)],
        "annotations": [
            _annotation(picture, labels[picture, i], objects[picture, i])
            | {"id": 1 + picture * NUM_OBJECTS + i, "iscrowd": 0}
            for picture, i in np.argwhere(labels >= 0).tolist()
        ],
    }
    truth.createIndex()
    found = truth.loadRes(
        [
            _annotation(picture, found_labels[picture, i], boxes[picture, i])
            | {"score": float(scores[picture, i])}
            for picture, i in np.argwhere(scores > 0).tolist()
        ]
    )
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.params.iouThrs = np.array(THRESHOLDS)
    evaluation.params.areaRng = list(AREAS.values())
    evaluation.params.areaRngLbl = list(AREAS)
    evaluation.evaluate()
    evaluation.accumulate()
    means = evaluation.eval["precision"][..., -1].mean(1)  # [thresholds, classes, areas]
    return [
        {"threshold": threshold, "label": label, "areas": areas, "value": float(means[t, label, a])}
        for t, threshold in enumerate(THRESHOLDS)
        for label in range(NUM_CLASSES)
        for a, areas in enumerate(AREAS.values())
    ]


def _annotation(picture: int, label: int, box: np.ndarray) -> dict:
    left, upper, right, lower = map(int, box)
    sides = right - left, lower - upper
    return {
        "image_id": picture,
        "category_id": int(label),
        "bbox": [left, upper, *sides],
        "area": sides[0] * sides[1],
    }


if __name__ == "__main__":
    main()
