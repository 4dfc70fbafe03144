"""Enlarging without a network: with edges sharpened, or by one learned linear filter."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter

from tutorials_lib.vision.srcnn.problem import Picture
from tutorials_lib.vision.srcnn.resizing import AnyPicture, enlarge, shrink

Windows = Float32[np.ndarray, "pixels window"]
Subpixels = Float32[np.ndarray, "pixels subpixels"]
Filter = Float[np.ndarray, "window subpixels"]

FILTER_SIZE = 7
"""Height and width of the window of the learned filter, in pixels of the small picture."""


def sharpened(low: Picture, *, scale: int, amount: float, radius: float) -> AnyPicture:
    """The bicubic enlargement with *unsharp masking*: what a blur takes away, added once more.

    Args:
        low: the small picture.
        scale: how many times as high and as wide it becomes.
        amount: how many times the difference from the blurred picture is added.
        radius: standard deviation of the blur, in pixels of the large picture.
    """
    large = enlarge(low, scale)
    return large + amount * (large - gaussian_filter(large, radius))


def windows(low: Picture) -> Windows:
    """What a square window around every pixel shows, less its mean; the picture is mirrored."""
    reach = FILTER_SIZE // 2
    padded = np.pad(low, reach, mode="symmetric")
    seen = np.lib.stride_tricks.sliding_window_view(padded, (FILTER_SIZE, FILTER_SIZE))
    flat = seen.reshape(-1, FILTER_SIZE**2)
    return flat - flat.mean(1, keepdims=True)


def fit_filter(pictures: Mapping[str, AnyPicture], *, scale: int, penalty: float) -> Filter:
    """The linear filter that best says what the bicubic enlargement lacks (ridge regression).

    For each pixel of the small picture it has one filter for each of the `scale**2` pixels that
    come in its place. Every training picture counts the same; `penalty` pulls towards zero.
    """
    size = FILTER_SIZE**2
    gram, target = penalty * np.eye(size), np.zeros((size, scale**2))
    for picture in pictures.values():
        low = shrink(picture, scale)
        lacks = to_subpixels(picture - enlarge(low, scale), scale)
        seen = windows(low)
        gram += (seen.T @ seen) / len(seen)
        target += (seen.T @ lacks) / len(seen)
    return np.linalg.solve(gram, target).astype(np.float32)


def filtered(low: Picture, *, scale: int, learned: Filter) -> AnyPicture:
    """The bicubic enlargement plus what the learned filter says that it lacks."""
    return enlarge(low, scale) + to_picture(windows(low) @ learned, low.shape[1], scale)


def to_subpixels(picture: Picture, scale: int) -> Subpixels:
    """The pixels that lie in the place of one pixel at low resolution, row by row."""
    height, width = picture.shape
    blocks = picture.reshape(height // scale, scale, width // scale, scale)
    return blocks.swapaxes(1, 2).reshape(-1, scale**2)


def to_picture(subpixels: Subpixels, columns: int, scale: int) -> AnyPicture:
    """The picture of so many columns at low resolution that has these `to_subpixels`."""
    blocks = subpixels.reshape(-1, columns, scale, scale)
    return blocks.swapaxes(1, 2).reshape(-1, columns * scale)
