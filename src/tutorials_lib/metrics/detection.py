"""Scores of boxes that were found in pictures, as the COCO benchmark defines them.

A box is its left, upper, right and lower edge, in pixels.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

RECALLS = np.linspace(0, 1, 101)
"""Where COCO looks at the precision."""

Sizes = tuple[float, float]
"""From how many pixels on and up to how many: the square root of a box's area."""


class Found(NamedTuple):
    """What a detector finds in each picture; a score of 0 marks an empty place."""

    boxes: Float[np.ndarray, "pictures found 4"]
    scores: Float[np.ndarray, "pictures found"]
    labels: Int[np.ndarray, "pictures found"]


class Truth(NamedTuple):
    """What there is in each picture; the label -1 marks an empty place."""

    boxes: Float[np.ndarray, "pictures objects 4"]
    labels: Int[np.ndarray, "pictures objects"]


def iou(
    a: Float[np.ndarray, "*a 4"], b: Float[np.ndarray, "*b 4"]
) -> Float[np.ndarray, "*both"] | np.floating:
    """Intersection over union: the area that two boxes share, over the area that either covers."""
    left, upper, right, lower = (a[..., i] for i in range(4))
    left_b, upper_b, right_b, lower_b = (b[..., i] for i in range(4))
    width = np.minimum(right, right_b) - np.maximum(left, left_b)
    height = np.minimum(lower, lower_b) - np.maximum(upper, upper_b)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (right - left) * (lower - upper) + (right_b - left_b) * (lower_b - upper_b)
    return shared / (areas - shared)


def size_of(boxes: Float[np.ndarray, "*shape 4"]) -> Float[np.ndarray, "*shape"] | np.floating:
    """The side of a square of the same area, in pixels."""
    return np.sqrt((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def precisions(
    found: Found, truth: Truth, *, label: int, threshold: float = 0.5, sizes: Sizes = (0.0, np.inf)
) -> Float[np.ndarray, " recalls"] | None:
    """The precision of one class at each of `RECALLS`; None where there is no such object.

    From the highest score on, a box is a hit where its `iou` with an object of its class that no
    better box has taken is `threshold` at least. At a recall, the precision is the best one at
    that recall or a higher one, and 0 where the recall is not reached. Objects of other `sizes`
    are not asked for: boxes that hit them count neither way, and so do misses of other sizes.
    """
    ranked = rank(found, truth, label=label, threshold=threshold, sizes=sizes)
    if ranked.num_objects == 0:
        return None
    best = np.maximum.accumulate(ranked.precision[::-1])[::-1]
    place = np.searchsorted(ranked.recall, RECALLS, side="left")
    return np.append(best, 0.0)[place]


def mean_average_precision(
    found: Found,
    truth: Truth,
    *,
    num_classes: int,
    threshold: float = 0.5,
    sizes: Sizes = (0.0, np.inf),
) -> float:
    """The mean of `precisions` over recalls and then over the classes that occur.

    Raises:
        ValueError: there is no object of these sizes at all.
    """
    curves = [
        precisions(found, truth, label=label, threshold=threshold, sizes=sizes)
        for label in range(num_classes)
    ]
    means = [curve.mean() for curve in curves if curve is not None]
    if not means:
        raise ValueError(f"there is no object with a size from {sizes[0]} to {sizes[1]} pixels")
    return float(np.mean(means))


class Ranked(NamedTuple):
    """The boxes of one class that count, from the highest score on.

    Attributes:
        scores: of each box.
        is_hit: whether it hits an object that is asked for.
        num_objects: how many such objects there are.
    """

    scores: Float[np.ndarray, " ranked"]
    is_hit: Bool[np.ndarray, " ranked"]
    num_objects: int

    @property
    def precision(self) -> Float[np.ndarray, " ranked"]:
        """The share of hits among the boxes up to each."""
        return np.cumsum(self.is_hit) / np.arange(1, len(self.is_hit) + 1)

    @property
    def recall(self) -> Float[np.ndarray, " ranked"]:
        """The share of objects that the boxes up to each have hit."""
        return np.cumsum(self.is_hit) / self.num_objects


def rank(
    found: Found, truth: Truth, *, label: int, threshold: float = 0.5, sizes: Sizes = (0.0, np.inf)
) -> Ranked:
    """All boxes of one class, from all pictures, as `precisions` judges them."""
    low, high = sizes
    of_class = truth.labels == label
    side = size_of(truth.boxes)
    asked = of_class & (side >= low) & (side < high)
    scores = np.where(found.labels == label, found.scores, 0)
    order = np.argsort(-scores, axis=1, kind="stable")
    scores = np.take_along_axis(scores, order, axis=1)
    boxes = np.take_along_axis(found.boxes, order[..., None], axis=1)
    is_hit, counts = _match(boxes, scores > 0, truth.boxes, of_class, asked, threshold)
    side = size_of(boxes)
    counts &= is_hit | (side >= low) & (side < high)
    by_score = np.argsort(-scores[counts], kind="stable")
    return Ranked(scores[counts][by_score], is_hit[counts][by_score], int(asked.sum()))


def _match(
    boxes: Float[np.ndarray, "pictures found 4"],
    is_there: Bool[np.ndarray, "pictures found"],
    objects: Float[np.ndarray, "pictures objects 4"],
    of_class: Bool[np.ndarray, "pictures objects"],
    asked: Bool[np.ndarray, "pictures objects"],
    threshold: float,
) -> tuple[Bool[np.ndarray, "pictures found"], Bool[np.ndarray, "pictures found"]]:
    """Which boxes hit an object that is asked for, and which count at all; the best come first.

    All pictures are matched together, one rank after the other.
    """
    with np.errstate(invalid="ignore"):  # empty places have no area
        overlaps = iou(boxes[:, :, None], objects[:, None])
    overlaps = np.where(overlaps >= threshold, overlaps, -1.0)
    pictures = np.arange(len(boxes))
    free = of_class.copy()
    is_hit, counts = np.zeros(is_there.shape, bool), is_there.copy()
    for place in range(boxes.shape[1]):
        eligible = np.where(free & is_there[:, place, None], overlaps[:, place], -1)
        wanted = np.where(asked, eligible, -1)
        hits = wanted.max(1) > 0
        chosen = np.where(hits, wanted.argmax(1), eligible.argmax(1))
        taken = eligible[pictures, chosen] > 0
        free[pictures[taken], chosen[taken]] = False
        is_hit[:, place] = hits
        counts[:, place] &= hits | ~taken
    return is_hit, counts
