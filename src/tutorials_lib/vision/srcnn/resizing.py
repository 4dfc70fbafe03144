"""Pictures made smaller and larger by a kernel, as products with matrices (NumPy only)."""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float, Float32

AnyPicture = Float32[np.ndarray, "_ _"]
"""The brightness of every pixel, from 0 to 1; in a collection, sizes differ."""

Kernel = Callable[[np.ndarray], np.ndarray]
"""The weight of a pixel by its distance, in pixels."""


def cubic(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The cubic convolution kernel of Keys (1981), zero from 2 on; in most programs *bicubic*."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def lanczos(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The sinc function under a wider one, zero from 3 on (Duchon 1979)."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


@cache
def resampling(
    before: int, after: int, kernel: Kernel = cubic
) -> Float32[np.ndarray, "{after} {before}"]:
    """The matrix that resizes a column of `before` pixels to `after`; its rows sum to one.

    A pixel of the result is an average around its place. Where there are fewer pixels after than
    before, the kernel is stretched, so that nothing finer than the new pixels is left to alias.
    Beyond the border the picture is mirrored.
    """
    step = before / after
    stretch = max(1.0, step)
    places = (np.arange(after) + 0.5) * step - 0.5
    reach = int(np.ceil(3 * stretch))
    seen = np.floor(places)[:, None].astype(int) + np.arange(-reach, reach + 2)
    weights = kernel((places[:, None] - seen) / stretch)
    mirrored = np.minimum(seen % (2 * before), -(seen + 1) % (2 * before))
    matrix = np.zeros((after, before))
    np.add.at(matrix, (np.arange(after)[:, None], mirrored), weights)
    matrix = (matrix / weights.sum(1, keepdims=True)).astype(np.float32)
    matrix.flags.writeable = False  # every call returns the same array
    return matrix


def resize(
    picture: AnyPicture,
    rows: int,
    columns: int,
    kernel: Kernel = cubic,
) -> Float32[np.ndarray, "{rows} {columns}"]:
    """The picture with so many rows and columns."""
    height, width = picture.shape
    return resampling(height, rows, kernel) @ picture @ resampling(width, columns, kernel).T


def shrink(picture: AnyPicture, scale: int) -> AnyPicture:
    """What is left of a picture at low resolution."""
    height, width = picture.shape
    return resize(picture, height // scale, width // scale)


def enlarge(picture: AnyPicture, scale: int, kernel: Kernel = cubic) -> AnyPicture:
    """The picture `scale` times as high and as wide."""
    height, width = picture.shape
    return resize(picture, height * scale, width * scale, kernel)


def repeat(picture: AnyPicture, scale: int) -> AnyPicture:
    """The picture with every pixel as a block, so that the eye sees the pixels."""
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)
