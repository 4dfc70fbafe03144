"""The build behind `make book`: what it prints, and that no failed build passes for a good one."""

import io
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools import ROOT, build, reporter

pytestmark = pytest.mark.clock

PAGE = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
---
# A page

```{{code-cell}} ipython3
{code}
```
"""


class Book:
    """A small book with one page that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "tools", folder / "tools", ignore=lambda *_: ["__pycache__"])
        shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
        shutil.copy(ROOT / "requirements.txt", folder)
        (folder / "_config.yml").write_text(
            "title: A book\nonly_build_toc_files: true\nexecute: {execute_notebooks: cache}\n"
            'exclude_patterns: [".*", "**/.*"]\n'
            "sphinx: {local_extensions: {freshness: book/_ext}}\n"
        )
        (folder / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")

    def write(self, code: str) -> None:
        (self.folder / "book" / "page.md").write_text(PAGE.format(code=code))

    def build(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.build", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")} | variables,
            capture_output=True,
            text=True,
            check=False,
        )


def test_a_failed_or_interrupted_build_is_mended_by_the_next_one(tmp_path: Path):
    book = Book(tmp_path)

    book.write("raise ValueError('no good')")
    for _ in range(2):  # plain Jupyter Book succeeds the second time
        finished = book.build("html")
        assert finished.returncode == 1
        assert "Executing notebook failed: CellExecutionError" in finished.stdout
        assert "The build failed" in finished.stderr

    # What is not listed passes neither into the kernel nor into the digest.
    book.write("import os\nassert {'JAX_DISABLE_JIT', 'PIP_USER'}.isdisjoint(os.environ)")
    finished = book.build("html", JAX_DISABLE_JIT="1", PIP_USER="1", FORCE_COLOR="1")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "_build/html/index.html is ready: 1 page run" in finished.stdout

    finished = book.build("html")
    (line,) = finished.stdout.splitlines()
    assert "0 pages run" in line

    # A page that has run before is said to take as long again.
    book.write("print('better')")
    assert "running book/page.md, page 1 of 1, about" in book.build("html").stdout

    # A build that was killed while it wrote the executed notebook to the cache.
    for notebook in tmp_path.glob("_build/.jupyter_cache/executed/*/base.ipynb"):
        notebook.write_text(notebook.read_text()[:50])
    (tmp_path / "_build/html/.unclean").touch()
    finished = book.build("html")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "1 page run" in finished.stdout

    # One page is built beside the site, from the same executed notebooks.
    finished = book.build("page", "page")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "outputs unchanged" in finished.stdout
    assert (tmp_path / "_build/page/_build/html/book/page.html").is_file()


SPHINX_OUTPUT = f"""
Running Jupyter-Book v1.0.4.post1
\x1b[01mreading sources... \x1b[39;49;00m[ 50%] \x1b[35mbook/a\x1b[39;49;00m
{ROOT}/book/a.md: Executing notebook using local CWD [mystnb]
{ROOT}/book/a.md: Executed notebook in 12.34 seconds [mystnb]
{ROOT}/book/a.md: Cached executed notebook: ID=1 [mystnb]
\x1b[91m{ROOT}/book/a.md:3: WARNING: something is wrong\x1b[39;49;00m
building [html]: targets for 2 source files that are out of date
# 2026-01-02 03:04:05,678 INFO traitlets client.py:695 -- Executing notebook with kernel: python3
Something that nobody has thought of
"""


def test_what_is_worth_reading_is_printed_and_everything_is_logged():
    terminal, log = io.StringIO(), io.StringIO()
    stand_in = reporter.Reporter(terminal, log)
    for start in range(0, len(SPHINX_OUTPUT), 7):
        stand_in.write(SPHINX_OUTPUT[start : start + 7])
    assert terminal.getvalue().splitlines() == [
        "  running book/a.md ...",
        "  book/a.md ran in 12.3 s",
        "book/a.md:3: WARNING: something is wrong",
        "Something that nobody has thought of",
    ]
    assert stand_in.executed == 1
    assert len(log.getvalue().splitlines()) == len(SPHINX_OUTPUT.splitlines())
    assert "\x1b" not in log.getvalue()


PLANNED = """
to execute: b.md, 50.0 s
to execute: c.md, None s
to execute: d.md, 70.5 s
a.md: Executing notebook using local CWD
b.md: Executing notebook using local CWD
c.md: Executing notebook using local CWD
d.md: Executing notebook using local CWD
"""


def test_a_build_says_which_page_of_how_many_runs_and_about_how_long_is_left():
    terminal = io.StringIO()
    reporter.Reporter(terminal, io.StringIO()).write(PLANNED)
    assert terminal.getvalue().splitlines() == [
        "  running a.md ...",
        "  running b.md, page 1 of 3, about 3 min left ...",
        "  running c.md, page 2 of 3, about 2 min left ...",
        "  running d.md, page 3 of 3, about 70 s left ...",
    ]


@pytest.mark.parametrize("name", ["book/reference/notation.md", "reference/notation", "notation"])
def test_a_page_is_found_by_any_of_its_names(name: str):
    assert build.find_page(name) == ROOT / "book" / "reference" / "notation.md"


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "Name the page: make page PAGE="), ("nowhere", "No page is named nowhere")],
)
def test_a_page_that_is_not_there_is_named(name: str, message: str):
    with pytest.raises(SystemExit, match=message):
        build.find_page(name)


def test_two_builds_of_one_checkout_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(build, "BUILD", tmp_path / "_build")
    order = []

    def second() -> None:
        with build.alone():
            order.append("second")

    with build.alone():
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert "Another build of this checkout is running; waiting" in capsys.readouterr().out


def test_only_a_file_that_is_there_and_new_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    made, source = tmp_path / "page.html", tmp_path / "page.md"
    source.touch()
    assert not build.is_there(made, of=source)
    made.touch()
    assert build.is_there(made, of=source)
    os.utime(made, (0, 0))
    assert not build.is_there(made, of=source)
    messages = capsys.readouterr().err
    assert "page.html is not there" in messages
    assert "page.html is older than its source" in messages


def test_without_tex_the_packages_are_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("PATH", "")
    assert build.build_pdf() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The PDF needs xelatex, latexmk, makeindex. On Debian or Ubuntu: sudo")
    assert "texlive-xetex" in line
