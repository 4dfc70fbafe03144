"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures.filters import filter_pictures
from tutorials_lib.figures.panels import panels
from tutorials_lib.vision.srcnn.resizing import AnyPicture

_MARKERS = ("o", "s", "^", "D")


def gains(scores: Mapping[str, Sequence[float]], names: Sequence[str]) -> Figure:
    """How much better than bicubic each technique restores each picture, in dB."""
    baseline, *others = scores.items()
    figure, ax = plt.subplots(figsize=(7.0, 0.42 * len(names) + 1.1))
    rows = np.arange(len(names))[::-1]
    for number, (technique, values) in enumerate(others):
        is_last = number == len(others) - 1
        color = figures.COLORS["jax"] if is_last else figures.CYCLE[number]
        better = np.subtract(values, baseline[1])
        ax.plot(better, rows, _MARKERS[number], markersize=7, color=color, label=technique)
    ax.axvline(0, color=figures.MUTED, linewidth=1)
    ax.set(yticks=rows, yticklabels=names, xlabel=f"PSNR above {baseline[0]} (dB)")
    ax.grid(axis="y")
    ax.legend(ncols=len(others), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def describe_gains(scores: Mapping[str, Sequence[float]], names: Sequence[str]) -> str:
    """Alternative text of `gains`."""
    (bicubic, baseline), *others = scores.items()
    ranges = "; ".join(
        f"{technique} {min(better):+.2f} to {max(better):+.2f} dB"
        for technique, values in others
        for better in [np.subtract(values, baseline)]
    )
    return f"Dots for {', '.join(names)}: the gain over {bicubic}. Ranges: {ranges}."


def filters(kernel: Float[np.ndarray, "rows columns 1 features"], *, per_row: int = 16) -> Figure:
    """The kernels of the first convolution, each on a scale of its own, strongest first."""
    order = np.abs(kernel).sum((0, 1, 2)).argsort()[::-1]
    return filter_pictures(kernel[:, :, 0, order].transpose(2, 0, 1), per_row=per_row)


def training_frames(
    low: AnyPicture,
    high: AnyPicture,
    watched: Float[np.ndarray, "rounds height width"],
    labels: Sequence[str],
) -> Iterator[Figure]:
    """One square after each part of the training, with what is still wrong in it."""
    for picture, label in zip(watched, labels, strict=True):
        shown = {
            "low resolution": [low],
            f"after {label} steps": [picture],
            "what is wrong (× 4)": [0.5 + 4 * (picture - high)],
            "truth": [high],
        }
        yield panels(shown)


def strip(watched: Float[np.ndarray, "rounds height width"], labels: Sequence[str]) -> Figure:
    """The square after the first and the last part of the training, and between."""
    chosen = sorted({0, len(watched) // 2, len(watched) - 1})
    return panels({f"{labels[i]} steps": [watched[i]] for i in chosen}, width=2.2 * len(chosen))
