"""California housing: 20,640 districts of the census of 1990 (Pace and Barry 1997)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.tables import Row, Table

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

_TABLE = Table(
    header=(*COLUMNS, "median_house_value", "ocean_proximity"),
    what="the table of California's districts",
)
_DEGREES = ("longitude", "latitude")


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
    rows = _TABLE.read(text, file)
    numbers = [[_number(row, name) for name in COLUMNS] for row in rows]
    return California(
        numbers=np.array(numbers, np.float64),
        ocean=np.array([row.index("ocean_proximity", OCEAN_PROXIMITY) for row in rows], np.int64),
        price=np.array([row.number("median_house_value", above=0) for row in rows], np.float64),
    )


def _number(row: Row, name: str) -> float:
    if name in _DEGREES:
        return row.number(name, least=-180, most=180)
    return row.number(name, above=0, may_be_blank=name == "total_bedrooms")
