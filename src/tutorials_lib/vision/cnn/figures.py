"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorials_lib import figures
from tutorials_lib.figures import confusion
from tutorials_lib.figures.filters import filter_pictures
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


BAR = np.array([[0, 0, 9, 9, 9, 0, 0, 0]] * 3)
"""A grey picture of three rows: a bright bar between two dark parts."""

EDGE = np.array([[-1, 0, 1]] * 3)
"""A kernel that answers to upright edges from dark to bright."""


def answers(
    picture: Int[np.ndarray, "3 columns"], kernel: Int[np.ndarray, "3 3"]
) -> Int[np.ndarray, " places"]:
    """What the kernel says at every place where it lies inside the picture: one row of numbers."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 3))[0]
    return (windows * kernel).sum((1, 2))


def slide_frames(
    picture: Int[np.ndarray, "3 columns"], kernel: Int[np.ndarray, "3 3"]
) -> Iterator[Figure]:
    """The kernel at one place after the other, above the feature map up to there."""
    for place, answer in enumerate(answers(picture, kernel)):
        figure, ax = plt.subplots(figsize=(6.4, 3.0))
        _slide(ax, picture, kernel, place)
        ax.set_title(f"multiply what lies on each other, add up: {answer}")
        yield figure


def slide_strip(picture: Int[np.ndarray, "3 columns"], kernel: Int[np.ndarray, "3 3"]) -> Figure:
    """The first, a middle and the last place, below each other, for print."""
    last = len(answers(picture, kernel)) - 1
    figure, panels = plt.subplots(nrows=3, figsize=(4.6, 6.0))
    for ax, place in zip(panels, (0, last // 2, last), strict=True):
        _slide(ax, picture, kernel, place)
    return figure


def _slide(ax: Axes, picture: np.ndarray, kernel: np.ndarray, place: int) -> None:
    rows, columns = picture.shape
    ax.imshow(picture, cmap="gray", vmin=-18, vmax=10, extent=(0, columns, rows, 0))
    for (row, column), value in np.ndenumerate(picture):
        ax.text(column + 0.3, row + 0.6, str(value), color="#000000")  # on the grey, in both themes
    for (row, column), weight in np.ndenumerate(kernel):
        x, y = place + column + 0.93, row + 0.35
        ax.text(x, y, f"×{weight}", color="#7a1740", fontsize=8, ha="right")
    frame = {"fill": False, "edgecolor": figures.CYCLE[3], "linewidth": 2.5, "clip_on": False}
    ax.add_patch(Rectangle((place, 0), 3, rows, **frame))
    ax.text(-0.2, rows / 2, "picture", ha="right", va="center")
    ax.text(-0.2, rows + 1.1, "feature map", ha="right", va="center")
    for i, answer in enumerate(answers(picture, kernel)):
        ax.add_patch(Rectangle((i + 1, rows + 0.6), 1, 1, fill=False, edgecolor=figures.MUTED))
        if i <= place:
            ax.text(i + 1.5, rows + 1.1, str(answer), ha="center", va="center", weight="bold")
    ax.set(xlim=(-2.4, columns), ylim=(rows + 1.8, 0))
    ax.axis("off")


def describe_slide(picture: Int[np.ndarray, "3 columns"], kernel: Int[np.ndarray, "3 3"]) -> str:
    """Alternative text of `slide_frames`."""
    numbers = ", ".join(map(str, answers(picture, kernel)))
    return (
        f"A grey picture of {picture.shape[0]} by {picture.shape[1]} numbers with the frame of a "
        f"kernel, which moves to the right by one column in each frame. Below, its answers: "
        f"{numbers}."
    )


def confusion_matrix(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str]
) -> Figure:
    """How often each class (rows) is taken for each class (columns), as counts."""
    return confusion.confusion_matrix(
        counts,
        class_names,
        size=(7.0, 5.4),
        xlabel="what the network says",
        ylabel="what it is",
    )


def describe_confusion(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str]
) -> str:
    """Alternative text of `confusion_matrix`: its diagonal and the most frequent mistake."""
    row, column, count = confusion.largest_mistake(counts)
    right = np.diag(counts) / np.maximum(counts.sum(1), 1)
    return (
        f"Table of {len(counts)} by {len(counts)} classes. Between {right.min():.0%} "
        f"({class_names[right.argmin()]}) and {right.max():.0%} ({class_names[right.argmax()]}) "
        f"of a class lie on the diagonal. The most frequent mistake: {class_names[row]} taken "
        f"for {class_names[column]}, {count} times."
    )


def filters(kernel: Float[np.ndarray, "rows columns 3 features"]) -> Figure:
    """Each filter of the first layer as a small colour picture; grey is a weight of zero."""
    return filter_pictures(np.moveaxis(kernel, -1, 0))
