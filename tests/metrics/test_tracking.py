"""Scores of trackers: overlap, success and precision on boxes whose answers are known."""

import numpy as np

from tutorials_lib.metrics import tracking

TRUE = np.array([[[0, 0, 10, 10]] * 6], float)


def test_an_overlap_is_the_shared_area_over_the_covered_one():
    found = np.array([[[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 10, 5]]], float)
    overlaps = tracking.overlap(found, TRUE[:, :4])
    np.testing.assert_allclose(overlaps[0], [1, 50 / 150, 0, 0.5])


def test_errors_are_distances_between_middles():
    found = TRUE + np.array([3, 4, 3, 4])
    np.testing.assert_allclose(tracking.center_error(found, TRUE), 5)
    np.testing.assert_allclose(tracking.precision(found, TRUE, pixels=5.0), 1)
    np.testing.assert_allclose(tracking.precision(found, TRUE, pixels=np.array([4.9])), 0)


def test_the_area_under_the_curve_is_about_the_mean_overlap():
    rng = np.random.default_rng(0)
    true = np.tile([20.0, 20, 60, 60], (3, 400, 1))
    found = true + rng.normal(0, 8, true.shape)
    found[:, 0] = true[:, 0]
    expected = tracking.overlap(found, true)[:, 1:].mean(1)
    np.testing.assert_allclose(tracking.success_auc(found, true), expected, atol=0.03)


def test_the_first_frame_and_unmarked_frames_count_nowhere():
    found, true = TRUE.copy(), TRUE.copy()
    found[0, 0] = 0
    true[0, 3:] = np.nan
    found[0, 3:] = 100
    assert tracking.success_curve(found, true)[0, :-1].min() == 1
    assert tracking.precision(found, true) == 1
    assert not tracking.is_lost(found, true)[0]


def test_a_target_is_lost_where_the_last_boxes_miss_it():
    found = np.concatenate([TRUE, TRUE])
    found[1, 1:] += 9
    np.testing.assert_array_equal(tracking.is_lost(found, np.tile(TRUE, (2, 1, 1))), [False, True])
