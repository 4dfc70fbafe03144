"""Invented alphabets: what a picture holds, and what tells one character from another."""

import numpy as np
import pytest

from tutorials_lib.datasets.alphabets import NUM_DRAWERS, SIZE, alphabets


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return alphabets(3, 8, seed=0)


def test_a_picture_is_paper_with_some_ink(drawn: np.ndarray):
    assert drawn.shape == (3, 8, NUM_DRAWERS, SIZE, SIZE)
    assert drawn.dtype == np.float32
    assert drawn.min() == 0
    assert drawn.max() == 1
    ink = drawn.mean((-1, -2))
    assert 0.005 < ink.min() < ink.max() < 0.4
    assert 0.05 < ink.mean() < 0.15


def test_ink_lies_around_the_middle_and_not_at_the_edge(drawn: np.ndarray):
    edge = drawn.copy()
    edge[..., 1:-1, 1:-1] = 0
    assert edge.sum() < 0.02 * drawn.sum()
    rows = drawn.sum((0, 1, 2, 4))
    assert 11 < (rows * np.arange(SIZE)).sum() / rows.sum() < 16


def test_drawings_of_a_character_are_more_alike_than_those_of_two(drawn: np.ndarray):
    rows = drawn.reshape(24, NUM_DRAWERS, -1)
    own = ((rows[:, :1] - rows[:, 1:]) ** 2).sum(-1).mean()
    other = ((rows[:-1, :1] - rows[1:, 1:]) ** 2).sum(-1).mean()
    assert own < 0.9 * other


def test_no_two_drawings_are_the_same(drawn: np.ndarray):
    rows = drawn.reshape(-1, SIZE * SIZE)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_one_seed_repeats_and_two_seeds_differ(drawn: np.ndarray):
    np.testing.assert_array_equal(drawn, alphabets(3, 8, seed=0))
    assert not np.array_equal(drawn, alphabets(3, 8, seed=1))


def test_an_alphabet_does_not_depend_on_how_many_follow(drawn: np.ndarray):
    np.testing.assert_array_equal(drawn[:1], alphabets(1, 8, seed=0))
