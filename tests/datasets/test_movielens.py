"""MovieLens 100k: the published ratings are read, and nothing else passes for them."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.movielens import load_movielens, parse_ratings

ROWS = "7\t11\t5\t900000000\n1\t11\t3\t900000001\n"


def test_a_small_file_is_read_and_numbered_from_zero():
    table = parse_ratings(ROWS, "small.data")
    assert table.users.tolist() == [6, 0]
    assert table.movies.tolist() == [10, 10]
    assert table.stars.tolist() == [5, 3]
    assert table.seconds.tolist() == [900_000_000, 900_000_001]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\t5\t", "\t", "line 1: expected 4 fields with tabs between; found 3"),
        ("\t5\t", "\t6\t", "line 1: expected stars from 1 to 5; found '6'"),
        ("\t5\t", "\t-5\t", "line 1: expected stars from 1 to 5"),
        ("\t5\t", "\t4.5\t", "line 1: expected stars from 1 to 5"),
        ("1\t11\t3", "944\t11\t3", "line 2: expected a user from 1 to 943; found '944'"),
        ("1\t11\t3", "0\t11\t3", "line 2: expected a user from 1 to 943"),
        ("1\t11\t3", "1\t1683\t3", "line 2: expected a movie from 1 to 1682"),
        ("900000001", "2147483648", "line 2: expected a time in seconds"),
        ("1\t11\t3", "7\t11\t3", "one rating of a movie by a person; found several"),
        (ROWS, "", "expected a rating in each line; found none"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(old: str, new: str, message: str):
    with pytest.raises(MalformedDataError, match=message):
        parse_ratings(ROWS.replace(old, new), "small.data")


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_the_promised_error(text: str):
    for table in (text, f"{ROWS}{text}", f"1\t2\t{text}\t4"):
        with contextlib.suppress(MalformedDataError):
            parse_ratings(table, "any.data")


@pytest.mark.usefixtures("published_data")
def test_the_published_ratings_are_all_there():
    table = load_movielens()
    assert np.bincount(table.stars).tolist() == [0, 6_110, 11_370, 27_145, 34_174, 21_201]
    assert np.bincount(table.users).min() == 20
    assert (table.users.max(), table.movies.max()) == (942, 1_681)
