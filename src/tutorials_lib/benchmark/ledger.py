"""The ledger: every claim of the source document beside what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tutorials_lib import catalog, figures
from tutorials_lib.benchmark.record import Record, is_tie, verdict
from tutorials_lib.benchmark.report import caveats, marks
from tutorials_lib.benchmark.tables import format_calls, format_ratio, format_seconds
from tutorials_lib.catalog import Tutorial
from tutorials_lib.judge.report import format_score

HEADER = ("Tutorial", "Claimed", "Measured", "Verdict", "Breaks even after", "Also claimed")


@dataclass(frozen=True)
class LedgerRow:
    """One tutorial in the ledger; the texts are those of the table's columns."""

    tutorial: Tutorial
    claimed: str
    measured: str
    verdict: str
    break_even: str
    also_claimed: str

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns after the first, which links to the tutorial."""
        return (self.claimed, self.measured, self.verdict, self.break_even, self.also_claimed)


def ledger_rows(records: Mapping[str, Record]) -> list[LedgerRow]:
    """All tutorials in reading order; those without a record say so."""
    return [_row(tutorial, records.get(tutorial.slug)) for tutorial in catalog.TUTORIALS]


def _row(tutorial: Tutorial, record: Record | None) -> LedgerRow:
    low, high = tutorial.claim
    return LedgerRow(
        tutorial=tutorial,
        claimed=f"{low:g} to {high:g}×",
        measured="planned" if record is None else measured_text(record),
        verdict="" if record is None else verdict_text(record),
        break_even="" if record is None else format_calls(record.headline_size.break_even_calls),
        also_claimed=_implied(tutorial),
    )


def _implied(tutorial: Tutorial) -> str:
    """The quoted half of the claim that names units, with the factor between them."""
    factor = tutorial.implied_factor
    if factor is None:
        return f"“{tutorial.claimed_change}”"
    units = tutorial.claimed_change.partition(" from ")[2]
    return f"“{units}”, {factor:,.0f}×"


def measured_text(record: Record) -> str:
    """The ratio with the interval of a re-run, and a mark where it is less certain."""
    return ", ".join([f"{format_ratio(record.ratio.center)} ({_interval(record)})", *marks(record)])


def _interval(record: Record) -> str:
    return f"{format_ratio(record.ratio.low)} to {format_ratio(record.ratio.high)}"


def verdict_text(record: Record) -> str:
    """The verdict in a word or two."""
    word = verdict(record.ratio, catalog.find(record.slug).claim)
    if is_tie(record.ratio):
        return f"{word}, a tie with NumPy"
    return f"{word}, slower than NumPy" if record.ratio.center < 1 else word


def quality_text(record: Record) -> str:
    """What training reached beside the strongest rival, and whether that meets the line."""
    quality = record.quality
    if quality is None or not quality.baselines:
        return "not judged"
    rival = quality.strongest
    return (
        f"{'met' if quality.met else 'not met'}: {quality.metric} "
        f"{format_score(quality.value)}, {rival} {format_score(quality.baselines[rival])}"
    )


def measured_line(record: Record) -> str:
    """The lines under a tutorial's title."""
    low, high = catalog.find(record.slug).claim
    worst = max(row.float64_error for row in record.agreement)
    return (
        f"Measured while this page was built: NumPy takes "
        f"{format_seconds(record.numpy.center)} and JAX "
        f"{format_seconds(record.jax.center)} for {record.unit} ({record.headline}), "
        f"a ratio of {format_ratio(record.ratio.center)} "
        f"(nine of ten re-runs: {_interval(record)}). Claimed: {low:g} to {high:g}×. "
        f"The two agree to {worst:.0e} in float64.{caveats(record)} "
        f"The line to beat is {quality_text(record)}."
    )


def draw_ledger(records: Mapping[str, Record]) -> Figure:
    """Claimed ranges as bands, measured ratios as points on the interval of a re-run.

    The point of a result that is less certain (`report.marks`) is hollow.
    """
    rows = _measured_first(records)
    figure, axes = plt.subplots(figsize=(7.2, 1.1 + 0.3 * len(rows)))
    for y, tutorial in enumerate(rows):
        low, high = tutorial.claim
        axes.barh(y, high - low, left=low, height=0.62, color=figures.GRID, linewidth=0)
        record = records.get(tutorial.slug)
        if record is not None:
            color, ratio = figures.COLORS["jax"], record.ratio
            axes.hlines(y, ratio.low, ratio.high, color=color, linewidth=2)
            filled = "none" if marks(record) else "full"
            axes.plot(ratio.center, y, "o", color=color, markersize=6, fillstyle=filled)
    axes.axvline(1, color=figures.MUTED, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    ticks = (0.5, 1, 2, 5, 10, 20, 50)
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(rows)), [f"{t.slug} ({t.number})" for t in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("times faster than NumPy")
    return figure


def describe_ledger(records: Mapping[str, Record]) -> str:
    """Alternative text of the ledger figure."""
    counts: dict[str, int] = {}
    for record in records.values():
        word = verdict(record.ratio, catalog.find(record.slug).claim)
        counts[word] = counts.get(word, 0) + 1
    uncertain = sum(bool(marks(record)) for record in records.values())
    verdicts = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return (
        f"Claimed speedup ranges of {len(catalog.TUTORIALS)} tutorials as bands and the "
        f"{len(records)} measured so far as points on the interval of a re-run: "
        f"{verdicts or 'none yet'} the claim; {uncertain or 'none'} of them hollow, "
        "unsteady, tiny or measured on a busy machine."
    )


def _measured_first(records: Mapping[str, Record]) -> Sequence[Tutorial]:
    return sorted(catalog.TUTORIALS, key=lambda tutorial: tutorial.slug not in records)
