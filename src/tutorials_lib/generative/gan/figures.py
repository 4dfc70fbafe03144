"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib.figures import panels
from tutorials_lib.generative.gan.problem import NUM_CLASSES

Drawn = Float[np.ndarray, "drawn 28 28 1"]
Grid = Float[np.ndarray, "rows columns 28 28 1"]


def by_digit(images: Drawn, labels: np.ndarray, *, rows: int) -> Grid:
    """The first `rows` pictures for each digit, a column each; paper where there are fewer."""
    grid = np.zeros((rows, NUM_CLASSES, *images.shape[1:]), images.dtype)
    for digit in range(NUM_CLASSES):
        found = images[labels == digit][:rows]
        grid[: len(found), digit] = found
    return grid


def sheets(grids: Mapping[str, Grid], *, columns: int = 2) -> Figure:
    """Sheets of digits with a title each, so many side by side."""
    height, width = next(iter(grids.values())).shape[:2]
    rows = -(-len(grids) // columns)
    side = 7.0 / columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(7.0, rows * (side * height / width + 0.25)), squeeze=False
    )
    for ax, (name, grid) in zip(axes.flat, grids.items(), strict=False):
        panels.draw(ax, panels.sheet(grid[..., 0]), title=name, colors="gray_r")
    for ax in axes.flat[len(grids) :]:
        ax.set_visible(False)
    return figure


def growing(frames: Sequence[Grid]) -> Iterator[Figure]:
    """One sheet of digits a frame, all of one size."""
    for grid in frames:
        height, width = grid.shape[:2]
        figure, ax = plt.subplots(figsize=(6.0, 6.0 * height / width))
        panels.draw(ax, panels.sheet(grid[..., 0]), colors="gray_r")
        yield figure


def strip(frames: Sequence[Grid], labels: Sequence[str]) -> Figure:
    """One row of digits of each frame, below each other, for print."""
    first = (grid[0, ..., 0] for grid in frames)
    return panels.picture_rows(dict(zip(labels, first, strict=True)), colors="gray_r")


def rows_of_digits(rows: Mapping[str, Drawn]) -> Figure:
    """A row of digits for each name."""
    return panels.picture_rows(
        {name: images[..., 0] for name, images in rows.items()}, colors="gray_r"
    )
