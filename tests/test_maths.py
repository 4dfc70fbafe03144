"""Formulas are set while the site is built, and one that cannot be is named with its page."""

import io
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from sphinxcontrib.katex import KaTeXError

import maths

CONF = "extensions = ['myst_parser', 'maths']\nhtml_math_renderer = 'katex'\n" + (
    "myst_enable_extensions = ['amsmath', 'dollarmath']\nhtml_copy_source = False\n"
)


def built(folder: Path, builder: str, **pages: str) -> tuple[dict[str, BeautifulSoup], str]:
    """The pages of a small site, and the warnings of its build."""
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    warnings = io.StringIO()
    out = folder / "out"
    with patch_docutils(str(folder)), docutils_namespace():
        app = Sphinx(
            folder,
            folder,
            out,
            folder / "doctrees",
            builder,
            confoverrides={"root_doc": next(iter(pages))},
            status=None,
            warning=warnings,
        )
        app.build()
    read = {
        path.stem: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in out.glob("*.html")
    }
    return read, warnings.getvalue()


def test_a_formula_is_there_to_be_seen_and_to_be_heard():
    formula = BeautifulSoup(maths.set_formula(r"\sqrt{x}", display=False), "html.parser")
    seen, heard = formula.select_one(".katex-html"), formula.select_one("math msqrt")
    assert seen is not None
    assert seen.get("aria-hidden") == "true"
    assert heard is not None


@pytest.mark.parametrize("formula", [r"\nosuchcommand", r"\frac{1", "x_é"])
def test_what_katex_or_latex_does_not_know_is_refused(formula: str):
    with pytest.raises(KaTeXError):
        maths.set_formula(formula, display=True)


@pytest.mark.parametrize(
    ("text", "unwrapped", "expected"),
    [
        ("a = b", False, "a = b"),
        ("a &= b \\\\ c &= d", False, "\\begin{split}a &= b \\\\ c &= d\\end{split}"),
        ("a\n\nb", False, "\\begin{aligned}a\\\\b\\end{aligned}"),
        ("\\begin{align}a\\\\b\\end{align}", True, "\\begin{align}a\\\\b\\end{align}"),
    ],
)
def test_lines_are_aligned_as_in_the_printed_book(text: str, unwrapped: bool, expected: str):
    assert maths.display_formula(nodes.math_block(text, text, nowrap=unwrapped)) == expected


PAGES = {
    "start": """# Start

$$
E = mc^2
$$ (energy)

See {eq}`energy`, where $m$ is a mass.

\\begin{align}
a &= \\begin{aligned} b \\\\ c \\end{aligned} \\\\
d &= e
\\end{align}

```{toctree}
plain
```
""",
    "plain": "# Plain\n\nIt costs 5 dollars.\n",
}


def test_pages_with_formulas_load_their_style_sheet_and_no_script(tmp_path: Path):
    pages, warnings = built(tmp_path, "html", **PAGES)
    assert warnings == ""
    start, plain = pages["start"], pages["plain"]
    assert len(start.select(".katex")) == 3
    assert start.select_one("div.math .eqno") is not None
    label = start.select_one("div.math[id]")
    assert label is not None
    assert start.select_one(f"a.reference[href='#{label['id']}']") is not None
    assert start.select("link[href*='katex.min.css']")
    assert not plain.select("link[href*='katex']")
    assert not any("math" in str(script) for page in pages.values() for script in page("script"))


@pytest.mark.parametrize("builder", ["html", "dummy"])
def test_a_formula_that_cannot_be_set_is_named_once_with_its_page(tmp_path: Path, builder: str):
    _, warnings = built(tmp_path, builder, start="# Start\n\nThis is $\\nosuchcommand$.\n")
    [line] = [line for line in warnings.splitlines() if line.strip()]
    assert "start.md:3" in line
    assert "nosuchcommand" in line


def test_the_style_sheet_of_another_katex_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(maths.katex, "katex_version", "0.0.1")
    with pytest.raises(Exception, match=r"0\.0\.1"):
        built(tmp_path, "html", start="# Start\n")


SLOW = """
import socket, sys, time
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind("katex.sock")
time.sleep(0.3)
listener.listen()
listener.accept()
"""
"""A program whose socket is there before it answers, as Node's is on a busy machine."""


def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, patience: float):
    command = classmethod(lambda cls, socket: [sys.executable, "-c", program])
    monkeypatch.setattr(maths.katex.KaTeXServer, "build_command", command)
    return maths.start_node(tmp_path, patience)


def test_a_node_that_is_slow_to_answer_is_waited_for(tmp_path: Path, monkeypatch):
    process, connection = started(tmp_path, monkeypatch, SLOW, 60.0)
    with process:
        connection.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize("program", ["raise SystemExit", "import time; time.sleep(60)"])
def test_a_node_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch, program: str):
    with pytest.raises(maths.katex.KaTeXError, match="does not answer"):
        started(tmp_path, monkeypatch, program, 0.5)
