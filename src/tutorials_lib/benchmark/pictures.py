"""The two figures of a record: where the speed comes from, and how the cost grows."""

from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark.record import Record, SizeResult, Timing
from tutorials_lib.benchmark.tables import format_ratio, format_seconds


def show_waterfall(record: Record) -> figures.Shown:
    """Where the speed comes from: every variant at the headline size."""
    return figures.show(draw_waterfall(record), alt=describe_waterfall(record))


def show_growth(record: Record) -> figures.Shown:
    """How the cost grows with the size, for NumPy, JAX and peers."""
    return figures.show(draw_growth(record), alt=describe_growth(record))


def draw_waterfall(record: Record) -> Figure:
    """Bars of seconds per unit of work, one a variant, in the comparison's order."""
    timings = record.headline_size.timings
    figure, axes = plt.subplots(figsize=(7.0, 0.9 + 0.48 * len(timings)))
    for row, timing in enumerate(timings):
        seconds = timing.seconds
        axes.barh(row, seconds.median, color=figures.COLORS[timing.backend], height=0.62)
        axes.hlines(row, seconds.q1, seconds.q3, color=figures.INK, linewidth=1.5)
        axes.annotate(
            f"{format_seconds(seconds.median)}  ({format_ratio(timing.ratio.median)})",
            (max(seconds.median, seconds.q3), row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(timings)), [timing.variant for timing in timings])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(max(t.seconds.median, t.seconds.q3) for t in timings))
    # Below the whole figure, since long names may leave little room for the axes.
    label = "seconds per unit of work; in brackets, how many times faster than NumPy"
    figure.supxlabel(label, fontsize="medium")
    axes.tick_params(axis="y", length=0)
    return figure


def describe_waterfall(record: Record) -> str:
    """Alternative text of the waterfall."""
    bars = "; ".join(
        f"{timing.variant} {format_seconds(timing.seconds.median)}"
        for timing in record.headline_size.timings
    )
    return f"Bar chart of the time for {record.unit} ({record.headline}): {bars}."


CLOSE = 1.2
"""Lines whose ends differ by less than this factor need their labels moved apart."""


def draw_growth(record: Record) -> Figure:
    """Median seconds of NumPy, JAX's headline variant and peers against the size."""
    figure, axes = plt.subplots()
    shifts = _label_shifts({n: t[-1].seconds.median for n, t in _by_variant(record).items()})
    for name, timings in _by_variant(record).items():
        color = figures.COLORS[timings[0].backend]
        medians = [timing.seconds.median for timing in timings]
        axes.plot(range(len(medians)), medians, marker="o", color=color)
        axes.fill_between(
            range(len(medians)),
            [timing.seconds.q1 for timing in timings],
            [timing.seconds.q3 for timing in timings],
            color=color,
            alpha=0.2,
            linewidth=0,
        )
        axes.annotate(
            name, (len(medians) - 1, medians[-1]), xytext=(8, shifts[name]),
            textcoords="offset points", va="center", color=color,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xticks(range(len(record.sizes)), [size.label for size in record.sizes])
    axes.margins(x=0.08)
    axes.set_ylabel("seconds per unit of work")
    axes.grid(axis="y")
    return figure


def _label_shifts(ends: dict[str, float]) -> dict[str, float]:
    """How many points to move the label at the end of each line, so that no two overlap."""
    shifts, names = dict.fromkeys(ends, 0.0), sorted(ends, key=lambda name: ends[name])
    for lower, upper in pairwise(names):
        if ends[upper] < CLOSE * ends[lower]:
            shifts[lower] -= 5
            shifts[upper] += 5
    return shifts


def describe_growth(record: Record) -> str:
    """Alternative text of the growth figure."""
    lines = "; ".join(
        f"{name} from {format_seconds(timings[0].seconds.median)} to "
        f"{format_seconds(timings[-1].seconds.median)}"
        for name, timings in _by_variant(record).items()
    )
    first, last = record.sizes[0].label, record.sizes[-1].label
    return f"Line chart of time against size, from {first} to {last}: {lines}."


def _by_variant(record: Record) -> dict[str, list[Timing]]:
    """The timings over all sizes of the twin, of JAX's headline variant and of peers."""

    def shown(size: SizeResult) -> list[Timing]:
        wanted = (record.baseline_variant, record.headline_variant)
        return [t for t in size.timings if t.variant in wanted or t.backend not in ("numpy", "jax")]

    names = [timing.variant for timing in shown(record.sizes[0])]
    return {name: [size.timing(name) for size in record.sizes] for name in names}
