"""Which class is taken for which, as a table in colours."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Num
from matplotlib.figure import Figure

from tutorials_lib.figures.style import SEQUENTIAL


class Mistake(NamedTuple):
    """A class that is taken for another one.

    Attributes:
        true: the number of the class that it is.
        told: the number of the class that it is taken for.
        size: how often, or in which share of the class.
    """

    true: int
    told: int
    size: float


def largest_mistake(told: Num[np.ndarray, "classes classes"]) -> Mistake:
    """The largest entry beside the diagonal of a table of counts or of shares."""
    mistakes = np.where(np.eye(len(told), dtype=bool), 0, told)
    row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return Mistake(int(row), int(column), mistakes[row, column].item())


def confusion_matrix(
    told: Num[np.ndarray, "classes classes"],
    class_names: Sequence[str],
    *,
    size: tuple[float, float],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """How often each class (rows) is taken for each class (columns), coloured by the row's shares.

    Args:
        told: counts, which are written where they are not zero, or shares, written with two places.
        class_names: a name for every row and column.
        size: of the figure, in inches.
        xlabel: what the columns are.
        ylabel: what the rows are.
    """
    figure, ax = plt.subplots(figsize=size)
    shares = told / np.maximum(told.sum(1, keepdims=True), np.finfo(float).tiny)
    image = ax.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(told):
        text = f"{value:.2f}" if told.dtype.kind == "f" else str(value or "")
        dark = shares[row, column] < 0.6  # viridis is dark at its lower end
        color = "#ffffff" if dark else "#000000"  # on the cell, in both themes
        ax.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    crowded = len(class_names) > 5
    ax.set_xticks(range(len(class_names)), class_names)
    if crowded:
        ax.tick_params(axis="x", labelrotation=40)
        plt.setp(ax.get_xticklabels(), ha="right")
    ax.set_yticks(range(len(class_names)), class_names)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=ax, label="share of the class", pad=0.02)
    return figure
