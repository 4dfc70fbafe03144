"""Read the statements: one TOML file for each part of the source document, and their sources.

A `truth` may hold `$written`, `$tutorials`, `$lines`, `$reaching`, `$smallest` and `$largest`,
which are counted from the catalog, so that no sentence is older than what it counts.
"""

import tomllib
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from tutorials_lib import catalog
from tutorials_lib.catalog import Tutorial
from tutorials_lib.performance.statements.kinds import Place, Source, Statement, Verdict

FOLDER = Path(__file__).parent

_NAMED = tuple(tutorial for tutorial in catalog.TUTORIALS if tutorial.number <= 30)
"""The tutorials that the source document names; it says nothing of one that was added to them."""


@cache
def read_sources(folder: Path = FOLDER) -> dict[str, Source]:
    """The pages of JAX's documentation by the names that statements give them."""
    rows = tomllib.loads((folder / "sources.toml").read_text(encoding="utf-8"))
    return {name: Source(**row) for name, row in rows.items()}


def read_part(part: str, folder: Path = FOLDER) -> tuple[Statement, ...]:
    """The statements of `<part>.toml`, in their order.

    Raises:
        ValueError: a row is no statement; the message names the file and the row.
    """
    path = folder / f"{part}.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["statement"]
    statements = []
    for number, row in enumerate(rows, start=1):
        try:
            statements.append(_statement(part, row, folder))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name}, statement {number}: {error}") from error
    return tuple(statements)


def _statement(part: str, row: dict[str, Any], folder: Path) -> Statement:
    row = dict(row)
    quote, tutorials = _said(row)
    sources = read_sources(folder)
    return Statement(
        part=part,
        quote=quote,
        verdict=Verdict(row.pop("verdict")),
        truth=Template(row.pop("truth")).substitute(counts()),
        shown=tuple(Place(*place.split("#")) for place in row.pop("shown")),
        settled=tuple(sources[name] for name in row.pop("settled", ())),
        tutorials=tutorials,
        **row,  # `number`; any other key is an error
    )


def _said(row: dict[str, Any]) -> tuple[str, tuple[Tutorial, ...]]:
    """The words of a statement, and the tutorials whose speedup lines say them."""
    if "reason_of" in row:
        quote = catalog.find(row.pop("reason_of")).claimed_reason
        same = [each for each in _NAMED if each.claimed_reason == quote]
    elif "change_of" in row:
        named = catalog.find(row.pop("change_of"))
        quote, names_units = named.claimed_change, named.implied_factor is not None
        same = [t for t in _NAMED if (t.implied_factor is not None) == names_units]
    else:
        return row.pop("quote"), ()
    return quote, tuple(sorted(same, key=lambda tutorial: tutorial.number))


@cache
def counts() -> dict[str, str]:
    """What sentences count from the catalog, by the name that stands in them."""
    factors = {t: t.implied_factor for t in _NAMED if t.implied_factor is not None}
    reaching = [t for t, factor in factors.items() if t.claim[0] <= factor <= t.claim[1]]
    return {
        "written": str(len(catalog.available())),
        "tutorials": str(len(catalog.TUTORIALS)),
        "lines": str(len(factors)),
        "reaching": str(len(reaching) or "none"),
        "smallest": f"{min(factors.values()):,.0f}",
        "largest": f"{max(factors.values()):,.0f}",
    }
