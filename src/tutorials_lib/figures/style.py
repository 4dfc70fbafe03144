"""One look for every picture: the colours in both themes, and Matplotlib's settings."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler

INK = "#1f2328"
"""Text, axes and outlines."""

MUTED = "#646c76"
"""Secondary lines and notes."""

GRID = "#d5dae0"
"""Grid lines and faint fills."""

COLORS: Mapping[str, str] = {"numpy": "#0072b2", "jax": "#d55e00", "sklearn": "#00866a"}
"""One colour per backend, everywhere; blue, vermilion and green of Okabe and Ito (2008)."""

CYCLE = ("#8250a0", "#b07400", "#2e86a8", "#c0567f", "#5c7a1e", "#74675a", "#3f51b5", "#a0522d")
"""Categories that are not backends, such as clusters and classes."""

SEQUENTIAL = "viridis"
"""The colour map of quantities."""

DIVERGING = "RdBu_r"
"""The colour map of signed quantities."""

DARK: Mapping[str, str] = {
    INK: "#e6e9ed",
    MUTED: "#a3acb8",
    GRID: "#3b444f",
    COLORS["numpy"]: "#58b5ea",
    COLORS["jax"]: "#ff9052",
    COLORS["sklearn"]: "#3ccfa6",
    CYCLE[0]: "#c39be0",
    CYCLE[1]: "#e0a93b",
    CYCLE[2]: "#6cc3e4",
    CYCLE[3]: "#ee8fb4",
    CYCLE[4]: "#a8cc5c",
    CYCLE[5]: "#bfb0a0",
    CYCLE[6]: "#93a1f0",
    CYCLE[7]: "#dd8b63",
}
"""What each colour becomes in the dark theme."""

_STYLE: dict[Any, Any] = {
    "figure.figsize": (7.0, 3.6),
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "font.size": 10.5,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path",
    "svg.hashsalt": "tutorials_lib",  # the same figure gives the same file
}


def use_style() -> None:
    """Make the book's style matplotlib's default; done when this module is imported.

    It starts from Matplotlib's own defaults, not from a reader's `matplotlibrc`.
    """
    plt.rcdefaults()
    plt.rcParams.update(_STYLE)


def darken(svg: str) -> str:
    """The same drawing in the colours of the dark theme."""
    for light, dark in DARK.items():
        svg = svg.replace(light, dark)
    return svg


use_style()
