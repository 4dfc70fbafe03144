"""Scores of boxes that follow a target, beside its true boxes (Wu, Lim and Yang 2013).

Boxes are left, top, right and bottom. A true box of NaN says that nobody has marked the frame,
which is then left out.
"""

import numpy as np
from jaxtyping import Float

Boxes = Float[np.ndarray, "clips frames 4"]
PerFrame = Float[np.ndarray, "clips frames"]
PerClip = Float[np.ndarray, " clips"]

THRESHOLDS = np.linspace(0, 1, 21)
"""Overlaps at which a frame is asked whether it is a success."""

PRECISION_PIXELS = 20.0
"""How near, in pixels, the middle of a box has to be to the true one."""


def overlap(found: Boxes, true: Boxes) -> PerFrame:
    """The area that two boxes share, over the area that they cover together; NaN where unmarked."""
    shared = _area(
        np.concatenate(
            [np.maximum(found[..., :2], true[..., :2]), np.minimum(found[..., 2:], true[..., 2:])],
            axis=-1,
        )
    )
    return shared / (_area(found) + _area(true) - shared)


def _area(boxes: Boxes) -> PerFrame:
    return (boxes[..., 2:] - boxes[..., :2]).clip(0).prod(-1)


def center_error(found: Boxes, true: Boxes) -> PerFrame:
    """The distance between the middles of two boxes, in pixels; NaN where unmarked."""
    difference = found - true
    return np.hypot(*np.moveaxis(difference[..., :2] + difference[..., 2:], -1, 0)) / 2


def success_curve(found: Boxes, true: Boxes) -> Float[np.ndarray, "clips thresholds"]:
    """The share of frames of each clip whose overlap exceeds each of `THRESHOLDS`.

    The first frame, whose box a tracker is given, counts nowhere.
    """
    return _share(overlap(found, true)[:, 1:, None], lambda each: each > THRESHOLDS)


def success_auc(found: Boxes, true: Boxes) -> PerClip:
    """The mean of `success_curve` over the thresholds: the area under the curve."""
    return success_curve(found, true).mean(-1)


def precision(found: Boxes, true: Boxes, *, pixels: float | PerClip = PRECISION_PIXELS) -> PerClip:
    """The share of frames of each clip whose middle is within so many pixels of the true one."""
    limit = np.broadcast_to(pixels, len(found))[:, None, None]
    return _share(center_error(found, true)[:, 1:, None], lambda each: each <= limit)[:, 0]


def is_lost(found: Boxes, true: Boxes, *, last: int = 5, least: float = 0.1) -> np.ndarray:
    """Which clips end with the target lost: over the last frames the mean overlap is below 0.1."""
    known = ~np.isnan(true[..., 0])
    overlaps = overlap(found, true)
    ends = [of_clip[marked][-last:].mean() for of_clip, marked in zip(overlaps, known, strict=True)]
    return np.array(ends) < least


def _share(values: np.ndarray, holds) -> np.ndarray:
    """Of the marked frames of each clip, the share for which it holds."""
    known = ~np.isnan(values)
    return (holds(values) & known).sum(1) / known.sum(1)
