"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tutorials_lib import figures
from tutorials_lib.tabular.kmeans.problem import Customers, is_stuck
from tutorials_lib.tabular.kmeans.reading import Moment

SHOWN = 600
"""Customers drawn in a scatter plot: enough to see the groups, and a small file."""


def segments(
    customers: Customers,
    labels: Int[np.ndarray, " points"],
    centers: Float[np.ndarray, "clusters features"],
    names: Sequence[str],
    *,
    axes: tuple[int, int],
) -> Figure:
    """Customers in two of their features, coloured by segment; each center bears its name.

    `centers` are in the units of the features, and `axes` are the two columns to draw.
    """
    figure, ax = plt.subplots(figsize=(7.0, 4.2))
    _scatter(ax, customers.features[:SHOWN, axes], labels[:SHOWN])
    for segment, name in enumerate(names):
        x, y = centers[segment, axes]
        ax.scatter(x, y, s=110, color=figures.CYCLE[segment], edgecolor=figures.INK, zorder=3)
        ax.annotate(
            name,
            (x, y),
            xytext=(9, 7),
            textcoords="offset points",
            weight="bold",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "#ffffff", "edgecolor": "none"},
            color="#000000",
            zorder=4,
        )
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel(customers.feature_names[axes[0]])
    ax.set_ylabel(customers.feature_names[axes[1]])
    return figure


def describe_segments(customers: Customers, names: Sequence[str], *, axes: tuple[int, int]) -> str:
    """Alternative text of `segments`."""
    x, y = (customers.feature_names[column] for column in axes)
    num_shown = min(SHOWN, len(customers.features))
    return (
        f"Scatter plot of {num_shown} customers, {x} against {y}, in {len(names)} colours. The "
        f"segments are clouds that meet at their edges; their centers are marked "
        f"{', '.join(names)}."
    )


def before_and_after(
    customers: Customers, points: Float[np.ndarray, "points features"], *, axes: tuple[int, int]
) -> Figure:
    """Two features as recorded and as k-means gets them, coloured by the known groups."""
    figure, (before, after) = plt.subplots(ncols=2, figsize=(7.0, 3.4))
    names = [customers.feature_names[column] for column in axes]
    _scatter(before, customers.features[:SHOWN, axes], customers.segments[:SHOWN])
    _scatter(after, points[:SHOWN, axes], customers.segments[:SHOWN])
    before.set(title="As recorded", xlabel=names[0], ylabel=names[1])
    after.set(title="Logarithm, then standard scale", xlabel=names[0], ylabel=names[1])
    return figure


def _scatter(
    ax: Axes, features: Float[np.ndarray, "points 2"], labels: Int[np.ndarray, " points"]
) -> None:
    for label in np.unique(labels):
        x, y = features[labels == label].T
        color = figures.CYCLE[label % len(figures.CYCLE)]
        ax.plot(x, y, ".", markersize=4.5, markeredgewidth=0, color=color, alpha=0.6)


def lloyd_frames(
    points: Float[np.ndarray, "points 2"], moments: Sequence[Moment], names: Sequence[str]
) -> Iterator[Figure]:
    """Points in the colours of their groups and the way of each center, a frame for each moment.

    `names` are those of the two features.
    """
    for moment in moments:
        figure, ax = plt.subplots(figsize=(6.4, 4.2))
        _lloyd(ax, points, moment, size=8)
        ax.set(xlabel=names[0], ylabel=names[1], title=_happened(moment))
        yield figure


def lloyd_strip(points: Float[np.ndarray, "points 2"], moments: Sequence[Moment]) -> Figure:
    """The start, both halves of the first step and the end, side by side, for print."""
    figure, panels = plt.subplots(ncols=4, figsize=(7.0, 2.1))
    for ax, moment in zip(panels, (*moments[:3], moments[-1]), strict=True):
        _lloyd(ax, points, moment, size=3)
        ax.set(xticks=[], yticks=[], title=moment.name)
    return figure


def _lloyd(ax: Axes, points: Float[np.ndarray, "points 2"], moment: Moment, size: int) -> None:
    for label in np.unique(moment.labels):
        color = figures.MUTED if label < 0 else figures.CYCLE[label]
        x, y = points[moment.labels == label].T
        ax.plot(x, y, ".", markersize=size, markeredgewidth=0, color=color, alpha=0.7)
    for label, way in enumerate(moment.path.swapaxes(0, 1)):
        ax.plot(*way.T, color=figures.INK, linewidth=1)
        face = figures.CYCLE[label]
        ax.plot(*way[-1], "o", markersize=size + 3, color=face, markeredgecolor=figures.INK)


def _happened(moment: Moment) -> str:
    if moment.name == "start":
        return "Start: nobody has a group"
    inertia = f"inertia {moment.inertia:,.0f}"
    if moment.name == "settled":
        return f"After {moment.steps} steps nobody changes any more, {inertia}"
    if moment.name.startswith("move"):
        return f"Step {moment.steps}, move: {inertia}"
    half = ", assign" if moment.name.startswith("assign") else ""
    return f"Step {moment.steps}{half}: {moment.num_changed} change their group, {inertia}"


def describe_lloyd(moments: Sequence[Moment]) -> str:
    """Alternative text of `lloyd_frames`."""
    first, last = moments[1], moments[-1]
    return (
        f"Scatter plot of {len(first.labels)} customers with {len(first.path[0])} centers, from "
        f"the start to the end. The centers begin close together and draw apart step by step, "
        f"each leaving a line behind it, and the customers take the colour of the nearest one. "
        f"The inertia falls from {first.inertia:,.0f} to {last.inertia:,.0f} in {last.steps} steps."
    )


def restarts(inertias: Float[np.ndarray, "restarts steps"]) -> Figure:
    """Inertia after every step, relative to the best end; starts that end elsewhere stand out."""
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    excess = inertias / inertias[:, -1].min() - 1
    steps = np.arange(1, inertias.shape[1] + 1)
    stuck = is_stuck(inertias[:, -1])
    for curves, color, label in (
        (excess[stuck], figures.CYCLE[1], "ends elsewhere"),
        (excess[~stuck], figures.CYCLE[0], "reaches the best"),
    ):
        lines = ax.plot(steps, 100 * curves.T, color=color, linewidth=1, alpha=0.7)
        if lines:
            lines[0].set_label(label)
    ax.set_ylim(-0.02 * 100 * excess[:, 0].max(), None)
    ax.set(xlabel="Lloyd iteration", ylabel="inertia above the best (%)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return figure


def describe_restarts(inertias: Float[np.ndarray, "restarts steps"]) -> str:
    """Alternative text of `restarts`."""
    stuck = is_stuck(inertias[:, -1])
    worst = inertias[:, -1].max() / inertias[:, -1].min() - 1
    return (
        f"Line chart of inertia against Lloyd iteration, {len(stuck)} lines. All fall within a "
        f"few steps, then run level: {len(stuck) - stuck.sum()} at the best, {stuck.sum()} above "
        f"it, by up to {worst:.1%}."
    )


def profile(
    standard: Float[np.ndarray, "clusters features"],
    in_units: Float[np.ndarray, "clusters features"],
    feature_names: Sequence[str],
    segment_names: Sequence[str],
) -> Figure:
    """A table of segments by features: values in units, colours in standard deviations."""
    figure, ax = plt.subplots(figsize=(7.0, 0.95 + 0.42 * len(feature_names)))
    largest = np.abs(standard).max()
    image = ax.imshow(
        standard.T, cmap=figures.DIVERGING, vmin=-largest, vmax=largest, aspect="auto"
    )
    for (segment, feature), value in np.ndenumerate(in_units):
        strong = abs(standard[segment, feature]) > 0.6 * largest
        ax.text(
            segment,
            feature,
            f"{value:,.0f}" if value >= 100 else f"{value:.2g}",
            ha="center",
            va="center",
            color="#ffffff" if strong else "#000000",  # on the cell, in both themes
        )
    ax.set_xticks(range(len(segment_names)), segment_names)
    ax.set_yticks(range(len(feature_names)), feature_names)
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=ax, label="standard deviations from the mean", pad=0.02)
    return figure


def describe_profile(
    standard: Float[np.ndarray, "clusters features"],
    in_units: Float[np.ndarray, "clusters features"],
    feature_names: Sequence[str],
    segment_names: Sequence[str],
) -> str:
    """Alternative text of `profile`: the feature in which each segment is most extreme."""
    extreme = np.abs(standard).argmax(axis=1)
    parts = "; ".join(
        f"{' '.join(name.split())}: {feature_names[feature]} {row[feature]:.3g}"
        for name, row, feature in zip(segment_names, in_units, extreme, strict=True)
    )
    return f"Table of segments by features. Where each is most extreme: {parts}."


def choices(
    num_clusters: Int[np.ndarray, " choices"],
    scores: dict[str, tuple[Float[np.ndarray, " choices"], int]],
) -> Figure:
    """Each score against the number of clusters, with a ring round the number it chooses."""
    figure, panels = plt.subplots(ncols=len(scores), figsize=(7.0, 2.7), squeeze=False)
    for ax, (name, (values, chosen)) in zip(panels[0], scores.items(), strict=True):
        ax.plot(num_clusters, values, marker="o", markersize=4, color=figures.CYCLE[0])
        ax.scatter(
            chosen,
            values[num_clusters == chosen],
            s=130,
            facecolor="none",
            edgecolor=figures.INK,
            linewidth=1.5,
            zorder=3,
        )
        ax.set(title=name, xlabel="number of clusters")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.margins(0.1)
    return figure


def describe_choices(
    num_clusters: Int[np.ndarray, " choices"],
    scores: dict[str, tuple[Float[np.ndarray, " choices"], int]],
) -> str:
    """Alternative text of `choices`."""
    opinions = ", ".join(f"{name} at {chosen}" for name, (_, chosen) in scores.items())
    return (
        f"{len(scores)} line charts against the number of clusters from {num_clusters[0]} to "
        f"{num_clusters[-1]}, each ringed where it is best: {opinions}."
    )
