"""The scores of a segmentation: known answers, and those of scikit-learn and scikit-image."""

import numpy as np
import pytest
from skimage.metrics import adapted_rand_error
from sklearn.metrics import f1_score, jaccard_score

from tutorials_lib.metrics.segmentation import (
    boundary_f1,
    dice,
    intersection_over_union,
    rand_error,
)

SCORES = (dice, intersection_over_union, boundary_f1)


def cross(size: int = 21) -> np.ndarray:
    """One picture with four cells: a wall down the middle and one across."""
    walls = np.zeros((1, size, size), bool)
    walls[:, size // 2], walls[:, :, size // 2] = True, True
    return walls


def test_dice_and_jaccard_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    found, true = rng.random((2, 3, 8, 8)) < 0.4
    assert dice(found, true) == pytest.approx(f1_score(true.ravel(), found.ravel()))
    expected = jaccard_score(true.ravel(), found.ravel())
    assert intersection_over_union(found, true) == pytest.approx(expected)


def test_what_is_found_exactly_has_the_best_scores():
    walls = cross()
    assert [score(walls, walls) for score in SCORES] == pytest.approx([1, 1, 1])
    assert rand_error(walls, walls) == pytest.approx(0, abs=1e-12)


def test_a_thicker_wall_costs_dice_but_no_boundary():
    true, thick = cross(), cross()
    thick[:, 9:12], thick[:, :, 9:12] = True, True
    assert dice(thick, true) < 0.6
    assert boundary_f1(thick, true) > 0.97


def test_one_gap_costs_little_dice_but_merges_two_cells():
    true, torn = cross(), cross()
    torn[:, 5, 10] = False
    assert dice(torn, true) > 0.98
    assert rand_error(torn, true) > 0.1


def test_the_rand_error_of_cells_is_that_of_scikit_image():
    labels = np.zeros((21, 21), int)  # the four cells by hand
    labels[:10, :10], labels[:10, 11:], labels[11:, :10], labels[11:, 11:] = 1, 2, 3, 4
    merged = np.where(labels == 2, 1, labels)
    torn = cross()
    torn[:, :10, 10] = False
    expected = adapted_rand_error(labels, merged, ignore_labels=[0])[0]
    assert rand_error(torn, cross()) == pytest.approx(expected)


def test_where_nothing_is_and_nothing_is_found_the_overlap_is_perfect():
    nothing = np.zeros((1, 8, 8), bool)
    assert dice(nothing, nothing) == intersection_over_union(nothing, nothing) == 1
    assert boundary_f1(nothing, cross(8)) == 0
