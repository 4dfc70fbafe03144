"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorials_lib import figures
from tutorials_lib.datasets import textures
from tutorials_lib.metrics import tracking
from tutorials_lib.vision.siamese_tracking.problem import STRIDE

_STYLES = (("#ffffff", ":"), ("#ffb000", "-"), ("#39ff14", "-"))
"""Colour and line of the boxes on a frame, which no theme changes: the truth, then two trackers."""

_LEVELS = 16
"""Steps of a colour in a frame that is shown, so that a page weighs less."""

Frame = Shaped[np.ndarray, "height width 3"]
Box = Float[np.ndarray, " 4"]


def strip(
    frames: Mapping[str, Frame], boxes: Mapping[str, Sequence[Box]], *, columns: int = 6
) -> Figure:
    """Frames under their names, each with a box of every tracker; the first is the truth."""
    rows = -(-len(frames) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(7.2, 1.38 * rows + 0.4), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, (name, frame)) in enumerate(zip(axes.flat, frames.items(), strict=False)):
        _draw(ax, frame, {tracker: found[i] for tracker, found in boxes.items()})
        ax.set_title(name, fontsize=9, loc="center")
    _explain(figure, boxes)
    return figure


def played(
    frames: Sequence[Frame], boxes: Mapping[str, Sequence[Box]], notes: Mapping[str, Sequence[str]]
) -> Iterator[Figure]:
    """Each frame once a tracker, side by side, with its box, the true one and a note."""
    (truth, true_boxes), *trackers = boxes.items()
    for i, frame in enumerate(frames):
        figure, axes = plt.subplots(ncols=len(trackers), figsize=(7.0, 4.2), squeeze=False)
        for number, (ax, (name, found)) in enumerate(zip(axes.flat, trackers, strict=True)):
            styles = _STYLES[0], _STYLES[1 + number]
            _draw(ax, frame, {truth: true_boxes[i], name: found[i]}, styles)
            ax.set_title(name, fontsize=10, loc="center")
            ax.set_xlabel(notes[name][i], fontsize=9)
        yield figure


def _draw(
    ax: Axes,
    frame: Frame,
    boxes: Mapping[str, Box],
    styles: Sequence[tuple[str, str]] = _STYLES,
) -> None:
    ax.imshow(frame // _LEVELS * _LEVELS + _LEVELS // 2, interpolation="nearest")
    height, width, _ = frame.shape
    ax.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    for (left, top, right, bottom), (color, line) in zip(boxes.values(), styles, strict=False):
        corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
        for edge, wide in (("#000000", 2.6), (color, 1.4)):
            ax.add_patch(
                Rectangle(corner, *size, fill=False, edgecolor=edge, linewidth=wide, linestyle=line)
            )


def _explain(figure: Figure, names: Mapping[str, object]) -> None:
    """A legend on a dark ground, where the colours of the boxes can be told apart."""
    handles = [
        Rectangle((0, 0), 1, 1, fill=False, edgecolor=color, linestyle=line, linewidth=1.4)
        for color, line in _STYLES[: len(names)]
    ]
    legend = figure.legend(
        handles, list(names), loc="outside lower center", ncols=len(names), fontsize=9,
        frameon=True, facecolor="#333333", edgecolor="none", labelcolor="#ffffff",
    )  # fmt: skip
    legend.get_frame().set_alpha(1)


def families(parts: Mapping[str, Sequence[str]]) -> Figure:
    """A texture of each family in grey, a row for each part of the data."""
    rng, grey = np.random.default_rng(0), np.array([[0.15] * 3, [0.9] * 3], np.float32)
    columns = max(map(len, parts.values()))
    figure, axes = plt.subplots(len(parts), columns, figsize=(7.2, 1.35 * len(parts) + 0.3))
    for row, (part, names) in zip(axes, parts.items(), strict=True):
        for ax in row:
            ax.axis("off")
        for ax, name in zip(row, names, strict=False):
            ax.imshow(textures.texture(rng, name, 72, 2.0, grey))
            ax.set_title(name, fontsize=8.5)
        row[0].text(
            -0.08, 0.5, part, rotation=90, ha="right", va="center", fontsize=8.5,
            transform=row[0].transAxes,
        )  # fmt: skip
    return figure


def search(
    template: Shaped[np.ndarray, "side side 3"],
    area: Shaped[np.ndarray, "wide wide 3"],
    response: Float[np.ndarray, "rows columns"],
    marks: Mapping[str, Float[np.ndarray, " 2"]],
) -> Figure:
    """The template, the area in which it is looked for, and the response at every shift.

    `marks` are names with the place of each in the area, row and column in crop pixels.
    """
    ratios = [template.shape[0], area.shape[0], area.shape[0]]
    figure, axes = plt.subplots(ncols=3, figsize=(7.2, 2.9), width_ratios=ratios)
    side, shifts = len(area), len(response)
    reach = side / 2
    edge = shifts * STRIDE / 2  # the map covers the middle of the area
    axes[0].imshow(template, interpolation="nearest")
    axes[1].imshow(area, interpolation="nearest", extent=(-reach, reach, reach, -reach))
    drawn = axes[2].imshow(response, extent=(-edge, edge, edge, -edge), vmin=0, vmax=1)
    axes[2].set(xlim=(-reach, reach), ylim=(reach, -reach))
    figure.colorbar(drawn, ax=axes[2], shrink=0.7)
    for ax, title in zip(axes, ("template", "search area", "response"), strict=True):
        ax.set_title(title, loc="center")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax in axes[1:]:
        for name, (row, column) in marks.items():
            ax.plot(
                column,
                row,
                "o",
                markersize=13,
                markerfacecolor="none",
                color="#000000",
                markeredgewidth=2.6,
            )
            ax.plot(
                column,
                row,
                "o",
                markersize=13,
                markerfacecolor="none",
                color="#ffffff",
                markeredgewidth=1.3,
            )
            ax.annotate(
                name, (column, row), (9, 0), textcoords="offset points", va="center",
                color="#ffffff", fontsize=9, weight="bold",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "#333333", "edgecolor": "none"},
            )  # fmt: skip
    return figure


def curves(
    success: Mapping[str, Float[np.ndarray, " thresholds"]],
    precision: Mapping[str, Float[np.ndarray, " limits"]],
    pixels: Sequence[float],
) -> Figure:
    """The share of frames whose overlap exceeds a threshold, and whose error does not."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.2, 3.3))
    for number, name in enumerate(success):
        is_last = number == len(success) - 1
        look = {
            "color": figures.COLORS["jax"] if is_last else figures.CYCLE[number],
            "linewidth": 2.2 if is_last else 1.3,
            "label": name,
        }
        left.plot(tracking.THRESHOLDS, success[name], **look)
        right.plot(pixels, precision[name], **look)
    right.axvline(tracking.PRECISION_PIXELS, color=figures.MUTED, linewidth=1, linestyle="--")
    left.set(xlabel="overlap that is asked for", ylabel="share of frames", ylim=(0, 1))
    right.set(xlabel="error that is allowed (pixels)", ylim=(0, 1))
    left.legend(fontsize=8.5)
    return figure
