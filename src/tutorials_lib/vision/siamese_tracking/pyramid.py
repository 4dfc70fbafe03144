"""What all trackers share: crops at three scales, and where a response moves the target (NumPy)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

SCALES = np.array([1 / 1.05, 1.0, 1.05], np.float32)
"""Sizes of the search area, for a target that has become smaller, stayed as it was, or grown."""

SMALLEST, LARGEST = 8, 48
"""Bounds of the target's size, in pixels of the frame."""

SMOOTHNESS = 0.5625
"""Width (standard deviation) of the window, in target sizes: nine crop pixels of sixteen."""

Frames = Shaped[np.ndarray, "clips height width channels"]
Centers = Float[np.ndarray, "clips 2"]
Sizes = Float[np.ndarray, " clips"]
Maps = Float[np.ndarray, "clips scales rows columns"]


class Place(NamedTuple):
    """Where the target of each clip is: row and column of its middle, and its size."""

    center: Centers
    size: Sizes


def crop(
    frames: Frames,
    centers: Float[np.ndarray, "clips crops 2"],
    sides: Float[np.ndarray, "clips crops"],
    pixels: int,
) -> Float[np.ndarray, "clips crops {pixels} {pixels} channels"]:
    """Squares of each frame, resized to `pixels` by bilinear interpolation.

    What lies outside the frame looks like its border. The numbers keep their range, and get the
    type of `centers`.
    """
    steps = ((np.arange(pixels) + 0.5) / pixels - 0.5).astype(centers.dtype)
    last = np.array(frames.shape[1:3]) - 1
    places = centers[..., None] + steps * sides[..., None, None] - centers.dtype.type(0.5)
    places = places.clip(0, last[:, None].astype(centers.dtype))  # [clips crops 2 pixels]
    lower = np.minimum(places.astype(np.int32), last[:, None] - 1)
    share = places - lower.astype(places.dtype)
    height, width, channels = frames.shape[1:]
    pixel = frames.reshape(-1, channels)
    clip = np.arange(len(frames), dtype=np.int32)[:, None, None, None]
    corner = (clip * height + lower[:, :, 0, :, None]) * width + lower[:, :, 1, None]
    right, down = share[:, :, 1, None, :, None], share[:, :, 0, :, None, None]

    def line(index: np.ndarray) -> np.ndarray:
        left = pixel.take(index, axis=0).astype(centers.dtype)
        return left + right * (pixel.take(index + 1, axis=0) - left)

    upper = line(corner)
    return upper + down * (line(corner + width) - upper)


def search_areas(
    frames: Frames, place: Place, *, span: float, pixels: int
) -> Float[np.ndarray, "clips scales {pixels} {pixels} channels"]:
    """What each frame shows around the last place, at every scale; `span` is in target sizes."""
    centers = np.broadcast_to(place.center[:, None], (len(frames), len(SCALES), 2))
    return crop(
        frames, centers, place.size[:, None] * (SCALES * place.size.dtype.type(span)), pixels
    )


def window(shifts: Float[np.ndarray, " shifts"]) -> Float[np.ndarray, "shifts shifts"]:
    """A bell around no shift at all; `shifts` are in target sizes."""
    bell = np.exp(-((shifts / SMOOTHNESS) ** 2) / 2)
    return bell[:, None] * bell


def move(
    place: Place,
    response: Maps,
    shifts: Float[np.ndarray, " shifts"],
    settings: tuple,
    frame_size: tuple[int, int],
) -> Place:
    """The place of the best response.

    Args:
        place: the last one.
        response: at every scale and shift; larger is better, and none is negative at its best.
        shifts: how far down, and to the right, each place of a map is, in target sizes.
        settings: `problem.Settings`.
        frame_size: height and width.
    """
    keep_near, _, scale_penalty, damping = settings
    clips, scales, rows, columns = response.shape
    same_scale = 1 - scale_penalty * (SCALES != 1)
    best = response.max((1, 2, 3), keepdims=True)
    score = response * ((1 - keep_near) * same_scale)[:, None, None].astype(response.dtype)
    score += best * (keep_near * window(shifts)).astype(response.dtype)
    scale, row, column = np.unravel_index(
        score.reshape(clips, -1).argmax(1), (scales, rows, columns)
    )
    found = SCALES[scale].astype(place.size.dtype)
    shift = np.stack([shifts[row], shifts[column]], axis=1).astype(place.center.dtype)
    center = place.center + shift * (place.size * found)[:, None]
    size = place.size * ((1 - damping) + damping * found)
    return Place(
        center.clip(4, np.array(frame_size) - 4).astype(place.center.dtype),
        size.clip(SMALLEST, LARGEST).astype(place.size.dtype),
    )
