"""California housing: the published districts are read, and nothing else passes for them."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.california import COLUMNS, OCEAN_PROXIMITY, load_california, parse_table

HEADER = ",".join([*COLUMNS, "median_house_value", "ocean_proximity"])
ROW = "-122.2,37.9,41.0,880.0,129.0,322.0,126.0,8.3,452600.0,NEAR BAY"
TABLE = f"{HEADER}\n{ROW}\n{ROW.replace('129.0', '').replace('NEAR BAY', 'ISLAND')}\n"


def test_a_small_table_is_read_with_its_gap():
    table = parse_table(TABLE, "small.csv")
    assert table.numbers.shape == (2, 8)
    np.testing.assert_array_equal(table.numbers[0, :3], [-122.2, 37.9, 41.0])
    assert np.isnan(table.numbers[1, COLUMNS.index("total_bedrooms")])
    assert [OCEAN_PROXIMITY[i] for i in table.ocean] == ["NEAR BAY", "ISLAND"]
    np.testing.assert_array_equal(table.price, [452_600.0, 452_600.0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HEADER, HEADER.replace("latitude", "lat"), "line 1: expected the columns longitude"),
        (",NEAR BAY", "", "line 2: expected 10 fields; found 9"),
        ("NEAR BAY", "MOON", "line 2: expected one of <1H OCEAN.*found .MOON"),
        ("880.0", "", "line 2: expected a number above 0 as total_rooms"),
        ("880.0", "nan", "line 2: expected a number above 0 as total_rooms"),
        ("880.0", "0", "line 2: expected a number above 0 as total_rooms"),
        ("452600.0", "0", "line 2: expected a number above 0 as median_house_value"),
        ("322.0", "inf", "line 2: expected a number above 0 as population"),
        ("37.9", "900", "line 2: expected a number from -180 to 180 as latitude"),
        ("129.0", "-1", "line 2: expected a number above 0 as total_bedrooms"),
        ("41.0", '"4', "line 2: expected comma-separated values"),
        (f"{ROW}\n", "", "expected rows below the header; found none"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(old: str, new: str, message: str):
    table = f"{HEADER}\n{ROW}\n".replace(old, new)
    with pytest.raises(MalformedDataError, match=message):
        parse_table(table, "small.csv")


def test_a_field_of_endless_digits_is_malformed():
    with pytest.raises(MalformedDataError, match=r"small\.csv, line 2"):
        parse_table(f"{HEADER}\n{'1' * 200_000}\n", "small.csv")


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_the_promised_error(text: str):
    for table in (text, f"{HEADER}\n{text}"):
        with contextlib.suppress(MalformedDataError):
            parse_table(table, "any.csv")


@pytest.mark.usefixtures("published_data")
def test_the_published_districts_are_all_there():
    table = load_california()
    assert table.numbers.shape == (20_640, 8)
    assert np.isnan(table.numbers).sum() == 207
    assert np.bincount(table.ocean).tolist() == [9_136, 6_551, 5, 2_290, 2_658]
    assert table.price.max() == 500_001
