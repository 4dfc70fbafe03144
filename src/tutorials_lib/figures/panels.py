"""Pictures in columns, in rows and in sheets, with their names."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib.figures.style import GRID

AnyPicture = Float[np.ndarray, "_ _ *channels"]
"""Grey or in colour, from 0 to 1."""

Pictures = Float[np.ndarray, "_ height width *channels"]


def panels(
    columns: Mapping[str, Sequence[AnyPicture]],
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    width: float = 7.2,
) -> Figure:
    """A column of pictures under each name, with a note below each where there are notes."""
    rows = len(next(iter(columns.values())))
    side = width / len(columns)
    below = 0.22 if notes else 0.0
    size = (width, rows * (side + below) + 0.25)
    figure, axes = plt.subplots(rows, len(columns), figsize=size, squeeze=False)
    for place, (name, pictures) in enumerate(columns.items()):
        axes[0, place].set_title(name, fontsize=9.5, loc="center")
        for row, picture in enumerate(pictures):
            draw(axes[row, place], picture)
            if notes:
                axes[row, place].set_xlabel(notes[name][row], fontsize=8.5)
    return figure


def picture_rows(
    named: Mapping[str, Pictures], *, colors: str = "gray", width: float = 7.0
) -> Figure:
    """Pictures of one size side by side, a row for each name, which stands before it.

    Args:
        named: rows may have fewer pictures than the longest; they begin at the left, too.
        colors: the colormap of grey pictures.
        width: of the figure, in inches.
    """
    longest = max(map(len, named.values()))
    label = 0.085 * max(map(len, named)) + 0.1
    size = (width, (width - label) / longest * len(named))
    figure, axes = plt.subplots(len(named), figsize=size, squeeze=False)
    for ax, (name, pictures) in zip(axes.flat, named.items(), strict=True):
        nothing = np.full((longest - len(pictures), *pictures.shape[1:]), np.nan, np.float32)
        line = np.concatenate([pictures, nothing])[None]
        draw(ax, sheet(line, gap=max(1, line.shape[3] // 14), paper=np.nan), colors=colors)
        ax.spines[:].set_visible(False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def sheet(
    pictures: Shaped[np.ndarray, "rows columns height width *channels"],
    *,
    gap: int = 2,
    paper: float = 0.0,
) -> Shaped[np.ndarray, "tall wide *channels"]:
    """Pictures in rows and columns as one, with `gap` pixels of `paper` between two of them.

    Paper that is no number (`np.nan`) is not drawn.
    """
    num_rows, columns, height, width, *channels = pictures.shape
    shape = (num_rows, height + gap, columns, width + gap, *channels)
    framed = np.full(shape, paper, pictures.dtype)
    framed[:, :height, :, :width] = pictures.swapaxes(1, 2)
    tall, wide = num_rows * (height + gap), columns * (width + gap)
    return framed.reshape(tall, wide, *channels)[: tall - gap, : wide - gap]


def draw(
    ax: Axes,
    picture: Shaped[np.ndarray, "_ _ *channels"],
    *,
    title: str = "",
    colors: str = "gray",
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> None:
    """One picture in a thin frame; what is darker than black or lighter than white is cut off.

    Args:
        ax: where.
        picture: grey, or in colour from 0 to 1.
        title: stands above it.
        colors: the colormap of a grey picture.
        limits: what its ends stand for; None, the smallest and the largest value.
    """
    low, high = limits or (None, None)
    shown = picture if picture.ndim == 2 else picture.clip(0, 1)
    ax.imshow(shown, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=GRID)
    if title:
        ax.set_title(title, fontsize=9.5, loc="center")
