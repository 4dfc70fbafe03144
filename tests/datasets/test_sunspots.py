"""Sunspot numbers: the table of statsmodels is read, and nothing else passes for it."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.sunspots import load_sunspots, parse_table

YEAR = "1749 1 2 3 4 5 6 7 8 9 10 11 12.5"
TABLE = f"MONTHLY MEANS\nYear Jan\n{YEAR}\n\n1750   3.5 0.0\n-----\nA remark of 1751.\n"


def test_a_small_table_is_read_up_to_its_last_month():
    found = parse_table(TABLE, "small.dat")
    assert found.numbers.tolist() == [*range(1, 12), 12.5, 3.5, 0.0]
    assert found.first_year == 1749


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TABLE, "nothing", "expected lines that begin with a year; found none"),
        ("1750 ", "1752 ", "line 5: expected twelve months of every year in turn"),
        (" 12.5", "", "line 5: expected twelve months"),
        ("3.5", "three", "line 5: expected up to 12 sunspot numbers; found three"),
        ("3.5", "nan", "line 5: expected up to 12 sunspot numbers"),
        ("3.5", "-1", "line 5: expected up to 12 sunspot numbers"),
        ("3.5 0.0", "1 " * 13, "line 5: expected up to 12 sunspot numbers"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(old: str, new: str, message: str):
    with pytest.raises(MalformedDataError, match=message):
        parse_table(TABLE.replace(old, new), "small.dat")


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_the_promised_error(text: str):
    for table in (text, f"{YEAR}\n1750 {text}"):
        with contextlib.suppress(MalformedDataError):
            parse_table(table, "any.dat")


def test_the_months_that_statsmodels_brings_are_all_there():
    found = load_sunspots()
    assert (found.first_year, len(found.numbers)) == (1749, 3126)
    assert found.numbers[:3].tolist() == [58.0, 62.6, 70.0]
    assert found.numbers.max() == 253.8
    assert not found.numbers.flags.writeable
    np.testing.assert_array_less(-1, found.numbers)
