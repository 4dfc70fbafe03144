"""The bundled photographs: all of them load without a network, cropped and resized as asked."""

import numpy as np
import pytest

from tutorials_lib.datasets.photos import PHOTOS, load_photo, resize


@pytest.mark.parametrize("name", PHOTOS)
def test_every_picture_loads_without_a_network_and_is_what_the_table_says(name: str):
    picture = load_photo(name)
    assert picture.dtype == np.float32
    assert picture.shape[-1] == (3 if PHOTOS[name].is_colored else 1)
    assert min(picture.shape[:2]) >= 300
    assert 0 <= picture.min() < picture.max() <= 1
    assert PHOTOS[name].licence
    assert PHOTOS[name].shows


def test_a_size_takes_the_square_in_the_middle():
    whole = load_photo("chelsea")  # 300 x 451 pixels
    middle = load_photo("chelsea", size=300)
    np.testing.assert_allclose(middle, whole[:, 76:376], atol=1e-6)


def test_a_square_is_cut_where_it_is_asked_for_and_moved_inside_at_the_border():
    whole = load_photo("coffee")  # 400 x 600 pixels
    np.testing.assert_array_equal(
        load_photo("coffee", crop=(0.5, 0.25, 0.5)), whole[100:300, 50:250]
    )
    np.testing.assert_array_equal(load_photo("coffee", crop=(0.0, 1.0, 0.5)), whole[:200, 400:])
    assert load_photo("coffee", size=40, crop=(0.0, 1.0, 0.5)).shape == (40, 40, 3)


def test_shrinking_smooths_and_stays_within_the_range():
    stripes = np.zeros((64, 64, 1), np.float32)
    stripes[:, ::2] = 1
    small = resize(stripes, 16)
    assert small.shape == (16, 16, 1)
    np.testing.assert_allclose(small[2:-2, 2:-2], 0.5, atol=0.1)
    assert 0 <= small.min() <= small.max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "mona_lisa"}, "astronaut, brick"),
        ({"name": "moon", "size": 0}, "size is 0"),
        ({"name": "moon", "crop": (0.5, 0.5, 1.5)}, r"side is 1\.5"),
        ({"name": "moon", "crop": (0.5, 0.5, 0.0)}, r"side is 0\.0"),
    ],
)
def test_what_cannot_be_had_is_named(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        load_photo(**arguments)
