"""A rival: what differs from the background, where the motion of the camera is given."""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed
from sklearn.ensemble import RandomForestClassifier

from tutorials_lib.datasets.moving_shapes import Clips
from tutorials_lib.metrics.detection import Found, iou
from tutorials_lib.vision.yolo.problem import NOTHING, NUM_CLASSES, in_a_row, truth_of


class Prepared(NamedTuple):
    """How much every pixel differs from the background, and its colour."""

    differences: Float32[np.ndarray, "frames height width"]
    frames: UInt8[np.ndarray, "frames height width 3"]


class BackgroundSubtraction:
    """What differs from the background, cut into blobs, and named by the shape of each.

    The motion of the camera is given to it, so it can lay the frames of a clip over each other:
    the median at each place is the background. Of a still picture it is the colour that only a
    tenth of the pixels is brighter than. A setting is the least difference that counts, and the
    radius below which a blob is noise.

    Args:
        train: clips to learn from.
        step: every how many frames of each clip is learned from.
        seed: of the forest.
    """

    settings = tuple(product((0.1, 0.14, 0.18, 0.25), (0, 1)))

    def __init__(self, train: Clips, step: int, *, seed: int) -> None:
        self._learned = [each[::step] for each in (*self.prepare(train), *truth_of(train))]
        self._seed = seed

    def prepare(self, clips: Clips) -> Prepared:
        """How much every pixel differs from the background, in its strongest colour."""
        pairs = zip(clips.frames, clips.origins, strict=True)
        differences = np.concatenate([_differences(frames, origins) for frames, origins in pairs])
        return Prepared(differences, in_a_row(clips).frames)

    def find(self, prepared: Prepared, setting: Any) -> Found:
        """Every blob three times, with the share of trees for each class as its score."""
        forest = self._forest(setting)
        blobs = [_blobs(*each, *setting) for each in zip(*prepared, strict=True)]
        count = max(1, *(len(boxes) for boxes, _ in blobs))
        boxes = np.zeros((len(blobs), count, NUM_CLASSES, 4))
        scores = np.zeros((len(blobs), count, NUM_CLASSES))
        place = [(frame, i) for frame, (found, _) in enumerate(blobs) for i in range(len(found))]
        if place:
            shares = np.zeros((len(place), NUM_CLASSES + 1))
            features = np.concatenate([features for _, features in blobs])
            shares[:, forest.classes_] = forest.predict_proba(features)
            at = tuple(np.transpose(place))
            boxes[at] = np.concatenate([found for found, _ in blobs])[:, None]
            scores[at] = shares[:, :NUM_CLASSES]
        labels = np.broadcast_to(np.arange(NUM_CLASSES), scores.shape)
        frames = len(blobs)
        return Found(
            boxes.reshape(frames, -1, 4), scores.reshape(frames, -1), labels.reshape(frames, -1)
        )

    def _forest(self, setting: Any) -> RandomForestClassifier:
        """Trees that tell the class of a blob by shape and colour; some blobs are nothing."""
        features, labels = [], []
        for difference, frame, boxes, there in zip(*self._learned, strict=True):
            found, shapes = _blobs(difference, frame, *setting)
            if len(found):
                overlaps = np.where(there >= 0, iou(found[:, None], boxes), 0)
                named = np.where(overlaps.max(1) >= 0.5, there[overlaps.argmax(1)], NOTHING)
                features.append(shapes)
                labels.append(named)
        forest = RandomForestClassifier(100, min_samples_leaf=2, random_state=self._seed)
        return forest.fit(np.concatenate(features), np.concatenate(labels))


def _differences(
    frames: UInt8[np.ndarray, "frames height width 3"], origins: Float32[np.ndarray, "frames 2"]
) -> Float32[np.ndarray, "frames height width"]:
    """Of one clip, after the flicker of the light has been taken out."""
    light = np.median(frames.mean(-1), axis=(1, 2))
    shown = frames / light.astype(np.float32)[:, None, None, None]
    if len(shown) == 1:
        background = np.quantile(shown, 0.9, axis=(1, 2), keepdims=True)
        return np.abs(shown - background.astype(np.float32)).max(-1)
    height, width = frames.shape[1:3]
    whole_pixels, parts = np.divmod(origins - np.floor(origins.min(0)), 1)
    places = [
        (slice(row, row + height), slice(column, column + width))
        for row, column in whole_pixels.astype(int)
    ]
    pairs = zip(shown, parts.tolist(), strict=True)
    shown = [_shift(frame, part) for frame, part in pairs]
    whole = max(rows.stop for rows, _ in places), max(columns.stop for _, columns in places)
    laid = np.full((len(shown), *whole, 3), np.nan, np.float32)
    for sheet, place, frame in zip(laid, places, shown, strict=True):
        sheet[place] = frame
    middle = (~np.isnan(laid)).sum(0).clip(1) // 2
    scene = np.take_along_axis(np.sort(laid, axis=0), middle[None], axis=0)[0]  # NaN come last
    found = [abs(frame - scene[place]) for frame, place in zip(shown, places, strict=True)]
    back = zip(found, (-parts).tolist(), strict=True)
    return np.stack([_shift(difference, part).max(-1) for difference, part in back])


def _shift(
    frame: Float32[np.ndarray, "height width 3"], part: list[float]
) -> Float32[np.ndarray, "height width 3"]:
    """The frame moved down and to the right by parts of a pixel."""
    return ndimage.shift(frame, (*part, 0), order=1, mode="nearest")


def _blobs(
    difference: Float32[np.ndarray, "height width"],
    frame: UInt8[np.ndarray, "height width 3"],
    least: float,
    radius: int,
) -> tuple[Float[np.ndarray, "blobs 4"], Float[np.ndarray, "blobs features"]]:
    """The box and the shape of each part of what differs enough.

    A part that is narrow in the middle is cut there: the ridges between the summits of the distance
    from its edge are its borders (watershed).
    """
    square = np.ones((2 * radius + 1, 2 * radius + 1), bool)
    mask = ndimage.gaussian_filter(difference, 0.7) > least
    mask = ndimage.binary_closing(ndimage.binary_opening(mask, square), square)
    mask = ndimage.binary_fill_holes(mask)
    depth = ndimage.distance_transform_edt(mask)
    summits = peak_local_max(
        depth, min_distance=4, labels=ndimage.label(mask)[0], exclude_border=False
    )
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(summits.T)] = np.arange(1, len(summits) + 1)
    regions = watershed(-depth, seeds, mask=mask)
    boxes, shapes = [], []
    for number, place in enumerate(ndimage.find_objects(regions), start=1):
        blob = regions[place] == number if place else np.zeros((0, 0), bool)
        if blob.sum() >= 20:
            rows, columns = place
            boxes.append([columns.start, rows.start, columns.stop, rows.stop])
            shapes.append([*_describe(blob), *frame[place][blob].mean(0)])
    return np.reshape(boxes, (-1, 4)).astype(float), np.reshape(shapes, (-1, _NUM_SHAPES))


_NUM_SHAPES = 13


def _describe(blob: Bool[np.ndarray, "height width"]) -> list[Any]:
    """Numbers that tell shapes apart: how full, jagged, long, three- and four-sided a blob is."""
    down, right = (place - place.mean() for place in np.nonzero(blob))
    height, width = blob.shape
    area, distance = len(down), np.hypot(down, right)
    edge = (blob & ~ndimage.binary_erosion(blob)).sum()
    short, long = np.linalg.eigvalsh(np.cov([down, right]) + 1e-6 * np.eye(2))
    around = right + 1j * down
    return [
        area / (height * width),
        edge**2 / area,
        distance.max() / area**0.5,
        short / long,
        abs((around**3).mean()) / area**1.5,
        abs((around**4).mean()) / area**2,
        (distance**4).mean() / area**2,
        area,
        height,
        width,
    ]
