"""`{moved-verdicts}`: what this build finds otherwise than the last release did.

Every build writes its verdicts to `records/verdicts.json` of the site. Those of a release are
committed as `book/_data/released.json` once it is tagged, and the next build is compared with them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

import tutorials_lib
from book_state import state_of
from provenance import SERVED
from records import LEDGER, records_of, table
from tutorials_lib import catalog
from tutorials_lib.benchmark.ledger import measured_text, verdict_text
from tutorials_lib.benchmark.record import Record
from tutorials_lib.files import write_json

RELEASED = Path("book/_data/released.json")
VERDICTS = "verdicts.json"

Standing = dict[str, str]
"""One tutorial: `verdict`, `measured` and `line` in the ledger's words, and `machine`."""

SPEED, LINE = "verdict", "line"
"""What is compared: where the ratio falls, and whether the line to beat is met."""


def standing(record: Record) -> Standing:
    """What is remembered of a record."""
    quality = record.quality
    judged = quality is not None and bool(quality.baselines)
    return {
        SPEED: verdict_text(record),
        "measured": measured_text(record),
        LINE: ("met" if quality.met else "not met") if quality and judged else "not judged",
        "machine": f"{record.machine['processor']}, {record.machine['cores']} cores",
    }


def verdicts(records: Mapping[str, Record]) -> dict[str, Any]:
    """The verdicts of a build, as they are written and read again."""
    whole = {slug: record for slug, record in sorted(records.items()) if record.preset != "tiny"}
    return {
        "version": tutorials_lib.__version__,
        "tutorials": {slug: standing(record) for slug, record in whole.items()},
    }


def load_released(root: Path) -> dict[str, Any] | None:
    """The verdicts of the last release; None before the first one.

    Raises:
        ExtensionError: the file is not what a build has written.
    """
    path = root / RELEASED
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        wanted = {SPEED, "measured", LINE, "machine"}
        if not all(wanted <= row.keys() for row in found["tutorials"].values()):
            raise KeyError("a tutorial lacks a field")
        str(found["version"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExtensionError(
            f"{RELEASED} is not what a build writes to {SERVED}/{VERDICTS}: {error}; copy it from "
            "the site of the last release"
        ) from error
    return found


def moved(before: Mapping[str, Standing], now: Mapping[str, Standing]) -> list[str]:
    """The slugs, in reading order, of which a verdict is another one; those of both builds only."""
    return [
        tutorial.slug
        for tutorial in catalog.TUTORIALS
        if (old := before.get(tutorial.slug)) is not None
        and (new := now.get(tutorial.slug)) is not None
        and (old[SPEED] != new[SPEED] or old[LINE] != new[LINE])
    ]


def sentence(released: dict[str, Any] | None, current: dict[str, Any]) -> str:
    """What has moved, in words."""
    if released is None:
        return "There has been no release yet, so there is nothing to compare with."
    before, now = released["tutorials"], current["tutorials"]
    common = before.keys() & now.keys()
    if not common:
        return (
            f"Nothing can be compared with version {released['version']}: no tutorial was measured "
            "both there and here, with a preset that measures."
        )
    count = len(moved(before, now))
    what = f"{count} of the {len(common)} tutorials that both have measured"
    others = sum(before[slug]["machine"] != now[slug]["machine"] for slug in common)
    where = f" In {others} the machine is another one, too." if others else ""
    return f"Since version {released['version']} a verdict has moved in {what}.{where}"


class MovedVerdicts(SphinxDirective):
    """`{moved-verdicts}`: a sentence, and a row for every tutorial whose verdict has moved."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark that `FillInMoved` replaces."""
        state_of(self.env).readers.add(self.env.docname)
        if Path(self.env.srcdir, RELEASED).is_file():  # Sphinx reads again what misses a file
            self.env.note_dependency(RELEASED.as_posix())
        return [_Mark()]


class _Mark(nodes.General, nodes.Element):
    """The place of the comparison, which is known when every page has been read."""


class FillInMoved(SphinxPostTransform):
    """Replace the mark by the comparison."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Compare what was released with what was measured now."""
        for mark in list(self.document.findall(_Mark)):
            mark.replace_self(
                compare(load_released(Path(self.app.srcdir)), verdicts(records_of(self.env)))
            )


def compare(released: dict[str, Any] | None, current: dict[str, Any]) -> list[nodes.Node]:
    """The sentence and, where something has moved, the table."""
    said: list[nodes.Node] = [nodes.paragraph("", sentence(released, current))]
    if released is None:
        return said
    before, now = released["tutorials"], current["tutorials"]
    rows = [
        [
            nodes.Text(catalog.find(slug).title),
            *(nodes.Text(_text(each[slug])) for each in (before, now)),
        ]
        for slug in moved(before, now)
    ]
    header = ["Tutorial", f"In version {released['version']}", "In this build"]
    return [*said, table(header, rows)] if rows else said


def _text(row: Standing) -> str:
    return f"{row['measured']}: {row[SPEED]}; line to beat {row[LINE]}"


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The ledger, if it was read before there was a release."""
    released = Path(app.srcdir, RELEASED).is_file()
    known = RELEASED.as_posix() in env.dependencies[LEDGER]
    return [LEDGER] if released and not known and LEDGER in env.found_docs else []


def serve_verdicts(app: Sphinx, exception: Exception | None) -> None:
    """Write the verdicts beside the records; after `provenance` has made the folder."""
    if exception is not None or app.builder.name != "html":
        return
    write_json(Path(app.outdir) / SERVED / VERDICTS, verdicts(records_of(app.env)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_directive("moved-verdicts", MovedVerdicts)
    app.add_post_transform(FillInMoved)
    app.connect("env-get-outdated", find_outdated)
    app.connect("build-finished", serve_verdicts, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
