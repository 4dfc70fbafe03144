"""S&P 500, daily, 2000 to 2020; also Google's prices, which Matplotlib brings along."""

import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import DatasetError, MalformedDataError, reading
from tutorials_lib.datasets.tables import Table

SP500 = RemoteFile(
    name="sp500-2000.csv",
    url="https://raw.githubusercontent.com/vega/vega-datasets/"
    "cad85578e232704bb0453544742440038038c6a2/data/sp500-2000.csv",
    sha256="9409e9342d0657c747324e4cfabce8a8c7f663bc485b95a3378f36b0a160f8c8",
    num_bytes=415_968,
    mirror_path="vega/sp500-2000.csv",
    licence="none listed",
    citation="S&P 500, daily, 2000 to 2020, Yahoo Finance, https://github.com/vega/vega-datasets",
)
"""A copy pinned by its commit."""

_GOOGLE = "sample_data/goog.npz"
_GOOGLE_WAY_OUT = "Install Matplotlib anew, in the version that requirements.txt pins."
_TABLE = Table(
    header=("date", "open", "high", "low", "close", "adjclose", "volume"),
    what="the table of the S&P 500",
)


class Prices(NamedTuple):
    """A price for each day of trading, and the days, in order."""

    days: np.ndarray
    prices: Float64[np.ndarray, " days"]


@cache
def load_google() -> Prices:
    """Google's closing price in dollars, 2004 to 2008; the arrays cannot be written to.

    Raises:
        DatasetError: Matplotlib lacks the file.
        MalformedDataError: the file is none of prices.
    """
    import matplotlib  # here: who forecasts something else should not wait for it

    path = Path(matplotlib.get_data_path()) / _GOOGLE
    if not path.is_file():
        raise DatasetError(
            path, expected="prices of Google", found="no such file", way_out=_GOOGLE_WAY_OUT
        )
    prices = read_google(path)
    for array in prices:
        array.flags.writeable = False  # every call returns the same arrays
    return prices


def read_google(path: Path) -> Prices:
    """The prices in Matplotlib's file at `path`.

    Raises:
        MalformedDataError: it is no file of NumPy with days and prices.
    """
    expected = "a NumPy file with the fields date and adj_close of price_data"
    with reading(path, expected=expected, way_out=_GOOGLE_WAY_OUT), path.open("rb") as opened:
        # Given a path, NumPy would leave the file open where it is damaged.
        table = np.load(opened)["price_data"]
        days, prices = table["date"].astype("datetime64[D]"), table["adj_close"].astype(float)
    return _checked(days, prices, str(path), _GOOGLE_WAY_OUT)


def load_sp500(*, remote: RemoteFile = SP500) -> Prices:
    """The index at the close, 2000 to 2020.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such table
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return parse_table(path.read_text("utf-8-sig", errors="replace"), str(path))


def parse_table(text: str, file: str) -> Prices:
    """The adjusted closing prices in the comma-separated `text`.

    Raises:
        MalformedDataError: a column, a number of fields, a day or a price is not as it should be,
            or the days do not rise.
    """
    rows = _TABLE.read(text, file)
    days, prices = [], []
    for row in rows:
        try:
            days.append(datetime.date.fromisoformat(row.fields["date"]))
        except ValueError as error:
            found = repr(row.fields["date"][:40])
            raise row.malformed("a date such as 2000-01-03", found) from error
        prices.append(row.number("adjclose", above=0))
    found = np.array(days, "datetime64[D]"), np.array(prices)
    return _checked(*found, file, f"Check that this is {_TABLE.what}.")


def _checked(days: np.ndarray, prices: np.ndarray, file: str, way_out: str) -> Prices:
    if len(days) and (np.diff(days) > np.timedelta64(0)).all() and (prices > 0).all():
        return Prices(days, prices)
    raise MalformedDataError(
        file,
        expected="a price above zero for each of some rising days",
        found=f"{len(days)} days, not so",
        way_out=way_out,
    )
