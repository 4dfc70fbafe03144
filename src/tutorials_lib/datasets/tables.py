"""Tables of comma-separated values, read so that what is wrong is named with its line."""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tutorials_lib.datasets.errors import MalformedDataError

Bound = float | int  # beartype does not take the one for the other


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a table must be.

    Attributes:
        header: the names of its columns, in their order.
        what: what the table is, for the way out of an error.
        spelling: applied to names before they are compared, where editions spell them differently.
    """

    header: tuple[str, ...]
    what: str
    spelling: Callable[[str], str] = str

    def read(self, text: str, file: str) -> "list[Row]":
        """The rows below the header in `text`; blank lines are passed over.

        Raises:
            MalformedDataError: there is no such header, no row, or one with another number of
                fields; or these are no comma-separated values.
        """
        lines = csv.reader(text.splitlines(), strict=True)
        rows = []
        try:
            self._check_header(next(lines, []), f"{file}, line 1")
            for fields in lines:
                if fields:
                    rows.append(self._row(fields, f"{file}, line {lines.line_num}"))
        except csv.Error as error:
            place = f"{file}, line {lines.line_num}"
            raise self.malformed(place, "comma-separated values", str(error)) from error
        if not rows:
            raise self.malformed(file, "rows below the header", "none")
        return rows

    def malformed(self, place: str, expected: str, found: str) -> MalformedDataError:
        """The error to raise for what was found at a place."""
        way_out = f"Check that this is {self.what}."
        return MalformedDataError(place, expected=expected, found=found, way_out=way_out)

    def _check_header(self, header: list[str], place: str) -> None:
        if [self.spelling(name) for name in header] != [
            self.spelling(name) for name in self.header
        ]:
            found = ", ".join(header)[:200] or "nothing"
            raise self.malformed(place, f"the columns {', '.join(self.header)}", found)

    def _row(self, fields: list[str], place: str) -> "Row":
        if len(fields) != len(self.header):
            raise self.malformed(place, f"{len(self.header)} fields", str(len(fields)))
        return Row(self, dict(zip(self.header, fields, strict=True)), place)


@dataclass(frozen=True)
class Row:
    """The fields of a row by the names of the columns; what is read of it is checked."""

    table: Table
    fields: dict[str, str]
    place: str

    def number(
        self,
        name: str,
        *,
        least: Bound = -math.inf,
        above: Bound = -math.inf,
        most: Bound = math.inf,
        may_be_blank: bool = False,
    ) -> float:
        """The number in a column, finite and in its range; NaN where a blank is allowed.

        Raises:
            MalformedDataError: it is none, or out of its range.
        """
        field = self.fields[name]
        if may_be_blank and not field:
            return math.nan
        try:
            value = float(field)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most and above < value):
            expected = f"{_range(least, above, most)} as {name}"
            raise self.malformed(expected, repr(field[:40]))
        return value

    def numbers(self, names: Sequence[str], *, least: Bound = -math.inf) -> list[float]:
        """`number` of several columns."""
        return [self.number(name, least=least) for name in names]

    def index(self, name: str, values: Sequence[str]) -> int:
        """Which of `values` stands in a column.

        Raises:
            MalformedDataError: none of them does.
        """
        field = self.fields[name]
        if field not in values:
            raise self.malformed(f"one of {', '.join(values)} as {name}", repr(field[:40]))
        return values.index(field)

    def malformed(self, expected: str, found: str) -> MalformedDataError:
        """The error to raise for what was found in this row."""
        return self.table.malformed(self.place, expected, found)


def _range(least: Bound, above: Bound, most: Bound) -> str:
    if math.isfinite(above):
        return f"a number above {above:g}"
    if math.isfinite(least) and math.isfinite(most):
        return f"a number from {least:g} to {most:g}"
    if math.isfinite(least):
        return f"a number of at least {least:g}"
    return f"a number of at most {most:g}" if math.isfinite(most) else "a number"
