"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures.panels import draw

Pictures = Float[np.ndarray, "pictures 28 28"]
Probs = Float[np.ndarray, "pictures 10"]

_WRONG = figures.CYCLE[3]


def _draw(
    ax: Axes, picture: Float[np.ndarray, "28 28"], *, title: str = "", reach: float | None = None
) -> None:
    """Grey from paper to ink; with `reach`, a signed quantity from `-reach` to `reach`."""
    if reach is None:
        draw(ax, picture, title=title, colors="gray_r")
    else:
        draw(ax, picture, title=title, colors=figures.DIVERGING, limits=(-reach, reach))


def read_digits(
    rows: Mapping[str, tuple[Float[np.ndarray, "pictures 28 28 1"], Int[np.ndarray, " pictures"]]],
    labels: Int[np.ndarray, " pictures"],
) -> Figure:
    """A row of pictures for each name, with what a network says of each above it.

    A cross and a coloured frame mark what is misread.
    """
    figure, panels = plt.subplots(
        len(rows), len(labels), figsize=(7.0, 0.98 * len(rows)), squeeze=False
    )
    for axes, (name, row) in zip(panels, rows.items(), strict=True):
        for ax, picture, said, label in zip(axes, *row, labels, strict=True):
            _draw(ax, picture[..., 0])
            right = said == label
            color = figures.INK if right else _WRONG
            ax.set_title(f"{said}" if right else f"{said} ✗", fontsize=9, color=color, loc="center")
            if not right:
                ax.spines[:].set(color=_WRONG, linewidth=2)
        axes[0].set_ylabel(name.replace(" ", "\n"), fontsize=8.5)
    return figure


def attack_frames(steps: Pictures, probs: Probs, *, epsilon: float) -> Iterator[Figure]:
    """The picture after each step, what has been changed, and what the network thinks of it."""
    for picture, each in zip(steps, probs, strict=True):
        figure, panels = plt.subplots(
            ncols=3, figsize=(7.0, 2.3), gridspec_kw={"width_ratios": (1, 1, 1.5)}
        )
        _draw(panels[0], picture, title="the picture")
        _draw(panels[1], picture - steps[0], title="the change", reach=epsilon)
        _bars(panels[2], each)
        yield figure


def strip(steps: Pictures, probs: Probs, *, count: int = 6) -> Figure:
    """A few of the pictures side by side, from the first to the last."""
    chosen = np.linspace(0, len(steps) - 1, count).astype(int)
    figure, panels = plt.subplots(ncols=count, figsize=(7.0, 1.6))
    for ax, place in zip(panels, chosen, strict=True):
        said = probs[place].argmax()
        _draw(ax, steps[place], title=f"step {place}\n{said} ({probs[place, said]:.0%})")
    return figure


def gradients(pictures: Pictures, slopes: Mapping[str, Pictures]) -> Figure:
    """Digits, and below each the gradient of its pixels in each network, on a scale of its own."""
    figure, panels = plt.subplots(
        1 + len(slopes), len(pictures), figsize=(7.0, 0.9 * (1 + len(slopes))), squeeze=False
    )
    for ax, picture in zip(panels[0], pictures, strict=True):
        _draw(ax, picture)
    panels[0, 0].set_ylabel("digit", fontsize=8.5)
    for axes, (name, rows) in zip(panels[1:], slopes.items(), strict=True):
        for ax, slope in zip(axes, rows, strict=True):
            _draw(ax, slope, reach=float(np.abs(slope).max()) or 1.0)
        axes[0].set_ylabel(name.replace(" ", "\n"), fontsize=8.5)
    return figure


def accuracies(
    curves: Mapping[str, Sequence[float]],
    places: Sequence[float],
    *,
    x: str,
    mark: float | None = None,
) -> Figure:
    """A curve for each network; the last one, which the page is about, is solid."""
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    for number, (name, values) in enumerate(curves.items()):
        last = number == len(curves) - 1
        color = figures.COLORS["jax"] if last else figures.CYCLE[number]
        style = "-" if last else ("--", ":", "-.")[number % 3]
        ax.plot(places, values, style, marker="o", markersize=4, color=color, label=name)
    if mark is not None:
        ax.axvline(mark, color=figures.MUTED, linewidth=1)
        ax.annotate("the budget that judges", (mark, 1.0), xytext=(4, 0), fontsize=9,
                    textcoords="offset points", color=figures.MUTED)  # fmt: skip
    ax.set(xlabel=x, ylabel="digits read rightly", ylim=(-0.02, 1.04))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _bars(ax: Axes, probs: Float[np.ndarray, " 10"]) -> None:
    said = int(probs.argmax())
    colors = [figures.COLORS["jax"] if k == said else figures.GRID for k in range(len(probs))]
    ax.bar(range(len(probs)), probs, color=colors)
    ax.set(ylim=(0, 1), xticks=range(len(probs)), yticks=(0, 0.5, 1))
    ax.set_title(f"the network says {said} ({probs[said]:.0%})", fontsize=9.5)
