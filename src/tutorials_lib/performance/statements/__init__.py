"""Every statement of the source document, with a verdict and the page that shows it."""

from collections import Counter

from tutorials_lib.performance.statements.kinds import PARTS, Place, Source, Statement, Verdict
from tutorials_lib.performance.statements.reading import counts, read_part, read_sources

__all__ = [
    "PARTS",
    "SOURCES",
    "STATEMENTS",
    "Place",
    "Source",
    "Statement",
    "Verdict",
    "count_verdicts",
    "counts",
    "of_part",
    "summary",
]

SOURCES = read_sources()
"""The pages of JAX's documentation that settle statements, by name."""

STATEMENTS = tuple(statement for part in PARTS for statement in read_part(part))
"""All statements, in the order of the document."""


def of_part(part: str) -> tuple[Statement, ...]:
    """The statements of one of `PARTS`; raises `ValueError` that lists the parts for another."""
    if part not in PARTS:
        raise ValueError(f"no part is named {part!r}; the document has: {', '.join(PARTS)}")
    return tuple(statement for statement in STATEMENTS if statement.part == part)


def count_verdicts(statements: tuple[Statement, ...]) -> dict[Verdict, int]:
    """How many of the statements get each verdict, verdicts without any included."""
    found = Counter(statement.verdict for statement in statements)
    return {verdict: found[verdict] for verdict in Verdict}


def summary() -> str:
    """One sentence with the number of statements and of each verdict."""
    found = count_verdicts(STATEMENTS)
    return (
        f"Of {len(STATEMENTS)} statements, {found[Verdict.HOLDS]} hold, "
        f"{found[Verdict.CONDITION]} hold with a condition, and {found[Verdict.FAILS]} do not "
        "hold."
    )
