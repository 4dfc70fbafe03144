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
from tutorials_lib.vision.yolo.problem import NOTHING, NUM_CLASSES, Annotated, in_a_row

Edges = Float32[np.ndarray, "frames _ _ directions"]  # as many cells as the size asks for
Windows = Float32[np.ndarray, "examples numbers"]


class SlidingTemplate:
    """One template of edges for each class, slid over the frame at several sizes.

    Edges are counted by direction in cells of some pixels, in the manner of Dalal and Triggs
    (2005); the templates are those of a linear discriminant analysis against each other and
    against places where nothing is (Hariharan et al. 2012). Half of these are drawn, and half are
    the surest mistakes of templates that were learned without them. A setting is the shrinkage,
    and the overlap above which a worse box is suppressed.
    """

    settings = tuple(product((0.1, 0.3, 0.6), (0.2, 0.4, 0.6)))
    cell, cells, around = 4, 4, 1
    """Pixels of a cell, cells of an object, and cells around it that are looked at too."""

    directions = 6
    num_sizes = 6
    most = 100
    """Boxes of a frame that go on to the suppression."""

    num_empty = 4
    """Places without an object that are drawn in a frame at each size; as many are mistakes."""

    def __init__(self, train: Clips, *, seed: int) -> None:
        sizes = size_of(train.boxes[train.labels >= 0])
        low, high = np.quantile(sizes, [0.03, 0.97])
        self._sizes = np.geomspace(low, high, self.num_sizes)
        edges, objects = self.prepare(train), in_a_row(train)
        self._windows, self._labels = self._examples(edges, objects, np.random.default_rng(seed))
        mistakes = self._mistakes(edges, objects.boxes)
        self._windows = np.concatenate([self._windows, mistakes])
        self._labels = np.append(self._labels, np.full(len(mistakes), NOTHING))

    @property
    def window(self) -> int:
        """Cells on a side of a template."""
        return self.cells + 2 * self.around

    def prepare(self, clips: Clips) -> list[Edges]:
        """The edges at every size at which the templates are the size of an object."""
        scales = [self._scale(size) for size in self._sizes]
        return [
            np.concatenate([self._edges(frames, scale) for frames in clips.frames])
            for scale in scales
        ]

    def find(self, prepared: Sequence[Edges], setting: Any) -> Found:
        """The candidates with the highest scores of all sizes, without worse ones on top."""
        shrinkage, overlap = setting
        model = self._fit(shrinkage)
        boxes, scores = [], []
        for edges, size in zip(prepared, self._sizes, strict=True):
            shares = _shares(edges, model, self.window)
            row, column = np.indices(shares.shape[1:])[:2]
            scores.append(shares.reshape(len(shares), -1))
            boxes.append(self._boxes_at(row, column, size).reshape(-1, 4))
        return self._best(np.concatenate(boxes), np.concatenate(scores, axis=1), overlap)

    def _fit(self, shrinkage: float) -> LinearDiscriminantAnalysis:
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
        return model.fit(self._windows, self._labels)

    def _boxes_at(
        self, row: Int[np.ndarray, "*places"], column: Int[np.ndarray, "*places"], size: float
    ) -> Float[np.ndarray, "*places 4"]:
        """The square boxes that templates at these places stand for."""
        center = np.stack([column, row], axis=-1) * self.cell / self._scale(size)
        return np.concatenate([center - size / 2, center + size / 2], axis=-1)

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

    def _edges(self, frames: UInt8[np.ndarray, "frames height width 3"], scale: float) -> Edges:
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
        self, edges: Sequence[Edges], objects: Annotated, rng: np.random.Generator
    ) -> tuple[Windows, Int[np.ndarray, " examples"]]:
        """Windows around objects at the size that suits each best, and in other places."""
        _, boxes, labels = objects
        nearest = np.abs(np.log(size_of(boxes) + 1e-6)[..., None] - np.log(self._sizes)).argmin(-1)
        windows, named = [], []
        for number, (scaled, size) in enumerate(zip(edges, self._sizes, strict=True)):
            frame, thing = np.nonzero((labels >= 0) & (nearest == number))
            center = (boxes[frame, thing, :2] + boxes[frame, thing, 2:]) / 2
            column, row = np.round(center * self._scale(size) / self.cell).astype(int).T
            windows.append(self._cut(scaled, frame, row, column))
            named.append(labels[frame, thing])
            shape = len(scaled), self.num_empty
            row, column = (
                rng.integers(side - self.window + 1, size=shape) for side in scaled.shape[1:3]
            )
            windows.append(self._empty(scaled, boxes, row, column, size))
            named.append(np.full(len(windows[-1]), NOTHING))
        return np.concatenate(windows), np.concatenate(named)

    def _mistakes(self, edges: Sequence[Edges], boxes: Float32[np.ndarray, "_ _ 4"]) -> Windows:
        """Windows at the surest places of each frame and size where no object is."""
        model = self._fit(self.settings[len(self.settings) // 2][0])
        windows = []
        for scaled, size in zip(edges, self._sizes, strict=True):
            sure = _shares(scaled, model, self.window).max(-1)
            surest = np.argsort(-sure.reshape(len(sure), -1), axis=1)[:, : 2 * self.num_empty]
            row, column = np.divmod(surest, sure.shape[2])
            windows.append(self._empty(scaled, boxes, row, column, size))
        return np.concatenate(windows)

    def _empty(
        self,
        edges: Edges,
        boxes: Float32[np.ndarray, "frames objects 4"],
        row: Int[np.ndarray, "frames places"],
        column: Int[np.ndarray, "frames places"],
        size: float,
    ) -> Windows:
        """Those of the windows at these places of each frame that hold no object."""
        overlaps = iou(self._boxes_at(row, column, size)[:, :, None], boxes[:, None])
        frame, place = np.nonzero(overlaps.max(2) < 0.3)
        return self._cut(edges, frame, row[frame, place], column[frame, place])

    def _cut(self, edges: Edges, frame: np.ndarray, row: np.ndarray, column: np.ndarray) -> Windows:
        row = row.clip(0, edges.shape[1] - self.window)
        column = column.clip(0, edges.shape[2] - self.window)
        reach = np.arange(self.window)
        cut = edges[
            frame[:, None, None],
            row[:, None, None] + reach[:, None],
            column[:, None, None] + reach,
        ]
        return cut.reshape(len(frame), self.window**2 * self.directions)


def _shares(
    edges: Edges, model: LinearDiscriminantAnalysis, window: int
) -> Float32[np.ndarray, "frames places_down places_across classes"]:
    """The probability of each class at every place, by the templates that fit there."""
    shape = (window, window, edges.shape[-1], NUM_CLASSES + 1)
    templates = jnp.asarray(model.coef_.T.reshape(shape), jnp.float32)
    layout = ("NHWC", "HWIO", "NHWC")
    slid = jax.lax.conv_general_dilated(
        jnp.asarray(edges), templates, (1, 1), "VALID", dimension_numbers=layout
    )
    logits = np.asarray(slid) + model.intercept_.astype(np.float32)
    return softmax(logits, axis=-1)[..., :NUM_CLASSES]
