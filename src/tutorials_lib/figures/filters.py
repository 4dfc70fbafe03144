"""What the kernels of a layer look for, as small pictures."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib.figures.panels import draw
from tutorials_lib.figures.style import DIVERGING


def filter_pictures(
    kernels: Float[np.ndarray, "features rows columns *channels"],
    *,
    per_row: int = 8,
    names: Sequence[str] = (),
    width: float = 7.0,
) -> Figure:
    """Each kernel on a scale of its own: in colour where it has three channels.

    Without channels a weight below zero has one colour and a weight above zero another; in colour,
    a weight of zero is middle grey.

    Args:
        kernels: one after the other, line by line.
        per_row: kernels in a line.
        names: of the lines, written before them.
        width: of the figure, in inches.
    """
    lines = -(-len(kernels) // per_row)
    size = (width, width / per_row * lines)
    figure, axes = plt.subplots(lines, per_row, figsize=size, squeeze=False)
    for ax in axes.flat[len(kernels) :]:
        ax.axis("off")
    for ax, kernel in zip(axes.flat, kernels, strict=False):
        reach = float(np.abs(kernel).max()) or 1.0
        if kernel.ndim == 2:
            draw(ax, kernel, colors=DIVERGING, limits=(-reach, reach))
        else:
            draw(ax, 0.5 + kernel / (2 * reach))
    for ax, name in zip(axes[:, 0], names, strict=False):
        ax.set_ylabel(name, fontsize=9.5, rotation=0, ha="right", va="center")
    return figure
