"""What a tutorial reaches with several seeds, from the committed records.

`{published}` tells it of the published data set, `{seeds}` of the data of the book, which the page
itself judges with one seed. `python -m tutorials_lib.judge --record` writes the records. They, and
whether the code has changed since, are looked up when a page is written, and what shows them is
written again when they change.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from records import LEDGER, is_a_game, is_current, table, tutorial_of, why_no_record
from tutorials_lib import catalog
from tutorials_lib.benchmark.tables import format_seconds
from tutorials_lib.catalog import Tutorial
from tutorials_lib.judge.record import PUBLISHED, STORED, JudgeRecord, load_published, load_stored
from tutorials_lib.judge.report import (
    details_table,
    format_score,
    score_table,
    verdict_sentences,
)

_CHECKSUM_DIGITS = 12
_LISTED = 6
"""Of more files than so many only the number is shown."""


class _Mark(nodes.General, nodes.Element):
    """The place of a record, which is filled in when the page is written."""


class _SeedsMark(nodes.General, nodes.Element):
    """The place of a record on the data of the book."""


class Seeds(SphinxDirective):
    """`{seeds}`: the verdict with several seeds on the data that the page itself is judged on."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark that `FillInPublished` replaces."""
        tutorial = tutorial_of(self.env.docname)
        if tutorial is None:
            raise self.error(f"seeds: {self.env.docname} is not the page of a tutorial")
        path = STORED["offline"] / f"{tutorial.slug}.json"
        if not Path(self.env.srcdir, path).exists():
            raise self.error(
                f"seeds: there is no {path}, which python -m tutorials_lib.judge --record writes"
            )
        self.env.note_dependency(path.as_posix())
        return [_SeedsMark(slug=tutorial.slug)]


class Published(SphinxDirective):
    """`{published}`: the record of the tutorial whose page this is.

    An argument names another tutorial on the same data, which is set beside this one.
    """

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Leave a mark that `FillInPublished` replaces."""
        tutorial = tutorial_of(self.env.docname)
        if tutorial is None:
            raise self.error(f"published: {self.env.docname} is not the page of a tutorial")
        other = self.arguments[0] if self.arguments else None
        if other is not None:
            self.env.note_dependency((PUBLISHED / f"{other}.json").as_posix())
        return [_Mark(slug=tutorial.slug, other=other)]


class FillInPublished(SphinxPostTransform):
    """Replace every mark by what the record says."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Read the records once a page that shows one."""
        for mark in list(self.document.findall(_SeedsMark)):
            stored = load_stored(Path(self.app.srcdir), "offline")
            mark.replace_self(told_by_seeds(stored[mark["slug"]]))
        marks = list(self.document.findall(_Mark))
        records = load_published(Path(self.app.srcdir)) if marks else {}
        for mark in marks:
            record = records.get(mark["slug"])
            missing = no_record(catalog.find(mark["slug"]))
            shown = missing if record is None else describe(record)
            other = records.get(mark["other"])
            if record is not None and other is not None:
                shown = [*shown, beside(record, other)]
            mark.replace_self(shown)


def no_record(tutorial: Tutorial) -> list[nodes.Node]:
    """The sentence for a tutorial without a record; a game is its own data, as its page says."""
    if is_a_game(tutorial):
        return []
    reason = {
        "no verified copy": "The published files, with the checksums that the loader expects, were "
        "not at hand to judge this tutorial on",
        "not judged yet": "The published files can be had, and this tutorial, as it is now, has "
        "still to be judged on them",
    }
    label = why_no_record(tutorial)
    told = f" {reason[label]}, so nothing is said here about what it reaches on them."
    return [_paragraph(nodes.strong("", f"{label.capitalize()}."), told)]


def describe(record: JudgeRecord) -> list[nodes.Node]:
    """Scores by seed, the verdict, the files that were read, and when and where."""
    scores, details = (_table(*each(record.summary)) for each in (score_table, details_table))
    parts: list[nodes.Node] = [
        *scores,
        _paragraph(verdict_sentences(record.summary)),
        *details,
        _paragraph(*_files(record)),
        _paragraph(
            f"Recorded on {record.machine['date']} with the preset {record.preset} "
            f"({record.machine['processor']}, {record.machine['cores']} cores); all seeds "
            f"together took {format_seconds(record.summary.seconds)}."
        ),
    ]
    aged = _aged(record)
    return [*parts, _paragraph(*aged)] if aged else parts


def _aged(record: JudgeRecord) -> list[nodes.Node | str]:
    """What is said of a record of other code than that which is here."""
    if is_current(record):
        return []
    told = " The code of this tutorial or of its loader has changed since."
    return [" ", nodes.strong("", "Earlier code."), told]


def told_by_seeds(record: JudgeRecord) -> nodes.paragraph:
    """The seeds, the verdict over all of them, and when they were judged."""
    seeds = [str(run.seed) for run in record.summary.runs]
    return _paragraph(
        f"The seeds {', '.join(seeds[:-1])} and {seeds[-1]}, judged apart from this page on "
        f"{record.machine['date']}: ",
        verdict_sentences(record.summary),
        *_aged(record),
    )


def beside(record: JudgeRecord, other: JudgeRecord) -> nodes.paragraph:
    """Which of two tutorials with the same metric on the same files does better.

    Raises:
        ValueError: they have been judged on different things.
    """
    ours, theirs = record.summary, other.summary
    first = ours.judgements[0]
    if (record.files, first.metric) != (other.files, theirs.judgements[0].metric):
        raise ValueError(
            f"{record.slug} and {other.slug} cannot be compared: expected the same files and the "
            "same metric in both records"
        )
    title = catalog.find(other.slug).title
    ahead = (ours.value > theirs.value) == first.higher_is_better
    return _paragraph(
        "On the same files, by the same measure, ",
        nodes.emphasis("", title),
        f" has a mean of {format_score(theirs.value)}, and this tutorial "
        f"{format_score(ours.value)}: {'this one' if ahead else 'the other'} is ahead.",
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[nodes.Node]:
    """The table; nothing where it has no rows."""
    return [table(header, [[nodes.Text(cell) for cell in row] for row in rows])] if rows else []


def _files(record: JudgeRecord) -> list[nodes.Node | str]:
    """Names and sizes, with the first digits of each checksum; or how many, and where they are."""
    files = record.files
    if not files:
        return ["No published file is read: the tutorial's data come with the code."]
    if len(files) > _LISTED:
        return [
            "Files: ",
            nodes.literal("", files[0].name),
            f" and {len(files) - 1} more, {sum(file.num_bytes for file in files):,} bytes in all. "
            "The checksum of each is in ",
            nodes.literal("", (PUBLISHED / f"{record.slug}.json").as_posix()),
            ".",
        ]
    parts: list[nodes.Node | str] = ["Files: "]
    for file in files:
        checksum = f"{file.sha256[:_CHECKSUM_DIGITS]}…"
        parts += [
            "" if file is files[0] else ", ",
            nodes.literal("", file.name),
            f" ({file.num_bytes:,} bytes, sha256 ",
            nodes.literal("", checksum),
            ")",
        ]
    return [*parts, "."]


def _paragraph(*parts: nodes.Node | str) -> nodes.paragraph:
    inline = (nodes.Text(part) if isinstance(part, str) else part for part in parts)
    return nodes.paragraph("", "", *inline)


def foresee_digests(app: Sphinx) -> None:
    """Compute the digests that the next build will ask for, as far as the code stays as it is."""
    _stored(app)


def _stored(app: Sphinx) -> dict[tuple[str, str], tuple[dict[str, Any], bool]]:
    """Tutorial and kind of data to the committed record, and whether its code is that of today."""
    return {
        (slug, source): (record.to_json(), is_current(record))
        for source in STORED
        for slug, record in load_stored(Path(app.srcdir), source).items()
    }


def write_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the pages whose records changed since this builder wrote them, and the ledger."""
    current = _stored(app)
    shown_by_builder = env.__dict__.setdefault("shown_records", {})
    shown = shown_by_builder.get(app.builder.name, {})
    shown_by_builder[app.builder.name] = current
    changed = {
        each[0] for each in current.keys() | shown.keys() if current.get(each) != shown.get(each)
    }
    if not changed:
        return []
    pages = {LEDGER, *(f"book/{catalog.find(slug).coordinate}" for slug in changed)}
    return sorted(pages & env.found_docs)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_directive("published", Published)
    app.add_directive("seeds", Seeds)
    app.add_post_transform(FillInPublished)
    app.connect("env-updated", write_again)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
