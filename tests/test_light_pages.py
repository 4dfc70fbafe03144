"""Code keeps its words and colours with fewer elements, and the theme's script is the known one."""

from importlib.resources import files
from io import StringIO

import pytest
from bs4 import BeautifulSoup
from pygments import lex
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonConsoleLexer, PythonLexer
from pygments.styles import get_style_by_name
from pygments.token import Generic, Name, Number, Punctuation
from sphinx.errors import ExtensionError

import light_pages

STYLES = [get_style_by_name(f"a11y-high-contrast-{each}") for each in ("light", "dark")]
CODE = '''@jax.jit
def f(x: Array) -> Array:
    """Say <so> & more."""
    return x.T @ x + 1.5  # why
'''


class Formatter(light_pages.Formatter):
    """As on the site."""

    plain = light_pages.like_text(STYLES)


def formatted(formatter: type[HtmlFormatter], code: str, lexer: type = PythonLexer) -> str:
    text = StringIO()
    formatter(style=STYLES[0]).format(lex(code, lexer()), text)
    return text.getvalue()


def test_words_that_look_like_text_are_text():
    plain = light_pages.like_text(STYLES)
    assert {Name, Punctuation} <= plain
    assert Number not in plain
    assert Name.Builtin not in plain
    ours, usual = (
        BeautifulSoup(formatted(each, CODE), "html.parser") for each in (Formatter, HtmlFormatter)
    )
    assert ours.get_text() == usual.get_text()
    assert ours.get_text().strip() == CODE.strip()
    assert len(ours("span")) < 0.6 * len(usual("span"))
    styled = [(span["class"], span.text) for span in usual("span") if span.get("class")]
    kept = [(span["class"], span.text) for span in ours("span") if span.get("class")]
    looks = {"n", "p", "w"}
    assert kept == [each for each in styled if each[0][0] not in looks]


def test_a_kind_is_text_only_where_both_themes_show_it_so():
    class Loud(STYLES[0]):
        styles = dict(STYLES[0].styles) | {Name: "#ff0000"}

    assert Name in light_pages.like_text([STYLES[0]])
    assert Name not in light_pages.like_text([STYLES[0], Loud])


def test_prompts_and_outputs_keep_their_elements_for_the_button_that_copies():
    console = formatted(Formatter, ">>> x\n3\n", PythonConsoleLexer)
    assert 'class="gp"' in console
    assert 'class="go"' in console
    assert not any(kind in Generic for kind in Formatter.plain)
    assert BeautifulSoup(console, "html.parser").get_text().strip() == ">>> x\n3"


def test_the_installed_theme_measures_boxes_as_expected_and_is_mended_once():
    theme = files("pydata_sphinx_theme") / "theme/pydata_sphinx_theme/static/scripts"
    script = (theme / "pydata-sphinx-theme.js").read_text("utf-8")
    mended = light_pages.measure_near(script)
    assert light_pages.ALL not in mended
    assert mended.count("IntersectionObserver") == script.count("IntersectionObserver") + 1
    assert light_pages.measure_near(mended) == mended


def test_another_theme_is_refused():
    with pytest.raises(ExtensionError, match=r"light_pages\.py up to date"):
        light_pages.measure_near("const e=()=>{}")
