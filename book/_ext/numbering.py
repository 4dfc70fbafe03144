"""Number figures and sections without reading every page again from the disk.

Sphinx numbers the whole book whenever a page has changed, and loads all pages for it, which takes
longer than everything else together. What it looks at is small: headings, figures and the like,
and tables of contents. That much of every page is kept with Sphinx's environment.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from book_state import state_of

_TITLES = (nodes.title, nodes.caption)

TypeOf = Callable[[nodes.Node], str | None]


def skeleton(page: nodes.document, type_of: TypeOf) -> nodes.Element:
    """What numbering looks at in `page`, and what stands around that.

    Args:
        page: the page as it was read.
        type_of: as what a node is numbered, or None.
    """
    kept = nodes.container("", *_needed(page, type_of))
    for node in kept.findall():
        node.document = None  # type: ignore[assignment]  # which would be kept with it
    return kept


def _needed(node: nodes.Element, type_of: TypeOf) -> list[nodes.Element]:
    is_numbered = type_of(node) not in {None, "section"}
    needed = []
    for child in node.children:
        if not isinstance(child, nodes.Element):
            continue
        if isinstance(child, addnodes.toctree) or (is_numbered and isinstance(child, _TITLES)):
            needed.append(child.deepcopy())
            continue
        inside = _needed(child, type_of)
        # Of what is numbered the kind may depend on what it holds.
        if inside or type_of(child) is not None or is_numbered:
            copy = child.copy()
            copy.rawsource = ""
            copy += inside
            needed.append(copy)
    return needed


def lend_skeletons(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give those who number the book skeletons in the place of pages."""
    load, kept = env.get_doctree, state_of(env).skeletons
    domains = env.domains.values()

    def type_of(node: nodes.Node) -> str | None:
        found = (domain.get_enumerable_node_type(node) for domain in domains)
        return next((kind for kind in found if kind), None)

    def lend(docname: str) -> Any:
        read = Path(app.doctreedir, f"{docname}.doctree").stat()
        stamp = (read.st_mtime_ns, read.st_size)
        if docname not in kept or kept[docname][0] != stamp:
            kept[docname] = (stamp, skeleton(load(docname), type_of))
        return kept[docname][1]

    env.get_doctree = lend  # type: ignore[method-assign]
    return []


def take_back(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give everybody whole pages again."""
    vars(env).pop("get_doctree", None)
    return []


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Connect to Sphinx: around those who number, who have the usual priority."""
    app.connect("env-get-updated", lend_skeletons, priority=100)
    app.connect("env-get-updated", take_back, priority=900)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
