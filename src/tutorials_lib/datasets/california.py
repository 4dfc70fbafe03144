"""California housing: 20,640 districts of the census of 1990 (Pace and Barry 1997)."""

import csv
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

CALIFORNIA = RemoteFile(
    name="california-housing.csv",
    url="https://raw.githubusercontent.com/ageron/handson-ml/"
    "b7051594afbb1d835f5e031af8664c4363878050/datasets/housing/housing.csv",
    sha256="8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e",
    num_bytes=1_423_529,
    mirror_path="california/housing.csv",
    licence="see the source",
    citation="R. K. Pace and R. Barry (1997), Sparse spatial autoregressions, Statistics & "
    "Probability Letters 33, https://www.dcc.fc.up.pt/~ltorgo/Regression/cal_housing.html",
)
"""A copy pinned by its commit; it has a column for the ocean, and 207 gaps in the bedrooms."""

COLUMNS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
)
"""The numbers of a district, in the order of the columns of `California.numbers`."""

OCEAN_PROXIMITY = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")

_HEADER = (*COLUMNS, "median_house_value", "ocean_proximity")
_MAY_BE_BLANK = "total_bedrooms"
_SIGNED = ("longitude", "latitude")


class California(NamedTuple):
    """One row for each district, in the published order.

    Attributes:
        numbers: the `COLUMNS`; income in ten thousands of dollars, NaN where bedrooms are blank.
        ocean: index into `OCEAN_PROXIMITY`.
        price: median value of the district's houses in dollars, cut off at 500,001.
    """

    numbers: Float64[np.ndarray, "districts 8"]
    ocean: Int64[np.ndarray, " districts"]
    price: Float64[np.ndarray, " districts"]


def load_california(*, remote: RemoteFile = CALIFORNIA) -> California:
    """The 20,640 districts.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such table
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return parse_table(path.read_text("utf-8-sig", errors="replace"), str(path))


def parse_table(text: str, file: str) -> California:
    """The districts in the comma-separated `text`, whose first line names the columns.

    Raises:
        MalformedDataError: a column, a number of fields or a value is not as it should be, or
            there is no district; the message names the line of `file`.
    """
    rows = csv.reader(text.splitlines(), strict=True)
    parsed = []
    try:
        _check_header(next(rows, []), file)
        parsed = [_parse_row(row, f"{file}, line {rows.line_num}") for row in rows if row]
    except csv.Error as error:
        line = f"{file}, line {rows.line_num}"
        raise _malformed(line, expected="comma-separated values", found=str(error)) from error
    if not parsed:
        raise _malformed(file, expected="a district in each line", found="none")
    numbers, prices, oceans = zip(*parsed, strict=True)
    return California(
        numbers=np.array(numbers, np.float64),
        ocean=np.array(oceans, np.int64),
        price=np.array(prices, np.float64),
    )


def _check_header(header: list[str], file: str) -> None:
    if tuple(header) != _HEADER:
        raise _malformed(
            f"{file}, line 1",
            expected=f"the columns {', '.join(_HEADER)}",
            found=", ".join(header)[:200] or "nothing",
        )


def _parse_row(row: list[str], line: str) -> tuple[list[float], float, int]:
    """Numbers, price and ocean of a district."""
    if len(row) != len(_HEADER):
        raise _malformed(line, expected=f"{len(_HEADER)} fields", found=str(len(row)))
    if row[-1] not in OCEAN_PROXIMITY:
        expected = f"one of {', '.join(OCEAN_PROXIMITY)}"
        raise _malformed(line, expected=expected, found=row[-1][:40])
    *numbers, price = (
        _parse_number(field, name, line) for name, field in zip(_HEADER[:-1], row[:-1], strict=True)
    )
    return numbers, price, OCEAN_PROXIMITY.index(row[-1])


def _parse_number(field: str, name: str, line: str) -> float:
    """The number in a field; NaN where a gap is allowed."""
    if name == _MAY_BE_BLANK and not field:
        return math.nan
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    in_range = -180 <= value <= 180 if name in _SIGNED else 0 < value < math.inf
    if not in_range:
        expected = "degrees" if name in _SIGNED else "a number above zero"
        raise _malformed(line, expected=f"{expected} as {name}", found=repr(field[:40]))
    return value


def _malformed(line: str, *, expected: str, found: str) -> MalformedDataError:
    way_out = "Check that this is the table of California's districts."
    return MalformedDataError(line, expected=expected, found=found, way_out=way_out)
