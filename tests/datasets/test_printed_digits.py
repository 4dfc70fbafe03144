"""Printed digits: bent differently each time, and each of its own class."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from tutorials_lib.datasets.printed_digits import printed_digits


def test_pictures_are_shares_of_ink_in_blocks_of_sixteen():
    images, labels = printed_digits(30, seed=0)
    assert images.shape == (30, 8, 8)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images * 16, np.round(images * 16))
    assert 0.05 < images.mean() < 0.7
    assert set(labels.tolist()) <= set(range(10))


def test_one_seed_repeats_two_differ_and_no_picture_comes_twice():
    first, again, other = (printed_digits(200, seed=seed).images for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first.reshape(200, -1), axis=0)) == 200


def test_the_nearest_other_print_mostly_shows_the_same_digit():
    images, labels = printed_digits(900, seed=0)
    rows = images.reshape(900, -1)
    model = KNeighborsClassifier(1).fit(rows[:700], labels[:700])
    assert model.score(rows[700:], labels[700:]) > 0.7
