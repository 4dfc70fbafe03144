"""Exercises are remembered without the pages that they stand on.

The library keeps every exercise and solution with Sphinx's environment, to word what refers to
them. Each holds on to the whole page, which would be written and read with the environment in every
build: two thirds of it.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def let_go_of_page(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the exercises of the page that was just read, but not the page with them."""
    env: Any = app.env
    for kept in getattr(env, "sphinx_exercise_registry", {}).values():
        if kept["docname"] == env.docname:
            kept["node"] = kept["node"].deepcopy()  # which has no parent
            for node in kept["node"].findall():
                node.document = None


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Connect to Sphinx."""
    app.connect("doctree-read", let_go_of_page)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
