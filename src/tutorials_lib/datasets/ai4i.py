"""AI4I 2020: 10,000 parts made on a milling machine, and which of them it failed on (made up).

The set is itself generated, by rules that its paper publishes (Matzka 2020).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.tables import Table

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

_TABLE = Table(
    header=("UDI", "Product ID", "Type", *MEASUREMENTS, "Machine failure", *MODES),
    what="the table of the AI4I 2020 set",
)


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
    rows = _TABLE.read(text, file)
    flags = [[row.index(name, ("0", "1")) for name in MODES] for row in rows]
    return AI4IParts(
        measurements=np.array([row.numbers(MEASUREMENTS, least=0) for row in rows], np.float64),
        quality=np.array([row.index("Type", QUALITIES) for row in rows], np.int64),
        failed=np.array([row.index("Machine failure", ("0", "1")) for row in rows], bool),
        modes=np.array(flags, bool),
    )
