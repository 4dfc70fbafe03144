"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import average_precision_score, precision_recall_curve

from tutorials_lib import figures
from tutorials_lib.tabular.predictive_maintenance import evaluation, features, reading
from tutorials_lib.tabular.predictive_maintenance.reading import RiskMap, Snapshot

Values = Float[np.ndarray, " _"]

CURVES = ("power", "strain", "difference", "wear")
"""The columns whose curves are drawn."""


def risk_maps(maps: Mapping[str, RiskMap]) -> Figure:
    """The probability of a failure over two measurements, a panel for each reason to fail."""
    figure, panels = plt.subplots(ncols=len(maps), figsize=(7.4, 3.1))
    colors = ScalarMappable(Normalize(0, 1), figures.SEQUENTIAL)
    for ax, (mode, found) in zip(panels, maps.items(), strict=True):
        edges = (found.x[0], found.x[-1], found.y[0], found.y[-1])
        ax.imshow(
            found.probs,
            extent=edges,
            origin="lower",
            aspect="auto",
            cmap=colors.cmap,
            norm=colors.norm,
        )
        for x, y in found.limits:
            ax.plot(x, y, color="white", linestyle="--", linewidth=1.4)
        ax.plot(*found.failed, ".", markersize=3, color=figures.CYCLE[3], rasterized=True)
        ax.set(
            title=mode,
            xlabel=found.labels[0],
            ylabel=found.labels[1],
            xlim=edges[:2],
            ylim=edges[2:],
        )
    figure.colorbar(
        colors, ax=panels, label="probability of a failure", format=PercentFormatter(1.0)
    )
    return figure


def describe_risk_maps(maps: Mapping[str, RiskMap]) -> str:
    """Alternative text of `risk_maps`."""
    parts = "; ".join(
        f"{mode}, over {found.labels[0]} and {found.labels[1]}: above one half on "
        f"{(found.probs >= 0.5).mean():.0%} of the map, with {len(found.failed[0])} failures"
        for mode, found in maps.items()
    )
    return (
        f"Maps of the probability of a failure. {parts}. "
        "The failures by overstrain are those of low quality."
    )


def curves(snapshot: Snapshot, encoding: features.Encoding, *, height: float) -> Figure:
    """What four columns add to the log odds, as lines between knots; `height` ends the axis."""
    figure, panels = plt.subplots(ncols=len(CURVES), figsize=(7.4, 2.7), sharey=True)
    for ax, name, color in zip(panels, CURVES, figures.CYCLE, strict=False):
        knots, added = reading.curve(snapshot.weights, encoding, name)
        ax.plot(knots, added, color=color, linewidth=2)
        ax.plot(knots, np.full(len(knots), -height), "|", color=figures.MUTED, markersize=6)
        ax.axhline(0, color=figures.GRID, linewidth=0.8, zorder=0)
        ax.set(title=name, xlabel=reading.UNITS[name], ylim=(-height, height))
    panels[0].set_ylabel("adds to the log odds")
    return figure


def curve_height(snapshots: Sequence[Snapshot], encoding: features.Encoding) -> float:
    """An end of the axis that is far enough for every curve of `snapshots`."""
    largest = [
        np.abs(reading.curve(snapshot.weights, encoding, name)[1]).max()
        for snapshot in snapshots
        for name in CURVES
    ]
    return 1.1 * max(max(largest), 1.0)


def curve_strip(snapshots: Sequence[Snapshot], encoding: features.Encoding) -> Figure:
    """The curves of several snapshots below each other, for print."""
    figure, rows = plt.subplots(
        len(snapshots), len(CURVES), figsize=(7.0, 1.6 * len(snapshots)), squeeze=False
    )
    height = curve_height(snapshots, encoding)
    for row, snapshot in zip(rows, snapshots, strict=True):
        for ax, name, color in zip(row, CURVES, figures.CYCLE, strict=False):
            ax.plot(*reading.curve(snapshot.weights, encoding, name), color=color, linewidth=2)
            ax.set(ylim=(-height, height), title=f"{name}, step {snapshot.steps}")
            ax.title.set_size(8)
    return figure


def describe_curves(snapshots: Sequence[Snapshot], encoding: features.Encoding) -> str:
    """Alternative text of the stepper over `curves`."""
    parts = []
    for snapshot in (snapshots[0], snapshots[-1]):
        spans = (np.ptp(reading.curve(snapshot.weights, encoding, name)[1]) for name in CURVES)
        words = ", ".join(f"{name} {span:.1f}" for name, span in zip(CURVES, spans, strict=True))
        parts.append(f"after {snapshot.steps} steps they span {words}")
    return (
        f"Curves of what {', '.join(CURVES)} add to the log odds of a failure: {'; '.join(parts)}."
    )


def precision_recall(probs: Mapping[str, Values], failed: Bool[np.ndarray, " parts"]) -> Figure:
    """Precision against recall, a line for each model."""
    figure, ax = plt.subplots(figsize=(7.0, 3.6))
    for (name, values), color in zip(probs.items(), figures.CYCLE, strict=False):
        precision, recall, _ = precision_recall_curve(failed, values)
        score = average_precision_score(failed, values)
        ax.step(
            recall, precision, where="post", color=color, linewidth=2, label=f"{name} ({score:.3f})"
        )
    ax.axhline(failed.mean(), color=figures.MUTED, linewidth=1, linestyle="--")
    ax.annotate("at random", (0.0, failed.mean()), xytext=(4, 4), textcoords="offset points")
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.03))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def describe_precision_recall(
    probs: Mapping[str, Values], failed: Bool[np.ndarray, " parts"]
) -> str:
    """Alternative text of `precision_recall`."""
    parts = []
    for name, values in probs.items():
        precision, recall, _ = precision_recall_curve(failed, values)
        parts.append(f"{name} has precision {precision[recall >= 0.8].max():.2f} at recall 0.8")
    return f"Precision against recall: {'; '.join(parts)}."


def reliability(probs: Mapping[str, Values], failed: Bool[np.ndarray, " parts"]) -> Figure:
    """The share that failed against the probability that was predicted, a panel for each."""
    figure, panels = plt.subplots(ncols=len(probs), figsize=(7.0, 3.3), sharey=True, squeeze=False)
    for ax, (name, values), color in zip(panels[0], probs.items(), figures.CYCLE, strict=False):
        means, shares, counts = reading.reliability(values, failed)
        errors = np.sqrt(shares * (1 - shares) / counts)
        ax.plot([0, 1], [0, 1], color=figures.MUTED, linewidth=1)
        ax.errorbar(means, shares, errors, color=color, marker="o", capsize=2)
        ax.set(title=name, xlabel="predicted probability", xlim=(0, 1), ylim=(0, 1.02))
    panels[0, 0].set_ylabel("share that failed")
    return figure


def describe_reliability(probs: Mapping[str, Values], failed: Bool[np.ndarray, " parts"]) -> str:
    """Alternative text of `reliability`."""
    parts = "; ".join(
        f"{name}: {values.mean():.1%} predicted on average, {failed.mean():.1%} failed"
        for name, values in probs.items()
    )
    return f"Share of failed parts against predicted probability. {parts}."


def threshold_costs(
    probs: Values,
    failed: Bool[np.ndarray, " parts"],
    thresholds: Mapping[str, float],
    cost_of_miss: float,
) -> Figure:
    """The cost of every threshold, and those of `thresholds` marked."""
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    grid = np.geomspace(1e-3, 0.999, 300)
    total = [evaluation.cost(probs, failed, threshold, cost_of_miss) for threshold in grid]
    ax.plot(grid, total, color=figures.INK)
    inside = {name: at for name, at in thresholds.items() if 0 < at < 1}
    for (name, at), color in zip(inside.items(), figures.CYCLE, strict=False):
        found = evaluation.cost(probs, failed, at, cost_of_miss)
        ax.plot(at, found, "o", color=color, markersize=9, label=name)
    ax.set(xlabel="threshold", ylabel="cost in checks", xscale="log", ylim=(0, None))
    ax.legend()
    return figure


def describe_threshold_costs(
    probs: Values,
    failed: Bool[np.ndarray, " parts"],
    thresholds: Mapping[str, float],
    cost_of_miss: float,
) -> str:
    """Alternative text of `threshold_costs`."""
    parts = "; ".join(
        f"{name} at {at:.3f} costs {evaluation.cost(probs, failed, at, cost_of_miss):,.0f}"
        for name, at in thresholds.items()
        if 0 < at < 1
    )
    return f"Cost in checks against the threshold: {parts}."
