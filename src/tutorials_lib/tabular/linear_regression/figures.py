"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tutorials_lib import figures

Grid = Float[np.ndarray, "side side"]


def maps(effects: Mapping[str, Grid], extent: Sequence[float], labels: Sequence[str]) -> Figure:
    """What the place does to the price, a panel each; NaN where there are no homes.

    `effects` are of the logarithm of the price, north in the first axis, and `extent` is west,
    east, south and north; `labels` are of the axes.
    """
    percent = {name: 100 * np.expm1(effect) for name, effect in effects.items()}
    low, high = _range(percent)
    figure, panels = plt.subplots(
        ncols=len(percent), figsize=(3.6 * len(percent) + 0.6, 3.7), squeeze=False, sharey=True
    )
    colors = ScalarMappable(TwoSlopeNorm(0, low, high), figures.DIVERGING)
    for ax, (name, effect) in zip(panels[0], percent.items(), strict=True):
        ax.imshow(
            effect,
            extent=tuple(extent),
            origin="lower",
            cmap=colors.cmap,
            norm=colors.norm,
            aspect="auto",
        )
        ax.set(title=name, xlabel=labels[0])
        ax.spines[:].set_visible(False)
    panels[0, 0].set_ylabel(labels[1])
    figure.colorbar(colors, ax=panels[0], label="effect on the price", format=PercentFormatter())
    return figure


def _range(percent: Mapping[str, Grid]) -> tuple[float, float]:
    values = np.concatenate([effect[np.isfinite(effect)] for effect in percent.values()])
    return min(float(values.min()), -1.0), max(float(values.max()), 1.0)


def describe_maps(effects: Mapping[str, Grid]) -> str:
    """Alternative text of `maps`."""
    parts = []
    for name, effect in effects.items():
        low, high = np.nanmin(effect), np.nanmax(effect)
        parts.append(f"{name}: from {np.expm1(low):+.0%} to {np.expm1(high):+.0%}")
    text = f"Maps of the effect of the place on the price. {'; '.join(parts)}."
    if len(effects) == 2:
        both = np.stack([effect.ravel() for effect in effects.values()])
        drawn = both[:, np.isfinite(both).all(axis=0)]  # blank where no home was sold nearby
        text += f" The correlation of the two maps is {np.corrcoef(drawn)[0, 1]:.2f}."
    return text


def contributions(typical: float, adds: Mapping[str, float]) -> Figure:
    """From the price of the average home to that of one: what each feature multiplies it by.

    `adds` are added to the logarithm of the price, in this order.
    """
    figure, ax = plt.subplots(figsize=(7.0, 0.8 + 0.36 * (len(adds) + 2)))
    steps = np.array([0.0, *np.cumsum(list(adds.values()))])
    prices = typical * np.exp(steps) / 1_000
    names = ["the average home", *adds, "this home"]
    for row, (before, after) in enumerate(pairwise(prices), start=1):
        color = figures.CYCLE[2] if after >= before else figures.CYCLE[1]
        ax.barh(row, after - before, left=before, height=0.6, color=color)
        ax.annotate(
            f"{after / before - 1:+.1%}",
            (max(before, after), row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
        ax.vlines(after, row, row + 1, color=figures.MUTED, linewidth=0.8, zorder=0)
    for row, price in ((0, prices[0]), (len(names) - 1, prices[-1])):
        ax.plot(price, row, "o", color=figures.INK)
        ax.annotate(
            f"{price:,.0f}", (price, row), xytext=(8, 0), textcoords="offset points", va="center"
        )
    ax.vlines(prices[0], 0, 1, color=figures.MUTED, linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    room = 0.12 * np.ptp(prices)
    ax.set_xlim(prices.min() - room / 2, prices.max() + room)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("price (thousands)")
    return figure


def describe_contributions(typical: float, adds: Mapping[str, float]) -> str:
    """Alternative text of `contributions`."""
    parts = ", ".join(f"{name} {np.expm1(value):+.1%}" for name, value in adds.items())
    end = typical * np.exp(sum(adds.values()))
    return f"Bars from the average home, {typical:,.0f}, to this one, {end:,.0f}: {parts}."


def descent(excess: Mapping[str, Float[np.ndarray, " steps"]]) -> Figure:
    """How far the loss still is above the least possible one, against the step."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for (name, values), color in zip(excess.items(), figures.CYCLE, strict=False):
        ax.plot(np.arange(len(values)), values, color=color)
        ax.annotate(
            name,
            (len(values) - 1, values[-1]),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=color,
        )
    ax.set(xlabel="gradient step", ylabel="loss above the least", yscale="log")
    ax.grid(axis="y")
    ax.margins(x=0.02)
    return figure


def describe_descent(excess: Mapping[str, Float[np.ndarray, " steps"]]) -> str:
    """Alternative text of `descent`."""
    parts = "; ".join(
        f"{name} falls from {values[0]:.1e} to {values[-1]:.1e}" for name, values in excess.items()
    )
    return f"Line chart of the loss above the least possible one, on a logarithmic scale: {parts}."


def paths(
    penalties: Float[np.ndarray, " penalties"],
    weights: Mapping[str, Float[np.ndarray, "penalties features"]],
    errors: Mapping[str, Float[np.ndarray, " penalties"]],
    highlighted: Mapping[str, int],
) -> Figure:
    """Weights against the penalty, a panel for each kind, over the cross-validated error.

    `highlighted` are the columns to colour, by name; the others are grey.
    """
    figure, panels = plt.subplots(
        nrows=2,
        ncols=len(weights),
        figsize=(7.0, 4.6),
        sharex=True,
        height_ratios=(2, 1),
        squeeze=False,
    )
    for (above, below), name in zip(panels.T, weights, strict=True):
        _path(above, penalties, weights[name], highlighted)
        above.set(title=name, xscale="log")
        best = errors[name].argmin()
        percent = 100 * (errors[name] / errors[name][best] - 1)
        below.plot(penalties, percent, marker="o", markersize=4, color=figures.INK)
        below.scatter(
            penalties[best],
            0,
            s=130,
            facecolor="none",
            edgecolor=figures.INK,
            linewidth=1.5,
        )
        below.set(xlabel="penalty")
        below.margins(y=0.15)
    panels[0, 0].set_ylabel("weight")
    panels[1, 0].set_ylabel("error above\nthe least (%)")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _path(
    ax: Axes,
    penalties: Float[np.ndarray, " penalties"],
    weights: Float[np.ndarray, "penalties features"],
    highlighted: Mapping[str, int],
) -> None:
    others = np.delete(weights[:, 1:], np.array(list(highlighted.values())) - 1, axis=1)
    ax.plot(penalties, others, color=figures.GRID, linewidth=0.8)
    for (name, column), color in zip(highlighted.items(), figures.CYCLE, strict=False):
        ax.plot(penalties, weights[:, column], color=color, linewidth=2, label=name)
    largest = 1.15 * np.abs(weights[:, list(highlighted.values())]).max()
    ax.set_ylim(-largest, largest)  # weights of place may be larger where they trade with others


def describe_paths(
    penalties: Float[np.ndarray, " penalties"],
    weights: Mapping[str, Float[np.ndarray, "penalties features"]],
    errors: Mapping[str, Float[np.ndarray, " penalties"]],
) -> str:
    """Alternative text of `paths`."""
    parts = []
    for name, path in weights.items():
        zeros = [(np.abs(row[1:]) < 1e-9).sum() for row in path[[0, -1]]]
        best = penalties[errors[name].argmin()]
        parts.append(
            f"{name} has the smallest held-back error at a penalty of {best:.1e}, and from the "
            f"weakest penalty to the strongest its weights at zero go from {zeros[0]} to {zeros[1]}"
        )
    return f"Lines of weights and held-back error against the penalty: {'; '.join(parts)}."


def intervals(
    names: Sequence[str], relative: Mapping[str, Float[np.ndarray, "2 names"]], *, label: str
) -> Figure:
    """Intervals of every coefficient by method, as multiples of a reference value."""
    figure, ax = plt.subplots(figsize=(7.0, 0.9 + 0.5 * len(names)))
    offsets = np.linspace(-0.16, 0.16, len(relative))
    for offset, color, (method, (low, high)) in zip(
        offsets, figures.CYCLE, relative.items(), strict=False
    ):
        rows = np.arange(len(names)) + offset
        ax.hlines(rows, low, high, color=color, linewidth=4, label=method)
    ax.axvline(1, color=figures.INK, linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(label)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def describe_intervals(
    names: Sequence[str], relative: Mapping[str, Float[np.ndarray, "2 names"]]
) -> str:
    """Alternative text of `intervals`."""
    parts = "; ".join(
        f"{method} covers {((low <= 1) & (high >= 1)).sum()}, mean width {(high - low).mean():.2f}"
        for method, (low, high) in relative.items()
    )
    return f"Intervals of {len(names)} coefficients, relative to a reference: {parts}."


def residuals(
    price: Float[np.ndarray, " homes"], predicted: Mapping[str, Float[np.ndarray, " homes"]]
) -> Figure:
    """What was paid over what was predicted, against the prediction, a panel for each model."""
    figure, panels = plt.subplots(
        ncols=len(predicted), figsize=(7.0, 3.4), sharey=True, squeeze=False
    )
    for ax, (name, values) in zip(panels[0], predicted.items(), strict=True):
        shown = values > 0  # a straight line may predict less than nothing
        centers, quartiles = _by_tenths(values[shown], price[shown] / values[shown])
        ax.plot(
            values[shown] / 1_000,
            price[shown] / values[shown],
            ".",
            markersize=2.5,
            markeredgewidth=0,
            alpha=0.5,
            color=figures.CYCLE[2],
            rasterized=True,
        )
        ax.fill_between(
            centers / 1_000, *quartiles[[0, 2]], color=figures.CYCLE[1], alpha=0.35, linewidth=0
        )
        ax.plot(centers / 1_000, quartiles[1], color=figures.CYCLE[1], linewidth=2)
        ax.axhline(1, color=figures.INK, linewidth=1)
        ax.set(title=name, xscale="log", yscale="log", xlabel="predicted price (thousands)")
        ax.set_ylim(0.25, 4)
        ax.set_yticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
        ax.minorticks_off()
        ticks = [50, 100, 200, 400, 800]
        inside = [t for t in ticks if values[shown].min() < 1_000 * t < values[shown].max()]
        ax.set_xticks(inside, [str(t) for t in inside])
    panels[0, 0].set_ylabel("paid ÷ predicted")
    return figure


def _by_tenths(
    values: Float[np.ndarray, " homes"], ratios: Float[np.ndarray, " homes"]
) -> tuple[Float[np.ndarray, " tenths"], Float[np.ndarray, "3 tenths"]]:
    """The median of each tenth of the values, and the quartiles of the ratios there."""
    parts = np.array_split(np.argsort(values), 10)
    centers = np.array([np.median(values[part]) for part in parts])
    return centers, np.array([np.quantile(ratios[part], [0.25, 0.5, 0.75]) for part in parts]).T


def describe_residuals(
    price: Float[np.ndarray, " homes"], predicted: Mapping[str, Float[np.ndarray, " homes"]]
) -> str:
    """Alternative text of `residuals`."""
    parts = []
    for name, values in predicted.items():
        shown = values > 0
        _, quartiles = _by_tenths(values[shown], price[shown] / values[shown])
        low, high = quartiles[1].min(), quartiles[1].max()
        parts.append(f"{name}: medians by tenth from {low:.2f} to {high:.2f}")
    return f"Scatter plots of price paid over price predicted. {'; '.join(parts)}."
