"""The reference of the package on paper: names, arguments and first sentences.

With types, defaults and every field it would be longer than the book. The site has those.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from print_marks import around, label_of, latex, referred_to
from tutorials_lib.catalog import PARTS

FIRST = "book/reference/api"
"""The first page of the reference."""

OF_TUTORIALS = frozenset(f"{FIRST}_{part}" for part in PARTS)
"""The pages whose functions and classes leave the index: every tutorial has the same names."""

NOTE = (
    "On paper, each entry has its arguments and its first sentence. The types, the defaults and "
    "the rest of the descriptions are on the site and in the source."
)


class ShortenApi(SphinxPostTransform):
    """Replace what autodoc wrote by entries of a line or two."""

    default_priority = 730
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Shorten the reference of every page that has one."""
        wanted = referred_to(self.document)
        for file in list(self.document.findall(addnodes.start_of_file)):
            outermost = [
                node
                for node in file.findall(addnodes.desc)
                if _file_of(node) is file and not _stands_in(node, addnodes.desc)
            ]
            if not outermost:
                continue
            if file["docname"] == FIRST:
                _say_what_is_left_out(file)
            _thin_out_index(file, outermost)
            for node in outermost:
                node.replace_self(_entry(node, file["docname"], wanted))


def _file_of(node: nodes.Node) -> nodes.Node | None:
    """The page that `node` stands in."""
    return next((each for each in around(node) if isinstance(each, addnodes.start_of_file)), None)


def _stands_in(node: nodes.Node, kind: type[nodes.Element]) -> bool:
    return any(isinstance(each, kind) for each in around(node))


def _say_what_is_left_out(file: nodes.Element) -> None:
    section = next(iter(file.findall(nodes.section)))
    first = next(
        i for i, child in enumerate(section.children) if isinstance(child, nodes.paragraph)
    )
    section.insert(first + 1, nodes.paragraph("", NOTE))


def _thin_out_index(file: nodes.Element, kept: list[addnodes.desc]) -> None:
    """Leave the functions and classes of the shared modules, by their names alone."""
    for index in list(file.findall(addnodes.index)):
        place = index.parent.index(index)
        following = index.parent.children[place + 1 : place + 2]
        if file["docname"] not in OF_TUTORIALS and following and following[0] in kept:
            index["entries"] = [
                (kind, re.sub(r" \((?:in module|class in) tutorials_lib\.", " (", text), *rest)
                for kind, text, *rest in index["entries"]
            ]
        elif _file_of(index) is file:
            index.parent.remove(index)


def _entry(desc: addnodes.desc, docname: str, wanted: set[str]) -> nodes.Node:
    signature = next(iter(desc.findall(addnodes.desc_signature)))
    ids = [each for node in desc.findall(addnodes.desc_signature) for each in node["ids"]]
    labels = "".join(label_of(docname, i) for i in ids if i in wanted)
    entry = nodes.paragraph("", "", latex(f"\\bookapientry{{}}{labels}"))
    entry += nodes.literal("", name_of(signature) + arguments_of(signature))
    content = next(iter(desc.findall(addnodes.desc_content)))
    first = next((child for child in content if isinstance(child, nodes.paragraph)), None)
    if first is not None:
        entry += [nodes.Text(" "), *(child.deepcopy() for child in _first_sentence(first))]
    inner = (child for child in content if isinstance(child, addnodes.desc))
    members = [name_of(next(iter(child.findall(addnodes.desc_signature)))) for child in inner]
    if members:
        entry += nodes.Text(" It has ")
        for place, member in enumerate(members):
            entry += [nodes.Text(", " if place else ""), nodes.literal("", member)]
        entry += nodes.Text(".")
    return nodes.container("", latex("\\begin{bookapi}"), entry, latex("\\end{bookapi}"))


def name_of(signature: nodes.Element) -> str:
    """The name of an entry, without the module."""
    return next(iter(signature.findall(addnodes.desc_name))).astext()


def arguments_of(signature: nodes.Element) -> str:
    """The names of the arguments, in brackets; empty for what takes none by its kind."""
    lists = list(signature.findall(addnodes.desc_parameterlist))
    if not lists:
        return ""
    names = [re.split(r"[:=]", each.astext())[0].strip() for each in lists[0]]
    if any("," in each.astext().split("[")[0] for each in lists[0]):  # one that was not parsed
        names = ["…"]
    return f"({', '.join(names)})"


def _first_sentence(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """The children of a paragraph up to the first full stop that ends a sentence."""
    taken: list[nodes.Node] = []
    for child in paragraph:
        end = (
            re.search(r"(?<!e\.g)(?<!i\.e)\.\s", child.astext())
            if isinstance(child, nodes.Text)
            else None
        )
        if end:
            return [*taken, nodes.Text(child.astext()[: end.start() + 1])]
        taken.append(child)
    return taken
