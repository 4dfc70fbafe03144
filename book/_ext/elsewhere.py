"""`{recorded-machines}`: what was measured on machines other than the one that builds the book.

`python -m tutorials_lib.benchmark --record MACHINE` writes such records, and they are committed
under `book/_data/benchmarks/`. Each is shown beside this build's, and says so when the code has
changed since. The site serves them in `records/MACHINE/`.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from book_state import state_of
from provenance import SERVED, machine_line, served_link
from records import page_link, records_of, table
from tutorials_lib import catalog
from tutorials_lib.benchmark import ledger
from tutorials_lib.benchmark.record import Record, from_json
from tutorials_lib.catalog import Tutorial

RECORDED = Path("book/_data/benchmarks")
"""Records that were made on other machines and committed, `<machine>/<slug>.json`."""

FILES = "files of recorded machines"
"""What a page's metadata call those that it shows."""

HEADER = ("Tutorial", "Claimed", "Measured there", "Measured here")

NONE = "No other machine has been recorded yet; the line below records one."


def recorded(root: Path) -> dict[str, dict[str, Record]]:
    """The records of each machine by slug, of those that are committed."""
    found: dict[str, dict[str, Record]] = {}
    for name in _files(root):
        record = from_json(json.loads((root / name).read_text(encoding="utf-8")))
        found.setdefault(Path(name).parent.name, {})[record.slug] = record
    return found


def _files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.glob(f"{RECORDED}/*/*.json"))


class Row(NamedTuple):
    """A tutorial, and what the columns behind its name say."""

    tutorial: Tutorial
    texts: tuple[str, str, str]


def rows(there: Mapping[str, Record], here: Mapping[str, Record]) -> list[Row]:
    """A row for each record of another machine, in the order of the book."""
    made = []
    for tutorial in catalog.TUTORIALS:
        record, own = there.get(tutorial.slug), here.get(tutorial.slug)
        if record is None:
            continue
        is_current = own is not None and own.code_digest == record.code_digest
        measured = ledger.measured_text(record) + ("" if is_current else " (earlier code)")
        claimed = f"{tutorial.claim[0]:g} to {tutorial.claim[1]:g}"
        made.append(Row(tutorial, (claimed, measured, ledger.measured_text(own) if own else "")))
    return made


def machine_lines(there: Mapping[str, Record]) -> list[str]:
    """What was measured on: one line, or as many as there were days or versions."""
    return list(
        dict.fromkeys(machine_line(record).split(" Marked:")[0] for record in there.values())
    )


class _Mark(nodes.General, nodes.Element):
    """The place of the tables, which need the records of this build."""


class RecordedMachines(SphinxDirective):
    """The directive; it has no content."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark that `FillInMachines` replaces."""
        docname, files = self.env.docname, _files(Path(self.env.srcdir))
        state_of(self.env).readers.add(docname)
        self.env.metadata[docname][FILES] = files
        for name in files:
            self.env.note_dependency(name)
        return [_Mark(docname=self.env.docname)]


class FillInMachines(SphinxPostTransform):
    """Replace the mark by a line and a table for each machine."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Look the records up once a page that shows them."""
        for mark in list(self.document.findall(_Mark)):
            machines = recorded(Path(self.app.srcdir))
            here = records_of(self.env)
            shown: list[nodes.Node] = [] if machines else [nodes.paragraph("", NONE)]
            for name, there in machines.items():
                lines = [nodes.Text(" ".join(machine_lines(there)))]
                name_shown = nodes.strong("", name)
                shown.append(nodes.paragraph("", "", name_shown, nodes.Text(". "), *lines))
                shown.append(self._table(mark["docname"], name, rows(there, here)))
            mark.replace_self(shown)

    def _table(self, docname: str, machine: str, found: Sequence[Row]) -> nodes.table:
        cells: list[list[nodes.Node]] = []
        for tutorial, (claimed, there, here) in found:
            measured: nodes.Node = nodes.Text(there)
            if self.app.builder.name == "html":
                served = f"{machine}/{tutorial.slug}.json"
                measured = served_link(self.app, docname, served, there)
            page = page_link(self.app, docname, tutorial, tutorial.title)
            cells.append([page, nodes.Text(claimed), measured, nodes.Text(here)])
        return table(HEADER, cells)


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> set[str]:
    """The pages that would miss a record, or show one that is gone."""
    files = _files(Path(app.srcdir))
    return {name for name, data in env.metadata.items() if data.get(FILES, files) != files}


def serve(app: Sphinx, exception: Exception | None) -> None:
    """Copy the records of other machines into the site, behind those of this build."""
    if exception is not None or app.builder.name != "html":
        return
    for machine in {Path(name).parent.name for name in _files(Path(app.srcdir))}:
        source, target = Path(app.srcdir, RECORDED, machine), Path(app.outdir, SERVED, machine)
        shutil.copytree(source, target, dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx, behind `provenance`, which makes the folder of the records anew."""
    app.add_directive("recorded-machines", RecordedMachines)
    app.add_post_transform(FillInMachines)
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", serve, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
