"""Credit-card fraud: 284,807 payments of two days in 2013 (Dal Pozzolo et al. 2015)."""

import csv
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

CREDITCARD = RemoteFile(
    name="creditcard.csv",
    url="https://www.openml.org/data/get_csv/1673544/phpKo8OWT",
    sha256="a57f43b36bd695c8e984f481d9309c08a635e726068007f8d1751933e6866d86",
    num_bytes=150_828_752,
    mirror_path="creditcard/creditcard.csv",
    licence="DbCL 1.0",
    citation="A. Dal Pozzolo, O. Caelen, R. A. Johnson and G. Bontempi (2015), Calibrating "
    "probability with undersampling for unbalanced classification, IEEE Symposium Series on "
    "Computational Intelligence, https://www.openml.org/d/1597",
)
"""The table as OpenML keeps it, where the class stands in quotation marks."""

NUMBERS = ("hour", *(f"V{i}" for i in range(1, 29)), "log amount")
"""Columns of `CreditCard.numbers`; V1 to V28 are principal components of what is kept secret."""

_HEADER = ("Time", *NUMBERS[1:-1], "Amount", "Class")


class CreditCard(NamedTuple):
    """One row for each payment, in the published order.

    Attributes:
        numbers: the columns `NUMBERS`: the hour of the day that the seconds since the first
            payment come to, the 28 components, and log(1 + amount in euros).
        is_fraud: whether the payment is fraud.
    """

    numbers: Float64[np.ndarray, "payments 30"]
    is_fraud: Bool[np.ndarray, " payments"]


def load_creditcard(*, remote: RemoteFile = CREDITCARD) -> CreditCard:
    """The 284,807 payments, 492 of them fraud.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such table
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return parse_table(path.read_text("utf-8-sig", errors="replace"), str(path))


def parse_table(text: str, file: str) -> CreditCard:
    """The payments in the comma-separated `text`, whose first line names the columns.

    Raises:
        MalformedDataError: a column, a number of fields or a value is not as it should be, or
            there is no payment; the message names the line of `file`.
    """
    rows = csv.reader(text.splitlines(), strict=True)
    parsed = []
    try:
        header = next(rows, [])
        if tuple(header) != _HEADER:
            found = ", ".join(header)[:200] or "nothing"
            raise _malformed(f"{file}, line 1", f"the columns {', '.join(_HEADER)}", found)
        parsed = [_parse_row(row, f"{file}, line {rows.line_num}") for row in rows if row]
    except csv.Error as error:
        line = f"{file}, line {rows.line_num}"
        raise _malformed(line, "comma-separated values", str(error)) from error
    if not parsed:
        raise _malformed(file, "a payment in each line", "none")
    table = np.array(parsed)
    seconds, components, amount, label = np.split(table, [1, 29, 30], axis=1)
    numbers = np.concatenate([seconds / 3_600 % 24, components, np.log1p(amount)], axis=1)
    return CreditCard(numbers, label[:, 0] == 1)


def _parse_row(row: list[str], line: str) -> list[float]:
    if len(row) != len(_HEADER):
        raise _malformed(line, f"{len(_HEADER)} fields", str(len(row)))
    label = row[-1].strip("'")
    if label not in ("0", "1"):
        raise _malformed(line, "0 or 1 as Class", repr(row[-1][:40]))
    return [*map(_parse_number, _HEADER, row[:-1], [line] * len(row)), float(label)]


def _parse_number(name: str, field: str, line: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and (value >= 0 or name not in ("Time", "Amount"))):
        expected = "a number of zero or more" if name in ("Time", "Amount") else "a number"
        raise _malformed(line, f"{expected} as {name}", repr(field[:40]))
    return value


def _malformed(line: str, expected: str, found: str) -> MalformedDataError:
    way_out = "Check that this is the table of card payments."
    return MalformedDataError(line, expected=expected, found=found, way_out=way_out)
