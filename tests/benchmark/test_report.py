"""Words, tables and figures say what the record says."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib import catalog
from tutorials_lib.benchmark import ledger, pictures, reasons, record, report, tables
from tutorials_lib.benchmark.record import Ratio


def having(measured: record.Record, *ratio: float, **more) -> record.Record:
    """The measured record with another center, low and high of its ratio."""
    center, low, high = ratio
    more = {"unsteady": False, "busy": False, "load": 0.0} | more
    return dataclasses.replace(
        measured, ratio=Ratio(center=center, low=low, high=high, processes=5), **more
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.0, "2.00 s"),
        (0.01234, "12.3 ms"),
        (0.5, "500 ms"),
        (4.2e-6, "4.20 µs"),
        (1e-9, "1.00 ns"),
    ],
)
def test_seconds_get_three_digits_and_a_unit(seconds: float, text: str) -> None:
    assert tables.format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(5.23, "5.2×"), (0.0213, "0.021×"), (12.4, "12×"), (1.0, "1.0×")]
)
def test_ratios_get_two_digits(ratio: float, text: str) -> None:
    assert tables.format_ratio(ratio) == text


@pytest.mark.parametrize(
    ("calls", "text"), [(None, "never"), (0.2, "1 call"), (1500.4, "1,500 calls")]
)
def test_break_even_counts_read_as_words(calls: float | None, text: str) -> None:
    assert tables.format_calls(calls) == text


def test_a_result_shows_every_variant_and_every_size(measured: record.Record) -> None:
    text = report.Result(measured).markdown()
    for name in ("NumPy", "JAX, op by op", "JAX, jit", "2 rows", "8 rows", "32 rows"):
        assert name in text


def test_a_result_says_what_each_variant_adds_where_it_is_known(measured: record.Record) -> None:
    header, _, *rows = report.Result(measured).markdown().split("\n\n")[0].splitlines()
    assert header.endswith("what it adds |")
    assert [row.split("|")[-2].strip() for row in rows] == ["", "", "one kernel"]
    sizes = tuple(
        dataclasses.replace(
            size, timings=tuple(dataclasses.replace(t, explains="") for t in size.timings)
        )
        for size in measured.sizes
    )
    unexplained = dataclasses.replace(measured, sizes=sizes)
    assert "what it adds" not in report.Result(unexplained).markdown()


def test_the_verdict_says_when_jax_is_slower(measured: record.Record) -> None:
    slow = having(measured, 0.5, 0.4, 0.6)
    assert report.verdict_sentence(slow) == (
        "0.50× (re-runs: 0.40× to 0.60×) is below the claimed 2 to 4×: slower than NumPy."
    )
    assert "a tie with NumPy" in report.verdict_sentence(having(measured, 1.1, 1.0, 1.2))


def test_what_makes_a_result_less_certain_is_told_wherever_it_is_shown(
    measured: record.Record,
) -> None:
    certain = having(measured, 3.0, 2.9, 3.1)
    assert ledger.measured_text(certain) == "3.0× (2.9× to 3.1×)"
    assert report.caveats(certain) == ""
    unsteady = having(measured, 3.0, 2.0, 4.5, unsteady=True)
    assert ledger.measured_text(unsteady) == "3.0× (2.0× to 4.5×), unsteady"
    busy = having(measured, 3.0, 2.9, 3.1, busy=True, load=0.25)
    assert ledger.measured_text(busy) == "3.0× (2.9× to 3.1×), busy"
    for text in (
        report.verdict_sentence(busy),
        report.Result(busy).markdown(),
        ledger.measured_line(busy),
    ):
        assert "busy: other programs took 25% of the time" in text
    assert "more than 15 % away" in ledger.measured_line(unsteady)


def test_the_words_of_a_page_are_those_of_the_fresh_processes(measured: record.Record) -> None:
    words = report.Result(having(measured, 3.0, 2.9, 3.1)).words()
    assert (words["ratio"], words["ratio_low"], words["ratio_high"]) == ("3.0×", "2.9×", "3.1×")
    assert words["jax_time"] == tables.format_seconds(measured.jax.center)


def with_bars(measured: record.Record, *seconds: float) -> record.Record:
    """The record with these medians of its three variants at the headline size."""
    size = measured.headline_size
    timings = tuple(
        dataclasses.replace(each, seconds=dataclasses.replace(each.seconds, median=median))
        for each, median in zip(size.timings, seconds, strict=True)
    )
    others = [each for each in measured.sizes if each is not size]
    return dataclasses.replace(
        measured, sizes=(*others, dataclasses.replace(size, timings=timings))
    )


@pytest.mark.parametrize(
    ("bars", "ratio", "text"),
    [
        ((3.0, 2.0, 1.0), 3.0, "faster, and by the bars the larger gain comes from one call"),
        ((3.0, 1.0, 0.9), 3.0, "faster, and by the bars the larger gain comes from compiling"),
        ((1.0, 2.0, 1.0), 1.0, "It is a tie"),
        ((1.0, 4.0, 2.0), 0.5, "slower: by the bars .* one call does not make up for compiling"),
        ((1.0, 2.0, 3.0), 0.3, "slower, and by the bars .* no step gains anything"),
        ((2.0, 1.5, 1.0), 0.5, "slower in fresh processes, but not in this page's own"),
    ],
)
def test_the_reason_follows_the_bars(
    measured: record.Record, bars: tuple[float, ...], ratio: float, text: str
) -> None:
    changed = having(with_bars(measured, *bars), ratio, 0.95 * ratio, 1.05 * ratio)
    assert re.search(text, reasons.lead_reason(changed, ("compiling", "one call")))


def test_a_reason_needs_a_step_between_any_two_bars(measured: record.Record) -> None:
    with pytest.raises(ValueError, match="3 bars have 2 steps between them"):
        reasons.lead_reason(measured, ("compiling",))


def test_the_same_work_is_timed_in_both_libraries() -> None:
    times = {"a product": reasons.time_both(np.dot, jax.jit(jnp.dot), np.ones((3, 3)), 2.0)}
    assert min(times["a product"]) > 0
    assert "| a product |" in reasons.times_table(times).markdown()


def test_labels_of_lines_that_end_together_are_moved_apart() -> None:
    shifts = pictures._label_shifts({"JAX": 1.0, "NumPy": 1.05, "scikit-learn": 3.0})
    assert shifts["JAX"] < shifts["scikit-learn"] == 0 < shifts["NumPy"]


def test_figures_describe_what_they_show(measured: record.Record) -> None:
    result = report.Result(measured)
    assert "JAX, jit" in result.waterfall().alt
    assert "from 2 rows to 32 rows" in result.growth().alt


def test_the_ledger_lists_all_thirty_and_marks_the_planned(measured: record.Record) -> None:
    rows = ledger.ledger_rows({"kmeans": measured})
    assert len(rows) == len(catalog.TUTORIALS) >= 30
    by_slug = {row.tutorial.slug: row for row in rows}
    assert by_slug["kmeans"].measured == ledger.measured_text(measured)
    assert by_slug["deep_speech"].measured == "planned"
    assert "60×" in by_slug["kmeans"].also_claimed


def test_the_ledger_figure_counts_the_verdicts_and_hollows_what_is_uncertain(
    measured: record.Record,
) -> None:
    above = having(measured, 6.0, 5.0, 7.0)
    assert "1 above the claim; none of them hollow" in ledger.describe_ledger({"kmeans": above})
    axes = ledger.draw_ledger({"kmeans": above}).axes[0]
    assert len(axes.get_yticklabels()) == len(catalog.TUTORIALS)
    assert axes.lines[0].get_fillstyle() == "full"
    busy = {"kmeans": dataclasses.replace(above, busy=True)}
    assert "1 of them hollow" in ledger.describe_ledger(busy)
    assert ledger.draw_ledger(busy).axes[0].lines[0].get_fillstyle() == "none"


@pytest.mark.parametrize(("value", "verdict"), [(0.9, "met"), (0.7, "not met")])
def test_line_and_ledger_say_whether_the_strongest_rival_is_beaten(
    measured: record.Record, value: float, verdict: str
) -> None:
    rivals = {"weak": 0.5, "strong": 0.8}
    quality = record.Quality(metric="accuracy", value=value, baselines=rivals)
    judged = dataclasses.replace(measured, quality=quality)
    expected = f"{verdict}: accuracy {value:.4f}, strong 0.8000"
    assert ledger.quality_text(judged) == expected
    assert ledger.measured_line(judged).endswith(f"The line to beat is {expected}.")
    assert ledger.quality_text(dataclasses.replace(measured, quality=None)) == "not judged"


def test_paragraphs_and_code_stay_inside_their_cell_of_a_table():
    cells = [["a", "b"], ["c", "d\n\n```\ne\n```"]]
    table = tables.ListTable(cells, widths="2 3").markdown().splitlines()
    assert table[0] == "````{list-table}"
    assert ":widths: 2 3" in table
    assert table[-7:] == ["* - c", "  - d", "", "    ```", "    e", "    ```", "````"]
