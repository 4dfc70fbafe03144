"""When a cell raises, say at the end of the build which page, which cell and which error."""

import re
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util import logging

from freshness import cells

logger = logging.getLogger(__name__)

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FAILED_CELL = re.compile(r"following cell:\n-+\n(.*?)\n-{18}\n", re.DOTALL)


def failure_line(docname: str, text: str, traceback: str) -> str:
    """One line that names the page, the cell (counted from 1), its line and the error."""
    traceback = _ANSI.sub("", traceback)
    error = next(
        (line for line in reversed(traceback.strip().splitlines()) if line.strip()), "unknown error"
    )
    failed = _FAILED_CELL.search(traceback)
    where = "a cell"
    if failed is not None:
        source = failed[1].strip()
        for number, cell in enumerate(cells(text), start=1):
            if cell.strip() == source:
                line = text[: text.index(cell)].count("\n") + 1
                where = f"cell {number} (line {line})"
    return f"{docname}.md, {where}: {error.strip()}"


def report(app: Sphinx, exception: Exception | None) -> None:
    """Print a line for every page that did not execute."""
    if not hasattr(app, "env") or app.env is None:
        return
    for docname, data in sorted(NbMetadataCollector.get_doc_data(app.env).items()):
        traceback = (data.get("exec_data") or {}).get("traceback")
        if traceback and docname in app.env.found_docs:
            text = Path(app.env.doc2path(docname)).read_text(encoding="utf-8")
            logger.error("%s", failure_line(docname, text, traceback), type="failed-cell")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's events."""
    app.connect("build-finished", report)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
