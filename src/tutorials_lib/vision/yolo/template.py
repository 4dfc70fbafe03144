"""A rival: a template of edges for each class, slid over the frame."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from scipy import ndimage
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tutorials_lib.datasets.moving_shapes import Clips
from tutorials_lib.metrics.detection import Found, iou, size_of
from tutorials_lib.vision.yolo import in_numpy
from tutorials_lib.vision.yolo.problem import NOTHING, NUM_CLASSES, in_a_row


class SlidingTemplate:
    """One template of edges for each class, slid over the frame at several sizes.

    Edges are counted by direction in cells of some pixels, in the manner of Dalal and Triggs
    (2005); the templates are those of a linear discriminant analysis against each other and
    against places where nothing is (Hariharan et al. 2012). A setting is its shrinkage, and the
    overlap above which a worse box is suppressed.
    """

    settings = tuple(product((0.1, 0.3, 0.6), (0.2, 0.4, 0.6)))
    cell, cells, around = 4, 4, 1
    """Pixels of a cell, cells of an object, and cells around it that are looked at too."""

    directions = 6
    num_sizes = 6
    most = 100
    """Boxes of a frame that go on to the suppression."""

    def __init__(self, train: Clips, *, seed: int) -> None:
        sizes = size_of(train.boxes[train.labels >= 0])
        low, high = np.quantile(sizes, [0.03, 0.97])
        self._sizes = np.geomspace(low, high, self.num_sizes)
        self._windows, self._labels = self._examples(train, np.random.default_rng(seed))

    @property
    def window(self) -> int:
        """Cells on a side of a template."""
        return self.cells + 2 * self.around

    def prepare(self, clips: Clips) -> list[Float32[np.ndarray, "frames rows columns directions"]]:
        """The edges at every size at which the templates are the size of an object."""
        scales = [self._scale(size) for size in self._sizes]
        return [
            np.concatenate([self._edges(frames, scale) for frames in clips.frames])
            for scale in scales
        ]

    def find(self, prepared: Sequence[Float32[np.ndarray, "_ _ _ _"]], setting: Any) -> Found:
        """The candidates with the highest scores of all sizes, without worse ones on top."""
        shrinkage, overlap = setting
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
        model.fit(self._windows, self._labels)
        shape = (self.window, self.window, self.directions, NUM_CLASSES + 1)
        templates = model.coef_.T.reshape(shape).astype(np.float32)
        boxes, scores = [], []
        for edges, size in zip(prepared, self._sizes, strict=True):
            logits = _slide(edges, templates) + model.intercept_.astype(np.float32)
            shares = softmax(logits, axis=-1)[..., :NUM_CLASSES]
            row, column, _ = np.indices(shares.shape[1:]) * self.cell / self._scale(size)
            half = size / 2
            box = np.stack([column - half, row - half, column + half, row + half], axis=-1)
            scores.append(shares.reshape(len(shares), -1))
            boxes.append(box.reshape(-1, 4))
        return self._best(np.concatenate(boxes), np.concatenate(scores, axis=1), overlap)

    def _best(
        self,
        boxes: Float[np.ndarray, "places 4"],
        scores: Float32[np.ndarray, "frames places"],
        overlap: float,
    ) -> Found:
        places = np.argsort(-scores, axis=1)[:, : self.most]
        labels = (places % NUM_CLASSES).astype(np.int32)
        stays = in_numpy.suppress(boxes[places], labels, overlap)
        return Found(boxes[places], np.take_along_axis(scores, places, axis=1) * stays, labels)

    def _scale(self, size: float) -> float:
        return self.cell * self.cells / size

    def _edges(
        self, frames: UInt8[np.ndarray, "frames height width 3"], scale: float
    ) -> Float32[np.ndarray, "frames rows columns directions"]:
        """How strong edges of each direction are in each cell, for the strength nearby.

        Half a window of empty cells is added on all sides.
        """
        scaled = ndimage.zoom(frames.astype(np.float32), (1, scale, scale, 1), order=1)
        count, height, width, _ = scaled.shape
        rows, columns = height // self.cell, width // self.cell
        scaled = scaled[:, : rows * self.cell, : columns * self.cell]
        slopes = np.gradient(scaled, axis=2) + 1j * np.gradient(scaled, axis=1)
        strongest = np.abs(slopes).argmax(-1)[..., None]
        slope = np.take_along_axis(slopes, strongest, axis=-1)[..., 0].astype(np.complex64)
        # A square has the same direction for light on dark and for dark on light.
        turned = slope**2 / (np.abs(slope) + np.float32(1))
        axes = np.exp(-2j * np.pi * np.arange(self.directions) / self.directions)
        strength = (turned[..., None] * axes.astype(np.complex64)).real.clip(0)
        cells = strength.reshape(count, rows, self.cell, columns, self.cell, -1).mean((2, 4))
        nearby = ndimage.uniform_filter(cells.sum(-1), (0, 3, 3))[..., None]
        pad = ((0, 0), (self.window // 2,) * 2, (self.window // 2,) * 2, (0, 0))
        return np.pad(cells / (nearby + np.float32(5)), pad)

    def _examples(
        self, train: Clips, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "examples numbers"], Int[np.ndarray, " examples"]]:
        """Windows around objects at the size that suits each best, and in other places."""
        _, boxes, labels = in_a_row(train)
        nearest = np.abs(np.log(size_of(boxes) + 1e-6)[..., None] - np.log(self._sizes)).argmin(-1)
        windows, named = [], []
        for number, edges in enumerate(self.prepare(train)):
            scale = self._scale(self._sizes[number]) / self.cell
            frame, thing = np.nonzero((labels >= 0) & (nearest == number))
            center = (boxes[frame, thing, :2] + boxes[frame, thing, 2:]) / 2
            column, row = np.round(center * scale).astype(int).T
            windows.append(self._cut(edges, frame, row, column))
            named.append(labels[frame, thing])
            frame, row, column = self._elsewhere(edges, boxes, self._sizes[number], rng)
            windows.append(self._cut(edges, frame, row, column))
            named.append(np.full(len(frame), NOTHING))
        return np.concatenate(windows), np.concatenate(named)

    def _elsewhere(
        self, edges: np.ndarray, boxes: np.ndarray, size: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Four places in each frame, without those at which a box would overlap an object."""
        count, rows, columns, _ = edges.shape
        frame = np.arange(count).repeat(4)
        row = rng.integers(rows - self.window + 1, size=len(frame))
        column = rng.integers(columns - self.window + 1, size=len(frame))
        center = np.stack([column, row], axis=-1) * self.cell / self._scale(size)
        box = np.concatenate([center - size / 2, center + size / 2], axis=-1)
        empty = iou(box[:, None], boxes[frame]).max(1) < 0.3
        return frame[empty], row[empty], column[empty]

    def _cut(
        self, edges: np.ndarray, frame: np.ndarray, row: np.ndarray, column: np.ndarray
    ) -> Float32[np.ndarray, "examples numbers"]:
        row = row.clip(0, edges.shape[1] - self.window)
        column = column.clip(0, edges.shape[2] - self.window)
        reach = np.arange(self.window)
        cut = edges[
            frame[:, None, None],
            row[:, None, None] + reach[:, None],
            column[:, None, None] + reach,
        ]
        return cut.reshape(len(frame), self.window**2 * self.directions)


def _slide(
    edges: Float32[np.ndarray, "frames rows columns directions"],
    templates: Float32[np.ndarray, "window window directions classes"],
) -> Float32[np.ndarray, "frames places_down places_across classes"]:
    """How well each template fits at every place."""
    layout = ("NHWC", "HWIO", "NHWC")
    arrays = jnp.asarray(edges), jnp.asarray(templates)
    slid = jax.lax.conv_general_dilated(*arrays, (1, 1), "VALID", dimension_numbers=layout)
    return np.asarray(slid)
