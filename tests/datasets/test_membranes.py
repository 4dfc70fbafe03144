"""Membranes: what the sections hold, and that their walls part cells."""

import numpy as np
from scipy.ndimage import label

from tutorials_lib.datasets.membranes import SIZE, membranes


def test_sections_are_grey_pictures_with_a_fourth_of_them_wall():
    pictures, walls = membranes(20, seed=0)
    assert pictures.shape == walls.shape == (20, SIZE, SIZE)
    assert (pictures.dtype, walls.dtype) == (np.float32, np.bool_)
    assert 0 <= pictures.min() < pictures.max() <= 1
    assert 0.2 < walls.mean() < 0.28


def test_walls_are_dark_but_darkness_alone_does_not_tell_them():
    pictures, walls = membranes(20, seed=0)
    assert pictures[walls].mean() < pictures[~walls].mean() - 0.1
    threshold = np.quantile(pictures, walls.mean())
    assert 0.4 < (pictures[walls] < threshold).mean() < 0.7


def test_walls_part_each_section_into_cells():
    _, walls = membranes(10, seed=0)
    assert min(label(~each)[1] for each in walls) >= 12


def test_one_seed_repeats_and_two_seeds_differ():
    once, again, other = (membranes(2, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once.pictures, again.pictures)
    assert not np.array_equal(once.walls, other.walls)
