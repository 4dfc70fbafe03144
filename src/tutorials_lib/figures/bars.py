"""Bars that several pages draw: one for each way to do something, coloured by library."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from tutorials_lib import figures


def bars_by_library(axes: Axes, values: Mapping[str, float]) -> BarContainer:
    """A bar for each name, from top to bottom; a name begins with its library."""
    colors = [figures.COLORS["numpy" if name.startswith("NumPy") else "jax"] for name in values]
    bars = axes.barh(list(values), list(values.values()), color=colors, height=0.62)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    return bars
