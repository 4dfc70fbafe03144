"""Prices: both tables are read, and nothing else passes for them."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.stock_prices import load_google, load_sp500, parse_table, read_google

HEADER = "date,open,high,low,close,adjclose,volume"
ROW = "2000-01-03,1469.25,1478.0,1438.4,1455.2,1455.5,931800000"
TABLE = f"{HEADER}\n{ROW}\n{ROW.replace('03,', '04,').replace('1455.5', '1399.4')}\n"


def test_a_small_table_is_read():
    found = parse_table(TABLE, "small.csv")
    assert found.prices.tolist() == [1455.5, 1399.4]
    assert found.days.astype(str).tolist() == ["2000-01-03", "2000-01-04"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("adjclose", "adjusted", "line 1: expected the columns date"),
        ("2000-01-03", "yesterday", "line 2: expected a date such as 2000-01-03"),
        ("1455.5", "0", "line 2: expected a number above 0 as adjclose"),
        ("1399.4", "", "line 3: expected a number above 0 as adjclose"),
        ("2000-01-04", "2000-01-02", "expected a price above zero for each of some rising days"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(old: str, new: str, message: str):
    with pytest.raises(MalformedDataError, match=message):
        parse_table(TABLE.replace(old, new), "small.csv")


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_the_promised_error(text: str):
    for table in (text, f"{HEADER}\n{text}"):
        with contextlib.suppress(MalformedDataError):
            parse_table(table, "any.csv")


def test_a_file_that_holds_no_prices_is_malformed(tmp_path: Path):
    path = tmp_path / "goog.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(MalformedDataError, match="expected a NumPy file"):
        read_google(path)
    np.savez(path, price_data=np.zeros(3))
    with pytest.raises(MalformedDataError, match="expected a NumPy file"):
        read_google(path)


def test_the_prices_that_matplotlib_brings_are_all_there():
    found = load_google()
    assert found.days[[0, -1]].astype(str).tolist() == ["2004-08-19", "2008-10-14"]
    assert (len(found.prices), found.prices[0]) == (1047, 100.34)


@pytest.mark.usefixtures("published_data")
def test_the_published_index_is_all_there():
    found = load_sp500()
    assert len(found.prices) == 5105
    assert found.days[[0, -1]].astype(str).tolist() == ["2000-01-03", "2020-04-17"]
