"""Scenes: what is drawn is what is said to be there, and unseen pairs stay unseen."""

import numpy as np
import pytest

from tutorials_lib.datasets.scenes import (
    COLORS,
    LAYOUTS,
    NOTHING,
    OBJECTS_IN,
    SHAPES,
    UNSEEN_PAIRS,
    draw_scenes,
    take,
)


def scenes(seed: int, count: int = 300, *, unseen: bool = False):
    return draw_scenes(count, unseen=unseen, rng=np.random.default_rng(seed))


def pairs_of(objects: np.ndarray) -> set[tuple[str, str]]:
    there = objects[objects[..., 0] != NOTHING]
    return {(COLORS[color], SHAPES[shape]) for _, color, shape in there}


def test_one_seed_repeats_and_two_differ():
    first, again, other = scenes(0, 20), scenes(0, 20), scenes(1, 20)
    for ours, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours, same)
    assert not np.array_equal(first.pictures, other.pictures)


def test_scenes_to_learn_from_have_all_pairs_but_the_unseen():
    found = pairs_of(scenes(0, 600).objects)
    assert not found & UNSEEN_PAIRS
    assert len(found) == len(COLORS) * len(SHAPES) - len(UNSEEN_PAIRS)


def test_every_other_scene_has_exactly_one_unseen_pair():
    objects = scenes(0, unseen=True).objects
    counts = [
        sum((COLORS[c], SHAPES[s]) in UNSEEN_PAIRS for size, c, s in each if size != NOTHING)
        for each in objects
    ]
    assert set(counts) == {1}
    assert pairs_of(objects) >= UNSEEN_PAIRS


def test_no_object_occurs_twice_and_each_layout_has_its_number_of_objects():
    found = scenes(0, 600)
    assert set(found.layouts.tolist()) == set(range(len(LAYOUTS)))
    for objects, layout in zip(found.objects.tolist(), found.layouts, strict=True):
        there = [tuple(each) for each in objects if each[0] != NOTHING]
        assert len(set(there)) == len(there) == OBJECTS_IN[layout]
        assert objects[len(there) :] == [[NOTHING] * 3] * (3 - len(there))


def test_objects_stand_in_order_and_inside_of_the_picture():
    found = scenes(0, 600)
    for layout, places in zip(found.layouts, found.places, strict=True):
        there = places[: OBJECTS_IN[layout]]
        assert not places[len(there) :].any()
        assert (there[:, :2] > 4).all()
        assert (there[:, :2] < 44).all()
        if len(there) > 1:
            along = int("column" in LAYOUTS[layout])
            assert (np.diff(there[:, along]) > 10).all()
    alone = found.places[:, 0, :2] - 24
    for layout, axis, sign in ((0, 0, -1), (1, 0, 1), (2, 1, -1), (3, 1, 1)):
        away = alone[found.layouts == layout]
        assert (sign * away[:, axis] > np.abs(away[:, 1 - axis])).all()


def test_an_object_has_its_colour_at_its_center():
    """The strongest and the weakest channel, for the three colours where these are clear."""
    found = scenes(0, 600)
    for color, strongest in (("red", 0), ("green", 1), ("blue", 2)):
        is_it = found.objects[:, 0, 1] == COLORS.index(color)
        column, row, _ = found.places[is_it, 0].astype(int).T
        pixels = found.pictures[is_it, row, column].astype(float)
        assert np.mean(pixels.argmax(1) == strongest) > 0.95


def test_a_big_object_covers_more_of_the_picture_than_a_small_one():
    found = scenes(0, 600)
    small, big = (found.places[found.objects[..., 0] == size, 2] for size in (0, 1))
    assert small.max() < 5.3 < 7.1 < big.min()


def test_a_part_of_the_scenes_is_taken():
    found = scenes(0, 9)
    np.testing.assert_array_equal(take(found, slice(2, 5)).layouts, found.layouts[2:5])


def test_a_negative_number_of_scenes_is_refused():
    with pytest.raises(ValueError, match="count is -1; expected zero or more"):
        scenes(0, -1)
