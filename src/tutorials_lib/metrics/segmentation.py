"""Scores of walls that were found in pictures, beside the walls that are there."""

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import distance_transform_edt, label
from skimage.metrics import adapted_rand_error
from skimage.morphology import skeletonize

Masks = Bool[np.ndarray, "pictures height width"]


def dice(found: Masks, true: Masks) -> float:
    r"""Dice's coefficient $2 |F \cap T| / (|F| + |T|)$, over the pixels of all pictures.

    It is the harmonic mean of precision and recall, and 1 where neither has a pixel.
    """
    both, total = (found & true).sum(), found.sum() + true.sum()
    return float(2 * both / total) if total else 1.0


def intersection_over_union(found: Masks, true: Masks) -> float:
    r"""Jaccard's index $|F \cap T| / |F \cup T|$, over the pixels of all pictures; see `dice`."""
    union = (found | true).sum()
    return float((found & true).sum() / union) if union else 1.0


def boundary_f1(found: Masks, true: Masks, *, tolerance: float = 2) -> float:
    """How well the middle lines of the walls match, the mean over the pictures (Csurka 2013).

    Precision is the share of the found lines that lie within `tolerance` pixels of a true one,
    recall the share of the true ones within `tolerance` of a found one; their harmonic mean does
    not mind how thick a wall is drawn.
    """

    def near(lines: np.ndarray, others: np.ndarray) -> float:
        """The share of `lines` that has one of `others` nearby; 0 where there are none."""
        if not lines.any() or not others.any():
            return 0.0
        return float((distance_transform_edt(~others)[lines] <= tolerance).mean())

    scores = []
    for walls, true_walls in zip(found, true, strict=True):
        lines, true_lines = skeletonize(walls), skeletonize(true_walls)
        precision, recall = near(lines, true_lines), near(true_lines, lines)
        scores.append(2 * precision * recall / max(precision + recall, 1e-12))
    return float(np.mean(scores))


def rand_error(found: Masks, true: Masks) -> float:
    """One minus the adapted Rand score of the cells between the walls, the mean over the pictures.

    Of all pairs of pixels that were put into one cell, how many are in one (precision), and of
    all that are in one, how many were put together (recall)? The score is their harmonic mean
    (Arganda-Carreras et al. 2015), over the pixels inside the true cells. One gap in a wall
    merges two cells, which hardly changes `dice` and changes this score at once. What was called
    wall counts as one region more, so walls that were drawn too thick raise the error too.
    """
    errors = [
        adapted_rand_error(label(~true_walls)[0], label(~walls)[0], ignore_labels=[0])[0]
        for walls, true_walls in zip(found, true, strict=True)
    ]
    return float(np.mean(errors))
