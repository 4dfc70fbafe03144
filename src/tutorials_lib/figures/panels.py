"""Pictures in columns, each column under its name."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib.figures.style import GRID

AnyPicture = Float[np.ndarray, "_ _ *channels"]
"""Grey or in colour, from 0 to 1."""


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


def draw(ax: Axes, picture: AnyPicture) -> None:
    """One picture in a thin frame; what is darker than black or lighter than white is cut off."""
    ax.imshow(picture.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=GRID)
