"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Sequence

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
    return list(_squares(pictures))


def with_holes(pictures: Flat, missing: Bool[np.ndarray, "pictures pixels"]) -> list[Square]:
    """Pictures whose missing pixels have the colour `HOLE`."""
    side = round(pictures.shape[1] ** 0.5)
    colored = np.where(missing[..., None], np.array(HOLE), pictures[..., None])
    return list(colored.reshape(-1, side, side, 3))


def growing(frames: Sequence[Flat]) -> Iterator[Figure]:
    """A row of pictures a frame, all of one size."""
    for pictures in frames:
        yield panels.picture_rows({"": _squares(pictures)})


def strip(frames: Sequence[Flat], labels: Sequence[str]) -> Figure:
    """The rows of all frames below each other, for print."""
    return panels.picture_rows(dict(zip(labels, map(_squares, frames), strict=True)))


def _squares(pictures: Flat) -> Float[np.ndarray, "pictures side side"]:
    side = round(pictures.shape[1] ** 0.5)
    return pictures.reshape(-1, side, side)
