"""FACES: what is drawn, and that its factors are what the pictures show."""

import numpy as np
import pytest

from tutorials_lib.datasets import faces


def middling(**changed: float) -> np.ndarray:
    """Factors of one face, in the middle of their ranges but for those that are given."""
    factors = {name: (low + high) / 2 for name, (low, high) in faces.RANGES.items()}
    factors |= dict.fromkeys(faces.CHANCES, 0.0)
    factors |= {name.replace("_", " "): value for name, value in changed.items()}
    return np.array([list(factors.values())], np.float32)


def test_faces_are_grey_pictures_between_black_and_white_with_a_factor_a_column():
    images, factors = faces.faces(150, seed=0)
    assert images.shape == (150, 32, 32)
    assert factors.shape == (150, len(faces.FACTOR_NAMES))
    assert images.dtype == factors.dtype == np.float32
    assert 0 <= images.min() < 0.1
    assert 0.9 < images.max() <= 1
    assert ((images == 0) | (images == 1)).mean() < 0.001, "clipping would hide the noise"


def test_one_seed_repeats_and_two_seeds_differ():
    images, factors = faces.faces(20, seed=3)
    again, factors_again = faces.faces(20, seed=3)
    other, _ = faces.faces(20, seed=4)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(factors, factors_again)
    assert not np.array_equal(images, other)


def test_factors_fill_their_ranges_and_are_independent():
    factors = faces.draw_factors(20_000, np.random.default_rng(0))
    for column, (low, high) in zip(factors.T, faces.RANGES.values(), strict=False):
        assert low <= column.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < column.max() <= high
    shares = factors[:, len(faces.RANGES) :].mean(0)
    np.testing.assert_allclose(shares, list(faces.CHANCES.values()), atol=0.02)
    correlations = np.corrcoef(factors.T) - np.eye(factors.shape[1])
    assert np.abs(correlations).max() < 0.04


@pytest.mark.parametrize("name", faces.FACTOR_NAMES)
def test_every_factor_changes_the_picture(name: str):
    low, high = faces.RANGES.get(name, (0.0, 1.0))
    one, other = (faces.render(middling(**{name: value})) for value in (low, high))
    assert np.abs(one - other).max() > 0.1


def test_what_is_drawn_is_what_the_factor_says():
    middle = faces.render(middling())[0]
    moved = faces.render(middling(**{"shift right": 1.0}))[0]
    np.testing.assert_allclose(moved[:, 1:], middle[:, :-1], atol=1e-5)
    assert faces.render(middling(background=0.9))[0, 0, 0] == pytest.approx(0.9)
    sunny = faces.render(middling(light=1.0))[0]
    assert sunny[:, 16:].mean() > sunny[:, :16].mean()
    np.testing.assert_allclose(
        faces.render(middling(light=-1.0))[0], sunny[:, ::-1], atol=1e-5, err_msg="no mirror image"
    )
    smiling, sulking = (faces.render(middling(smile=smile))[0] for smile in (1.0, -1.0))
    mouth = slice(18, 26)
    rows = np.arange(8)[:, None]
    darkness = [1 - face[mouth, 13:19:5] for face in (smiling, sulking)]
    corners = [(rows * dark).sum() / dark.sum() for dark in darkness]
    assert corners[0] < corners[1], "the corners of a smiling mouth are higher"


def test_the_noise_of_the_pictures_is_as_large_as_promised():
    images, factors = faces.faces(100, seed=0)
    assert (images - faces.render(factors)).std() == pytest.approx(faces.NOISE, rel=0.02)


def test_faces_do_not_depend_on_how_many_are_rendered_at_once():
    factors = faces.draw_factors(230, np.random.default_rng(0))
    np.testing.assert_array_equal(faces.render(factors)[-7:], faces.render(factors[-7:]))


def test_no_faces_are_no_pictures():
    assert faces.faces(0, seed=0).images.shape == (0, 32, 32)


def test_wrong_requests_are_named():
    with pytest.raises(ValueError, match="num_images is -1"):
        faces.faces(-1, seed=0)
    with pytest.raises(ValueError, match="3 factors; expected 21"):
        faces.render(np.zeros((2, 3), np.float32))
