"""`python -m tutorials_lib.benchmark`: measure any or all tutorials on this machine."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tutorials_lib import catalog, environment, presets
from tutorials_lib.files import write_json
from tutorials_lib.options import check_writable


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and store the records where asked; returns the exit status."""
    options = _parse(arguments)
    if options.preset:
        os.environ["TUTORIALS_PRESET"] = options.preset
    try:
        environment.check()
    except environment.SettingError as error:
        raise SystemExit(str(error)) from None
    # Imported here: it applies the settings, and --help should not wait for JAX.
    from tutorials_lib.benchmark.agreement import AgreementError
    from tutorials_lib.benchmark.fresh import MOST, load_comparison
    from tutorials_lib.benchmark.runner import measure_comparison, repeat_headline
    from tutorials_lib.benchmark.settings import SettingsError

    console = Console(width=None if sys.stdout.isatty() else 110)
    comparisons = [load_comparison(slug) for slug in options.slugs]
    records, failures = [], []
    with Progress(
        TextColumn("{task.description:<32}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        for comparison in comparisons:
            total = 1 + (options.repeat or len(comparison.sizes) + MOST)
            task = progress.add_task(comparison.slug, total=total)

            def advance(step: str, task=task, slug: str = comparison.slug) -> None:
                progress.update(task, advance=1, description=f"{slug}: {step}")

            try:
                if options.repeat:
                    repeated = repeat_headline(
                        comparison, options.repeat, advance=advance, tell=progress.print
                    )
                    _print_repeated(console, comparison.slug, repeated)
                    continue
                record = measure_comparison(comparison, advance=advance, tell=progress.print)
            except (AgreementError, SettingsError) as error:
                failures.append(str(error))
                continue
            finally:
                progress.update(task, completed=total, description=comparison.slug)
            records.append(record)
            if options.record:
                folder = Path("book/_data/benchmarks") / options.record
                write_json(folder / f"{record.slug}.json", record.to_json())
    if options.json:  # before anything is shown, which may fail: a terminal closed, an encoding
        write_json(options.json, [record.to_json() for record in records])
    for record in records:
        _print(console, record)
    for failure in failures:
        console.print(f"[red]not measured:[/red] {failure}")
    if options.json:
        console.print(f"Written: {options.json}")
    return 1 if failures else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tutorials_lib.benchmark",
        description="Check that the NumPy and JAX versions agree, then measure them.",
    )
    available = [tutorial.slug for tutorial in catalog.available()]
    parser.add_argument(
        "slugs", nargs="*", metavar="SLUG", help=f"default: all of {', '.join(available)}"
    )
    parser.add_argument("--preset", choices=presets.PRESET_NAMES, help="tiny: smallest size only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records to FILE")
    parser.add_argument(
        "--record",
        metavar="MACHINE",
        help="also write them to book/_data/benchmarks/MACHINE/, to be shown in the ledger",
    )
    parser.add_argument(
        "--repeat",
        type=int,
        metavar="N",
        help="measure the headline N times anew, and say how many fall into each other's interval",
    )
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.slugs) - set(available))
    if unknown:
        parser.error(f"no tutorial named {', '.join(unknown)}; there are: {', '.join(available)}")
    if options.json:
        try:
            check_writable(options.json, "--json")
        except ValueError as error:
            parser.error(str(error))
    if options.record and not re.fullmatch(r"[\w-]+", options.record):
        parser.error(f"--record {options.record} is no name of a machine: letters, digits, _ and -")
    if options.repeat is not None and options.repeat < 2:
        parser.error(f"--repeat {options.repeat}: two measurements at least are compared")
    if options.repeat and (options.json or options.record):
        parser.error("--repeat writes no records: leave out --json and --record")
    options.slugs = options.slugs or available
    return options


def _print(console: Console, record) -> None:
    from tutorials_lib.benchmark.report import result_sentence, verdict_sentence
    from tutorials_lib.benchmark.tables import format_calls, format_ratio, format_seconds

    worst = max(row.float64_error for row in record.agreement)
    console.print(
        f"\n[bold]{record.slug}[/bold]: {record.unit}. {len(record.agreement)} checks agree, "
        f"to {worst:.0e} or better in float64."
    )
    grid = Table("size", "variant", "median", "quartiles", "NumPy ÷ this", "threads", "samples")
    for size in record.sizes:
        for index, timing in enumerate(size.timings):
            last = index == len(size.timings) - 1
            grid.add_row(
                size.label if index == 0 else "",
                timing.variant,
                format_seconds(timing.seconds.median),
                f"{format_seconds(timing.seconds.q1)} – {format_seconds(timing.seconds.q3)}",
                f"{format_ratio(timing.ratio.median)} "
                f"[{format_ratio(timing.ratio.q1)} – {format_ratio(timing.ratio.q3)}]",
                "" if timing.threads is None else str(timing.threads),
                str(timing.repeats),
                end_section=last,
            )
    console.print(grid)
    costs = Table("size", "compile", "transfer", "first call", "breaks even after")
    for size in record.sizes:
        costs.add_row(
            size.label,
            format_seconds(size.compile_seconds),
            format_seconds(size.transfer_seconds),
            format_seconds(size.first_call_seconds),
            format_calls(size.break_even_calls),
        )
    console.print(costs)
    console.print(result_sentence(record))
    console.print(f"{record.headline}: {verdict_sentence(record)}")
    if record.note:
        console.print(record.note)


def _print_repeated(console: Console, slug: str, repeated) -> None:
    from tutorials_lib.benchmark.interval import inside

    grid = Table("NumPy ÷ JAX", "interval of a re-run", "processes", "taken by others", "")
    for one in repeated:
        ratio = one.ratio
        grid.add_row(
            f"{ratio.center:.3f}",
            f"{ratio.low:.3f} – {ratio.high:.3f}",
            str(ratio.processes),
            "unknown" if one.load is None else f"{one.load:.0%}",
            ", ".join(mark for mark in ("unsteady", "busy") if getattr(one, mark)),
        )
    console.print(f"\n[bold]{slug}[/bold], measured {len(repeated)} times")
    console.print(grid)
    count, pairs = inside([one.ratio for one in repeated])
    console.print(
        f"{count} of {pairs} ordered pairs ({count / pairs:.0%}) have the center of one "
        "measurement inside the interval of the other."
    )


if __name__ == "__main__":
    environment.restart()
    sys.exit(main())
