"""The pictures of the page on eight ways to fool yourself."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tutorials_lib import figures
from tutorials_lib.benchmark.record import TIE

Range = tuple[float, float]
"""The lowest and the highest ratio that a mistake yields; the same twice, if it yields one."""


def draw_bent(wrong: Mapping[str, Range], right: float) -> Figure:
    """The ratio that each mistake yields, and how far it lies from the right one."""
    figure, axes = plt.subplots(figsize=(7.0, 3.6))
    for row, (low, high) in enumerate(wrong.values()):
        axes.plot([right, low], [row, row], color=figures.MUTED, linewidth=1)
        axes.plot([right, high], [row, row], color=figures.MUTED, linewidth=1)
        axes.plot([low, high], [row, row], "o-", color=figures.COLORS["jax"], linewidth=3)
    axes.axvline(right, color=figures.INK, linewidth=1.4)
    axes.annotate(
        "measured rightly", (right, 0), xycoords=("data", "axes fraction"), xytext=(4, 4),
        textcoords="offset points", color=figures.INK,
    )  # fmt: skip
    axes.set_yticks(range(len(wrong)), list(wrong))
    axes.set_ylim(len(wrong) + 0.1, -0.6)
    axes.tick_params(axis="y", length=0)
    _ratio_axis(axes)
    return figure


def draw_single_ratios(ratios: Float[np.ndarray, " pairs"], right: float) -> Figure:
    """Every ratio of one run by itself, the quartiles of all, and the right ratio."""
    figure, axes = plt.subplots(figsize=(7.0, 2.0))
    heights = np.random.default_rng(0).uniform(-0.3, 0.3, len(ratios))
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    axes.plot(ratios, heights, "o", color=figures.COLORS["jax"], markersize=4, alpha=0.6)
    axes.plot([low, high], [0.5, 0.5], color=figures.INK, linewidth=3)
    axes.plot(middle, 0.5, "o", color=figures.INK)
    axes.axvline(right, color=figures.INK, linewidth=1.4, linestyle=":")
    axes.set_ylim(-0.45, 0.65)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    _ratio_axis(axes)
    return figure


def _ratio_axis(axes: Axes) -> None:
    """A logarithmic axis with plain numbers, the range of a tie marked."""
    axes.axvspan(*TIE, color=figures.GRID, linewidth=0)
    axes.axvline(1, color=figures.MUTED, linewidth=0.8)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    wide = high / low > 100
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.5g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("NumPy ÷ JAX; the grey band is a tie")
