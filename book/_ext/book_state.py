"""What the book's extensions remember from build to build, kept with Sphinx's environment."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from docutils import nodes
from sphinx.environment import BuildEnvironment


@dataclass(frozen=True)
class Picture:
    """A figure of a page: its PDF, below the book's folder, and what its caption says."""

    pdf: str
    caption: str


@dataclass
class BookState:
    """The memory of a build.

    Attributes:
        digests: page to what its outputs depended on when it was last read.
        records: page to the record that its notebook carries, as plain data.
        pictures: page to the figures that it can lend to the index, by name.
        skeletons: page to what numbering needs of it, with the stamp of the file it was taken from.
        readers: pages that show records of other pages.
        shown: the records that each builder last wrote `readers` with.
        tellers: pages that tell of the catalog or of the verdicts on the source document.
        told: fingerprint of what `tellers` were last read with.
    """

    digests: dict[str, str] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: dict[str, dict[str, Picture]] = field(default_factory=dict)
    skeletons: dict[str, tuple[tuple[int, int], nodes.Element]] = field(default_factory=dict)
    readers: set[str] = field(default_factory=set)
    shown: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    tellers: set[str] = field(default_factory=set)
    told: str = ""

    def forget(self, docname: str) -> None:
        """Forget a page that is about to be read again, or is gone."""
        self.digests.pop(docname, None)
        self.records.pop(docname, None)
        self.pictures.pop(docname, None)
        self.readers.discard(docname)
        self.tellers.discard(docname)

    def take(self, other: "BookState", docnames: Iterable[str]) -> None:
        """Take over what another process found out about `docnames`."""
        for docname in docnames:
            if docname in other.digests:
                self.digests[docname] = other.digests[docname]
            if docname in other.records:
                self.records[docname] = other.records[docname]
            if docname in other.pictures:
                self.pictures[docname] = other.pictures[docname]
            self.readers.update({docname} & other.readers)
            self.tellers.update({docname} & other.tellers)


def state_of(env: BuildEnvironment) -> BookState:
    """The state kept in `env`, empty at first."""
    return env.__dict__.setdefault("book_state", BookState())
