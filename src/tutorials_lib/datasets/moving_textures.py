"""Clips in which a textured blob moves among others of its colours, with a box around it.

What tells the target from the blobs that distract is its texture alone. Light, shade, shake and a
bar that hides it change how it looks; the way it is drawn is always the same: from the back to the
front, then the light, then the camera.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from tutorials_lib.datasets import textures

SIZE = 128
"""Height and width of a frame, in pixels."""

LENGTH = 60
"""Frames of a whole clip."""

_MARGIN = 14
"""How near to the edge of a frame the middle of a blob comes."""

_WINDOW = 60
"""Side of the square around a blob in which it is drawn."""

_STAMP, _FINE = 144, 3.0
"""Side of a texture, and how many of its pixels go on one of a frame."""

_BAR_FROM = 9
"""The first frame with the bar: what the target looks like is to be seen before."""

Frames = Float32[np.ndarray, "frames height width 3"]
Boxes = Float32[np.ndarray, "frames 4"]
Times = Int[np.ndarray, " frames"]
Picture = Float32[np.ndarray, "_ _ 3"]


class Clips(NamedTuple):
    """Clips of one length.

    Attributes:
        frames: red, green and blue.
        boxes: left, top, right and bottom of the target, in pixels from the upper left corner.
    """

    frames: UInt8[np.ndarray, "clips frames 128 128 3"]
    boxes: Float32[np.ndarray, "clips frames 4"]


class _Blob(NamedTuple):
    """How one thing looks and moves.

    Attributes:
        stamp: its texture with its opacity as the fourth channel.
        places: row and column of its middle.
        angles: by how much it is turned, in radians.
        scales: of its size.
        stretch: how much longer it is than wide, as the root of the ratio.
        waves: lengths, speeds and heights of two waves that bend it.
    """

    stamp: Float32[np.ndarray, "_ _ 4"]
    places: Float[np.ndarray, "frames 2"]
    angles: Float[np.ndarray, " frames"]
    scales: Float[np.ndarray, " frames"]
    stretch: Float[np.ndarray, " frames"]
    waves: Float[np.ndarray, "3 2"]


def draw_clips(
    count: int,
    families: Sequence[str],
    *,
    rng: np.random.Generator,
    num_frames: int = LENGTH,
    every: int = 1,
) -> Clips:
    """Clips with textures of some families (`textures.FAMILIES` has their names).

    Args:
        count: how many clips.
        families: two or more; the target's is not that of any other blob.
        rng: where everything is drawn from.
        num_frames: frames that are kept of each clip.
        every: of a whole clip, so many frames lie from one kept frame to the next.
    """
    drawn = [_draw_clip(families, rng, num_frames, every) for _ in range(count)]
    frames, boxes = zip(*drawn, strict=True)
    return Clips(np.stack(frames), np.stack(boxes))


def _draw_clip(
    families: Sequence[str], rng: np.random.Generator, num_frames: int, every: int
) -> tuple[UInt8[np.ndarray, "frames 128 128 3"], Boxes]:
    times = np.arange(rng.integers(0, every), LENGTH, every)[:num_frames]
    hue = rng.random()
    family = families[int(rng.integers(len(families)))]
    others = [each for each in families if each != family]
    colors = textures.palette(rng, (0.4, 1.0), hue=hue)
    frames = _background(families, hue, times, rng)
    boxes = np.empty((len(times), 4), np.float32)
    for i in reversed(range(rng.integers(3, 5))):  # the target last, over the others
        of_family = others[int(rng.integers(len(others)))] if i else family
        boxes = _paint(frames, _blob(of_family, colors, times, rng), times)
    axis = int(rng.integers(2))
    _hide(frames, axis, times, rng)
    _light(frames, times, rng)
    _shake(frames, axis, times, rng)
    frames += 0.02 * rng.standard_normal(frames.shape, np.float32)
    return (frames.clip(0, 1) * 255).astype(np.uint8), boxes


def _walk(
    rng: np.random.Generator, times: Times, *, smooth: int, height: float, sides: int = 1
) -> Float[np.ndarray, "frames sides"]:
    """Smooth random walks that start at zero and stray by about `height`."""
    noise = gaussian_filter1d(rng.standard_normal((LENGTH + 40, sides)), smooth, axis=0)[20:-20]
    return (height * (noise - noise[0]) / (noise.std(0) + 1e-6))[times]


def _fold(places: np.ndarray, low: int, high: int) -> np.ndarray:
    """What leaves the interval comes back, as from a mirror."""
    length = high - low
    return high - abs(length - (places - low) % (2 * length))


def _background(
    families: Sequence[str], hue: float, times: Times, rng: np.random.Generator
) -> Frames:
    """A dull texture past which the camera pans; often in colours near the target's."""
    near = rng.random() < 0.6
    around = hue + rng.uniform(-0.1, 0.1) if near else rng.random()
    colors = textures.palette(rng, (0.1, 0.6) if near else (0.0, 0.4), hue=around)
    family = families[int(rng.integers(len(families)))]
    picture = textures.texture(rng, family, SIZE + 80, 1.6, colors)
    picture = picture.mean((0, 1)) + np.float32(0.6) * (picture - picture.mean((0, 1)))
    return _pan(picture, times, rng, speed=0.7)


def _pan(
    picture: Float32[np.ndarray, "_ _ channels"],
    times: Times,
    rng: np.random.Generator,
    *,
    speed: float,
) -> Float32[np.ndarray, "frames height width channels"]:
    """Windows of a picture that move at an even speed, and turn back at its edges."""
    room = len(picture) - SIZE
    places = rng.uniform(0, room, 2) + speed * rng.standard_normal(2) * np.arange(LENGTH)[:, None]
    corners = _fold(places, 0, room)[times].astype(int)
    return np.stack([picture[y : y + SIZE, x : x + SIZE] for y, x in corners])


def _blob(
    family: str,
    colors: Float32[np.ndarray, "2 3"],
    times: Times,
    rng: np.random.Generator,
) -> _Blob:
    """A blob with a wavy outline that wanders about."""
    velocity = gaussian_filter1d(rng.standard_normal((LENGTH, 2)), 4, axis=0)
    velocity *= rng.uniform(1.2, 2.6) / velocity.std()
    places = rng.uniform(20, SIZE - 20, 2) + np.cumsum(velocity, axis=0)
    turn = np.deg2rad(rng.uniform(25, 75))
    growth = rng.uniform(0.03, 0.13)
    waves = rng.uniform([[30] * 2, [0.15] * 2, [2] * 2], [[60] * 2, [0.5] * 2, [8] * 2])
    color = textures.texture(rng, family, _STAMP, _FINE, colors)
    return _Blob(
        stamp=np.concatenate([color, _outline(rng)[..., None]], axis=-1),
        places=_fold(places, _MARGIN, SIZE - _MARGIN)[times],
        angles=_walk(rng, times, smooth=7, height=turn)[:, 0],
        scales=np.exp(_walk(rng, times, smooth=12, height=growth)[:, 0].clip(-0.25, 0.25)),
        stretch=np.exp(_walk(rng, times, smooth=6, height=0.1)[:, 0].clip(-0.2, 0.2)),
        waves=waves,
    )


def _outline(rng: np.random.Generator) -> Float32[np.ndarray, "_ _"]:
    """How opaque a blob is: a circle of 10 to 14 pixels, with two to four bumps."""
    grid = (np.arange(_STAMP, dtype=np.float32) - (_STAMP - 1) / 2) / _FINE
    angle, distance = np.arctan2(grid[:, None], grid), np.hypot(grid[:, None], grid)
    radius, phases = rng.uniform(10, 14), rng.uniform(0, 2 * np.pi, 3)
    bumps = zip((2, 3, 4), rng.uniform(0, 0.15, 3), phases, strict=True)
    edge = radius * (1 + sum(height * np.cos(n * angle + phase) for n, height, phase in bumps))
    return (edge - distance + 0.5).clip(0, 1).astype(np.float32)


def _paint(frames: Frames, blob: _Blob, times: Times) -> Boxes:
    """Paint the blob into every frame, and return the box around it."""
    corners = np.floor(blob.places).astype(int) - _WINDOW // 2
    pixels = _look_up(blob, blob.places - corners, times)
    for frame, (top, left), window in zip(frames, corners, pixels, strict=True):
        inside = slice(max(0, -top), SIZE - top), slice(max(0, -left), SIZE - left)
        seen = window[inside]
        place = frame[max(0, top) : top + _WINDOW, max(0, left) : left + _WINDOW]
        place += seen[..., 3:] * (seen[..., :3] - place)
    is_blob = pixels[..., 3] > 0.5
    edges = []
    for axis, start in ((1, corners[:, 1]), (2, corners[:, 0])):
        covered = np.asarray(is_blob.any(axis))
        edges.append((start + covered.argmax(1), start + _WINDOW - covered[:, ::-1].argmax(1)))
    (left, right), (top, bottom) = edges
    return np.stack([left, top, right, bottom], axis=1).astype(np.float32)


def _look_up(
    blob: _Blob, middles: Float[np.ndarray, "frames 2"], times: Times
) -> Float32[np.ndarray, "frames _ _ 4"]:
    """What a window around the blob shows: for each of its pixels, the pixel of the stamp."""

    def per_frame(numbers: np.ndarray) -> Float32[np.ndarray, "frames 1 1"]:
        return numbers.astype(np.float32)[:, None, None]

    grid = np.arange(_WINDOW, dtype=np.float32)
    y, x = grid[:, None] - per_frame(middles[:, 0]), grid - per_frame(middles[:, 1])
    along, across = (
        per_frame(turn(blob.angles) / blob.scales * _FINE) for turn in (np.cos, np.sin)
    )
    u = (along * x + across * y) * per_frame(blob.stretch)
    v = (along * y - across * x) / per_frame(blob.stretch)
    lengths, speeds, heights = blob.waves.astype(np.float32)
    time = per_frame(times)
    u = u + heights[0] * np.sin(v * (2 * np.pi / lengths[0]) + speeds[0] * time)
    v = v + heights[1] * np.sin(u * (2 * np.pi / lengths[1]) + speeds[1] * time)
    row, column = ((z + _STAMP / 2).clip(0, _STAMP - 1).astype(np.int16) for z in (v, u))
    return blob.stamp[row, column]


def _hide(frames: Frames, axis: int, times: Times, rng: np.random.Generator) -> None:
    """A bar that wanders over the picture."""
    width, color = rng.uniform(5, 9), textures.palette(rng, (0.0, 0.3))[0]
    middle = rng.uniform(30, 90) + _walk(rng, times, smooth=10, height=12.0)
    cover = (width / 2 - abs(np.arange(SIZE) - middle) + 0.5).clip(0, 1) * (times >= _BAR_FROM)[
        :, None
    ]
    cover = cover.astype(np.float32)
    cover = cover[:, :, None, None] if axis else cover[:, None, :, None]
    frames += cover * (color - frames)


def _light(frames: Frames, times: Times, rng: np.random.Generator) -> None:
    """Drifting dappled shade; and the light becomes stronger, weaker and of another colour."""
    darkest = rng.uniform(0.25, 0.55)
    spots = textures.noise(rng, SIZE + 100, rng.uniform(13, 20))
    shade = darkest + (1 - darkest) / (1 + np.exp(-5 * spots))
    frames *= _pan(shade[..., None].astype(np.float32), times, rng, speed=2.0)
    gain = np.exp(_walk(rng, times, smooth=6, height=0.2))
    cast = np.exp(_walk(rng, times, smooth=8, height=0.2, sides=3))
    frames *= (gain * cast).astype(np.float32)[:, None, None]


def _shake(frames: Frames, axis: int, times: Times, rng: np.random.Generator) -> None:
    """Some frames are blurred along one axis, by three or five pixels."""
    reach = abs(_walk(rng, times, smooth=3, height=1.3)[:, 0]).round().astype(int).clip(0, 2)
    for i in np.flatnonzero(reach):
        frames[i] = uniform_filter1d(frames[i], 2 * int(reach[i]) + 1, axis=axis)
