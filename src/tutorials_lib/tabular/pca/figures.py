"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence
from math import isqrt
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from tutorials_lib import figures
from tutorials_lib.figures.panels import draw, picture_rows, sheet
from tutorials_lib.tabular.pca import in_numpy

SHOWN = 500
"""Rows drawn in a scatter plot, at most."""

INK_ON_PAPER = "gray_r"
"""The colour map of a digit: paper is white in both themes, as paper is."""

Params = dict[str, Any]
Features = Float[np.ndarray, "rows features"]
Labels = Int[np.ndarray, " rows"]


def plane(scores: Float[np.ndarray, "rows components"], labels: Labels) -> Figure:
    """Every row as its own numeral, at its first two coordinates."""
    figure, ax = plt.subplots(figsize=(7.0, 5.2))
    for label in np.unique(labels):
        x, y = scores[labels == label, :2][:SHOWN].T
        color = figures.CYCLE[label % len(figures.CYCLE)]
        ax.plot(x, y, linestyle="none", marker=f"${label}$", color=color, markersize=7, mew=0.3)
    ax.set(xlabel="first component", ylabel="second component")
    return figure


def describe_plane(scores: Float[np.ndarray, "rows components"], labels: Labels) -> str:
    """Alternative text of `plane`: which numerals lie furthest to each side."""
    means = np.array([scores[labels == label, :2].mean(0) for label in np.unique(labels)])
    (left, bottom), (right, top) = means.argmin(0), means.argmax(0)
    return (
        f"Scatter plot of {len(labels)} digits, each drawn as its numeral in the colour of its "
        f"class. Equal numerals lie together, in clouds that overlap: the {left}s furthest left, "
        f"the {right}s right, the {top}s at the top and the {bottom}s at the bottom."
    )


def variance_along(features: Features, angle: int) -> float:
    """The variance of centred rows along a line at so many degrees from the first feature."""
    return float((features @ _direction(angle)).var(ddof=1))


def _direction(angle: int) -> Float[np.ndarray, " 2"]:
    return np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])


def line_frames(
    features: Features, angles: Sequence[int], names: Sequence[str]
) -> Iterator[Figure]:
    """Centred rows, a line through their mean, and how far each is from it: a frame an angle."""
    for angle in angles:
        figure, ax = plt.subplots(figsize=(6.4, 4.2))
        _line(ax, features, angle, size=6)
        along, across = (variance_along(features, each) for each in (angle, angle + 90))
        ax.set_title(f"Variance along the line {along:.2f}, across it {across:.2f}")
        ax.set(xlabel=names[0], ylabel=names[1])
        yield figure


def line_strip(features: Features, angles: Sequence[int]) -> Figure:
    """A few of the frames side by side, for print."""
    figure, panels = plt.subplots(ncols=len(angles), figsize=(7.0, 2.5))
    for ax, angle in zip(panels, angles, strict=True):
        _line(ax, features, angle, size=3)
        ax.set(xticks=[], yticks=[], title=f"along {variance_along(features, angle):.2f}")
    return figure


def _line(ax: Axes, features: Features, angle: int, size: int) -> None:
    reach = 1.05 * np.abs(features).max()
    direction = _direction(angle)
    feet = (features @ direction)[:, None] * direction
    gaps = np.full_like(features, np.nan)  # lifts the pen between two rows
    ways = np.stack([features, feet, gaps], axis=1).reshape(-1, 2)
    ax.plot(*ways.T, color=figures.CYCLE[1], linewidth=0.8)
    ax.plot(*np.outer([-2 * reach, 2 * reach], direction).T, color=figures.INK, linewidth=1)
    ax.plot(*features.T, ".", color=figures.CYCLE[2], markersize=size, markeredgewidth=0)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")


def describe_lines(features: Features, angles: Sequence[int]) -> str:
    """Alternative text of `line_frames`."""
    told = ", ".join(f"{variance_along(features, angle):.2f} at {angle}°" for angle in angles)
    return (
        f"Scatter plot of {len(features)} rows of two measurements that rise together, a line "
        f"through their mean, and from each row a short way to the line. As the line turns, the "
        f"variance along it is {told}; the ways are shortest where it is largest."
    )


def biplot(
    params: Params,
    scores: Float[np.ndarray, "rows components"],
    labels: Labels,
    names: Sequence[str],
) -> Figure:
    """Rows as points and features as arrows, in the plane of the first two components.

    Scores have variance 1; the arrow of a feature ends at its covariances with them, which are
    correlations where the features are scaled (Gabriel 1971).
    """
    figure, ax = plt.subplots(figsize=(7.0, 6.2))
    deviations = np.sqrt(params["variances"][:2])
    points, arrows = scores[:, :2] / deviations, params["components"][:2].T * deviations
    for label, marker in zip(np.unique(labels), "os^v", strict=False):
        x, y = points[labels == label].T
        ax.plot(x, y, marker, color=figures.CYCLE[label], markersize=4, alpha=0.55, mew=0)
        ax.plot([], [], marker, color=figures.CYCLE[label], label=f"cultivar {label + 1}")
    stretch = 0.9 * np.abs(points).max() / np.abs(arrows).max()
    for place, name in zip(_spread_out(arrows * stretch), names, strict=True):
        _arrow(ax, np.zeros(2), place[:2], name, at=place[2:])
    ax.set(xlabel="first component", ylabel="second component", aspect="equal")
    ax.legend(loc="lower left")
    ax.margins(x=0.32, y=0.08)  # room for the names
    return figure


def _spread_out(tips: Float[np.ndarray, "features 2"]) -> Float[np.ndarray, "features 4"]:
    """Tips of arrows with a place for each name, on its side, with a line's height between."""
    places = 1.12 * tips
    for side in (tips[:, 0] < 0, tips[:, 0] >= 0):
        order = np.flatnonzero(side)[np.argsort(tips[side, 1])]
        for _ in range(50):  # push neighbours apart until they are
            gaps = np.diff(places[order, 1])
            missing = np.maximum(0.24 - gaps, 0) / 2
            places[order[:-1], 1] -= missing
            places[order[1:], 1] += missing
    return np.hstack([tips, places])


def _arrow(
    ax: Axes,
    start: Float[np.ndarray, "2"],
    tip: Float[np.ndarray, "2"],
    name: str,
    *,
    at: Float[np.ndarray, "2"] | None = None,
) -> None:
    style = {"arrowstyle": "-|>", "color": figures.INK, "linewidth": 1.4, "shrinkA": 0}
    ax.annotate("", (tip[0], tip[1]), (start[0], start[1]), arrowprops={**style, "shrinkB": 0})
    x, y = tip + 0.08 * (tip - start) if at is None else at
    ax.text(x, y, name, ha="left" if x >= start[0] else "right", va="center", fontsize=9)


def scree(shares: Float[np.ndarray, " all"], by_chance: Float[np.ndarray, " all"]) -> Figure:
    """The share of each component, beside that in a shuffled table, and the running total."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.0, 3.2))
    numbers = np.arange(1, len(shares) + 1)
    left.plot(numbers, shares, marker="o", markersize=3.5, color=figures.CYCLE[0], label="digits")
    left.plot(numbers, by_chance, "--", color=figures.MUTED, label="shuffled pixels")
    left.set(xlabel="component", ylabel="share of the variance")
    left.legend()
    right.plot(numbers, shares.cumsum(), marker="o", markersize=3.5, color=figures.CYCLE[0])
    right.set(xlabel="components kept", ylabel="share kept", ylim=(0, 1.03))
    for ax in (left, right):
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y")
    return figure


def describe_scree(shares: Float[np.ndarray, " all"], by_chance: Float[np.ndarray, " all"]) -> str:
    """Alternative text of `scree`."""
    return (
        f"Two line charts over {len(shares)} components. Left, the share of the variance falls "
        f"from {shares[0]:.1%} to {shares[-1]:.2%}; that of shuffled pixels runs nearly level and "
        f"is crossed after {above_chance(shares, by_chance)} components. Right, the share kept "
        f"rises steeply, then slowly, to {shares.sum():.1%}."
    )


def above_chance(shares: Float[np.ndarray, " all"], by_chance: Float[np.ndarray, " all"]) -> int:
    """How many of the first components have more variance than in a shuffled table (Horn 1965)."""
    below = shares <= by_chance
    return int(below.argmax()) if below.any() else len(shares)


def components_and_map(params: Params) -> Figure:
    """The mean and eight components as pictures; beside them what the places of the map show.

    The map is seven by seven pictures, rebuilt from two numbers that go from two standard
    deviations on one side of the mean to two on the other.
    """
    figure = plt.figure(figsize=(7.0, 3.7))
    grid = figure.add_gridspec(3, 7)
    panels = [figure.add_subplot(grid[row, column]) for row in range(3) for column in range(3)]
    panels[0].imshow(_squares(params["mean"]), cmap=INK_ON_PAPER)
    panels[0].set_title("mean", fontsize=9)
    for ax, component, number in zip(panels[1:], params["components"], range(1, 9), strict=False):
        largest = np.abs(component).max()
        ax.imshow(_squares(component), cmap=figures.DIVERGING, vmin=-largest, vmax=largest)
        ax.set_title(str(number), fontsize=9)
    for ax in panels:
        ax.axis("off")
    _draw_map(figure.add_subplot(grid[:, 3:]), params, columns=7)
    return figure


def _draw_map(ax: Axes, params: Params, *, columns: int) -> None:
    steps = np.linspace(-2, 2, columns)
    places = np.stack(np.meshgrid(steps, steps[::-1]), axis=-1).reshape(-1, 2)
    plane = {**params, "components": params["components"][:2]}
    rebuilt = in_numpy.reconstruct(plane, places * np.sqrt(params["variances"][:2]))
    pictures = _squares(rebuilt.reshape(columns, columns, -1))
    draw(ax, sheet(pictures, gap=1), colors=INK_ON_PAPER)
    ax.set(xlabel="first component", ylabel="second component")
    ax.spines[:].set_visible(False)


def reconstructions(params: Params, digits: Features, counts: Sequence[int]) -> Figure:
    """Digits as they are, and below each the same from its first components, by their number."""
    rows = {"as they are": digits}
    for count in counts:
        kept = {**params, "components": params["components"][:count]}
        rows[f"from {count}"] = in_numpy.reconstruct(kept, in_numpy.project(kept, digits))
    return picture_rows({name: _squares(each) for name, each in rows.items()}, colors=INK_ON_PAPER)


def kept(
    counts: Sequence[int],
    lost: Mapping[str, Sequence[float]],
    right: Mapping[str, Sequence[float]],
) -> Figure:
    """What is lost, and how often the nearest neighbour is right, by numbers kept."""
    figure, panels = plt.subplots(ncols=2, figsize=(7.0, 3.3))
    titles = "variation lost", "nearest neighbour right"
    looks = dict(zip(lost, zip(figures.CYCLE, "osv^D", strict=False), strict=False))
    for ax, title, curves in zip(panels, titles, (lost, right), strict=True):
        for name, values in curves.items():
            color, marker = looks[name]
            ax.plot(counts, values, marker=marker, markersize=4, color=color, label=name)
        ax.set(xscale="log", xlabel="numbers kept", title=title, ylim=(0, 1.03))
        ax.set_xticks(counts, [str(count) for count in counts])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.grid(axis="y")
        ax.legend(fontsize=8.5)
    return figure


def describe_kept(
    counts: Sequence[int],
    lost: Mapping[str, Sequence[float]],
    right: Mapping[str, Sequence[float]],
) -> str:
    """Alternative text of `kept`."""

    def ends(curves: Mapping[str, Sequence[float]]) -> str:
        return "; ".join(f"{name} {v[0]:.0%} to {v[-1]:.0%}" for name, v in curves.items())

    return (
        f"Two line charts against the numbers kept, from {counts[0]} to {counts[-1]}. Left, the "
        f"variation lost falls: {ends(lost)}. Right, how often the nearest neighbour is right "
        f"rises: {ends(right)}."
    )


def _squares(pixels: Float[np.ndarray, "*pictures features"]) -> Float[np.ndarray, "*pictures _ _"]:
    side = isqrt(pixels.shape[-1])
    return pixels.reshape(*pixels.shape[:-1], side, side)
