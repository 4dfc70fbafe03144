"""How a page shows a record: two tables, words for its sentences, and the figures of `pictures`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tutorials_lib import catalog
from tutorials_lib.benchmark.record import (
    MIME_TYPE,
    AgreementRow,
    Ratio,
    Record,
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

if TYPE_CHECKING:  # a fresh process that measures draws nothing, and starts a second sooner
    from tutorials_lib.figures import Shown


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
        """The variants at the headline size, NumPy against JAX at every size, and the result."""
        parts = [self._variants_table(), self._sizes_table(), result_sentence(self.record)]
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

    def waterfall(self) -> Shown:
        """Where the speed comes from: every variant at the headline size."""
        from tutorials_lib.benchmark import pictures

        return pictures.show_waterfall(self.record)

    def growth(self) -> Shown:
        """How the cost grows with the size, for NumPy, JAX and peers."""
        from tutorials_lib.benchmark import pictures

        return pictures.show_growth(self.record)

    def words(self) -> dict[str, str]:
        """The numbers of the record, formatted for sentences."""
        record, size = self.record, self.record.headline_size
        words = {
            "unit": record.unit,
            "ratio": format_ratio(record.ratio.center),
            "ratio_low": format_ratio(record.ratio.low),
            "ratio_high": format_ratio(record.ratio.high),
            "numpy_time": format_seconds(record.numpy.center),
            "numpy_threads": "one thread" if record.numpy.usual_threads == 1 else "all cores",
            "jax_time": format_seconds(record.jax.center),
            "compile_time": format_seconds(size.compile_seconds),
            "transfer_time": format_seconds(size.transfer_seconds),
            "first_call_time": format_seconds(size.first_call_seconds),
            "break_even": format_calls(size.break_even_calls),
            "verdict": verdict_sentence(record),
        }
        if record.peer is not None:
            words["peer_time"] = format_seconds(record.peer.center)
            words["peer_ratio"] = format_ratio(record.peer.center / record.jax.center)
        return words

    def glue(self) -> None:
        """Make `words` available to the page as {glue:text}`ratio` and so on."""
        from myst_nb import glue

        for name, text in self.words().items():
            glue(name, text, display=False)


def result_sentence(record: Record) -> str:
    """Where the result comes from: fresh processes, and what they say together."""
    times = [f"{each.variant} {format_seconds(each.center)}" for each in record.end_points]
    return (
        f"The tables are from this page's process. The result is from {record.ratio.processes} "
        f"fresh ones ({', '.join(times)}): NumPy ÷ JAX is {format_ratio(record.ratio.center)}, "
        f"and nine of ten re-runs are expected between {format_ratio(record.ratio.low)} and "
        f"{format_ratio(record.ratio.high)}.{caveats(record)}"
    )


def verdict_sentence(record: Record) -> str:
    """The measured ratio beside the claim of the source document, in a sentence."""
    ratio = record.ratio
    place = place_in_claim(ratio, catalog.find(record.slug).claim)
    ending = ""
    if is_tie(ratio):
        ending = ": a tie with NumPy"
    elif ratio.center < 1:
        ending = ": slower than NumPy"
    return (
        f"{format_ratio(ratio.center)} (re-runs: {format_ratio(ratio.low)} to "
        f"{format_ratio(ratio.high)}) is {place}{ending}.{caveats(record)}"
    )


def place_in_claim(ratio: Ratio, claim: tuple[float, float]) -> str:
    """Where a ratio falls, in words such as "below the claimed 2 to 4×"."""
    low, high = claim
    place = {
        "below": "below the claimed",
        "borderline": "at the edge of the claimed",
        "within": "within the claimed",
        "above": "above the claimed",
    }[verdict(ratio, claim)]
    return f"{place} {low:g} to {high:g}×"


def marks(record: Record) -> list[str]:
    """What makes a result less certain, a word each; mostly nothing."""
    found = {"unsteady": record.unsteady, "busy": record.busy, "tiny": record.preset == "tiny"}
    return [mark for mark, applies in found.items() if applies]


def caveats(record: Record) -> str:
    """Sentences on what makes the result less certain, each with a space in front; mostly none."""
    words = ""
    if record.preset == "tiny":
        words += (
            " The preset was tiny: everything ran, and its times, scores and pictures say nothing."
        )
    if record.unsteady:
        words += (
            f" The result is unsteady: after {record.ratio.processes} processes, "
            "a re-run may still be more than 15 % away."
        )
    if record.busy and record.load is not None:
        words += (
            f" The machine was busy: other programs took {record.load:.0%} of the time "
            "that was measured."
        )
    return words


def _threads(timing: Timing) -> str:
    if timing.threads is None:
        return ""
    return " (1 thread)" if timing.threads == 1 else f" ({timing.threads} threads)"
