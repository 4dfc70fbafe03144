"""What a statement of the source document is, and where a verdict on it comes from."""

from dataclasses import dataclass
from enum import StrEnum

from tutorials_lib.catalog import Tutorial

PARTS = {
    "introduction": "The introduction",
    "optimizations": "The four optimizations",
    "speedups": "The reasons in the thirty speedup lines",
    "differences": "The four differences",
    "reasons": "The seven reasons",
    "closing": "The closing sentences",
}
"""The parts of the source document, in its order, with their names; `<part>.toml` has each."""


class Verdict(StrEnum):
    """What is said of a statement."""

    HOLDS = "holds"
    CONDITION = "holds with a condition"
    FAILS = "does not hold"


@dataclass(frozen=True)
class Place:
    """A page of the book, such as `performance/measuring`, and the anchor of a section on it."""

    page: str
    section: str = ""


@dataclass(frozen=True)
class Source:
    """A page of JAX's documentation; `path` goes on from its root, and may name a section."""

    title: str
    path: str

    @property
    def url(self) -> str:
        """The full address."""
        return f"https://docs.jax.dev/en/latest/{self.path}"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement of the source document and what the book says of it.

    `quote` is verbatim, and `number` its number in a list of the document. `truth` is one
    sentence in MyST Markdown, without any measured figure. `shown` are the places of the book
    that show it, `settled` the pages of JAX's documentation that settle it, and `tutorials` the
    rows of the catalog whose speedup line makes the statement.
    """

    part: str
    quote: str
    verdict: Verdict
    truth: str
    shown: tuple[Place, ...]
    settled: tuple[Source, ...] = ()
    number: int | None = None
    tutorials: tuple[Tutorial, ...] = ()
