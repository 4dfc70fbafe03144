"""A page's resolved document as Markdown that every reader of notebooks shows.

What the book has beyond that gets its plain form: tabs stand below each other under bold labels,
boxes are quotations, included code is code, and references are links where the site has an address
and plain words where it has none.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx_design.tabs import sd_tab_label

LANGUAGES = {"ipython3": "python", "default": "", "none": "", "myst": "markdown"}
"""Sphinx's names of languages that notebooks do not know, and what they are there."""

SKIPPED = (
    *(
        nodes.comment,
        nodes.target,
        nodes.meta,
        nodes.raw,
        nodes.image,
        nodes.substitution_definition,
    ),
    *(nodes.title, nodes.system_message),
)

_SPECIAL = re.compile(r"([\\`*<\[\]$|])|(?<!\w)_|_(?!\w)")


class PlainMarkdown:
    """Turns docutils nodes of one page into Markdown.

    Attributes:
        address: the page's address on the site, or nothing; references become links by it.
        numbers: what the site calls the numbered figures, tables and exercises of the page, by id.
    """

    def __init__(self, address: str = "", numbers: Mapping[str, str] | None = None) -> None:
        self.address = address
        self.numbers = numbers or {}

    # ------------------------------------------------------------ blocks

    def blocks(self, children: Iterable[nodes.Node], *, level: int = 1) -> str:
        """`children` below each other; a section among them has a heading of `level`."""
        written = (self.block(child, level=level) for child in children)
        return "\n\n".join(text for text in written if text)

    def block(self, node: nodes.Node, *, level: int = 1) -> str:
        """One node that stands by itself, or nothing where the page shows nothing."""
        if isinstance(node, SKIPPED):
            return ""
        write = self._writer(node)
        if write is not None:
            return write(node)
        title = title_of(node)
        if isinstance(node, nodes.section) and title is not None:
            head = heading(self.inline(title), level)
            return "\n\n".join([head, self.blocks(node.children, level=level + 1)])
        if isinstance(node, nodes.Text | nodes.Inline):
            return self.inline(node)
        return self.blocks(node.children, level=level)

    def _writer(self, node: nodes.Node) -> Callable[[Any], str] | None:
        for kind, write in (
            (nodes.paragraph, self.inline),
            (nodes.rubric, self.bold),
            (sd_tab_label, self.bold),
            (nodes.caption, self.caption),
            (nodes.literal_block, _code),
            (nodes.math_block, _displayed),
            (nodes.bullet_list, self._list),
            (nodes.enumerated_list, self._list),
            (nodes.definition_list_item, self._definition),
            (nodes.Admonition, self._box),
            (nodes.block_quote, lambda quote: quoted(self.blocks(quote.children))),
            (nodes.table, self._table),
            (nodes.footnote, self._footnote),
            (nodes.transition, lambda _: "---"),
        ):
            if isinstance(node, kind):
                return write
        return None

    def bold(self, node: nodes.Node) -> str:
        """The words of `node` as a label."""
        return f"**{self.inline(node).replace('**', '')}**"

    def caption(self, node: nodes.Element) -> str:
        """The words of a caption as a label, after the number of what it belongs to."""
        number = self._number(node.parent)
        said = self.inline(node).replace("*", "")
        return f"**{number}.** *{said}*" if number else f"*{said}*"

    def _number(self, node: nodes.Element) -> str:
        return next((self.numbers[each] for each in node["ids"] if each in self.numbers), "")

    def _list(self, node: nodes.Element) -> str:
        ordered = isinstance(node, nodes.enumerated_list)
        items = []
        for number, item in enumerate(node.children, start=int(node.get("start", 1))):
            mark = f"{number}. " if ordered else "- "
            items.append(mark + _indented(self.blocks(item.children), by=len(mark)))
        return "\n".join(items)

    def _definition(self, node: nodes.Element) -> str:
        terms = [self.bold(child) for child in node.children if isinstance(child, nodes.term)]
        said = [child for child in node.children if isinstance(child, nodes.definition)]
        return "\n\n".join([", ".join(terms), *(self.blocks(each.children) for each in said)])

    def _box(self, node: nodes.Element) -> str:
        title = title_of(node)
        named = self.inline(title) if title is not None else node.tagname.capitalize()
        label = f"{self._number(node)} {named}".strip()
        return quoted(f"**{label}**\n\n{self.blocks(node.children)}")

    def _footnote(self, node: nodes.Element) -> str:
        label = next(iter(node.findall(nodes.label)))
        said = [child for child in node.children if not isinstance(child, nodes.label)]
        return f"<sup>{label.astext()}</sup> {self.blocks(said)}"

    def _table(self, node: nodes.Element) -> str:
        rows = [[self._cell(entry) for entry in row.children] for row in node.findall(nodes.row)]
        width = max(map(len, rows))
        lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
        title = title_of(node)
        named = self.inline(title).replace("**", "") if title is not None else ""
        label = " ".join(filter(None, [self._number(node), named]))
        above = [f"**{label}**", ""] if label else []
        return "\n".join([*above, lines[0], "|" + "---|" * width, *lines[1:]])

    def _cell(self, entry: nodes.Node) -> str:
        parts = (self.block(child) for child in entry.children)
        return "<br>".join(part.replace("\n", " ") for part in parts if part)

    # ------------------------------------------------------------ within a line

    def inline(self, node: nodes.Node | None) -> str:
        """The words of `node`, marked up."""
        if node is None or isinstance(node, nodes.image | nodes.raw):
            return ""
        if isinstance(node, nodes.Text):
            return _SPECIAL.sub(lambda found: "\\" + found[0], " ".join(node.astext().split("\n")))
        if isinstance(node, nodes.math):
            return f"${node.astext()}$"
        if isinstance(node, nodes.literal):
            return _literal(node.astext())
        if isinstance(node, nodes.footnote_reference):
            return f"<sup>{node.astext()}</sup>"
        inside = "".join(self.inline(child) for child in node.children)
        if isinstance(node, nodes.emphasis):
            return _around(inside, "*")
        if isinstance(node, nodes.strong):
            return _around(inside, "**")
        if isinstance(node, nodes.reference):
            return self._link(node, inside)
        return inside

    def _link(self, node: nodes.Element, inside: str) -> str:
        target = node.get("refuri") or (f"#{node['refid']}" if "refid" in node else "")
        is_of_the_site = not re.match(r"[a-z]+:", target)
        if is_of_the_site:
            target = urljoin(self.address, target) if self.address else ""
        return f"[{inside}]({target})" if target and inside else inside


def title_of(node: nodes.Node) -> nodes.title | None:
    """The title that stands in `node` itself, or None."""
    return next((child for child in node.children if isinstance(child, nodes.title)), None)


def heading(title: str, level: int) -> str:
    """A heading of `level`, 1 to 6."""
    return f"{'#' * min(level, 6)} {title}"


def quoted(text: str) -> str:
    """`text` as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _code(node: nodes.Element) -> str:
    language = node.get("language", "")
    text = node.astext().rstrip("\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{LANGUAGES.get(language, language)}\n{text}\n{fence}"


def _displayed(node: nodes.Element) -> str:
    return f"$$\n{node.astext().strip()}\n$$"


def _literal(text: str) -> str:
    marks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{marks}{space}{text}{space}{marks}"


def _around(text: str, mark: str) -> str:
    """`text` between marks, which must touch a word."""
    stripped = text.strip()
    return text.replace(stripped, f"{mark}{stripped}{mark}", 1) if stripped else text


def _indented(text: str, *, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)
