"""Monthly mean sunspot numbers since 1749, which statsmodels brings along; nothing is downloaded.

The package has them in a table: a line a year, and its twelve months behind it. It offers only the
yearly means by a function of its own. The numbers are those before the revision of 2015.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from tutorials_lib.datasets.errors import DatasetError, MalformedDataError

LICENCE = "public domain"
"""As statsmodels states it; the numbers come from the National Geophysical Data Center."""

_FILE = "datasets/sunspots/src/sunspots_monthly.dat"
_WAY_OUT = "Install statsmodels anew, in the version that requirements.txt pins."
_MONTHS = 12
_LARGEST = 1000.0  # four times the highest month


class Sunspots(NamedTuple):
    """The mean number of each month, and the year of the first one, which is a January."""

    numbers: Float64[np.ndarray, " months"]
    first_year: int


@cache
def load_sunspots() -> Sunspots:
    """All months from January 1749 on; the array cannot be written to.

    Raises:
        DatasetError: statsmodels is not installed, or lacks the table.
        MalformedDataError: the table is not one of years with twelve months each.
    """
    package = find_spec("statsmodels")  # to import it would take a second
    if package is None or package.origin is None:
        raise DatasetError(
            "statsmodels",
            expected="the package of this name, which brings sunspot numbers along",
            found="no such package",
            way_out="Install it, in the version that requirements.txt pins.",
        )
    path = Path(package.origin).parent / _FILE
    if not path.is_file():
        raise DatasetError(
            path, expected="a table of sunspot numbers", found="no such file", way_out=_WAY_OUT
        )
    sunspots = parse_table(path.read_text("utf-8", errors="replace"), str(path))
    sunspots.numbers.flags.writeable = False  # every call returns the same array
    return sunspots


def parse_table(text: str, file: str) -> Sunspots:
    """The months in the lines of `text` that begin with a year; its other lines are remarks.

    Raises:
        MalformedDataError: there is no such line, a year is missing or has not twelve numbers
            from 0 to 1000 (the last year may end early), or one does not follow the one before.
    """
    numbers: list[float] = []
    first = last = None
    for line_number, line in enumerate(text.splitlines(), start=1):
        if not re.match(r"[0-9]{4}\s", line):
            continue
        place = f"{file}, line {line_number}"
        year = int(line[:4])
        if last is not None and (year != last + 1 or len(numbers) % _MONTHS):
            raise _malformed(place, expected="twelve months of every year in turn", found=line[:40])
        first, last = year if first is None else first, year
        numbers += _months(line[4:].split(), place)
    if first is None:
        raise _malformed(file, expected="lines that begin with a year", found="none")
    return Sunspots(np.array(numbers), first)


def _months(fields: list[str], place: str) -> list[float]:
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        numbers = []
    if not 0 < len(numbers) <= _MONTHS or not all(0 <= each <= _LARGEST for each in numbers):
        found = " ".join(fields)[:60] or "nothing"
        raise _malformed(place, expected=f"up to {_MONTHS} sunspot numbers", found=found)
    return numbers


def _malformed(file: str, *, expected: str, found: str) -> MalformedDataError:
    return MalformedDataError(file, expected=expected, found=found, way_out=_WAY_OUT)
