"""AI4I 2020: the published parts are read, and nothing else passes for them."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.ai4i import MEASUREMENTS, MODES, QUALITIES, load_ai4i, parse_table

HEADER = ",".join(["UDI", "Product ID", "Type", *MEASUREMENTS, "Machine failure", *MODES])
ROW = "1,M14860,M,298.1,308.6,1551,42.8,7,1,0,1,0,0,0"
TABLE = f"{HEADER}\r\n{ROW}\r\n{ROW.replace('M14860,M', 'H9,H').replace('1,0,1', '0,0,0')}\r\n"


def test_a_small_table_is_read():
    table = parse_table(TABLE, "small.csv")
    np.testing.assert_array_equal(table.measurements[0], [298.1, 308.6, 1551, 42.8, 7])
    assert [QUALITIES[i] for i in table.quality] == ["M", "H"]
    assert table.failed.tolist() == [True, False]
    assert table.modes.tolist() == [[False, True, False, False, False], [False] * 5]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HEADER, HEADER.replace("Torque", "Torsion"), "line 1: expected the columns UDI"),
        (",0,0,0", ",0,0", "line 2: expected 14 fields; found 13"),
        ("M14860,M", "M14860,X", "line 2: expected one of L, M, H as Type; found 'X'"),
        ("42.8", "", "line 2: expected a number of at least 0 as Torque"),
        ("42.8", "nan", "line 2: expected a number of at least 0 as Torque"),
        ("1551", "inf", "line 2: expected a number of at least 0 as Rotational speed"),
        ("298.1", "-3", "line 2: expected a number of at least 0 as Air temperature"),
        ("7,1,0", "7,1,2", "line 2: expected one of 0, 1 as TWF"),
        ("M14860", '"M1', "line 2: expected comma-separated values"),
        (f"{ROW}\n", "", "expected rows below the header; found none"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(old: str, new: str, message: str):
    table = f"{HEADER}\n{ROW}\n".replace(old, new)
    with pytest.raises(MalformedDataError, match=message):
        parse_table(table, "small.csv")


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_the_promised_error(text: str):
    for table in (text, f"{HEADER}\n{text}"):
        with contextlib.suppress(MalformedDataError):
            parse_table(table, "any.csv")


@pytest.mark.usefixtures("published_data")
def test_the_published_parts_are_all_there():
    table = load_ai4i()
    assert table.measurements.shape == (10_000, 5)
    assert np.bincount(table.quality).tolist() == [6_000, 2_997, 1_003]
    assert table.failed.sum() == 339
    assert table.modes.sum(axis=0).tolist() == [46, 115, 95, 98, 19]
    assert (table.failed & ~table.modes.any(axis=1)).sum() == 9
    assert (table.modes[:, 4] & ~table.failed).sum() == 18
