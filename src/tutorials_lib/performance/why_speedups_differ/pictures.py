"""The pictures of the seven experiments."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark.record import TIE
from tutorials_lib.figures.bars import bars_by_library


def draw_ratio_by_size(sizes: Sequence[int], ratios: Sequence[float]) -> Figure:
    """NumPy's time over JAX's against the size of the problem."""
    figure, axes = plt.subplots(figsize=(7.0, 3.2))
    axes.axhspan(*TIE, color=figures.GRID, linewidth=0)
    axes.axhline(1, color=figures.MUTED, linewidth=0.8)
    axes.loglog(sizes, ratios, marker="o", color=figures.COLORS["jax"])
    _plain_ratios(axes, ratios)
    axes.set_xlabel("numbers in the array")
    axes.set_ylabel("NumPy ÷ JAX")
    return figure


def draw_gain_of_cores(gains: dict[str, dict[str, float]]) -> Figure:
    """How much faster each kind of work is on all cores, for both libraries."""
    figure, axes = plt.subplots(figsize=(7.0, 2.4))
    _grouped_bars(axes, gains)
    axes.axvline(1, color=figures.MUTED, linewidth=0.8)
    axes.set_xlabel("time on one core ÷ time on all")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    return figure


def draw_styles(seconds: dict[str, float]) -> Figure:
    """The time of every way to write the same computation."""
    figure, axes = plt.subplots(figsize=(7.0, 2.6))
    bars_by_library(axes, {name.replace("`", ""): each for name, each in seconds.items()})
    axes.set_xscale("log")
    axes.set_xlabel("seconds")
    return figure


def draw_lengths(counts: Sequence[int], seconds: dict[str, list[float]]) -> Figure:
    """The time against the number of operations in a row."""
    figure, axes = plt.subplots(figsize=(7.0, 3.2))
    for name, each in seconds.items():
        color = figures.COLORS["numpy" if name == "NumPy" else "jax"]
        dash = "--" if "op by op" in name else "-"
        axes.plot(counts, each, dash, marker="o", color=color, label=name)
    axes.set_xlabel("multiplications and additions in a row")
    axes.set_ylabel("seconds")
    axes.legend()
    axes.grid(axis="y")
    return figure


def draw_types(seconds: dict[str, dict[str, dict[str, float]]]) -> Figure:
    """The time of each kind of work by number type, for both libraries."""
    kinds = ("matrix product", "chain of operations")
    figure, panels = plt.subplots(1, 2, figsize=(7.0, 2.8))
    for axes, kind in zip(panels, kinds, strict=True):
        _grouped_bars(axes, {name: pairs.get(kind, {}) for name, pairs in seconds.items()})
        axes.set_xscale("log")
        axes.set_title(kind)
        axes.set_xlabel("seconds")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_ratios(ratios: dict[str, float]) -> Figure:
    """NumPy's time over JAX's, a bar for each routine, with the range of a tie."""
    figure, axes = plt.subplots(figsize=(7.0, 2.8))
    axes.axvspan(*TIE, color=figures.GRID, linewidth=0)
    axes.axvline(1, color=figures.MUTED, linewidth=0.8)
    axes.barh(list(ratios), list(ratios.values()), color=figures.COLORS["jax"], height=0.6)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("NumPy ÷ JAX; the grey band is a tie")
    axes.tick_params(axis="y", length=0)
    return figure


def _grouped_bars(axes: Axes, values: dict[str, dict[str, float]]) -> None:
    """A group of bars for each name, one bar for each library."""
    for offset, library in ((-0.2, "NumPy"), (0.2, "JAX")):
        rows = [(i, each[library]) for i, each in enumerate(values.values()) if library in each]
        places = [i + offset for i, _ in rows]
        color = figures.COLORS[library.lower()]
        axes.barh(places, [value for _, value in rows], 0.36, color=color, label=library)
    axes.set_yticks(range(len(values)), list(values))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def _plain_ratios(axes: Axes, ratios: Sequence[float]) -> None:
    """Ticks at powers of two, written as ratios."""
    low, high = np.floor(np.log2(min(ratios))), np.ceil(np.log2(max(ratios)))
    ticks = 2.0 ** np.arange(low, high + 1)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
