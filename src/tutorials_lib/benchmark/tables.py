"""Numbers as a page writes them, and tables in Markdown, which work on the site and in print."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def format_seconds(seconds: float) -> str:
    """`seconds` with three significant digits and the unit that suits them."""
    size, unit = next((row for row in _UNITS if seconds >= row[0]), _UNITS[-1])
    return f"{_significant(seconds / size)} {unit}"


def format_ratio(ratio: float) -> str:
    """A speedup, such as 5.2×."""
    return f"{_significant(ratio, digits=2)}×"


def format_calls(calls: float | None) -> str:
    """A break-even count in words."""
    if calls is None:
        return "never"
    whole = max(1, round(calls))
    return "1 call" if whole == 1 else f"{whole:,} calls"


def _significant(value: float, *, digits: int = 3) -> str:
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, of_words: Collection[int] = (0,)
) -> str:
    """A pipe table; all columns are right-aligned, but for those of words."""
    rule = ["---" if column in of_words else "---:" for column in range(len(header))]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def list_table(rows: Iterable[Sequence[str]], *, widths: str) -> str:
    """A table in MyST whose first row is its header; a cell may have paragraphs and code.

    Args:
        rows: the cells, in MyST.
        widths: the relative widths of the columns, such as "2 3", or "auto".
    """
    lines = [
        "````{list-table}",
        ":header-rows: 1",
        ":class: ledger longtable",
        f":widths: {widths}",
        "",
    ]
    for row in rows:
        for column, cell in enumerate(row):
            first, *rest = cell.splitlines()
            lines.append(f"{'* - ' if column == 0 else '  - '}{first}")
            lines += [f"    {line}" if line else "" for line in rest]
    return "\n".join([*lines, "````"])


class MarkdownOutput:
    """A notebook output that is Markdown: tables that work on the site and in print."""

    def markdown(self) -> str:
        """The text to show."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/markdown": self.markdown(), "text/plain": self.markdown()}


@dataclass(frozen=True)
class MarkdownRows(MarkdownOutput):
    """A table of texts."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    of_words: Collection[int] = (0,)

    def markdown(self) -> str:
        """The table, its columns of words left-aligned."""
        return markdown_table(self.header, self.rows, of_words=self.of_words)


@dataclass(frozen=True)
class ListTable(MarkdownOutput):
    """A table whose cells may hold paragraphs and code, see `list_table`."""

    rows: Sequence[Sequence[str]]
    widths: str

    def markdown(self) -> str:
        """The table in MyST, its first row the header."""
        return list_table(self.rows, widths=self.widths)
