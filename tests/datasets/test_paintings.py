"""The painting by code: it repeats, covers its canvas, and its strokes follow the whirls."""

import numpy as np

from tutorials_lib.datasets import paintings
from tutorials_lib.datasets.paintings import SIDE, paint_whirls


def test_a_seed_repeats_and_two_differ():
    first = paint_whirls()
    again = paint_whirls.__wrapped__()
    assert first.shape == (SIDE, SIDE, 3)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, paint_whirls(1))


def test_colours_are_possible_and_both_cold_and_warm():
    picture = paint_whirls()
    assert picture.min() >= 0
    assert picture.max() <= 1
    warm = picture[..., 0] > picture[..., 2]
    assert 0.15 < warm.mean() < 0.6
    for row, column, _, _ in paintings._SUNS:
        assert warm[int(row * SIDE), int(column * SIDE)]


def test_what_is_shared_cannot_be_written_to():
    assert not paint_whirls().flags.writeable


def test_the_canvas_is_covered_by_strokes_and_every_stroke_is_shorter_than_the_picture():
    rng = np.random.default_rng(0)
    strokes = paintings._draw_strokes(rng, paintings._compose(rng))
    top = paintings._lay_down(strokes)
    assert (top >= 0).mean() > 0.99
    assert strokes.length.max() < 0.5
    assert len(np.unique(top)) > 500


def test_strokes_run_around_a_sun_and_not_away_from_it():
    rng = np.random.default_rng(0)
    strokes = paintings._draw_strokes(rng, paintings._compose(rng))
    row, column, radius, _ = paintings._SUNS[0]
    away = strokes.center - np.array([row, column])
    distance = np.hypot(*away.T)
    near = (distance > 0.3 * radius) & (distance < 0.8 * radius)
    directions = np.stack([np.sin(strokes.direction), np.cos(strokes.direction)], 1)
    along = np.abs((directions * away).sum(1) / distance)[near]
    assert near.sum() > 20
    assert along.max() < 0.5
