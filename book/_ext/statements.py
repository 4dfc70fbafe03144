"""Write the verdicts on the source document: `{statements}` a table a part, and their numbers.

`{catalog}` writes how many tutorials there are, so that no page says it from memory. Pages
that tell of either are read again when catalog, statements or the pages of the book have changed.

The tables are written in MyST, so that Sphinx checks and words the links to pages and sections.
"""

import hashlib
from collections.abc import Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

from book_state import state_of
from tutorials_lib import catalog
from tutorials_lib.benchmark.tables import list_table
from tutorials_lib.catalog import Tutorial
from tutorials_lib.performance import statements
from tutorials_lib.performance.statements import PARTS, Place, Statement, Verdict


class Statements(SphinxDirective):
    """`{statements} <part>`: what one part of the document says, and what is true."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the table in MyST and have it parsed."""
        if self.arguments[0] not in PARTS:
            raise self.error(f"{self.arguments[0]!r} is not one of {', '.join(PARTS)}")
        state_of(self.env).tellers.add(self.env.docname)
        rows = [self._row(each) for each in statements.of_part(self.arguments[0])]
        header = ["The document says", "What is true"]
        return self.parse_text_to_nodes(list_table([header, *rows], widths="2 3"))

    def _row(self, statement: Statement) -> list[str]:
        number = "" if statement.number is None else f"{statement.number}\\. "  # no list
        said = f"{number}“{statement.quote}”"
        if statement.tutorials:
            said += f" ({', '.join(map(self._link, statement.tutorials))})"
        links = f"Shown in {places(statement.shown)}."
        if statement.settled:
            settled = "; ".join(f"[{each.title}]({each.url})" for each in statement.settled)
            links += f" JAX's documentation: {settled}."
        return [said, f"**{str(statement.verdict).capitalize()}.** {statement.truth}\n\n{links}"]

    def _link(self, tutorial: Tutorial) -> str:
        """The number of a tutorial, which links to its page if that is in the book."""
        docname = f"book/{tutorial.coordinate}"
        if not tutorial.available or docname not in self.env.found_docs:
            return str(tutorial.number)
        return f"[{tutorial.number}](/{docname}.md)"


class StatementCounts(SphinxDirective):
    """`{statement-counts}`: one sentence, and how the verdicts spread over the parts."""

    def run(self) -> list[nodes.Node]:
        """Count, and have the table parsed."""
        state_of(self.env).tellers.add(self.env.docname)
        header = ["Part of the document", *(str(verdict).capitalize() for verdict in Verdict)]
        parts = {name: statements.of_part(part) for part, name in PARTS.items()}
        rows = [
            [name, *map(str, statements.count_verdicts(each).values())]
            for name, each in {**parts, "All": statements.STATEMENTS}.items()
        ]
        table = list_table([header, *rows], widths="auto")
        return self.parse_text_to_nodes(f"{statements.summary()}\n\n{table}")


class CatalogCount(SphinxRole):
    """`{catalog}` followed by `written` or `tutorials`: how many there are, from the catalog."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the number; another tutorial changes it and no text of the page."""
        state_of(self.env).tellers.add(self.env.docname)
        numbers = {name: statements.counts()[name] for name in ("written", "tutorials")}
        if self.text not in numbers:
            message = f"catalog: {self.text!r} is not one of {', '.join(numbers)}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        return [nodes.Text(numbers[self.text])], []


def places(shown: Sequence[Place]) -> str:
    """Links in MyST to each page and then its sections; their titles become the texts."""
    pages: dict[str, list[str]] = {}
    for place in shown:
        address = f"/book/{place.page}.md"
        links = pages.setdefault(address, [f"[]({address})"])
        if place.section:
            links.append(f"[](<{address}#{place.section}>)")
    return "; ".join(", ".join(links) for links in pages.values())


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The pages that tell of the catalog or the statements, when what they tell has changed."""
    known = [(tutorial, tutorial.available) for tutorial in catalog.TUTORIALS]
    everything = repr((known, statements.STATEMENTS, sorted(env.found_docs)))
    told, state = hashlib.sha256(everything.encode()).hexdigest(), state_of(env)
    if state.told == told:
        return []
    state.told = told
    return sorted(state.tellers & env.found_docs)


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Connect to Sphinx."""
    app.add_directive("statements", Statements)
    app.add_directive("statement-counts", StatementCounts)
    app.add_role("catalog", CatalogCount())
    app.connect("env-get-outdated", find_outdated)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
