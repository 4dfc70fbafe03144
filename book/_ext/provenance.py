"""Under every timing figure of a tutorial: on what it was measured, and the record as JSON.

The line is added when a page has been read and filled in when it is written, so that no page is
executed for it. The site serves the records in its folder `records`, as the build writes them.
"""

import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from records import records_of, tutorial_of
from tutorials_lib.benchmark import record as record_module
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.report import marks

TIMING_FIGURES = ("-waterfall", "-growth")
"""How the names of the figures end that are drawn from a tutorial's record."""

SERVED = "records"
"""The folder of the site that has the records."""


class _Mark(nodes.General, nodes.Element):
    """The place of the line, which is filled in when the page is written."""


def mark_timing_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Leave a mark under every timing figure of a tutorial's page that was just read."""
    tutorial = tutorial_of(app.env.docname)
    if tutorial is None:
        return
    for figure in doctree.findall(nodes.figure):
        if any(name.endswith(TIMING_FIGURES) for name in figure["ids"]):
            figure += nodes.legend("", _Mark(slug=tutorial.slug, docname=app.env.docname))


class FillInProvenance(SphinxPostTransform):
    """Replace every mark by the line on the record of its page."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Look the records up once a page that shows them."""
        marks_found = list(self.document.findall(_Mark))
        records = records_of(self.env) if marks_found else {}
        for mark in marks_found:
            record = records.get(mark["slug"])
            if record is None:  # a page that did not execute has said so already
                mark.parent.parent.remove(mark.parent)
                continue
            line = nodes.paragraph("", machine_line(record), classes=["provenance"])
            if self.app.builder.name == "html":
                name, text = f"{mark['slug']}.json", "All that was measured, as JSON"
                link = served_link(self.app, mark["docname"], name, text)
                line += [nodes.Text(" "), link, nodes.Text(".")]
            mark.replace_self(line)


def served_link(app: Sphinx, docname: str, name: str, text: str) -> nodes.reference:
    """A link from the page `docname` to the file `name` among the records that the site serves."""
    up = "../" * app.builder.get_target_uri(docname).count("/")
    return nodes.reference("", text, refuri=f"{up}{SERVED}/{name}", internal=True)


def machine_line(record: Record) -> str:
    """The machine, the versions, the day, and what makes the result less certain."""
    card = record.machine
    cores = f"{card['cores']} core{'s' * (card['cores'] != '1')}"
    accelerator = "" if card["accelerator"] == "none" else f", {card['accelerator']}"
    line = (
        f"Measured on {card['date']}: {card['processor']}, {cores}{accelerator}; Python "
        f"{card['Python']}, NumPy {card['numpy']} with {card['BLAS of NumPy']}, JAX {card['jax']}."
    )
    found = marks(record)
    return f"{line} Marked: {', '.join(found)}." if found else line


def serve_records(app: Sphinx, exception: Exception | None) -> None:
    """Copy the records into the site, with the schema that they follow."""
    if exception is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir) / SERVED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted((Path(app.outdir).parent / "benchmarks").glob("*.json")):
        shutil.copy2(path, folder / path.name)
    schema = Path(record_module.__file__).with_name("record.schema.json")
    shutil.copy2(schema, folder / schema.name)


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Connect to Sphinx."""
    app.add_post_transform(FillInProvenance)
    app.connect("doctree-read", mark_timing_figures)
    app.connect("build-finished", serve_records)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
