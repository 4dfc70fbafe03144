"""Credit-card fraud: the published table is read, and nothing else passes for it."""

import contextlib
import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets import MalformedDataError, TruncatedFileError
from tutorials_lib.datasets.creditcard import CREDITCARD, NUMBERS, load_creditcard, parse_table

HEADER = ",".join(["Time", *NUMBERS[1:-1], "Amount", "Class"])
COMPONENTS = ",".join(f"{(-1) ** i * i / 10}" for i in range(1, 29))
TABLE = f"{HEADER}\n0.0,{COMPONENTS},149.62,'0'\n93600.0,{COMPONENTS},0.0,'1'\n"


def test_a_small_table_is_read_with_and_without_quotation_marks():
    for text in (TABLE, TABLE.replace("'", "")):
        table = parse_table(text, "small.csv")
        assert table.numbers.shape == (2, len(NUMBERS))
        np.testing.assert_array_equal(table.is_fraud, [False, True])
        np.testing.assert_allclose(table.numbers[:, 0], [0, 2])  # two in the morning, a day later
        np.testing.assert_allclose(table.numbers[:, -1], [np.log(150.62), 0])
        np.testing.assert_allclose(table.numbers[0, 1:3], [-0.1, 0.2])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HEADER, "," + HEADER, "line 1: expected the columns Time"),
        (",149.62", "", "line 2: expected 31 fields; found 30"),
        ("'1'", "'2'", "line 3: expected one of 0, 1, '0', '1' as Class"),
        ("149.62", "-1", "line 2: expected a number of at least 0 as Amount"),
        ("93600.0", "-1", "line 3: expected a number of at least 0 as Time"),
        (",0.2,", ",nan,", "line 2: expected a number as V2"),
        (",0.2,", ",many,", "line 2: expected a number as V2"),
        (TABLE, HEADER + "\n", "expected rows below the header; found none"),
        (TABLE, "", "found nothing"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(old: str, new: str, message: str):
    with pytest.raises(MalformedDataError, match=message):
        parse_table(TABLE.replace(old, new), "damaged.csv")


@given(st.text())
def test_any_text_is_a_table_or_malformed(text: str):
    with contextlib.suppress(MalformedDataError):
        parse_table(text, "any.csv")
        raise AssertionError(f"{text!r} passed for a table")


@given(st.text(max_size=20), st.integers(0, len(TABLE)))
def test_any_insertion_is_read_or_malformed(text: str, place: int):
    with contextlib.suppress(MalformedDataError):
        table = parse_table(TABLE[:place] + text + TABLE[place:], "any.csv")
        assert np.isfinite(table.numbers).all()


def test_another_file_under_its_name_is_refused(tmp_path, monkeypatch):
    path = tmp_path / CREDITCARD.mirror_path
    path.parent.mkdir()
    path.write_text(TABLE)
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    with pytest.raises(TruncatedFileError, match="creditcard"):
        load_creditcard()
    known = dataclasses.replace(
        CREDITCARD, sha256=hashlib.sha256(TABLE.encode()).hexdigest(), num_bytes=len(TABLE)
    )
    assert load_creditcard(remote=known).is_fraud.tolist() == [False, True]


def test_rows_of_the_published_set_are_read(published_data):
    """The mirror has 1,722 of the rows, with their numbers in a column of their own."""
    path = published_data / "creditcard" / "creditcard_sample.csv"
    if not path.is_file():
        pytest.skip(f"no sample of the published set at {path}")
    rows = [line.partition(",")[2] for line in path.read_text().splitlines()]
    table = parse_table("\n".join(rows), str(path))
    assert table.numbers.shape == (1_722, len(NUMBERS))
    assert table.is_fraud.sum() == 492
    amounts = np.expm1(table.numbers[table.is_fraud, -1])
    assert amounts.sum() == pytest.approx(60_127.97)
