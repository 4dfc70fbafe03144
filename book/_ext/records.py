"""Carry every page's record to the ledger, the index, and wherever else it is shown.

A record is an output of its page's notebook, so the execution cache carries it. This extension
takes the records out of the outputs, writes them to `_build/benchmarks/`, and has the pages
that show another page's record written again whenever any record changes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective, SphinxRole

from book_state import state_of
from tutorials_lib import catalog, figures
from tutorials_lib.benchmark import ledger
from tutorials_lib.benchmark.page import RECORD_NAME
from tutorials_lib.benchmark.record import MIME_TYPE, Record, from_json
from tutorials_lib.catalog import Tutorial
from tutorials_lib.judge.record import JudgeRecord, evaluation_digest, load_published
from tutorials_lib.judge.report import short_verdict

WORDS_PER_MINUTE = 200
"""How fast explanations are read."""

LEDGER = "book/performance/ledger"
"""The page that shows the records of all tutorials."""


# ---------------------------------------------------------------- collecting


def records_of(env: BuildEnvironment) -> dict[str, Record]:
    """Slug to record, of every page that carries one."""
    return {data["slug"]: from_json(data) for data in state_of(env).records.values()}


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Take the record out of the outputs of the page that was just read."""
    docname = app.env.docname
    state_of(app.env).records.pop(docname, None)
    glued = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.glue.json"
    if not glued.is_file() or not _is_current(app, docname):
        return
    output = json.loads(glued.read_text(encoding="utf-8")).get(RECORD_NAME)
    if output is not None:
        state_of(app.env).records[docname] = output["data"][MIME_TYPE]


def _is_current(app: Sphinx, docname: str) -> bool:
    """Whether the page's outputs hold a record now; its file may be left from before."""
    return RECORD_NAME in NbMetadataCollector.get_doc_data(app.env)[docname].get("glue", ())


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is about to be read again, or is gone."""
    state_of(env).forget(docname)


def merge(
    app: Sphinx, env: BuildEnvironment, docnames: Sequence[str], other: BuildEnvironment
) -> None:
    """Bring what parallel readers found together."""
    state_of(env).take(state_of(other), docnames)


def publish(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Write the records as JSON; name the pages that must be written again."""
    folder = Path(app.outdir).parent / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    current = {data["slug"]: data for data in state_of(env).records.values()}
    for path in folder.glob("*.json"):
        if path.stem not in current:
            path.unlink()
    for slug, data in current.items():
        text = json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (folder / f"{slug}.json").write_text(text, encoding="utf-8")
    state, builder = state_of(env), app.builder.name
    changed = state.shown.get(builder) != current
    state.shown[builder] = current
    return sorted(state.readers) if changed else []


# ---------------------------------------------------------------- what pages write


class _Late(nodes.General, nodes.Element):
    """Something that is known only when every page has been read."""


class LateDirective(SphinxDirective):
    """A directive without content whose output depends on records of other pages."""

    kind = ""

    def run(self) -> list[nodes.Node]:
        """Leave a mark that `FillIn` replaces."""
        state_of(self.env).readers.add(self.env.docname)
        return [_Late(kind=self.kind, docname=self.env.docname)]


class LedgerTable(LateDirective):
    """`{ledger-table}`: every claim beside what was measured."""

    kind = "ledger-table"


class LearnedTable(LateDirective):
    """`{learned-table}`: whether each tutorial beats its rivals, here and on published data."""

    kind = "learned-table"


class LedgerFigure(LateDirective):
    """`{ledger-figure}`: claimed ranges as bands, measured ratios as points."""

    kind = "ledger-figure"


class Measured(LateDirective):
    """`{measured}`: the line under a tutorial's title."""

    kind = "measured"


class Claim(SphinxRole):
    """`{claim}` followed by `range`, `reason` or `change`: what the source document says here."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Quote the document on the tutorial of this page."""
        tutorial = tutorial_of(self.env.docname)
        if tutorial is None:
            return [], [self._error(f"{self.env.docname} is not the page of a tutorial")]
        quotes = {
            "range": f"{tutorial.claim[0]:g} to {tutorial.claim[1]:g}×",
            "reason": f"“{tutorial.claimed_reason}”",
            "change": f"“{tutorial.claimed_change}”",
        }
        if self.text not in quotes:
            return [], [self._error(f"{self.text!r} is not one of {', '.join(quotes)}")]
        return [nodes.inline(text=quotes[self.text], classes=["claim"])], []

    def _error(self, message: str) -> nodes.system_message:
        return self.inliner.reporter.error(f"claim: {message}", line=self.lineno)


def tutorial_of(docname: str) -> Tutorial | None:
    """The tutorial whose page is `docname`."""
    return next((t for t in catalog.TUTORIALS if docname == f"book/{t.coordinate}"), None)


NOT_YET_JUDGED: frozenset[str] = frozenset()
"""Tutorials that have not been judged on their published files, though those can be had."""


def is_a_game(tutorial: Tutorial) -> bool:
    """Whether its data is a game, so that there is no published set that could be lacking."""
    return tutorial.part == "reinforcement"


def why_no_record(tutorial: Tutorial) -> str:
    """What the ledger says in the place of a record on published data."""
    if is_a_game(tutorial):
        return "a game"
    return "not judged yet" if tutorial.slug in NOT_YET_JUDGED else "no verified copy"


# ---------------------------------------------------------------- filling in


class FillIn(SphinxPostTransform):
    """Replace every mark by what the records say."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Dispatch on the kind of mark."""
        fill: dict[str, Callable[[_Late], list[nodes.Node]]] = {
            "ledger-table": self._ledger_table,
            "learned-table": self._learned_table,
            "ledger-figure": self._ledger_figure,
            "measured": self._measured,
        }
        for mark in list(self.document.findall(_Late)):
            mark.replace_self(fill[mark["kind"]](mark))

    @property
    def _records(self) -> dict[str, Record]:
        return records_of(self.env)

    def _measured(self, mark: _Late) -> list[nodes.Node]:
        # The mark knows its page: LaTeX resolves all pages as one document.
        tutorial = tutorial_of(mark["docname"])
        record = self._records.get(tutorial.slug) if tutorial else None
        if record is None:
            return []  # a page that did not execute has said so already
        line = ledger.measured_line(record)
        if self.app.builder.format != "latex":  # which takes all pages for one document
            line += f" {self._reading_time()}"
        return [nodes.paragraph("", line, classes=["measured"])]

    def _reading_time(self) -> str:
        """How long the page takes to read, and how long it took to run."""
        words = sum(len(text.astext().split()) for text in self.document.findall(nodes.paragraph))
        reading = f"The text takes about {_minutes(words / WORDS_PER_MINUTE)} to read"
        executed = NbMetadataCollector.get_exec_data(self.env, self.env.docname)
        if executed is None or executed["runtime"] is None:
            return f"{reading}."
        return f"{reading}, and the page about {_minutes(executed['runtime'] / 60)} to run."

    def _ledger_table(self, mark: _Late) -> list[nodes.Node]:
        rows = ledger.ledger_rows(self._records)
        return self._sortable(ledger.HEADER, {row.tutorial: row.texts for row in rows})

    def _learned_table(self, mark: _Late) -> list[nodes.Node]:
        published = load_published(Path(self.app.srcdir))
        rows = {}
        for tutorial in catalog.TUTORIALS:
            record = self._records.get(tutorial.slug)
            here = "" if record is None else ledger.quality_text(record)
            if record is not None and record.preset == "tiny":
                here += " (tiny)"
            rows[tutorial] = (here, _on_published_data(tutorial, published))
        return self._sortable(("Tutorial", "In this build", "On the published data"), rows)

    def _sortable(
        self, header: Sequence[str], rows: Mapping[Tutorial, Sequence[str]]
    ) -> list[nodes.Node]:
        """A table that `site.js` sorts: a row for each tutorial, which links to its page."""
        cells = [
            [
                page_link(
                    self.app, self.env.docname, tutorial, f"{tutorial.title} ({tutorial.number})"
                ),
                *map(nodes.Text, texts),
            ]
            for tutorial, texts in rows.items()
        ]
        shown = table(header, cells)
        shown["classes"].append("sortable")
        return [shown]

    def _ledger_figure(self, mark: _Late) -> list[nodes.Node]:
        shown = ledger_figure(self.env)
        folder = Path(self.app.outdir).parent / "benchmarks" / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ledger.pdf").write_bytes(shown.pdf)
        (folder / "ledger.svg").write_text(shown.svg, encoding="utf-8")
        (folder / "ledger-dark.svg").write_text(figures.darken(shown.svg), encoding="utf-8")
        if self.app.builder.format == "latex":
            return [self._image(folder / "ledger.pdf", shown.alt)]
        return [
            self._image(folder / "ledger.svg", shown.alt, "only-light"),
            self._image(folder / "ledger-dark.svg", shown.alt, "only-dark"),
        ]

    def _image(self, path: Path, alt: str, *classes: str) -> nodes.image:
        uri = path.relative_to(self.app.srcdir).as_posix()
        self.env.images.add_file(self.env.docname, uri)
        return nodes.image(uri=uri, candidates={"*": uri}, alt=alt, classes=list(classes))


def ledger_figure(env: BuildEnvironment) -> figures.Shown:
    """The ledger as a figure, drawn once in a build for all pages that show it."""
    return _draw_ledger(json.dumps(sorted(state_of(env).records.items())))


@cache
def _draw_ledger(kept: str) -> figures.Shown:
    records = {data["slug"]: from_json(data) for _, data in json.loads(kept)}
    return figures.show(ledger.draw_ledger(records), alt=ledger.describe_ledger(records))


def _minutes(number: float) -> str:
    whole = max(1, round(number))
    return f"{whole} minute{'s' * (whole > 1)}"


def _on_published_data(tutorial: Tutorial, published: Mapping[str, JudgeRecord]) -> str:
    """What the tutorial reached on its published data set."""
    record = published.get(tutorial.slug)
    if record is None:
        return why_no_record(tutorial) if tutorial.available else ""
    return short_verdict(record.summary) + ("" if is_current(record) else " (earlier code)")


def is_current(record: JudgeRecord) -> bool:
    """`record.is_current`, which a build asks for several times; the code stays meanwhile."""
    return record.code_digest == _digest_in_this_build(record.slug)


@cache
def _digest_in_this_build(slug: str) -> str:
    return evaluation_digest(slug)


def page_link(app: Sphinx, docname: str, tutorial: Tutorial, text: str) -> nodes.Node:
    """A link from the page `docname` to the tutorial's; its text alone where there is none."""
    target = f"book/{tutorial.coordinate}"
    if target not in app.env.found_docs:
        return nodes.Text(text)
    uri = app.builder.get_relative_uri(docname, target)
    return nodes.reference("", text, internal=True, refuri=uri)


def table(header: Sequence[str], rows: Sequence[Sequence[nodes.Node]]) -> nodes.table:
    """A docutils table of inline nodes."""
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", _row([nodes.Text(text) for text in header]))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group, classes=["ledger"])


def _row(cells: Sequence[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_directive("ledger-table", LedgerTable)
    app.add_directive("learned-table", LearnedTable)
    app.add_directive("ledger-figure", LedgerFigure)
    app.add_directive("measured", Measured)
    app.add_role("claim", Claim())
    app.add_post_transform(FillIn)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", publish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
