"""Pages that a telephone draws sooner: fewer elements, and nothing measured that is far away.

Half of the elements of a page are words of code. Where the theme shows a kind of word as it shows
text, the word gets no element of its own.

Sections below the first screen are laid out when the reader comes near (`site.css`). The theme's
script would have them laid out all the same, because it asks every block of code for its size once
the page is there, to let the keyboard scroll those that are too wide. Here it asks those near by.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.style import Style
from pygments.styles import get_style_by_name
from pygments.token import Generic, Token
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ExtensionError

SCRIPT = "_static/scripts/pydata-sphinx-theme.js"

MEASURED = "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
BOXES = (
    'document.querySelectorAll(["pre",".nboutput > .output_area",".cell_output > .output",'
    '".jp-RenderedHTMLCommon",".pst-scrollable-table-container"].join(", "))'
)
ALL = f"const e=()=>{{{BOXES}.forEach(e=>{{{MEASURED}}})}}"
"""What the theme's script says."""

OUR_BOXES = BOXES.replace('"pre",', '"pre",".katex-display",')
"""Formulas in lines of their own, too, are wider than some screens; their fonts come late."""

NEAR = (
    "const near=new IntersectionObserver(seen=>seen.forEach(({target:e,isIntersecting:is})=>"
    f'{{is&&document.fonts.ready.then(()=>{{{MEASURED}}})}}),{{rootMargin:"100%"}}),'
    f"e=()=>{{near.disconnect(),{OUR_BOXES}.forEach(e=>near.observe(e))}}"
)
"""What it says here: a box is measured when it is a screen away, and again when boxes appear."""


def like_text(styles: Iterable[type[Style]]) -> frozenset[Any]:
    """The kinds of words that every one of `styles` shows as it shows text.

    Prompts and outputs are not among them, however they look: scripts find them by their elements.
    """
    kinds = []
    for style in styles:
        text = style.style_for_token(Token.Text)
        kinds.append({kind for kind, look in style if look == text})
    return frozenset(kind for kind in set.intersection(*kinds) if kind not in Generic)


class Formatter(HtmlFormatter):
    """Pygments' own, but words that look like text are text."""

    plain: frozenset[Any] = frozenset()

    def format(self, tokensource: Iterable[tuple[Any, str]], outfile: Any) -> None:
        """Write the words to `outfile`."""
        words = ((Token.Text if kind in self.plain else kind, word) for kind, word in tokensource)
        super().format(words, outfile)


def format_code(app: Sphinx) -> None:
    """Have the site's code written by `Formatter`."""
    builder = app.builder
    if not isinstance(builder, StandaloneHTMLBuilder) or builder.name != "html":
        return
    options = builder.theme.get_options(app.config.html_theme_options)
    styles = [get_style_by_name(options[f"pygments_{each}_style"]) for each in ("light", "dark")]
    plain = like_text(styles)
    builder.highlighter.formatter = type("OurFormatter", (Formatter,), {"plain": plain})


def measure_near(script: str) -> str:
    """The theme's script, which measures near boxes only; what is mended already is as it was.

    Raises:
        ExtensionError: the script says it in other words.
    """
    if NEAR in script:
        return script
    if script.count(ALL) != 1:
        raise ExtensionError(
            f"{SCRIPT} no longer measures boxes as version 0.17.1 of the theme does: look for "
            "tabIndex there, and bring `ALL` in book/_ext/light_pages.py up to date"
        )
    return script.replace(ALL, NEAR)


def mend_script(app: Sphinx, exception: Exception | None) -> None:
    """Mend the copy of the theme's script in the site."""
    path = Path(app.outdir, SCRIPT)
    if exception is None and app.builder.name == "html" and path.is_file():
        path.write_text(measure_near(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", format_code)
    app.connect("build-finished", mend_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
