"""AI4I 2020: 10,000 parts made on a milling machine, and which of them it failed on (made up).

The set is itself generated, by rules that its paper publishes (Matzka 2020).
"""

import csv
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

AI4I = RemoteFile(
    name="ai4i2020.csv",
    url="https://archive.ics.uci.edu/ml/machine-learning-databases/00601/ai4i2020.csv",
    sha256="dc6630cd9b1f0f853922fad78a1b6436570d3f1ec863f1dd5c4340ac56bc8a8e",
    num_bytes=522_048,
    mirror_path="ai4i2020/ai4i2020.csv",
    licence="CC BY 4.0",
    citation="S. Matzka (2020), AI4I 2020 predictive maintenance dataset, UCI Machine Learning "
    "Repository, https://archive.ics.uci.edu/dataset/601",
)

QUALITIES = ("L", "M", "H")
"""Low, medium and high, in the order of the indices of `AI4IParts.quality`."""

MODES = ("TWF", "HDF", "PWF", "OSF", "RNF")
"""Tool wear, heat, power, overstrain and random failure: the columns of `AI4IParts.modes`."""

MEASUREMENTS = (
    "Air temperature [K]",
    "Process temperature [K]",
    "Rotational speed [rpm]",
    "Torque [Nm]",
    "Tool wear [min]",
)
"""The columns of `AI4IParts.measurements`."""

_HEADER = ("UDI", "Product ID", "Type", *MEASUREMENTS, "Machine failure", *MODES)


class AI4IParts(NamedTuple):
    """One row for each part, in the published order.

    Attributes:
        measurements: the `MEASUREMENTS`, in the units that they name.
        quality: index into `QUALITIES`.
        failed: whether the machine failed.
        modes: which of the `MODES` occurred. Of the published rows, 9 failed for no stated
            reason, and 18 random failures are not counted as a failure of the machine.
    """

    measurements: Float64[np.ndarray, "parts 5"]
    quality: Int64[np.ndarray, " parts"]
    failed: Bool[np.ndarray, " parts"]
    modes: Bool[np.ndarray, "parts 5"]


def load_ai4i(*, remote: RemoteFile = AI4I) -> AI4IParts:
    """The 10,000 parts.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such table
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return parse_table(path.read_text("utf-8-sig", errors="replace"), str(path))


def parse_table(text: str, file: str) -> AI4IParts:
    """The parts in the comma-separated `text`, whose first line names the columns.

    Raises:
        MalformedDataError: a column, a number of fields or a value is not as it should be, or
            there is no part; the message names the line of `file`.
    """
    rows = csv.reader(text.splitlines(), strict=True)
    parsed = []
    try:
        _check_header(next(rows, []), file)
        parsed = [_parse_row(row, f"{file}, line {rows.line_num}") for row in rows if row]
    except csv.Error as error:
        line = f"{file}, line {rows.line_num}"
        raise _malformed(line, expected="comma-separated values", found=str(error)) from error
    if not parsed:
        raise _malformed(file, expected="a part in each line", found="none")
    measurements, qualities, flags = (np.array(column) for column in zip(*parsed, strict=True))
    return AI4IParts(
        measurements=measurements,
        quality=qualities,
        failed=flags[:, 0],
        modes=flags[:, 1:],
    )


def _check_header(header: list[str], file: str) -> None:
    if tuple(header) != _HEADER:
        raise _malformed(
            f"{file}, line 1",
            expected=f"the columns {', '.join(_HEADER)}",
            found=", ".join(header)[:200] or "nothing",
        )


def _parse_row(row: list[str], line: str) -> tuple[list[float], int, list[bool]]:
    """Measurements, quality and flags of a part."""
    if len(row) != len(_HEADER):
        raise _malformed(line, expected=f"{len(_HEADER)} fields", found=str(len(row)))
    quality, flags = row[2], row[8:]
    if quality not in QUALITIES:
        expected = f"one of {', '.join(QUALITIES)} as Type"
        raise _malformed(line, expected=expected, found=quality[:40])
    if not set(flags) <= {"0", "1"}:
        raise _malformed(line, expected="0 or 1 as each failure", found=", ".join(flags)[:40])
    numbers = [
        _parse_number(field, name, line) for name, field in zip(MEASUREMENTS, row[3:8], strict=True)
    ]
    return numbers, QUALITIES.index(quality), [flag == "1" for flag in flags]


def _parse_number(field: str, name: str, line: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        expected = f"a number of zero or more as {name}"
        raise _malformed(line, expected=expected, found=repr(field[:40]))
    return value


def _malformed(line: str, *, expected: str, found: str) -> MalformedDataError:
    way_out = "Check that this is the table of the AI4I 2020 set."
    return MalformedDataError(line, expected=expected, found=found, way_out=way_out)
