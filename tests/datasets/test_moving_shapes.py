"""Moving shapes: the boxes are those of what is to be seen, and a clip repeats by its seed."""

import numpy as np

from tutorials_lib.datasets.moving_shapes import (
    Clips,
    _draw_shape,
    _visible_boxes,
    moving_shapes,
)


def clips(seed: int, count: int = 6, every: int = 8, size: int = 64) -> Clips:
    rng = np.random.default_rng(seed)
    return moving_shapes(count, photos=("moon", "coffee"), every=every, size=size, rng=rng)


def test_one_seed_repeats_and_two_differ():
    first, again, other = clips(0), clips(0), clips(1)
    for ours, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours, same)
    assert not np.array_equal(first.frames, other.frames)


def test_every_box_lies_in_the_frame_and_is_as_large_as_a_shape():
    found = clips(0, count=20)
    there = found.labels >= 0
    boxes = found.boxes[there]
    assert set(np.unique(found.labels)) == {-1, 0, 1, 2}
    assert boxes.min() >= 0
    assert boxes.max() <= 64
    sides = boxes[:, 2:] - boxes[:, :2]
    assert sides.min() >= 2
    assert sides.max() <= 2 * 14 * 1.5
    assert not found.boxes[~there].any()


def test_the_camera_moves_less_than_two_pixels_a_moment_in_each_direction():
    steps = np.abs(np.diff(clips(0, every=1).origins, axis=1))
    assert 0 < steps.max() <= 1.21


def test_a_box_is_what_no_later_shape_hides_and_a_shape_that_is_mostly_hidden_has_none():
    rng = np.random.default_rng(0)
    square = _draw_shape(32, rng)._replace(label=1, radius=10 / 1.8)  # ten pixels on a side
    below, middle, above = np.zeros((3, 2, 32, 32), np.float32)
    below[:, 4:14, 6:16] = 1
    middle[0, 4:14, 12:22] = 1  # hides four of ten columns, then nothing
    middle[1, 20:30, 20:30] = 1
    above[1, 4:14, 6:14] = 1  # hides eight of ten columns
    boxes, labels = _visible_boxes([square] * 3, [below, middle, above])
    assert boxes[0].tolist()[:2] == [[6, 4, 12, 14], [12, 4, 22, 14]]
    assert labels[0].tolist() == [1, 1, -1, -1, -1]
    assert boxes[1].tolist()[1:3] == [[20, 20, 30, 30], [6, 4, 14, 14]]
    assert labels[1].tolist() == [-1, 1, 1, -1, -1]


def test_inside_its_box_a_frame_differs_from_the_same_scene_without_shapes():
    """At the middle of a box is the shape: frames of one clip differ there from their median."""
    found = clips(3, count=12, every=1)
    still = found.frames.astype(float)
    moved = np.abs(still - np.median(still, axis=1, keepdims=True)).max(-1)
    inside, outside = [], []
    for frames, boxes, labels in zip(moved, found.boxes, found.labels, strict=True):
        for frame, box in zip(frames, boxes[:, 0], strict=True):
            if labels[0, 0] >= 0 and box.any():
                left, upper, right, lower = box.astype(int)
                inside.append(frame[upper:lower, left:right].mean())
                outside.append(frame.mean())
    assert np.mean(inside) > 1.5 * np.mean(outside)
