"""Small pieces of LaTeX that the transforms of the printed book put between the nodes."""

from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes


def latex(text: str) -> nodes.raw:
    """LaTeX that is written as it is."""
    return nodes.raw("", text, format="latex")


def key_of(docname: str, name: str) -> str:
    """The label of the element `name` of a page, as Sphinx writes it."""
    return f"\\detokenize{{{docname}:{name}}}"


def label_of(docname: str, name: str) -> str:
    """A place to which links to the element `name` of a page lead."""
    return f"\\phantomsection\\label{{{key_of(docname, name)}}}"


def referred_to(document: nodes.document) -> set[str]:
    """The names of everything in the book that is linked to."""
    links = list(document.findall(nodes.reference))
    outer = {link.get("refuri", "").partition("#")[2] for link in links}
    return outer | {link.get("refid", "") for link in links}


def around(node: nodes.Node) -> Iterator[nodes.Node]:
    """What `node` stands in, from the inside to the outside."""
    while (node := node.parent) is not None:
        yield node


def files_of(document: nodes.document) -> Iterator[tuple[addnodes.start_of_file, list[str]]]:
    """Every page in the order of the book, and the names of what it stands in: chapter, part."""
    for file in document.findall(addnodes.start_of_file):
        files = [node for node in around(file) if isinstance(node, addnodes.start_of_file)]
        yield file, [each["docname"] for each in files]


def chapters(document: nodes.document) -> dict[str, int]:
    """The number of each chapter, by its page; pages that are sections of another are left out.

    Jupyter Book makes a part of each caption of `_toc.yml`, so that a chapter stands in one page.
    """
    files = [file["docname"] for file, outer in files_of(document) if len(outer) == 1]
    return {docname: number for number, docname in enumerate(files, start=1)}
