"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorials_lib import figures
from tutorials_lib.metrics.detection import RECALLS, Found, Truth, precisions
from tutorials_lib.vision.yolo import reading
from tutorials_lib.vision.yolo.evaluation import OURS
from tutorials_lib.vision.yolo.problem import STRIDE
from tutorials_lib.vision.yolo.reading import Visible
from tutorials_lib.vision.yolo.timings import Stream

_ON_FILM = ("#ffdd00", "#00e5ff", "#ff4fd8")
"""One colour a class, to be seen on photographs in both themes."""

_TRUE = "#ffffff"
_BEHIND = "#000000"
_COARSE = 0xF0
"""Bits of a colour that are drawn: the noise of a frame would weigh more than the frame."""

Frame = UInt8[np.ndarray, "height width 3"]


def film(ax: Axes, frame: Frame, title: str = "") -> None:
    """One frame, without axes."""
    ax.imshow(frame & _COARSE, interpolation="none")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=9.5, loc="center")


def boxes(
    ax: Axes, found: Visible, names: Sequence[str], *, style: str = "-", width: float = 1.6
) -> None:
    """Boxes in the colours of their classes, with name and score."""
    for (left, upper, right, lower), score, label in zip(*found, strict=True):
        color = _ON_FILM[label]
        ax.add_patch(
            Rectangle(
                (left - 0.5, upper - 0.5), right - left, lower - upper,
                fill=False, edgecolor=color, linewidth=width, linestyle=style,
            )
        )  # fmt: skip
        ax.text(
            left, max(upper - 1.5, 5), f"{names[label]} {score:.2f}", color=color, fontsize=6.5,
            bbox={"facecolor": _BEHIND, "alpha": 0.6, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def truths(ax: Axes, truth: Truth, frame: int) -> None:
    """What there is, in white dots."""
    for left, upper, right, lower in truth.boxes[frame][truth.labels[frame] >= 0]:
        ax.add_patch(
            Rectangle(
                (left - 0.5, upper - 0.5), right - left, lower - upper,
                fill=False, edgecolor=_TRUE, linewidth=0.9, linestyle=":",
            )
        )  # fmt: skip


def side_by_side(
    frames: UInt8[np.ndarray, "frames height width 3"],
    found: Mapping[str, Found],
    truth: Truth,
    chosen: Sequence[int],
    names: Sequence[str],
) -> Figure:
    """A row of frames for each technique, with its boxes and what there is."""
    figure, axes = plt.subplots(
        len(found), len(chosen), figsize=(7.0, 1.85 * len(found)), squeeze=False
    )
    for row, (name, each) in zip(axes, found.items(), strict=True):
        for ax, frame in zip(row, chosen, strict=True):
            film(ax, frames[frame])
            truths(ax, truth, frame)
            boxes(ax, reading.shown(each, frame), names)
        row[0].set_ylabel(name, fontsize=9.5)
    return figure


def describe_side_by_side(found: Mapping[str, Found], truth: Truth, chosen: Sequence[int]) -> str:
    """Alternative text of `side_by_side` and of the film."""
    there = sum(int((truth.labels[frame] >= 0).sum()) for frame in chosen)
    told = "; ".join(
        f"{name} draws {sum(len(reading.shown(each, frame).boxes) for frame in chosen)} boxes"
        for name, each in found.items()
    )
    return (
        f"{len(chosen)} frames with {there} objects in all, in dotted white boxes: {told}, each "
        "with a class and a score."
    )


def film_frames(
    frames: UInt8[np.ndarray, "frames height width 3"],
    found: Mapping[str, Found],
    truth: Truth,
    chosen: Sequence[int],
    names: Sequence[str],
) -> Iterator[Figure]:
    """One frame of a clip at a time, a panel for each technique."""
    for frame in chosen:
        figure, axes = plt.subplots(ncols=len(found), figsize=(7.0, 3.6), squeeze=False)
        for ax, (name, each) in zip(axes.flat, found.items(), strict=True):
            film(ax, frames[frame], name)
            truths(ax, truth, frame)
            boxes(ax, reading.shown(each, frame), names)
        yield figure


def clips(frames: UInt8[np.ndarray, "clips frames height width 3"]) -> Figure:
    """A row for each clip, its frames from left to right."""
    count, length = frames.shape[:2]
    figure, axes = plt.subplots(count, length, figsize=(7.0, 7.2 * count / length), squeeze=False)
    for row, clip in zip(axes, frames, strict=True):
        for ax, frame in zip(row, clip, strict=True):
            film(ax, frame)
    return figure


def cell(
    frame: Frame,
    truth: Truth,
    example: reading.Example,
    candidates: Visible,
    kept: Visible,
    names: Sequence[str],
) -> Figure:
    """The grid with the cell of one object; the candidates; and the boxes that are left."""
    figure, axes = plt.subplots(ncols=3, figsize=(7.0, 2.6))
    for ax, title in zip(axes, ("the grid and one cell", "candidates", "what stays"), strict=True):
        film(ax, frame, title)
    height, width, _ = frame.shape
    grid, *_ = axes
    for place in range(STRIDE, max(height, width), STRIDE):
        grid.axhline(place - 0.5, color=_TRUE, linewidth=0.4, alpha=0.6)
        grid.axvline(place - 0.5, color=_TRUE, linewidth=0.4, alpha=0.6)
    corner = example.column * STRIDE - 0.5, example.row * STRIDE - 0.5
    grid.add_patch(Rectangle(corner, STRIDE, STRIDE, color=_ON_FILM[0], alpha=0.8))
    truths(grid, truth, example.frame)
    for (left, upper, right, lower), score, label in zip(*candidates, strict=True):
        axes[1].add_patch(
            Rectangle(
                (left - 0.5, upper - 0.5), right - left, lower - upper, fill=False,
                edgecolor=_ON_FILM[label], linewidth=0.8, alpha=float(np.clip(score, 0.15, 1)),
            )
        )  # fmt: skip
    boxes(axes[2], kept, names)
    return figure


def curves(found: Mapping[str, Found], truth: Truth, names: Sequence[str]) -> Figure:
    """Precision against recall, a panel for each class, a line for each technique."""
    figure, axes = plt.subplots(ncols=len(names), figsize=(7.0, 2.7), sharey=True)
    for label, (ax, name) in enumerate(zip(axes, names, strict=True)):
        for place, (technique, each) in enumerate(found.items()):
            color = figures.COLORS["jax"] if technique == OURS else figures.CYCLE[place]
            curve = precisions(each, truth, label=label)
            if curve is not None:
                ax.plot(RECALLS, curve, color=color, label=technique if label == 0 else None)
        ax.set(xlabel="recall", xlim=(0, 1), ylim=(0, 1.02))
        ax.set_title(name, fontsize=9.5, loc="center")
    axes[0].set_ylabel("precision")
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return figure


def describe_curves(found: Mapping[str, Found], truth: Truth, names: Sequence[str]) -> str:
    """Alternative text of `curves`, with the average precisions."""
    told = []
    for technique, each in found.items():
        means = [precisions(each, truth, label=label) for label in range(len(names))]
        told.append(
            f"{technique} "
            + ", ".join(
                f"{name} {mean.mean():.2f}"
                for name, mean in zip(names, means, strict=True)
                if mean is not None
            )
        )
    return f"Curves of precision against recall, with the average precision: {'; '.join(told)}."


def latencies(seconds: Stream) -> Figure:
    """The share of frames that were done within a time, and three percentiles."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for name, each in zip(("NumPy", "JAX"), seconds, strict=True):
        color = figures.COLORS[name.lower()]
        times = np.sort(each.ravel()) * 1e3
        ax.plot(times, np.arange(1, len(times) + 1) / len(times), color=color, label=name)
        for share in (0.5, 0.95, 0.99):
            ax.plot(np.quantile(times, share), share, "o", color=color, markersize=4)
    for share in (0.5, 0.95, 0.99):
        ax.axhline(share, color=figures.GRID, linewidth=0.8, zorder=0)
    ax.set(xscale="log", xlabel="milliseconds from a frame to its boxes", ylabel="share of frames")
    ax.legend(loc="lower right")
    return figure


def describe_latencies(seconds: Stream) -> str:
    """Alternative text of `latencies`."""
    told = "; ".join(
        f"{name} {half * 1e3:.2g} ms at the median and {most * 1e3:.2g} ms at the 99th percentile"
        for name, half, most in zip(
            ("NumPy", "JAX"), seconds.quantiles(0.5), seconds.quantiles(0.99), strict=True
        )
    )
    return f"Rising curves of the share of frames done within a time: {told}."
