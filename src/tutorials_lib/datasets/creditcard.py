"""Credit-card fraud: 284,807 payments of two days in 2013 (Dal Pozzolo et al. 2015)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.tables import Row, Table

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

_TABLE = Table(
    header=("Time", *NUMBERS[1:-1], "Amount", "Class"), what="the table of card payments"
)


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
    table = np.array([_parse_row(row) for row in _TABLE.read(text, file)])
    seconds, components, amount, label = np.split(table, [1, 29, 30], axis=1)
    numbers = np.concatenate([seconds / 3_600 % 24, components, np.log1p(amount)], axis=1)
    return CreditCard(numbers, label[:, 0] == 1)


def _parse_row(row: Row) -> list[float]:
    label = row.index("Class", ("0", "1", "'0'", "'1'")) % 2
    seconds, amount = row.numbers(("Time", "Amount"), least=0)
    return [seconds, *row.numbers(NUMBERS[1:-1]), amount, float(label)]
