"""Removing noise without a network: six techniques, each with one setting."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter, median_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from tutorials_lib.generative.denoising_autoencoder.problem import AnyPicture, waves

LOW = np.array([0.48296291, 0.8365163, 0.22414387, -0.12940952], np.float32)
"""The scaling filter of Daubechies (1988) with four taps; its square sum is one."""

HIGH = LOW[::-1] * np.array([1, -1, 1, -1], np.float32)
"""The wavelet that goes with it."""

WAVE_SIZE = 8
"""Side of the squares of the sliding cosine transform, in pixels."""

NUM_LEVELS = 4
"""Scales of the wavelets."""


class Technique(NamedTuple):
    """A way to remove noise, and the settings out of which it takes the best.

    Attributes:
        denoise: from a noisy picture, the standard deviation of its noise and a setting.
        settings: to be tried on the development pictures.
        meaning: what a setting is.
    """

    denoise: Callable[[AnyPicture, float, float], AnyPicture]
    settings: tuple[float, ...]
    meaning: str


def gaussian(noisy: AnyPicture, sigma: float, width: float) -> AnyPicture:
    """A mean over the neighbourhood, weighted by a Gaussian of `width` pixels."""
    return gaussian_filter(noisy, width)


def median(noisy: AnyPicture, sigma: float, side: float) -> AnyPicture:
    """The median of a square of `side` pixels."""
    return median_filter(noisy, int(side))


def total_variation(noisy: AnyPicture, sigma: float, weight: float) -> AnyPicture:
    """The picture that is near the noisy one and has little slope in total (Chambolle 2004)."""
    return denoise_tv_chambolle(noisy, weight=weight * sigma)


def nonlocal_means(noisy: AnyPicture, sigma: float, strength: float) -> AnyPicture:
    """The mean of pixels whose surroundings look alike (Buades et al. 2005)."""
    return denoise_nl_means(
        noisy, patch_size=5, patch_distance=7, h=strength * sigma, sigma=sigma, fast_mode=True
    )


def sliding_dct(noisy: AnyPicture, sigma: float, threshold: float) -> AnyPicture:
    """Small cosine coefficients of every square set to zero (Yaroslavsky 1996).

    Each pixel gets the mean of the answers of all squares that contain it, weighted by one over
    the number of coefficients that were kept (Guleryuz 2007).
    """
    size, cosines = WAVE_SIZE, waves(WAVE_SIZE)
    padded = np.pad(noisy, size - 1, mode="symmetric")
    squares = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    rows, columns = squares.shape[:2]
    pixels = squares.reshape(-1, size**2)
    code = pixels @ cosines
    kept = np.abs(code) > threshold * sigma
    weights = 1 / (1 + kept.sum(1, keepdims=True, dtype=np.float32))
    answers = (code * kept) @ cosines.T + pixels.mean(1, keepdims=True)
    answers = (answers * weights).reshape(rows, columns, size, size)
    weights = weights.reshape(rows, columns)
    total, weight = np.zeros_like(padded), np.zeros_like(padded)
    for i, j in np.ndindex(size, size):
        total[i : i + rows, j : j + columns] += answers[:, :, i, j]
        weight[i : i + rows, j : j + columns] += weights
    inside = slice(size - 1, 1 - size)
    return (total / weight)[inside, inside]


def wavelets(noisy: AnyPicture, sigma: float, threshold: float) -> AnyPicture:
    """Small wavelet coefficients at every place and scale set to zero (Coifman and Donoho 1995).

    The transform keeps every shift of a wavelet, so that no grid can be seen.
    """
    margin = len(LOW) * 2**NUM_LEVELS
    smooth, details = np.pad(noisy, margin, mode="symmetric"), []
    for level in range(NUM_LEVELS):
        smooth, *found = split(smooth, 2**level)
        details.append([each * (np.abs(each) > threshold * sigma) for each in found])
    for level in reversed(range(NUM_LEVELS)):
        smooth = join([smooth, *details[level]], 2**level)
    return smooth[margin:-margin, margin:-margin]


def split(picture: AnyPicture, step: int) -> list[AnyPicture]:
    """Smooth in both directions, then detail across, down, and in both: four pictures."""
    down = [_filter(picture, taps, step, axis=0) for taps in (LOW, HIGH)]
    return [_filter(each, taps, step, axis=1) for each in down for taps in (LOW, HIGH)]


def join(parts: list[AnyPicture], step: int) -> AnyPicture:
    """The way back from `split`: its transpose, divided by the four shifts that it keeps."""
    across = [
        _filter(low, LOW, -step, axis=1) + _filter(high, HIGH, -step, axis=1)
        for low, high in (parts[:2], parts[2:])
    ]
    return (_filter(across[0], LOW, -step, axis=0) + _filter(across[1], HIGH, -step, axis=0)) / 4


def _filter(
    picture: AnyPicture, taps: Float32[np.ndarray, " taps"], step: int, *, axis: int
) -> AnyPicture:
    """At every pixel the weighted sum of those `step` apart; beyond the edge comes the other."""
    found = np.zeros_like(picture)
    for place, tap in enumerate(taps):
        found += tap * np.roll(picture, -step * place, axis=axis)
    return found


TECHNIQUES: Mapping[str, Technique] = {
    "Gaussian": Technique(gaussian, (0.5, 0.7, 0.9, 1.1, 1.4, 1.8), "width in pixels"),
    "median": Technique(median, (3.0, 5.0, 7.0), "side in pixels"),
    "total variation": Technique(total_variation, (0.4, 0.6, 0.8, 1.1), "weight in sigma"),
    "wavelets": Technique(wavelets, (2.4, 2.7, 3.0, 3.4), "threshold in sigma"),
    "non-local means": Technique(nonlocal_means, (0.4, 0.5, 0.6, 0.8), "strength in sigma"),
    "sliding DCT": Technique(sliding_dct, (1.9, 2.2, 2.5, 2.8, 3.1), "threshold in sigma"),
}
"""From simple to strong."""
