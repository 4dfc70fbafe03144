"""What the PDF needs and the site does not: cards as a list, tables that fit the page.

And the look of the book, which `book/_print/bookprint.sty` describes; a cover (`print_cover`),
chapter numbers behind links (`print_references`), solutions at the end (`print_solutions`) and a
short reference of the package (`print_api`).
"""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.latex import LaTeXBuilder
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform

import print_cover
from print_api import ShortenApi
from print_marks import latex
from print_references import NumberReferences
from print_solutions import CollectSolutions
from print_symbols import FONTS, ReplaceSymbols, write_symbols

LONG_TABLE = 30
"""Rows beyond which Sphinx sets a table over several pages, and no longer breaks lines in it."""

WIDEST_COLUMN = 24
"""Characters beyond which a column of such a table is not given more width."""

MANY_COLUMNS = 8
"""Columns from which on a table gets smaller letters."""

PADDING = 8
"""The room between two columns, in characters."""

OPENING = "About this book"
"""The heading above the text of the index page."""

LITERATURE = "book/reference/bibliography"
"""The page whose list Jupyter Book moves to the end of the book."""

LICENCES = "Text CC BY 4.0, code Apache 2.0"

FILES = (Path(__file__).parents[1] / "_print/bookprint.sty", *FONTS)

PREAMBLE = r"""
\usepackage{bookprint}
\usepackage{booksymbols}
\newcommand{\bookpromise}{Thirty machine-learning programs, each written in NumPy and in JAX,
  checked against each other and measured.}
\hypersetup{
  pdftitle={JAX Tutorials and Optimizations},
  pdfauthor={The contributors},
  pdfsubject={Thirty machine-learning tutorials, each in NumPy and in JAX, checked and measured},
  pdfkeywords={JAX, NumPy, machine learning, tutorials, benchmarks},
  pdflang=en,
  bookmarksnumbered, bookmarksopen, bookmarksopenlevel=0,
  pdfencoding=auto, psdextra}
"""


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
    """Give the columns of a long table widths, by the length of their longest words and cells.

    A table of many columns gets smaller letters.
    """

    default_priority = 745  # before LaTeX that has no length stands in the cells
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Set the widths of every long table of the book."""
        for table in list(self.document.findall(nodes.table)):
            rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            columns = list(table.findall(nodes.colspec))
            if len(columns) >= MANY_COLUMNS:
                place = table.parent.index(table)
                table.parent.insert(place + 1, latex("\\endgroup"))
                table.parent.insert(place, latex("\\begingroup\\bookwide"))
            if len(rows) <= LONG_TABLE or "colwidths-given" in table["classes"]:
                continue
            for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
                texts = [cell.astext() for cell in cells]
                longest_word = max(len(word) for text in texts for word in [*text.split(), ""])
                longest = max(map(len, texts))
                column["colwidth"] = max(longest_word, min(longest, WIDEST_COLUMN)) + PADDING
            table["classes"].append("colwidths-given")


class MendParents(SphinxPostTransform):
    """Let every node know what it stands in; Sphinx joins the pages without saying so."""

    default_priority = 710  # Jupyter Book has made the parts
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Go through the whole book."""
        for node in self.document.findall(nodes.Element):
            for child in node.children:
                child.parent = node


class LabelTabs(SphinxPostTransform):
    """The label of a tab above what it holds; all tabs of a set stand one below the other."""

    default_priority = 199
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Make every label of a tab a small heading."""
        for label in list(self.document.findall(nodes.rubric)):
            if "sd-tab-label" in label["classes"]:
                label.replace_self(latex(f"\\booktab{{{label.astext()}}}"))


class OpenBook(SphinxPostTransform):
    """The cover, and a heading for the index page, which has lost its own to the title."""

    default_priority = 740
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Draw the picture and write both."""
        picture, builder = print_cover.draw(self.app), self.app.builder
        assert isinstance(builder, LaTeXBuilder)
        builder.context["maketitle"] = (
            f"\\bookcover{{{picture}}}{{{importlib.metadata.version('tutorials_lib')}}}"
            f"{{\\csname @date\\endcsname}}{{{LICENCES}}}"
        )
        section = next(iter(self.document.findall(nodes.section)))
        section.insert(1, latex(f"\\bookopening{{{OPENING}}}"))
        for file in self.document.findall(addnodes.start_of_file):
            if file["docname"] == LITERATURE:
                section = next(iter(file.findall(nodes.section)))
                section += nodes.paragraph("", "The list stands at the end, before the index.")


def use_print_style(app: Sphinx, config: Config) -> None:
    """Print with Sphinx's own class and `bookprint.sty`.

    Jupyter Book's class asks for fonts of 1.4 GB and a plotting package, and no page uses either;
    its preamble loads a package that switches fonts at every Greek letter.
    """
    config.latex_theme = "manual"
    config.latex_elements["preamble"] = PREAMBLE
    config.latex_additional_files = [*config.latex_additional_files, *map(str, FILES)]


def use_print_colors(app: Sphinx) -> None:
    """Code in few dark colours, which differ in weight and slope as well, for grey printers."""
    if app.builder.format == "latex":
        app.config.pygments_style = "print_colors.PrintStyle"
        Path(app.outdir).mkdir(parents=True, exist_ok=True)
        write_symbols(Path(app.outdir) / "booksymbols.sty")


def _is_component(name: str) -> Callable[[nodes.Node], bool]:
    """Whether a node is Sphinx-Design's component of that name."""
    return lambda node: isinstance(node, nodes.Element) and node.get("design_component") == name


def _link_of(card: nodes.Element, body: nodes.Element) -> nodes.reference | None:
    """The link that covers the card, which stands behind its body."""
    outside = (child for child in card.children if child is not body)
    return next((link for child in outside for link in child.findall(nodes.reference)), None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("config-inited", use_print_style, priority=900)
    app.connect("builder-inited", use_print_colors)
    for transform in (
        *(PrintCards, LabelTabs, MendParents, CollectSolutions, ShortenApi, OpenBook),
        *(NumberReferences, FitTables, ReplaceSymbols),
    ):
        app.add_post_transform(transform)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
