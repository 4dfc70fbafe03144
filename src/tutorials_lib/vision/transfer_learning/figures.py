"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures import panels
from tutorials_lib.vision.transfer_learning.evaluation import JUDGED
from tutorials_lib.vision.transfer_learning.problem import NUM_CLASSES, SCRATCH, Labelled
from tutorials_lib.vision.transfer_learning.rivals import Accuracies

_NUM_ROWS = 4

_STYLES: dict[str, tuple[Any, str]] = {JUDGED: ("-", "o"), SCRATCH: ("--", "s")}
"""Dashes and marker of the curves that stand in several figures."""

_OTHER_STYLES: tuple[tuple[Any, str], ...] = (
    ("-.", "^"),
    ((0, (8, 2, 1, 2, 1, 2)), "D"),
    ((0, (2, 1)), "v"),
)
"""Those of the others, so that nobody has to tell colours apart."""

Ink = Float[np.ndarray, "pictures 8 8 1"]


def learning_curves(
    accuracies: Mapping[str, Accuracies], numbers: Sequence[int], *, floor: float | None = None
) -> Figure:
    """Test accuracy against the number of labels, with one standard deviation over the draws.

    Every curve has dashes and a marker of its own: the judged strategy is solid, random weights
    are dashed, and the next one is dash-dotted. A dotted line stands at `floor`, the accuracy
    without any label.
    """
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    places, others = np.arange(len(numbers)), iter(_OTHER_STYLES)
    for i, (name, each) in enumerate(accuracies.items()):
        color = figures.COLORS["jax"] if name == JUDGED else figures.CYCLE[i]
        dashes, marker = _STYLES.get(name) or next(others)
        ax.errorbar(
            places + 0.03 * (i - (len(accuracies) - 1) / 2),
            each.test.mean(1),
            each.test.std(1, ddof=1),
            color=color,
            marker=marker,
            markersize=4.5,
            capsize=3,
            linestyle=dashes,
            label=name,
        )
    if floor is not None:
        ax.axhline(floor, color=figures.MUTED, linewidth=1, linestyle=":", label="no label")
    ax.set(xlabel="labels", ylabel="test accuracy")
    ax.set_xticks(places, [str(number) for number in numbers])
    ax.legend(handlelength=4, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def describe_learning_curves(
    accuracies: Mapping[str, Accuracies], numbers: Sequence[int], *, floor: float | None = None
) -> str:
    """Alternative text of `learning_curves`."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{mean:.2f}" for mean in each.test.mean(1))
        for name, each in accuracies.items()
    )
    below = "" if floor is None else f" A dotted line, no label at all, lies at {floor:.2f}."
    return f"Line chart of test accuracy with {', '.join(map(str, numbers))} labels: {told}.{below}"


def two_sets(sets: Mapping[str, Labelled]) -> Figure:
    """Some of each digit, a column each; a panel for every data set."""
    figure, axes = plt.subplots(ncols=len(sets), figsize=(7.0, 1.75), squeeze=False)
    for ax, (name, data) in zip(axes.flat, sets.items(), strict=True):
        chosen = [np.flatnonzero(data.labels == d)[:_NUM_ROWS] for d in range(NUM_CLASSES)]
        tiles = data.images[np.stack(chosen, axis=1), ..., 0]
        panels.draw(ax, panels.sheet(tiles, gap=1), title=name, colors="gray_r")
    return figure


def beliefs(image: Float[np.ndarray, "8 8 1"], probs: Mapping[str, np.ndarray]) -> Figure:
    """A digit, and bars of the probability of each class, one colour a network."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.0, 2.2), width_ratios=(1, 3.2))
    panels.draw(left, image[..., 0], colors="gray_r")
    _draw_bars(right, probs)
    right.set(xlabel="class", ylabel="probability")
    figure.legend(loc="outside upper right", ncols=len(probs), fontsize=9)
    return figure


def answers(images: Ink, rows: Mapping[str, Int[np.ndarray, " pictures"]]) -> Figure:
    """Some digits side by side, with a line of answers below for each name."""
    figure, axes = plt.subplots(ncols=len(images), figsize=(7.0, 1.35), squeeze=False)
    for place, (ax, image) in enumerate(zip(axes.flat, images, strict=True)):
        panels.draw(ax, image[..., 0], colors="gray_r")
        ax.set_xlabel("\n".join(str(answer[place]) for answer in rows.values()), fontsize=9)
    first = axes[0, 0]
    first.set_ylabel("\n".join(rows), fontsize=9, rotation=0, ha="right", va="top")
    first.yaxis.set_label_coords(-0.2, -0.06)
    return figure


def describe_answers(rows: Mapping[str, Int[np.ndarray, " pictures"]]) -> str:
    """Alternative text of `answers`."""
    told = "; ".join(f"{name} says {', '.join(map(str, each))}" for name, each in rows.items())
    return f"Handwritten digits in a row. {told}."


def recalls(values: Mapping[str, Float[np.ndarray, " classes"]]) -> Figure:
    """Bars of the recall of each digit, one colour a network."""
    figure, ax = plt.subplots(figsize=(7.0, 2.6))
    _draw_bars(ax, values)
    ax.set(xlabel="digit", ylabel="recall")
    figure.legend(loc="outside upper center", ncols=len(values), fontsize=9)
    return figure


def describe_recalls(values: Mapping[str, Float[np.ndarray, " classes"]]) -> str:
    """Alternative text of `recalls`."""
    told = "; ".join(
        f"{name} from {each.min():.2f} (digit {each.argmin()}) to {each.max():.2f}"
        for name, each in values.items()
    )
    return f"Bars of the recall of each digit: {told}."


def _draw_bars(ax: Axes, values: Mapping[str, np.ndarray]) -> None:
    width = 0.8 / len(values)
    for place, (name, each) in enumerate(values.items()):
        color = figures.COLORS["jax"] if place == len(values) - 1 else figures.CYCLE[2 + place]
        at = np.arange(len(each)) + (place - (len(values) - 1) / 2) * width
        ax.bar(at, each, 0.9 * width, color=color, label=name)
    ax.set(ylim=(0, 1), xticks=range(NUM_CLASSES))
