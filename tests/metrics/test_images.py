"""The scores of a restored picture: known answers, and what does not count."""

from typing import Any

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from tutorials_lib.metrics.images import psnr, ssim


def pair() -> tuple[np.ndarray, np.ndarray]:
    """A picture, and one that differs from it a little everywhere."""
    rng = np.random.default_rng(0)
    true = rng.random((24, 30))
    return (true + rng.normal(scale=0.1, size=true.shape)).clip(0, 1), true


def test_an_error_of_a_tenth_everywhere_is_20_decibels():
    true = np.full((16, 16), 0.5)
    assert psnr(true + 0.1, true) == pytest.approx(20)
    assert psnr(true + 0.01, true) == pytest.approx(40)


def test_psnr_is_minus_ten_times_the_logarithm_of_the_mean_squared_error():
    found, true = pair()
    assert psnr(found, true) == pytest.approx(-10 * np.log10(np.mean((found - true) ** 2)))


def test_similarity_is_one_for_equal_pictures_and_that_of_wang_et_al_else():
    found, true = pair()
    assert ssim(true, true) == pytest.approx(1)
    expected: Any = structural_similarity(
        found, true, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(found, true) == pytest.approx(expected)
    assert expected < 0.99


def test_a_lighter_picture_is_more_similar_than_a_noisy_one_of_the_same_psnr():
    _, true = pair()
    true = 0.25 + true / 2
    noise = np.random.default_rng(1).choice([-0.1, 0.1], true.shape)
    assert psnr(true + 0.1, true) == pytest.approx(psnr(true + noise, true))
    assert ssim(true + 0.1, true) > ssim(true + noise, true) + 0.05


@pytest.mark.parametrize("score", [psnr, ssim])
def test_the_border_and_what_is_beyond_white_do_not_count(score):
    found, true = pair()
    wild = found.copy()
    wild[:3], wild[:, -3:] = 0, 1
    assert score(wild, true, border=3) == score(found, true, border=3)
    beyond = np.where(found == 1, 1.7, found)
    assert score(beyond, true) == score(found, true)
