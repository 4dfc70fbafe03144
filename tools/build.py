"""Build the book: `python -m tools.build html|pdf|epub|dry|linkcheck`, or `page tabular/kmeans`.

Runs Jupyter Book in this process, prints what is worth reading, and logs everything beside the
result.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from tools import ROOT, contract, ebook, pages, printed
from tools.names import page_named
from tools.reporter import Reporter
from tutorials_lib import environment

BUILD = ROOT / "_build"
TEX_PROGRAMS = ("xelatex", "latexmk", "makeindex")
TEX_FONTS = ("texgyrepagella-regular.otf", "texgyreheros-regular.otf", "texgyrepagella-math.otf")
TEX_PACKAGES = (
    "latexmk texlive-xetex texlive-latex-recommended texlive-latex-extra texlive-pictures "
    "texlive-fonts-recommended fonts-texgyre fonts-texgyre-math"
)


HTML = ("-W", "-n", "--keep-going")
"""The site: every warning is an error, and all of them are told."""


def run_jupyter_book(
    arguments: list[str], log: Path, *, when_loaded: Callable[[Any], None] | None = None
) -> tuple[int, int]:
    """Run `jupyter-book build`; returns its exit status and how many pages were executed.

    With `when_loaded` the log goes on; once the last build's pages are loaded, the function is
    called with Sphinx's application, and the build begins when it returns.
    """
    from jupyter_book.cli.main import main as jupyter_book

    log.parent.mkdir(parents=True, exist_ok=True)
    stdout, stderr = sys.stdout, sys.stderr
    with log.open("a" if when_loaded else "w", encoding="utf-8") as stream, _held(when_loaded):
        reporter = Reporter(stdout, stream)
        sys.stdout = sys.stderr = reporter  # type: ignore[assignment]
        try:
            jupyter_book(["build", str(ROOT), *arguments], standalone_mode=False)
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        except (RuntimeError, yaml.YAMLError) as error:  # _config.yml or _toc.yml
            reporter.write(f"{error}\n")
            status = 1
        finally:
            reporter.write("\n")
            sys.stdout, sys.stderr = stdout, stderr
    return status, reporter.executed


@contextmanager
def _held(when_loaded: Callable[[Any], None] | None) -> Iterator[None]:
    """Have Sphinx call the function between loading what the last build knew and building."""
    from sphinx.application import Sphinx

    begin = Sphinx.build

    def begin_later(app: Sphinx, *args: Any, **kwargs: Any) -> None:
        assert when_loaded is not None
        when_loaded(app)
        begin(app, *args, **kwargs)

    if when_loaded is not None:
        Sphinx.build = begin_later  # type: ignore[method-assign]
    try:
        yield
    finally:
        Sphinx.build = begin  # type: ignore[method-assign]


def build(
    arguments: list[str], log: Path, *, when_loaded: Callable[[Any], None] | None = None
) -> tuple[bool, int]:
    """Run one build, as `run_jupyter_book`; returns its success, and how many pages were run."""
    _keep_kernels_to_themselves()
    status, executed = run_jupyter_book(arguments, log, when_loaded=when_loaded)
    if status != 0:
        log_name = log.relative_to(ROOT)
        print(f"\nThe build failed, see above; the whole log is {log_name}.", file=sys.stderr)
    return status == 0, executed


@contextmanager
def alone() -> Iterator[None]:
    """One build at a time in this checkout: wait for the end of another one, and say so."""
    BUILD.mkdir(exist_ok=True)
    lock = FileLock(BUILD / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print("Another build of this checkout is running; waiting for its end ...", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_there(made: Path, *, of: Path = ROOT / "_toc.yml") -> bool:
    """Whether a build has made the file, and not before its source was saved; says what is not."""
    if made.is_file() and made.stat().st_mtime >= of.stat().st_mtime:
        return True
    what = "is older than its source" if made.is_file() else "is not there"
    print(f"\nThe build ended, but {made.relative_to(ROOT)} {what}.", file=sys.stderr)
    return False


def _keep_kernels_to_themselves() -> None:
    """Give notebook kernels an empty profile, so that no reader's start-up file is run in them."""
    profile = BUILD / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # Kernels listen on the loopback interface and say at every start that this is not encrypted.
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n")
    os.environ["IPYTHONDIR"] = str(profile.parent)
    # Compiled programs are shared by the site, the PDF and single pages.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(BUILD / ".jax_cache"))
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "24")  # shorter pauses, see `runtime`


def build_html() -> int:
    """`make book`: the whole site; every warning is an error."""
    start = time.monotonic()
    done, executed = build([*HTML], BUILD / "book.log")
    if not done or not is_there(BUILD / "html" / "index.html"):
        return 1
    how_many = "1 page" if executed == 1 else f"{executed} pages"
    print(f"_build/html/index.html is ready: {how_many} run, {time.monotonic() - start:.0f} s.")
    return 0


def missing_tex() -> list[str]:
    """The programs, or else the fonts, that the PDF needs and this machine lacks."""
    missing = [program for program in TEX_PROGRAMS if shutil.which(program) is None]
    if missing:
        return missing
    command = ["kpsewhich", *TEX_FONTS]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return [font for font in TEX_FONTS if font not in {Path(path).name for path in found}]


def build_pdf() -> int:
    """`make pdf`: LaTeX sources by Sphinx, then latexmk, then `printed`; names the file made."""
    if missing := missing_tex():
        print(
            f"The PDF needs {', '.join(missing)}. On Debian or Ubuntu: "
            f"sudo apt install {TEX_PACKAGES}",
            file=sys.stderr,
        )
        return 1
    start = time.monotonic()
    arguments = ["-W", "-n", "--keep-going", "--builder", "latex"]
    done, _ = build(arguments, BUILD / "latex.log")
    if not done:
        return 1
    return _run_latex(BUILD / "latex", start)


def _run_latex(folder: Path, start: float) -> int:
    log = folder / "latexmk.log"
    expected = [source.with_suffix(".pdf") for source in sorted(folder.glob("*.tex"))]
    for old in expected:  # other PDFs in the folder are figures
        old.unlink(missing_ok=True)
    print("  typesetting ...", flush=True)
    environment = os.environ | {"LATEXMKOPTS": "-interaction=nonstopmode -halt-on-error"}
    with log.open("w", encoding="utf-8") as stream:
        command = [os.environ.get("MAKE", "make"), "--no-print-directory", "all-pdf"]
        finished = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    made = [path for path in expected if path.is_file()]
    if finished.returncode or not made:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        first = next((i for i, line in enumerate(lines) if line.startswith("!")), len(lines) - 8)
        print("\n".join(lines[max(first, 0) : first + 8]), file=sys.stderr)
        print(f"LaTeX failed; the whole log is {log.relative_to(ROOT)}.", file=sys.stderr)
        return 1
    if faults := [fault for path in made for fault in printed.check(folder, path.stem)]:
        print("\n".join(faults), file=sys.stderr)
        print("The PDF is there, but it is not fit to print, see above.", file=sys.stderr)
        return 1
    seconds = time.monotonic() - start
    names = ", ".join(f"{path.relative_to(ROOT)} ({printed.size(path)})" for path in made)
    print(f"{names} is ready: {seconds:.0f} s.")
    return 0


def build_epub() -> int:
    """`make epub`: the book for reading programs, then `ebook`; names the file made."""
    start = time.monotonic()
    for old in (BUILD / "epub").glob("[!.]*"):  # `.unclean` stays: it says how the last one ended
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    arguments = [*HTML, "--builder", "custom", "--custom-builder", "epub"]
    done, _ = build(arguments, BUILD / "epub.log")
    made = BUILD / "epub" / "jax-tutorials.epub"
    if not done or not is_there(made):
        return 1
    verdict = ebook.verdict(made)
    faults = ebook.check(made) + (verdict or [])
    if faults:
        print("\n".join(faults), file=sys.stderr)
        print("The EPUB is there, but it is not fit to be read, see above.", file=sys.stderr)
        return 1
    print(ebook.NOT_INSTALLED if verdict is None else "EPUBCheck: 0 errors, 0 warnings.")
    seconds = time.monotonic() - start
    print(f"{made.relative_to(ROOT)} ({ebook.size(made)}) is ready: {seconds:.0f} s.")
    return 0


def build_dry() -> int:
    """`make dry`: labels, references, citations, terms and the API, without running a cell."""
    start = time.monotonic()
    folder = BUILD / "dry"
    folder.mkdir(parents=True, exist_ok=True)
    config = _page_config()
    config["execute"] = {"execute_notebooks": "off"}
    # Without outputs there is nothing to glue and no figure to number (`pages` looks for those);
    # every other warning is an error.
    config["sphinx"]["config"]["suppress_warnings"] = ["mystnb.glue", "ref.numref"]
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    arguments = ["--config", str(folder / "_config.yml"), "--path-output", str(folder)]
    arguments += ["-W", "-n", "--keep-going", "--builder", "custom", "--custom-builder", "dummy"]
    done, _ = build(arguments, folder / "dry.log")
    if not done:
        return 1
    print(f"Nothing is wrong with the pages; none was run. {time.monotonic() - start:.0f} s.")
    return 0


def build_linkcheck() -> int:
    """`make linkcheck`: ask every other site that the book links to."""
    arguments = ["--builder", "custom", "--custom-builder", "linkcheck"]
    done, _ = build(arguments, BUILD / "linkcheck.log")
    print("Every answer is in _build/linkcheck/output.txt.")
    return 0 if done else 1


def find_page(name: str) -> Path:
    """The page that is meant by `book/tabular/kmeans.md`, `tabular/kmeans` or `kmeans`."""
    if not name:
        raise SystemExit("Name the page: make page PAGE=book/tabular/kmeans.md")
    paths = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in pages.all_pages()}
    try:
        return paths[page_named(name, paths)]
    except ValueError as error:
        raise SystemExit(str(error)) from None


def build_page(name: str) -> int:
    """`make page`: a site of this page, the index, bibliography and glossary, in `_build/page`.

    It shares the executed notebooks with `make book`, so that nothing is run twice. Links to the
    other pages lead nowhere here and are let through; every other warning is an error.
    """
    page = find_page(name)
    start = time.monotonic()
    folder = BUILD / "page"
    folder.mkdir(parents=True, exist_ok=True)
    toc, config = folder / "_toc.yml", folder / "_config.yml"
    document = page.relative_to(ROOT).with_suffix("").as_posix()
    root, *others = contract.toc_files()
    chapters = [name for name in others if name == document or _is_referred_to(name)]
    contents: dict[str, Any] = {"format": "jb-book", "root": root}
    if chapters:
        contents["chapters"] = [{"file": name} for name in chapters]
    toc.write_text(yaml.safe_dump(contents, sort_keys=False), encoding="utf-8")
    config.write_text(yaml.safe_dump(_page_config(), sort_keys=False), encoding="utf-8")

    output = folder / "_build"
    arguments = ["--toc", str(toc), "--config", str(config), "--path-output", str(folder)]
    done, executed = build(["-W", "--keep-going", *arguments], folder / "page.log")
    for finding in pages.check(page):
        print(finding, file=sys.stderr)
    name = "index" if document == root else document
    html = output / "html" / f"{name}.html"
    if not done or not is_there(html, of=page):
        return 1
    how = "run" if executed else "outputs unchanged"
    print(f"{html.relative_to(ROOT)} is ready: {how}, {time.monotonic() - start:.0f} s.")
    return 0


def _is_referred_to(document: str) -> bool:
    """Whether every page may need this one: it holds the bibliography or the glossary."""
    text = (ROOT / f"{document}.md").read_text(encoding="utf-8")
    return re.search(r"^`{3,}\{(bibliography|glossary)\}", text, re.MULTILINE) is not None


def _page_config() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["only_build_toc_files"] = True
    config.setdefault("execute", {})["cache"] = str(BUILD / ".jupyter_cache")
    sphinx = config.setdefault("sphinx", {})
    extensions = sphinx.get("local_extensions") or {}  # paths are relative to this file's folder
    sphinx["local_extensions"] = {name: str(ROOT / path) for name, path in extensions.items()}
    settings = sphinx.setdefault("config", {})
    settings["suppress_warnings"] = [
        *settings.get("suppress_warnings", []),
        *("ref", "myst.xref_missing", "toc.excluded", "toc.not_readable"),
    ]
    return config


COMMANDS: dict[str, Callable[[], int]] = {
    "html": build_html,
    "pdf": build_pdf,
    "epub": build_epub,
    "dry": build_dry,
    "linkcheck": build_linkcheck,
}


def main() -> int:
    """Read the command line, build, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=[*COMMANDS, "page"])
    parser.add_argument("page", nargs="?", default="", help="for `page`: which one")
    arguments = parser.parse_args()
    environment.enter()
    os.chdir(ROOT)
    with alone():
        if arguments.what == "page":
            return build_page(arguments.page)
        return COMMANDS[arguments.what]()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped; the next build takes up from here.", file=sys.stderr)
        sys.exit(130)
