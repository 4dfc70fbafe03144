"""How a page shows a record: two tables, two figures, and words for its sentences."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tutorials_lib import catalog, figures
from tutorials_lib.benchmark.record import (
    MIME_TYPE,
    AgreementRow,
    Record,
    SizeResult,
    Timing,
    is_tie,
    verdict,
)
from tutorials_lib.benchmark.tables import (
    MarkdownOutput,
    format_calls,
    format_ratio,
    format_seconds,
    markdown_table,
)


@dataclass(frozen=True)
class AgreementTable(MarkdownOutput):
    """The result of the gate, shown as a table."""

    rows: tuple[AgreementRow, ...]

    def markdown(self) -> str:
        """One line a check: relative errors in both precisions."""
        return markdown_table(
            ["What both compute", "float64 error", "float32 error", "allowed in float32"],
            [
                [
                    row.name,
                    f"{row.float64_error:.1e}",
                    "not judged" if row.float32_error is None else f"{row.float32_error:.1e}",
                    "" if row.float32_tolerance is None else f"{row.float32_tolerance:.0e}",
                ]
                for row in self.rows
            ],
        )


@dataclass(frozen=True)
class RecordView:
    """A record as a notebook output under its own MIME type; nothing is shown."""

    record: Record

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return {MIME_TYPE: self.record.to_json(), "text/plain": f"record of {self.record.slug}"}


@dataclass(frozen=True)
class Result(MarkdownOutput):
    """A measured comparison, as a page uses it."""

    record: Record

    def markdown(self) -> str:
        """The variants at the headline size, then NumPy against JAX at every size."""
        parts = [self._variants_table(), self._sizes_table()]
        if self.record.note:
            parts.append(self.record.note)
        return "\n\n".join(parts)

    def _variants_table(self) -> str:
        timings = self.record.headline_size.timings
        header = [f"{self.record.unit}, {self.record.headline}", "median", "quartiles"]
        header += ["NumPy ÷ this", "what it adds"]
        rows = [
            [
                timing.variant + _threads(timing),
                format_seconds(timing.seconds.median),
                f"{format_seconds(timing.seconds.q1)} to {format_seconds(timing.seconds.q3)}",
                format_ratio(timing.ratio.median),
                timing.explains,
            ]
            for timing in timings
        ]
        if not any(timing.explains for timing in timings):
            header, rows = header[:-1], [row[:-1] for row in rows]
        return markdown_table(header, rows, of_words=(0, 4))

    def _sizes_table(self) -> str:
        record = self.record
        return markdown_table(
            ["Size", "NumPy", "JAX", "ratio", "compile", "transfer", "first call", "breaks even"],
            [
                [
                    size.label,
                    format_seconds(size.timing(record.baseline_variant).seconds.median),
                    format_seconds(size.timing(record.headline_variant).seconds.median),
                    format_ratio(size.timing(record.headline_variant).ratio.median),
                    format_seconds(size.compile_seconds),
                    format_seconds(size.transfer_seconds),
                    format_seconds(size.first_call_seconds),
                    format_calls(size.break_even_calls),
                ]
                for size in record.sizes
            ],
        )

    def waterfall(self) -> figures.Shown:
        """Where the speed comes from: every variant at the headline size."""
        return figures.show(draw_waterfall(self.record), alt=describe_waterfall(self.record))

    def growth(self) -> figures.Shown:
        """How the cost grows with the size, for NumPy, JAX and peers."""
        return figures.show(draw_growth(self.record), alt=describe_growth(self.record))

    def words(self) -> dict[str, str]:
        """The numbers of the record, formatted for sentences."""
        record, size = self.record, self.record.headline_size
        words = {
            "unit": record.unit,
            "ratio": format_ratio(record.jax.ratio.median),
            "ratio_q1": format_ratio(record.jax.ratio.q1),
            "ratio_q3": format_ratio(record.jax.ratio.q3),
            "numpy_time": format_seconds(record.numpy.seconds.median),
            "numpy_threads": "one thread" if record.numpy.threads == 1 else "all cores",
            "jax_time": format_seconds(record.jax.seconds.median),
            "compile_time": format_seconds(size.compile_seconds),
            "transfer_time": format_seconds(size.transfer_seconds),
            "first_call_time": format_seconds(size.first_call_seconds),
            "break_even": format_calls(size.break_even_calls),
            "verdict": verdict_sentence(record),
        }
        peer = next((t for t in size.timings if t.backend not in ("numpy", "jax")), None)
        if peer is not None:
            words["peer_time"] = format_seconds(peer.seconds.median)
            words["peer_ratio"] = format_ratio(peer.seconds.median / record.jax.seconds.median)
        return words

    def glue(self) -> None:
        """Make `words` available to the page as {glue:text}`ratio` and so on."""
        from myst_nb import glue

        for name, text in self.words().items():
            glue(name, text, display=False)


def verdict_sentence(record: Record) -> str:
    """The measured ratio beside the claim of the source document, in one sentence."""
    low, high = catalog.find(record.slug).claim
    ratio = record.jax.ratio
    place = {
        "below": "below the claimed",
        "borderline": "at the edge of the claimed",
        "within": "within the claimed",
        "above": "above the claimed",
    }[verdict(ratio, (low, high))]
    ending = ""
    if is_tie(ratio):
        ending = ": a tie with NumPy"
    elif ratio.median < 1:
        ending = ": slower than NumPy"
    return (
        f"{format_ratio(ratio.median)} (quartiles {format_ratio(ratio.q1)} to "
        f"{format_ratio(ratio.q3)}) is {place} {low:g} to {high:g}×{ending}."
    )


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


def _threads(timing: Timing) -> str:
    if timing.threads is None:
        return ""
    return " (1 thread)" if timing.threads == 1 else f" ({timing.threads} threads)"
