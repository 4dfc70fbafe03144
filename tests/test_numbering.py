"""Skeletons of pages are numbered as the pages themselves."""

import pickle

from docutils import nodes
from sphinx import addnodes

from numbering import skeleton


def figure(name: str, *more: nodes.Node) -> nodes.figure:
    caption = nodes.caption("", "A caption.")
    return nodes.figure("", nodes.image(uri=f"{name}.svg"), caption, *more, ids=[name])


def type_of(node: nodes.Node) -> str | None:
    """What Sphinx numbers, in short."""
    if isinstance(node, nodes.container):
        has_code = any(isinstance(child, nodes.literal_block) for child in node.children)
        return "code-block" if has_code else None
    kinds = {nodes.section: "section", nodes.figure: "figure"}
    return kinds.get(type(node))


def test_a_skeleton_has_all_that_is_numbered_in_its_order_and_little_else():
    text = nodes.paragraph("", "Text " * 10_000)
    code = nodes.container("", nodes.caption("", "Code."), nodes.literal_block("", "x = 1"))
    contents = addnodes.toctree(entries=[(None, "book/a")], numbered=1)
    cell = nodes.container("", nodes.paragraph("", "Output."), figure("inner"))
    section = nodes.section("", nodes.title("", "Title"), text, cell, code, ids=["title"])
    page = nodes.document(None, None)  # type: ignore[arg-type]
    page += [section, figure("last", nodes.legend("", text.deepcopy())), contents]

    made = skeleton(page, type_of)

    def seen(root: nodes.Element) -> list[tuple]:
        return [
            (type(node), node["ids"], type_of(node))
            for node in root.findall(nodes.Element)
            if type_of(node) or isinstance(node, addnodes.toctree)
        ]

    assert seen(made) == seen(page)
    (kept,) = made.findall(addnodes.toctree)
    assert kept["entries"] == contents["entries"]
    assert [caption.astext() for caption in made.findall(nodes.caption)] == [
        "A caption.",
        "Code.",
        "A caption.",
    ]
    assert len(pickle.dumps(made)) < 5_000
    assert all(node.document is None for node in made.findall())
