"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.generative.gan.problem import NUM_CLASSES

Drawn = Float[np.ndarray, "drawn 28 28 1"]
Grid = Float[np.ndarray, "rows columns 28 28 1"]

_GAP = 2
"""Pixels of paper between two digits."""


def by_digit(images: Drawn, labels: np.ndarray, *, rows: int) -> Grid:
    """The first `rows` pictures for each digit, a column each; paper where there are fewer."""
    grid = np.zeros((rows, NUM_CLASSES, *images.shape[1:]), images.dtype)
    for digit in range(NUM_CLASSES):
        found = images[labels == digit][:rows]
        grid[: len(found), digit] = found
    return grid


def sheets(panels: Mapping[str, Grid], *, columns: int = 2) -> Figure:
    """Sheets of digits with a title each, so many side by side."""
    height, width = next(iter(panels.values())).shape[:2]
    rows = -(-len(panels) // columns)
    side = 7.0 / columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(7.0, rows * (side * height / width + 0.25)), squeeze=False
    )
    for ax, (name, grid) in zip(axes.flat, panels.items(), strict=False):
        _draw(ax, grid)
        ax.set_title(name, fontsize=9.5, loc="center")
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    return figure


def growing(frames: Sequence[Grid]) -> Iterator[Figure]:
    """One sheet of digits a frame, all of one size."""
    for grid in frames:
        height, width = grid.shape[:2]
        figure, ax = plt.subplots(figsize=(6.0, 6.0 * height / width))
        _draw(ax, grid)
        yield figure


def strip(frames: Sequence[Grid], labels: Sequence[str]) -> Figure:
    """One row of digits of each frame, below each other, for print."""
    figure, axes = plt.subplots(len(frames), figsize=(7.0, 0.62 * len(frames)), squeeze=False)
    for ax, grid, label in zip(axes.flat, frames, labels, strict=True):
        _draw(ax, grid[:1])
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def rows_of_digits(rows: Mapping[str, Drawn]) -> Figure:
    """A row of digits for each name."""
    count = max(map(len, rows.values()))
    figure, axes = plt.subplots(len(rows), figsize=(7.0, 6.0 / count * len(rows)), squeeze=False)
    for ax, (name, images) in zip(axes.flat, rows.items(), strict=True):
        _draw(ax, images[None])
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def _draw(ax: Axes, grid: Grid) -> None:
    rows, columns, height, width, _ = grid.shape
    sheet = np.zeros((rows, height + _GAP, columns, width + _GAP), np.float32)
    sheet[:, :height, :, :width] = grid[..., 0].transpose(0, 2, 1, 3)
    sheet = sheet.reshape(rows * (height + _GAP), -1)[:-_GAP, :-_GAP]
    ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=figures.GRID)
