"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve

from tutorials_lib import figures
from tutorials_lib.datasets.transactions import WEEKDAYS
from tutorials_lib.tabular.fraud_autoencoder.evaluation import Alerts, Scores
from tutorials_lib.tabular.fraud_autoencoder.reading import Question

PerField = Float[np.ndarray, " fields"]
Hours = Float[np.ndarray, "weekdays hours"]


def odd_fields(payments: Mapping[str, PerField], fields: Sequence[str]) -> Figure:
    """The surplus of every field of a few payments, a panel each."""
    figure, panels = plt.subplots(
        ncols=len(payments),
        figsize=(7.4, 0.9 + 0.24 * len(fields)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, (name, surplus) in zip(panels[0], payments.items(), strict=True):
        colors = [figures.COLORS["jax"] if value > 1 else figures.MUTED for value in surplus]
        ax.barh(range(len(fields)), surplus, height=0.65, color=colors)
        ax.axvline(0, color=figures.INK, linewidth=0.8)
        ax.set(title=name)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
    panels[0, 0].set_yticks(range(len(fields)), fields)
    panels[0, 0].invert_yaxis()
    figure.supxlabel("surplus of surprise (nats)", fontsize="medium")
    return figure


def describe_odd_fields(payments: Mapping[str, PerField], fields: Sequence[str]) -> str:
    """Alternative text of `odd_fields`."""
    parts = []
    for name, surplus in payments.items():
        first, second = surplus.argsort()[::-1][:2]
        parts.append(
            f"{name}, {surplus.sum():+.1f} in all, most of it {fields[first]} "
            f"({surplus[first]:+.1f}) and {fields[second]} ({surplus[second]:+.1f})"
        )
    return f"Bars of the surplus of surprise in nats, field by field: {'; '.join(parts)}."


def question(asked: Sequence[Question], number: int) -> Figure:
    """The answers to the question at `number`, beside what the questions so far have cost."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.4, 3.2), width_ratios=(2, 3))
    _draw_costs(left, asked, number)
    _draw_answers(right, asked[number])
    return figure


def question_strip(asked: Sequence[Question], numbers: Sequence[int]) -> Figure:
    """Some of the questions below each other, for print."""
    figure, rows = plt.subplots(len(numbers), 2, figsize=(7.0, 2.6 * len(numbers)), squeeze=False)
    for (left, right), number in zip(rows, numbers, strict=True):
        _draw_costs(left, asked, number)
        _draw_answers(right, asked[number])
    return figure


def _draw_costs(ax: Axes, asked: Sequence[Question], number: int) -> None:
    places = range(number + 1)
    ax.barh(places, [each.surprise for each in asked[: number + 1]], color=figures.COLORS["jax"])
    ax.plot([each.expected for each in asked[: number + 1]], places, "|", color=figures.INK, ms=14)
    ax.set_yticks(range(len(asked)), [each.field for each in asked])
    ax.tick_params(axis="y", length=0)
    total = sum(each.surprise for each in asked[: number + 1])
    ax.set(
        title=f"{total:.1f} nats so far",
        xlabel="surprise (mark: expected)",
        xlim=(0, 1.05 * max(max(each.surprise, each.expected) for each in asked)),
        ylim=(len(asked) - 0.5, -0.5),
    )


def _draw_answers(ax: Axes, asked: Question) -> None:
    size = len(asked.names)
    colors = [figures.COLORS["jax"] if i == asked.true else figures.MUTED for i in range(size)]
    ax.bar(range(size), asked.probs, color=colors)
    ax.plot(asked.true, 0, "^", color=figures.COLORS["jax"], clip_on=False, ms=9)
    ticks = range(0, size, 1 if size <= 8 else size // 6)
    ax.set_xticks(ticks, [asked.names[i] for i in ticks], rotation=35, ha="right")
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    ax.set(title=f"{asked.field}? {asked.names[asked.true]}: {asked.probs[asked.true]:.1%}")


def describe_questions(asked: Sequence[Question]) -> str:
    """Alternative text of the stepper over `question`."""
    parts = ", ".join(f"{each.field} {each.surprise:.1f} ({each.expected:.1f})" for each in asked)
    return f"Surprise of each answer in nats, and in brackets what was expected: {parts}."


def expected_hours(by_profile: Mapping[str, Hours]) -> Figure:
    """When customers of each profile are expected to pay, by weekday."""
    figure, panels = plt.subplots(2, 2, figsize=(7.2, 4.0), sharex=True, sharey=True)
    most = max(hours.max() for hours in by_profile.values())
    colors = ScalarMappable(Normalize(0, most), figures.SEQUENTIAL)
    for ax, (name, hours) in zip(panels.flat, by_profile.items(), strict=True):
        ax.imshow(hours, norm=colors.norm, aspect="auto", extent=(0, 24, 6.5, -0.5))
        ax.set(title=name, xticks=range(0, 25, 6), yticks=range(7))
        ax.set_yticklabels(WEEKDAYS)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    figure.supxlabel("hour of the day", fontsize="medium")
    figure.colorbar(
        colors, ax=panels, label="probability of the hour", format=PercentFormatter(xmax=1)
    )
    return figure


def describe_expected_hours(by_profile: Mapping[str, Hours]) -> str:
    """Alternative text of `expected_hours`."""
    parts = []
    for name, hours in by_profile.items():
        working, weekend = (days.mean(0).argmax() for days in (hours[:5], hours[5:]))
        parts.append(
            f"{name} is expected most from {working} to {working + 1} h on working days, "
            f"from {weekend} to {weekend + 1} h on Saturdays and Sundays"
        )
    return f"Heat maps of hours by weekday, one for each profile: {'; '.join(parts)}."


def precision_recall(
    scored: Mapping[str, Scores], is_fraud: Bool[np.ndarray, " rows"], spent: Mapping[str, Alerts]
) -> Figure:
    """Precision against recall for every threshold; a dot where the budget of alerts is spent."""
    figure, ax = plt.subplots(figsize=(7.0, 3.8))
    for (name, scores), color in zip(scored.items(), figures.CYCLE, strict=False):
        precision, recall, _ = precision_recall_curve(is_fraud, scores)
        ax.plot(recall, precision, color=color, linewidth=1.6, label=name)
        ax.plot(spent[name].recall, spent[name].precision, "o", color=color)
    ax.axhline(is_fraud.mean(), color=figures.MUTED, linewidth=0.8)
    ax.annotate("alerts drawn at random", (0.02, is_fraud.mean() + 0.015), color=figures.MUTED)
    percent = PercentFormatter(xmax=1)
    ax.xaxis.set_major_formatter(percent)
    ax.yaxis.set_major_formatter(percent)
    ax.set(xlabel="recall: frauds that raise an alert", ylabel="precision: alerts that are fraud")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    ax.grid()
    ax.legend()
    return figure


def describe_precision_recall(spent: Mapping[str, Alerts]) -> str:
    """Alternative text of `precision_recall`."""
    parts = (
        f"{name} at {each.precision:.0%} precision and {each.recall:.0%} recall"
        for name, each in spent.items()
    )
    return f"Precision falls as recall grows; where the budget is spent: {', '.join(parts)}."


def labels_needed(with_labels: Mapping[int, float], without: Mapping[str, float]) -> Figure:
    """Average precision against the number of labelled payments, beside scores without labels."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    counts = list(with_labels)
    ax.plot(counts, list(with_labels.values()), "o-", color=figures.COLORS["sklearn"])
    ax.annotate(
        "boosted trees, with labels",
        (counts[-1], with_labels[counts[-1]]),
        xytext=(-6, 8),
        textcoords="offset points",
        ha="right",
        color=figures.COLORS["sklearn"],
    )
    for (name, value), color in zip(without.items(), figures.CYCLE, strict=False):
        ax.axhline(value, color=color, linewidth=1.2, label=f"{name}, without labels")
    ax.set(xlabel="labelled payments", ylabel="average precision", xscale="log", ylim=(0, 1))
    ax.set_xticks(counts, [f"{count:,}" for count in counts])
    ax.minorticks_off()
    ax.grid(axis="y")
    ax.legend(loc="lower right")
    return figure


def describe_labels_needed(with_labels: Mapping[int, float], without: Mapping[str, float]) -> str:
    """Alternative text of `labels_needed`."""
    learned = ", ".join(f"{value:.2f} from {count:,}" for count, value in with_labels.items())
    flat = ", ".join(f"{name} {value:.2f}" for name, value in without.items())
    return (
        f"Average precision of boosted trees: {learned} labelled payments. Without labels: {flat}."
    )
