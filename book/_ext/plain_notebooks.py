"""A notebook of every executed page that plain Jupyter and Colab show, and run without the book.

Its text is the page's own, with the values of the site's build, in plain Markdown; its code is the
page's, without outputs. Under the title stands where the notebook is from and how to install the
package. The first code does that where the repository has an address, and stands in for the part of
MyST-NB that writes values into the text: there they are printed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from freshness import MARKER
from launch import current_commit, repository_of, requirement
from plain_markdown import PlainMarkdown, heading, title_of

Context = dict[str, Any]

INSTALL = '''\
import importlib.util
import sys
from types import SimpleNamespace

if importlib.util.find_spec("tutorials_lib") is None:
{install}


def glue(name, value, display=True):
    """The site writes values into its text; here they are printed."""
    print(f"{{name}}: {{value}}")


sys.modules["myst_nb"] = SimpleNamespace(glue=glue)
'''

_BY_PIP = '    %pip install --quiet "{package}"'
_BY_HAND = """\
    raise ModuleNotFoundError(
        "tutorials_lib is missing: in a checkout of the book, run `python -m pip install .`"
    )"""

_ABOUT_BY_PIP = (
    "The first code installs the package `tutorials_lib` from {repository} if it is missing."
)
_ABOUT_BY_HAND = (
    "It needs the package `tutorials_lib`: in a checkout of the book, run `python -m pip install .`"
)


def offer_notebook(
    app: Sphinx,
    page: str,
    template: str,
    context: Context,
    doctree: nodes.document | None,
) -> None:
    """Write the page's notebook and put it among the downloads.

    The theme does so only for pages with a button that launches them elsewhere.
    """
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    if doctree is None or "kernelspec" not in app.env.metadata[page] or not executed.is_file():
        return
    base = app.config.html_baseurl
    plain = plain_notebook(
        doctree,
        nbformat.read(executed, as_version=4),
        address=base + app.builder.get_target_uri(page) if base else "",
        repository=repository_of(app),
        commit=current_commit(Path(app.srcdir)) if repository_of(app) else "",
        numbers=_numbers(app, page),
    )
    offered = Path(app.outdir) / "_sources" / f"{page}.ipynb"
    offered.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(plain, offered)
    context["ipynb_source"] = f"{page}.ipynb"


def _numbers(app: Sphinx, page: str) -> dict[str, str]:
    """What the site calls the numbered figures, tables and exercises of `page`, by id."""
    formats, found = app.config.numfig_format, app.env.toc_fignumbers.get(page, {})
    return {
        name: formats[kind] % ".".join(map(str, number))
        for kind, numbers in found.items()
        for name, number in numbers.items()
    }


def plain_notebook(
    document: nodes.document,
    executed: Any,
    *,
    address: str = "",
    repository: str = "",
    commit: str = "",
    numbers: Mapping[str, str] | None = None,
) -> Any:
    """The page as a notebook, its text after `document` and its code after `executed`.

    Cells that the page does not show stay, because others may need them, but for the one that
    holds the digest of the page.

    Args:
        document: the page with its references resolved.
        executed: the notebook that was run for it; the cells of `document` count its cells.
        address: where the page stands on the site, or nothing.
        repository: where the package can be had, or nothing.
        commit: at which state of it, or nothing for the newest.
        numbers: what the site calls what is numbered on the page, by id.
    """
    writer = _Writer(PlainMarkdown(address, numbers), executed.cells)
    for child in document.children:
        writer.add(child, level=1)
    writer.add_code_before(len(executed.cells))
    writer.flush()
    head, *rest = writer.cells
    head.source = _with_origin(head.source, address, repository)
    package = requirement(repository, commit)
    install = _BY_PIP.format(package=package) if repository else _BY_HAND
    setup = nbformat.v4.new_code_cell(INSTALL.format(install=install).rstrip("\n"))
    metadata = {"kernelspec": executed.metadata.kernelspec, "language_info": {"name": "python"}}
    return _with_steady_ids(nbformat.v4.new_notebook(cells=[head, setup, *rest], metadata=metadata))


def _with_origin(text: str, address: str, repository: str) -> str:
    """The first cell, with what the notebook is and needs under the title."""
    title, _, rest = text.partition("\n\n")
    page = f"[a page of the book]({address})" if address else "a page of the book"
    about = _ABOUT_BY_PIP.format(repository=repository) if repository else _ABOUT_BY_HAND
    origin = (
        f"*This notebook is {page}; figures and tables appear when you run it, and the numbers in "
        f"the text are those of the book's own run. {about}*"
    )
    return "\n\n".join(part for part in (title, origin, rest) if part)


class _Writer:
    """Gathers cells: text until code comes, then the code."""

    def __init__(self, plain: PlainMarkdown, executed: list[Any]) -> None:
        self.cells: list[Any] = []
        self._plain = plain
        self._executed = executed
        self._texts: list[str] = []
        self._next = 0  # the first cell of the executed notebook that has not been looked at

    def add(self, node: nodes.Node, *, level: int) -> None:
        """Add what `node` shows; sections in it have headings of `level`."""
        if _is_code_cell(node):
            self._add_code_cell(node)
        elif next(iter(node.findall(_is_code_cell)), None) is None:
            self._add_text(self._plain.block(node, level=level))
        else:
            title = title_of(node)
            if title is not None and isinstance(node, nodes.section):
                self._add_text(heading(self._plain.inline(title), level))
                level += 1
            elif title is not None:  # of a solution
                self._add_text(self._plain.bold(title))
            for child in node.children:
                if child is not title:
                    self.add(child, level=level)

    def add_code_before(self, index: int) -> None:
        """Add the code cells before the executed notebook's cell `index` that are left."""
        for cell in self._executed[self._next : index]:
            if cell.cell_type == "code" and not cell.source.startswith(MARKER):
                self.flush()
                self.cells.append(nbformat.v4.new_code_cell(cell.source))
        self._next = max(self._next, index)

    def flush(self) -> None:
        """Make a cell of the text that has come together."""
        if self._texts:
            self.cells.append(nbformat.v4.new_markdown_cell("\n\n".join(self._texts)))
            self._texts = []

    def _add_text(self, text: str) -> None:
        if text:
            self._texts.append(text)

    def _add_code_cell(self, node: nodes.Element) -> None:
        self.add_code_before(node["cell_index"] + 1)
        for caption in node.findall(nodes.caption):
            self._add_text(self._plain.caption(caption))


def _is_code_cell(node: nodes.Node) -> TypeGuard[nodes.container]:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _with_steady_ids(notebook: Any) -> Any:
    """Number the cells, in place of random names: one page always gives the same file."""
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's events."""
    app.connect("html-page-context", offer_notebook, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
