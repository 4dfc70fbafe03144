"""Wholesale customers: what 440 clients of a Portuguese wholesaler spent in a year, by product."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.tables import Table

WHOLESALE = RemoteFile(
    name="wholesale-customers.csv",
    url="https://raw.githubusercontent.com/udacity/machine-learning/"
    "32e3e0b638fa0b79241512f7559f9ae6272f2311/projects/customer_segments/customers.csv",
    sha256="8f79c9a3e0bc677502d545f986bc42a5cd4dc73ddb6c33044b1a2cc14ed0aaba",
    num_bytes=14_582,
    mirror_path="wholesale/customers.csv",
    licence="see the source",
    citation="M. Cardoso, Wholesale customers, UCI Machine Learning Repository, "
    "https://archive.ics.uci.edu/dataset/292/wholesale+customers",
)
"""A copy pinned by its commit: the repository's own file has no published checksum."""

FEATURE_NAMES = ("fresh", "milk", "grocery", "frozen", "detergents and paper", "delicatessen")
"""The kinds of product, in the order of the columns of `WholesaleCustomers.spending`."""

_PRODUCTS = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicatessen")

# Copies spell their headers differently (Delicassen, Detergents Paper), so that the columns are
# told by their place and the first five letters of their names.
_TABLE = Table(
    header=("Channel", "Region", *_PRODUCTS),
    what="the table of wholesale customers",
    spelling=lambda name: name.strip().lower()[:5],
)


class WholesaleCustomers(NamedTuple):
    """One row for each customer.

    Attributes:
        channel: 1 for hotels, restaurants and cafés, 2 for retail.
        region: 1 for Lisbon, 2 for Oporto, 3 for the rest of the country.
        spending: a year's spending on each kind of product, in monetary units.
        feature_names: the kinds of product.
    """

    channel: Int32[np.ndarray, " customers"]
    region: Int32[np.ndarray, " customers"]
    spending: Float64[np.ndarray, "customers 6"]
    feature_names: tuple[str, ...]


def load_wholesale(*, remote: RemoteFile = WHOLESALE) -> WholesaleCustomers:
    """The 440 customers of the UCI set, in the published order.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such table
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return parse_table(path.read_text("utf-8-sig", errors="replace"), str(path))


def parse_table(text: str, file: str) -> WholesaleCustomers:
    """The customers in the comma-separated `text`, whose first line names the columns.

    Raises:
        MalformedDataError: a column, a number of fields or a value is not as it should be; the
            message names the line of `file`.
    """
    rows = _TABLE.read(text, file)
    return WholesaleCustomers(
        channel=np.array([1 + row.index("Channel", ("1", "2")) for row in rows], np.int32),
        region=np.array([1 + row.index("Region", ("1", "2", "3")) for row in rows], np.int32),
        spending=np.array([row.numbers(_PRODUCTS, least=0) for row in rows], np.float64),
        feature_names=FEATURE_NAMES,
    )
