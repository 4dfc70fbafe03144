"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.vision.cnn.problem import Pictures

_WRONG, _RIGHT = figures.CYCLE[3], figures.GRID


def gallery(
    pictures: Pictures,
    captions: Sequence[str],
    *,
    columns: int,
    wrong: Bool[np.ndarray, " batch"] | None = None,
) -> Figure:
    """Pictures side by side with words above them; a thick frame marks those that are `wrong`."""
    rows = -(-len(pictures) // columns)
    lines = 1 + max(caption.count("\n") for caption in captions)
    height = 7.0 / columns + 0.19 * lines
    figure, panels = plt.subplots(rows, columns, figsize=(7.0, rows * height), squeeze=False)
    for ax in panels.flat:
        ax.axis("off")
    for i, (ax, picture, caption) in enumerate(zip(panels.flat, pictures, captions, strict=False)):
        ax.axis("on")
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(caption, fontsize=8.5, loc="center")
        ax.set(xticks=[], yticks=[])
        is_wrong = wrong is not None and wrong[i]
        ax.spines[:].set(
            visible=True, color=_WRONG if is_wrong else _RIGHT, linewidth=3 if is_wrong else 1
        )
    return figure


def confusion_matrix(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str]
) -> Figure:
    """How often each class (rows) is taken for each class (columns), as counts."""
    figure, ax = plt.subplots(figsize=(7.0, 5.4))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = ax.imshow(shares, cmap=figures.SEQUENTIAL, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = shares[row, column] < 0.6  # viridis is dark at its lower end
            color = "#ffffff" if dark else "#000000"  # on the cell, in both themes
            ax.text(column, row, str(count), ha="center", va="center", color=color, fontsize=9)
    ax.set_xticks(range(len(class_names)), class_names, rotation=40, ha="right")
    ax.set_yticks(range(len(class_names)), class_names)
    ax.set(xlabel="what the network says", ylabel="what it is")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=ax, label="share of the class", pad=0.02)
    return figure


def describe_confusion(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str]
) -> str:
    """Alternative text of `confusion_matrix`: its diagonal and the most frequent mistake."""
    row, column, count = worst_confusion(counts)
    right = np.diag(counts) / np.maximum(counts.sum(1), 1)
    return (
        f"Table of {len(counts)} by {len(counts)} classes. Between {right.min():.0%} "
        f"({class_names[right.argmin()]}) and {right.max():.0%} ({class_names[right.argmax()]}) "
        f"of a class lie on the diagonal. The most frequent mistake: {class_names[row]} taken "
        f"for {class_names[column]}, {count} times."
    )


def worst_confusion(counts: Int[np.ndarray, "classes classes"]) -> tuple[int, int, int]:
    """The class that is mistaken most often, what for, and how often."""
    mistakes = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(row), int(column), int(mistakes[row, column])


def filters(kernel: Float[np.ndarray, "rows columns 3 features"]) -> Figure:
    """Each filter of the first layer as a small colour picture; grey is a weight of zero."""
    per_row = 8
    features = kernel.shape[-1]
    num_rows = -(-features // per_row)
    figure, panels = plt.subplots(num_rows, per_row, figsize=(7.0, 0.9 * num_rows), squeeze=False)
    for ax in panels.flat:
        ax.axis("off")
    for ax, one in zip(panels.flat, np.moveaxis(kernel, -1, 0), strict=False):
        ax.imshow(0.5 + 0.5 * one / np.abs(one).max(), interpolation="nearest")
    return figure
