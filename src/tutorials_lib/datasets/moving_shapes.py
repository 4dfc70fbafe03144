"""Discs, boxes and triangles that move before photographs, filmed by a camera that moves too.

Every shape has a colour with stripes, a velocity, an acceleration and a spin of its own, bounces
off the border of the picture, and is drawn over those before it. The box of a shape is the extent
of what is to be seen of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from tutorials_lib.datasets.photos import load_photo

CLASS_NAMES = ("disc", "box", "triangle")
MAX_SHAPES = 5
"""Shapes in a clip, at most; there is at least one."""

NUM_TICKS = 32
"""Moments that a clip lasts; a frame is taken at some of them."""

_PHOTO_SIZE = 240
"""Photographs are reduced until their shorter side has between so many pixels and twice that."""

_MARGIN = 2
"""Pixels by which the camera stays away from the border of a photograph."""

_EXPOSURE = (-0.35, 0.0, 0.35)
"""Moments around a tick of which a frame is the mean, so that what is fast is blurred."""

_LEAST_VISIBLE = 0.3
"""A shape of which a smaller share is to be seen has no box."""

Frames = UInt8[np.ndarray, "clips frames height width 3"]
Moments = Float32[np.ndarray, " frames"]
Cover = Float32[np.ndarray, "frames size size"]
"""How much of each pixel a shape covers, from 0 to 1."""


class Clips(NamedTuple):
    """Films, and what is to be found in each frame.

    Attributes:
        frames: pictures in red, green and blue.
        boxes: the left, upper, right and lower edge of each object, in pixels; zero for none.
        labels: the class of each object; -1 for none.
        origins: the row and the column of the scene at which each frame begins: how the camera
            has moved.
    """

    frames: Frames
    boxes: Float32[np.ndarray, "clips frames objects 4"]
    labels: Int32[np.ndarray, "clips frames objects"]
    origins: Float32[np.ndarray, "clips frames 2"]


def moving_shapes(
    count: int, *, photos: Sequence[str], every: int, size: int = 96, rng: np.random.Generator
) -> Clips:
    """So many clips of `NUM_TICKS` moments, with a frame at `every` so many of them.

    Args:
        count: how many clips.
        photos: names of pictures in `tutorials_lib.datasets.photos`, which serve as scenes.
        every: moments from a frame to the next.
        size: height and width of a frame, in pixels; at most 200.
        rng: where all draws come from.
    """
    scenes = [_scene(name) for name in photos]
    moments = np.arange(0, NUM_TICKS, every, dtype=np.float32)
    clips = [_clip(scenes[rng.integers(len(scenes))], moments, size, rng) for _ in range(count)]
    return Clips(*(np.stack(part) for part in zip(*clips, strict=True)))


def _scene(name: str) -> Float32[np.ndarray, "height width 3"]:
    """The photograph, reduced by the mean of blocks; a grey one has three equal channels."""
    photo = load_photo(name)
    block = max(1, min(photo.shape[:2]) // _PHOTO_SIZE)
    height, width = (side // block * block for side in photo.shape[:2])
    blocks = photo[:height, :width].reshape(height // block, block, width // block, block, -1)
    return np.repeat(blocks.mean((1, 3)), 3 // photo.shape[2], axis=2)


class _Shape(NamedTuple):
    """What a shape keeps during a clip."""

    label: int
    radius: float
    aspect: float
    start: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray
    angle: float
    spin: float
    color: np.ndarray
    contrast: float
    wave: np.ndarray
    phase: float

    @property
    def area(self) -> float:
        """In pixels, where nothing hides it."""
        factors = np.pi, 4 * 0.9**2, 3 * 3**0.5 * 0.62**2
        return factors[self.label] * self.radius**2


def _draw_shape(size: int, rng: np.random.Generator) -> _Shape:
    return _Shape(
        label=int(rng.integers(len(CLASS_NAMES))),
        radius=rng.uniform(5, 14),
        aspect=rng.uniform(0.75, 1.33),
        start=rng.uniform(6, size - 6, 2),
        velocity=rng.normal(0, 1.3, 2),
        acceleration=rng.normal(0, 0.02, 2),
        angle=rng.uniform(0, 2 * np.pi),
        spin=rng.normal(0, 0.05),
        color=rng.uniform(0.05, 1, 3),
        contrast=rng.uniform(0, 0.45),
        wave=rng.uniform(-1.2, 1.2, 2),
        phase=rng.uniform(0, 2 * np.pi),
    )


def _clip(
    scene: Float32[np.ndarray, "height width 3"],
    moments: Moments,
    size: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frames, boxes, labels and origins of one clip."""
    tint = rng.uniform(0.75, 1.1, 3).astype(np.float32)
    room = np.array(scene.shape[:2]) - size - _MARGIN
    pan = rng.uniform(-1.2, 1.2, 2)
    origins = _bounce(rng.uniform(0, room) + moments[:, None] * pan, 0, room).astype(np.float32)
    frames = _film(scene * tint, origins, size)
    shapes = [_draw_shape(size, rng) for _ in range(rng.integers(1, MAX_SHAPES + 1))]
    covers = []
    for shape in shapes:
        cover, shade = _paint(shape, moments, size)
        frames += cover[..., None] * (shade[..., None] * shape.color.astype(np.float32) - frames)
        covers.append(cover)
    gains = rng.uniform(0.85, 1.15, (len(moments), 1, 1, 1)).astype(np.float32)
    frames *= gains  # the light flickers
    frames += np.float32(0.02) * rng.standard_normal(frames.shape, np.float32)
    boxes, labels = _visible_boxes(shapes, covers)
    return (frames.clip(0, 1) * 255).astype(np.uint8), boxes, labels, origins


def _bounce(path: np.ndarray, low: int, high: np.ndarray | int) -> np.ndarray:
    """The path, reflected at both ends until it lies between them."""
    room = high - low
    folded = (path - low) % (2 * room)
    return low + np.where(folded > room, 2 * room - folded, folded)


def _film(
    scene: Float32[np.ndarray, "height width 3"],
    origins: Float32[np.ndarray, "frames 2"],
    size: int,
) -> Float32[np.ndarray, "frames size size 3"]:
    """What the camera sees; between pixels of the scene it interpolates."""
    frames = np.empty((len(origins), size, size, 3), np.float32)
    for frame, (row, column) in zip(frames, origins, strict=True):
        top, left = int(row), int(column)
        down, right = row - top, column - left
        part = scene[top : top + size + 1, left : left + size + 1]
        part = part[:-1] * (1 - down) + part[1:] * down
        frame[...] = part[:, :-1] * (1 - right) + part[:, 1:] * right
    return frames


def _paint(shape: _Shape, moments: Moments, size: int) -> tuple[Cover, Cover]:
    """How much of each pixel the shape covers during the exposure, and how bright it is there."""
    exposed = [_outline(shape, moments + moment, size) for moment in _EXPOSURE]
    cover = np.mean([(0.5 - distance).clip(0, 1) for distance, *_ in exposed], axis=0)
    _, across, along = exposed[len(_EXPOSURE) // 2]
    stripes = np.sin(shape.wave[0] * across + shape.wave[1] * along + shape.phase)
    return cover.astype(np.float32), (1 + shape.contrast * stripes).astype(np.float32)


def _outline(shape: _Shape, moments: Moments, size: int) -> tuple[np.ndarray, ...]:
    """The distance from the outline (negative inside), and the place in the shape's own axes."""
    time = moments[:, None]
    path = shape.start + shape.velocity * time + 0.5 * shape.acceleration * time**2
    center = _bounce(path, 3, size - 3).astype(np.float32)[:, :, None, None]
    angle = (shape.angle + shape.spin * moments).astype(np.float32)[:, None, None]
    pixels = np.arange(size, dtype=np.float32)
    down, right = pixels[:, None] - center[:, 0], pixels - center[:, 1]
    across = np.cos(angle) * right + np.sin(angle) * down
    along = np.cos(angle) * down - np.sin(angle) * right
    radius = np.float32(shape.radius)
    if shape.label == 0:
        distance = np.sqrt(right**2 + down**2) - radius
    elif shape.label == 1:
        side = np.float32(0.9) * radius
        aspect = np.float32(shape.aspect)
        distance = np.maximum(abs(across) - side * aspect, abs(along) - side / aspect)
    else:
        slope = np.float32(3**0.5 / 2) * abs(across) + np.float32(0.5) * along
        distance = np.maximum(-along, slope) - np.float32(0.62) * radius
    return distance, across, along


def _visible_boxes(
    shapes: Sequence[_Shape], covers: Sequence[Cover]
) -> tuple[Float32[np.ndarray, "frames objects 4"], Int32[np.ndarray, "frames objects"]]:
    """The extent of what no later shape hides; a shape that is hardly to be seen is left out."""
    count, size, _ = covers[0].shape
    boxes = np.zeros((count, MAX_SHAPES, 4), np.float32)
    labels = np.full((count, MAX_SHAPES), -1, np.int32)
    hidden = np.zeros((count, size, size), bool)
    for place in reversed(range(len(shapes))):
        solid = covers[place] > 0.5
        seen = solid & ~hidden
        hidden |= solid
        enough = seen.sum((1, 2)) >= _LEAST_VISIBLE * shapes[place].area
        boxes[enough, place] = _extent(seen)[enough]
        labels[enough, place] = shapes[place].label
    return boxes, labels


def _extent(seen: Bool[np.ndarray, "frames size size"]) -> Float32[np.ndarray, "frames 4"]:
    """The left, upper, right and lower edge of what is true."""
    size = seen.shape[1]
    rows, columns = np.asarray(seen.any(2)), np.asarray(seen.any(1))
    edges = (
        columns.argmax(1),
        rows.argmax(1),
        size - columns[:, ::-1].argmax(1),
        size - rows[:, ::-1].argmax(1),
    )
    return np.stack(edges, axis=1).astype(np.float32)
