"""SHAPES10: ten classes of small colour pictures, drawn by NumPy, with the profile of CIFAR-10.

A linear classifier reaches little more than chance, because place, size, rotation and colour
vary; a kernel machine on principal components does better; a convolutional network does
best. Colour helps a little: the mean hue of a class is its own, under broad noise.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

IMAGE_SIZE = 32
"""Height and width of a picture, in pixels."""

Plane = Float32[np.ndarray, "images 32 32"]
Mask = Bool[np.ndarray, "images 32 32"]
Colors = Float32[np.ndarray, "images 3"]
Pictures = Float32[np.ndarray, "images 32 32 3"]

_CHUNK = 1_000  # pictures drawn at once: 12 MB for each float32 array of pictures

# Implicit shapes in the unit square: u points right, v down, before rotation and scaling.
_SHAPES: dict[str, Callable[[Plane, Plane], Mask]] = {
    "disc": lambda u, v: u**2 + v**2 < 0.85**2,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) < 0.75,
    "triangle": lambda u, v: (v < 0.6) & (np.sqrt(3) * np.abs(u) - v < 0.95),
    "flower": lambda u, v: np.hypot(u, v) < 0.65 + 0.3 * np.cos(5 * np.arctan2(v, u)),
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.7) < 0.2,
    "plus": lambda u, v: (
        (np.minimum(np.abs(u), np.abs(v)) < 0.28) & (np.maximum(np.abs(u), np.abs(v)) < 0.9)
    ),
    "ellipse": lambda u, v: (u / 0.95) ** 2 + (v / 0.5) ** 2 < 1,
    "crescent": lambda u, v: (u**2 + v**2 < 0.9**2) & ((u - 0.45) ** 2 + v**2 > 0.7**2),
    "diamond": lambda u, v: np.abs(u) / 0.65 + np.abs(v) / 0.95 < 1,
    "letter L": lambda u, v: (np.abs(u) < 0.65) & (np.abs(v) < 0.9) & ((u < -0.15) | (v > 0.4)),
}

CLASS_NAMES = tuple(_SHAPES)
"""The ten classes; a label is an index into this tuple."""


def shapes10(
    num_images: int, seed: int
) -> tuple[UInt8[np.ndarray, "images 32 32 3"], Int32[np.ndarray, " images"]]:
    """Draw `num_images` labelled pictures; the same `seed` gives the same pictures.

    Give each split a seed of its own. The classes are balanced: their counts differ by one at
    most. A picture is a shape on a blurred background, with a texture, a slanting light and
    pixel noise; three in ten have a bar across them.

    Returns:
        The images, red, green and blue from 0 to 255 (the type and layout of `load_cifar10`),
        and the labels from 0 to 9.

    Raises:
        ValueError: `num_images` is negative.
    """
    if num_images < 0:
        raise ValueError(f"num_images is {num_images}; expected zero or more")
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(num_images, dtype=np.int32) % len(CLASS_NAMES))
    images = np.empty((num_images, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    for start in range(0, num_images, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        images[chunk] = np.rint(255 * _draw(rng, labels[chunk]))
    return images, labels


def _draw(rng: np.random.Generator, labels: Int32[np.ndarray, " images"]) -> Pictures:
    """Draw one picture for each label, with values in [0, 1]."""
    num_images = len(labels)
    means = _uniform(rng, 0.2, 0.8, (num_images, 3))
    pictures = _background(rng, means)

    texture = _uniform(rng, 0.0, 0.15, (num_images, 1, 1)) * _waves(rng, num_images)
    surface = _object_colors(rng, labels, means)[:, None, None] + texture[..., None]
    pictures += _masks(rng, labels)[..., None] * (surface - pictures)

    bars = _bars(rng, num_images)[..., None]
    pictures = np.where(bars, _uniform(rng, 0.0, 1.0, (num_images, 1, 1, 3)), pictures)

    pictures *= 1 + 0.2 * _slant(rng, num_images)[..., None]
    pictures += 0.04 * rng.standard_normal(pictures.shape, np.float32)
    return pictures.clip(0, 1)


def _uniform(
    rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]
) -> Float32[np.ndarray, "..."]:
    return np.float32(low) + np.float32(high - low) * rng.random(shape, np.float32)


def _rotated_grid(
    centers: Float32[np.ndarray, "images 2"], angles: Float32[np.ndarray, " images"]
) -> tuple[Plane, Plane]:
    """Pixel coordinates about each picture's own centre, turned by its own angle (radians)."""
    axis = np.arange(IMAGE_SIZE, dtype=np.float32)
    x = (axis - centers[:, :1])[:, None, :]  # x[i, column] -> x[i, 1, column]
    y = (axis - centers[:, 1:])[:, :, None]  # y[i, row] -> y[i, row, 1]
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    return cos * x + sin * y, cos * y - sin * x


def _blur(
    planes: Float32[np.ndarray, "*planes 32 32"], sigma: Float32[np.ndarray, "..."]
) -> Float32[np.ndarray, "*planes 32 32"]:
    """Gaussian blur with a width of its own (in pixels) for each plane, as two products.

    Near an edge the weights inside the picture are scaled up to sum to one.
    """
    axis = np.arange(IMAGE_SIZE, dtype=np.float32)
    weights = np.exp(-0.5 * ((axis[:, None] - axis) / sigma[..., None, None]) ** 2)
    weights /= weights.sum(-1, keepdims=True)
    return weights @ planes @ weights.swapaxes(-1, -2)


def _background(rng: np.random.Generator, means: Colors) -> Pictures:
    """Blurred noise of standard deviation 0.10 about each picture's mean colour."""
    num_images = len(means)
    noise = rng.standard_normal((num_images, 3, IMAGE_SIZE, IMAGE_SIZE), np.float32)
    noise = _blur(noise, sigma=_uniform(rng, 1.0, 4.0, (num_images, 1)))
    noise *= 0.10 / noise.std((-1, -2), keepdims=True)
    return np.ascontiguousarray((means[..., None, None] + noise).transpose(0, 2, 3, 1))


def _object_colors(
    rng: np.random.Generator, labels: Int32[np.ndarray, " images"], means: Colors
) -> Colors:
    """Colours about the hue of the class, drawn again where they are near the background."""
    colors = means.copy()
    while (near := np.linalg.norm(colors - means, axis=1) <= 0.45).any():
        hue = labels[near].astype(np.float32) / 10
        hue += 0.22 * rng.standard_normal(len(hue), np.float32)
        saturation, value = _uniform(rng, 0.3, 1.0, (2, len(hue)))
        colors[near] = _hsv_to_rgb(hue, saturation, value)
    return colors


def _hsv_to_rgb(
    hue: Float32[np.ndarray, " images"],
    saturation: Float32[np.ndarray, " images"],
    value: Float32[np.ndarray, " images"],
) -> Colors:
    """Red, green and blue; a hue of 1 is a full turn of the colour wheel."""
    # Each channel is a trapezoid of the hue, shifted by a third of a turn (Smith 1978).
    sextant = (6 * hue[:, None] + np.array([5, 3, 1], np.float32)) % 6
    fall = np.minimum(sextant, 4 - sextant).clip(0, 1)
    return value[:, None] * (1 - saturation[:, None] * fall)


def _masks(rng: np.random.Generator, labels: Int32[np.ndarray, " images"]) -> Plane:
    """How much of each pixel the shape covers, from 0 to 1, with a soft edge."""
    num_images = len(labels)
    centers = _uniform(rng, 12.0, 20.0, (num_images, 2))
    scale = _uniform(rng, 8.0, 12.5, (num_images, 1, 1))
    u, v = _rotated_grid(centers, 0.35 * rng.standard_normal(num_images, np.float32))
    masks = np.zeros((num_images, IMAGE_SIZE, IMAGE_SIZE), np.float32)
    for label, inside in enumerate(_SHAPES.values()):
        chosen = labels == label
        masks[chosen] = inside(u[chosen] / scale[chosen], v[chosen] / scale[chosen])
    return _blur(masks, sigma=np.array(0.6, np.float32))


def _waves(rng: np.random.Generator, num_images: int) -> Plane:
    """A plane sine wave for each picture: any direction, a period of 4 to 16 pixels."""
    angles = _uniform(rng, 0.0, 2 * np.pi, (num_images,))
    u, _ = _rotated_grid(np.zeros((num_images, 2), np.float32), angles)
    frequency = _uniform(rng, 1 / 16, 1 / 4, (num_images, 1, 1))
    return np.sin(2 * np.pi * (frequency * u + _uniform(rng, 0.0, 1.0, (num_images, 1, 1))))


def _bars(rng: np.random.Generator, num_images: int) -> Mask:
    """A bar of any direction, 3 to 6 pixels wide, across three pictures in ten."""
    centers = _uniform(rng, 0.0, float(IMAGE_SIZE), (num_images, 2))
    u, v = _rotated_grid(centers, _uniform(rng, 0.0, np.pi, (num_images,)))
    half_width = _uniform(rng, 1.5, 3.0, (num_images, 1, 1))
    half_length = _uniform(rng, 5.0, 12.0, (num_images, 1, 1))
    present = rng.random((num_images, 1, 1)) < 0.3
    return present & (np.abs(u) < half_length) & (np.abs(v) < half_width)


def _slant(rng: np.random.Generator, num_images: int) -> Plane:
    """Light that falls off in a random direction, from about 1 to -1 across the picture."""
    angles = _uniform(rng, 0.0, 2 * np.pi, (num_images,))
    middle = np.full((num_images, 2), (IMAGE_SIZE - 1) / 2, np.float32)
    u, _ = _rotated_grid(middle, angles)
    return u / ((IMAGE_SIZE - 1) / 2)
