"""Every statement of the source document, with a verdict and the page that shows it."""

from collections import Counter

from tutorials_lib.statements.differences import DIFFERENCES
from tutorials_lib.statements.kinds import PARTS, Place, Source, Statement, Verdict
from tutorials_lib.statements.optimizations import INTRODUCTION, OPTIMIZATIONS
from tutorials_lib.statements.reasons import CLOSING, REASONS
from tutorials_lib.statements.speedups import SPEEDUPS

__all__ = [
    "PARTS",
    "STATEMENTS",
    "Place",
    "Source",
    "Statement",
    "Verdict",
    "count_verdicts",
    "of_part",
    "summary",
]

STATEMENTS = (*INTRODUCTION, *OPTIMIZATIONS, *SPEEDUPS, *DIFFERENCES, *REASONS, *CLOSING)
"""All statements, in the order of the document."""


def of_part(part: str) -> tuple[Statement, ...]:
    """The statements of one of `PARTS`; raises `ValueError` that lists the parts for another."""
    if part not in PARTS:
        raise ValueError(f"no part is named {part!r}; the document has: {', '.join(PARTS)}")
    return tuple(statement for statement in STATEMENTS if statement.part == part)


def count_verdicts(statements: tuple[Statement, ...]) -> dict[Verdict, int]:
    """How many of the statements get each verdict, verdicts without any included."""
    counts = Counter(statement.verdict for statement in statements)
    return {verdict: counts[verdict] for verdict in Verdict}


def summary() -> str:
    """One sentence with the number of statements and of each verdict."""
    counts = count_verdicts(STATEMENTS)
    return (
        f"Of {len(STATEMENTS)} statements, {counts[Verdict.HOLDS]} hold, "
        f"{counts[Verdict.CONDITION]} hold with a condition, and {counts[Verdict.FAILS]} do not "
        "hold."
    )
