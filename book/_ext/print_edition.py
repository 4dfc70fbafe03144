"""What the PDF needs and the site does not: cards as a list, tables that fit the page."""

from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform

LONG_TABLE = 30
"""Rows beyond which Sphinx sets a table over several pages, and no longer breaks lines in it."""

WIDEST_COLUMN = 30
"""Characters beyond which a column of such a table is not given more width."""

PADDING = 4
"""The room between two columns, in characters."""


class PrintCards(SphinxPostTransform):
    """Sphinx-Design's cards, as paragraphs that begin with the title in bold.

    On paper the whole card is no link, so the link is made of the title.
    """

    default_priority = 199  # references are resolved, components not rendered yet
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Rewrite every card of the page."""
        for card in list(self.document.findall(_is_component("card"))):
            body = next(iter(card.findall(_is_component("card-body"))), None)
            if not isinstance(body, nodes.Element) or not isinstance(card, nodes.Element):
                continue
            title = next(iter(body.findall(_is_component("card-title"))), nodes.Text(""))
            name: nodes.Node = nodes.strong("", title.astext())
            if (link := _link_of(card, body)) is not None:
                name = nodes.reference("", "", name, **link.attributes)
            lead = nodes.paragraph("", "", name)
            rest = [child for child in body.children if child is not title]
            if rest and isinstance(rest[0], nodes.paragraph):
                lead += [nodes.Text(": "), *rest.pop(0).children]
            card.replace_self([lead, *rest])


class FitTables(SphinxPostTransform):
    """Give the columns of a long table widths, by the length of their longest words and cells."""

    default_priority = 900
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Set the widths of every long table of the page."""
        for table in self.document.findall(nodes.table):
            rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            columns = list(table.findall(nodes.colspec))
            if len(rows) <= LONG_TABLE or "colwidths-given" in table["classes"]:
                continue
            for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
                texts = [cell.astext() for cell in cells]
                longest_word = max(len(word) for text in texts for word in [*text.split(), ""])
                longest = max(map(len, texts))
                column["colwidth"] = max(longest_word, min(longest, WIDEST_COLUMN)) + PADDING
            table["classes"].append("colwidths-given")


def use_plain_class(app: Sphinx, config: Config) -> None:
    """Print with Sphinx's own class.

    Jupyter Book's asks for fonts of 1.4 GB and a plotting package, and no page uses either.
    """
    config.latex_theme = "manual"


def _is_component(name: str) -> Callable[[nodes.Node], bool]:
    """Whether a node is Sphinx-Design's component of that name."""
    return lambda node: isinstance(node, nodes.Element) and node.get("design_component") == name


def _link_of(card: nodes.Element, body: nodes.Element) -> nodes.reference | None:
    """The link that covers the card, which stands behind its body."""
    outside = (child for child in card.children if child is not body)
    return next((link for child in outside for link in child.findall(nodes.reference)), None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("config-inited", use_plain_class, priority=900)
    app.add_post_transform(PrintCards)
    app.add_post_transform(FitTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
