"""The Fréchet distance against closed forms, and against SciPy's square root of a matrix."""

import numpy as np
import pytest
import scipy.linalg

from tutorials_lib.metrics import frechet
from tutorials_lib.metrics.frechet import Cloud


def test_on_one_axis_it_is_the_distance_of_means_and_of_standard_deviations():
    first, second = Cloud(np.array([1.0]), np.array([[2.0]])), Cloud(np.array([4.0]), np.eye(1) * 6)
    assert frechet.distance_of_clouds(first, second) == pytest.approx(3**2 + 4**2)


def test_for_covariances_with_the_same_axes_it_adds_up_over_the_axes():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    one, two = rng.uniform(0, 3, (2, 5))
    shift = rng.standard_normal(5)
    first, second = Cloud(np.zeros(5), one[:, None] * axes), Cloud(shift, two[:, None] * axes)
    expected = shift @ shift + ((one - two) ** 2).sum()
    assert frechet.distance_of_clouds(first, second) == pytest.approx(expected)


def test_it_is_the_formula_with_the_square_root_of_a_matrix():
    rng = np.random.default_rng(0)
    first = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 6))
    second = rng.standard_normal((150, 6)) @ rng.standard_normal((6, 6)) + 1
    one, two = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(one @ two).real
    shift = first.mean(0) - second.mean(0)
    expected = shift @ shift + np.trace(one + two - 2 * root)
    assert frechet.frechet_distance(first, second) == pytest.approx(expected)
    assert frechet.frechet_distance(second, first) == pytest.approx(expected)


def test_a_cloud_is_at_zero_from_itself_even_where_features_never_vary_or_points_are_few():
    points = np.random.default_rng(0).standard_normal((4, 9)).astype(np.float32)
    points[:, 3] = 0
    assert frechet.frechet_distance(points, points) == pytest.approx(0, abs=1e-10)


def test_what_cannot_be_a_cloud_is_refused():
    with pytest.raises(ValueError, match="two points"):
        frechet.cloud(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="not finite"):
        frechet.cloud(np.full((3, 3), np.nan))
