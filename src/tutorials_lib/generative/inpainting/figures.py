"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from tutorials_lib.figures import panels

Flat = Float[np.ndarray, "pictures pixels"]
Square = Float[np.ndarray, "height width *channels"]

HOLE = (0.35, 0.55, 0.85)
"""The colour of what is missing: no grey, so that it is not taken for a part of the picture."""


def squares(pictures: Flat) -> list[Square]:
    """Rows of pixels as pictures of equal height and width."""
    side = round(pictures.shape[1] ** 0.5)
    return list(pictures.reshape(-1, side, side))


def with_holes(pictures: Flat, missing: Bool[np.ndarray, "pictures pixels"]) -> list[Square]:
    """Pictures whose missing pixels have the colour `HOLE`."""
    side = round(pictures.shape[1] ** 0.5)
    colored = np.where(missing[..., None], np.array(HOLE), pictures[..., None])
    return list(colored.reshape(-1, side, side, 3))


def growing(frames: Sequence[Flat]) -> Iterator[Figure]:
    """A row of pictures a frame, all of one size."""
    for pictures in frames:
        yield _rows({"": pictures}, width=7.0)


def strip(frames: Sequence[Flat], labels: Sequence[str]) -> Figure:
    """The rows of all frames below each other, for print."""
    return _rows(dict(zip(labels, frames, strict=True)), width=7.0)


def _rows(rows: Mapping[str, Flat], *, width: float) -> Figure:
    count = max(len(pictures) for pictures in rows.values())
    size = (width, len(rows) * width / count)
    figure, axes = plt.subplots(len(rows), count, figsize=size, squeeze=False)
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        for ax, picture in zip(row, squares(pictures), strict=True):
            panels.draw(ax, picture)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    return figure
