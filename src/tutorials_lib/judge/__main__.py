"""`python -m tutorials_lib.judge`: train, judge and set beside the rivals, with several seeds."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tutorials_lib import catalog, environment, presets
from tutorials_lib.files import write_json
from tutorials_lib.options import check_writable

if TYPE_CHECKING:
    from tutorials_lib.judge.record import JudgeRecord

# What imports JAX is imported where it is needed: --help should not wait for it, and it reads
# settings that the options choose.

CHECKOUT = Path(__file__).parents[3]
"""Where the book lies when the package is installed from a checkout."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, store the records where asked, and print tables; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for variable, value in (("PRESET", options.preset), ("DATA", options.data)):
        if value:
            os.environ[f"TUTORIALS_{variable}"] = value
    try:
        environment.check()
        _check(options)
        slugs = _choose(options.slugs)
    except (ValueError, LookupError) as error:
        parser.error(str(error))
    records, failures = _judge(slugs, options)
    console = Console(width=None if sys.stdout.isatty() else 110, markup=False, highlight=False)
    for record in records:
        _print(console, record)
    for failure in failures:
        console.print(f"\nNot judged: {failure}", style="red")
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tutorials_lib.judge",
        description="Set what training reaches on held-out data beside the rivals.",
    )
    parser.add_argument(
        "slugs", nargs="*", metavar="SLUG", help="default: every tutorial that can be judged"
    )
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED", help="default: 0 1 2"
    )
    parser.add_argument(
        "--preset", choices=presets.PRESET_NAMES, help="in the place of TUTORIALS_PRESET"
    )
    parser.add_argument("--data", choices=presets.SOURCES, help="in the place of TUTORIALS_DATA")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records to FILE")
    parser.add_argument(
        "--record",
        action="store_true",
        help="also write them into the book, to be shown on the site",
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """Raise `ValueError` for what would fail only after the work."""
    known = [tutorial.slug for tutorial in catalog.available()]
    unknown = sorted(set(options.slugs) - set(known))
    if unknown:
        raise ValueError(f"no tutorial named {', '.join(unknown)}; there are: {', '.join(known)}")
    from tutorials_lib.judge.seeds import check_seeds

    check_seeds(options.seeds)
    preset = presets.preset_name()
    if options.json:
        check_writable(options.json, "--json")
    if not options.record:
        return
    if preset == "tiny":
        raise ValueError("--record stores results that a reader may quote; tiny is for tests")
    if len(options.seeds) < 2:
        raise ValueError("--record stores a mean with its interval; give at least two seeds")
    if not (CHECKOUT / "book").is_dir():
        raise ValueError(f"--record writes into the book, and {CHECKOUT} is no checkout of it")


def _choose(slugs: Sequence[str]) -> list[str]:
    """The tutorials to judge, each once; those that were not asked for may lack an evaluation.

    Raises:
        NoEvaluationError: one that was asked for, or every one, cannot be judged.
        ValueError: one has no such preset, or the environment has a value that is not known.
    """
    from tutorials_lib.judge.evaluation import NoEvaluationError, load_config, load_evaluation

    chosen = []
    for slug in dict.fromkeys(slugs or [tutorial.slug for tutorial in catalog.available()]):
        try:
            load_evaluation(slug)
        except NoEvaluationError:
            if slugs:
                raise
            continue
        try:
            load_config(slug)
        except ValueError as error:
            raise ValueError(f"{slug}: {error}") from error
        chosen.append(slug)
    if not chosen:
        raise NoEvaluationError("no tutorial can be judged yet")
    return chosen


def _judge(
    slugs: Sequence[str], options: argparse.Namespace
) -> tuple[list["JudgeRecord"], list[str]]:
    """Judge one tutorial after the other; each record is stored as soon as there is one.

    A tutorial whose data cannot be had is a failure, and the others are judged all the same.
    """
    from tutorials_lib.datasets import DatasetError
    from tutorials_lib.judge.record import STORED, judge_tutorial

    records, failures = [], []
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for slug in slugs:
            task = progress.add_task(slug, total=len(options.seeds))

            def advance(seed: int, task=task, slug: str = slug) -> None:
                progress.update(task, advance=1, description=f"{slug}: seed {seed}")

            try:
                record = judge_tutorial(slug, options.seeds, advance=advance)
            except DatasetError as error:
                failures.append(f"{slug}: {error}")
                continue
            records.append(record)
            if options.record:
                write_json(CHECKOUT / STORED[record.data_source] / f"{slug}.json", record.to_json())
            if options.json:
                write_json(options.json, [each.to_json() for each in records])
    return records, failures


def _print(console: Console, record: "JudgeRecord") -> None:
    from tutorials_lib.benchmark.tables import format_seconds
    from tutorials_lib.judge.report import details_table, score_table, verdict_sentences

    title = f"{record.slug} ({record.preset}, {record.data_source} data)"
    for header, rows in (score_table(record.summary), details_table(record.summary)):
        if rows:
            grid = Table(header[0], title=title)
            for column in header[1:]:
                grid.add_column(column, justify="right")
            for row in rows:
                grid.add_row(*row)
            console.print()
            console.print(grid)
    console.print(verdict_sentences(record.summary))
    console.print(f"Took {format_seconds(record.summary.seconds)}, training and rivals together.")
    for file in record.files:
        console.print(f"Read {file.name}, {file.num_bytes:,} bytes, sha256 {file.sha256}.")


if __name__ == "__main__":
    environment.restart()
    sys.exit(main())
