"""Fingerprints of the code behind a page or a record: nothing on the site is older than its code.

The imports are read from the source text, so no tutorial has to be imported to find out
whether it has changed. What only a reader sees does not count: comments, docstrings, empty lines.
"""

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "tutorials_lib"
_ROOT = Path(__file__).parent

SHOWS_SOURCES = re.compile(r"\bgetsource(lines)?\(")
"""Code in which this is found shows sources as they are written."""

_LAYOUT = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def code_digest(
    modules: Iterable[str], *, within: Collection[str] = (PACKAGE,), shown: Iterable[str] = ()
) -> str:
    """Sixteen hexadecimal digits that change when the code behind `modules` changes.

    A file counts without comments, docstrings and empty lines, unless its text is shown: it is
    one of `shown`, or stands in the folder of a module that calls `inspect.getsource`.

    Args:
        modules: dotted names inside `tutorials_lib`; everything of the package that they
            import, transitively, counts too.
        within: the packages whose sources count; by default all of them.
        shown: those of `modules` whose text is shown.
    """
    paths = sources(modules)
    whole = {path for module in shown for path in _files(module)}
    whole.update(each for path in paths if _shows_sources(path) for each in _folder(path))
    state = hashlib.sha256()
    folders = [_ROOT.joinpath(*package.split(".")[1:]) for package in within]
    for path in paths:
        if not any(path.is_relative_to(folder) for folder in folders):
            continue
        text = _text(path)
        state.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
        state.update((text if path in whole else code_of(text)).encode() + b"\0")
    return state.hexdigest()[:16]


def sources(modules: Iterable[str]) -> list[Path]:
    """The package's files that `modules` are made of, sorted.

    The catalog is none of them where only the benchmark or the judge import it: each looks up the
    one tutorial that it is about, and the row of that tutorial is all that a page depends on.
    Neither is what downloads: a file gets its name in the cache once its bytes are the pinned ones,
    whoever has fetched them.
    """
    seen: set[Path] = set()
    pending = [path for module in modules for path in _files(module)]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        passed_over = {_ROOT / "datasets/download.py"}
        if path.parent in (_ROOT / "benchmark", _ROOT / "judge"):
            passed_over.add(_ROOT / "catalog.py")
        for module in imported_modules(_text(path), package=_package(path)):
            pending += [file for file in _files(module) if file not in passed_over]
        if _shows_sources(path):  # it may import what it shows by a name in a string
            pending += _folder(path)
    return sorted(seen)


@cache
def code_of(source: str) -> str:
    """`source` without comments, docstrings and empty lines; the rest stays as it is written.

    A string that is a statement of its own counts as a docstring. The text, not the syntax tree,
    is compared, so that the result is the same in every version of Python.
    """
    lines = source.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    docstrings = _docstrings(tokens)
    for token in reversed(tokens):  # from the end, so that the rows of the others stay right
        row = token.start[0] - 1
        if token in docstrings:
            del lines[row : token.end[0]]
        elif token.type == tokenize.COMMENT:
            lines[row] = lines[row][: token.start[1]].rstrip()
        if token.type in (tokenize.COMMENT, tokenize.NL) and not lines[row].strip():
            del lines[row]
    return "\n".join(lines)


def _docstrings(tokens: list[tokenize.TokenInfo]) -> set[tokenize.TokenInfo]:
    """The strings that fill a statement."""
    code = [token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]
    return {
        token
        for before, token, after in zip([None, *code], code, code[1:], strict=False)
        if token.type == tokenize.STRING
        and (before is None or before.type in _LAYOUT)
        and after.type == tokenize.NEWLINE
    }


@cache
def imported_modules(source: str, *, package: str = "") -> tuple[str, ...]:
    """The names inside `tutorials_lib` that `source` imports, wherever the import stands.

    `from a import b` yields `a` and `a.b`, since `b` may be a module. `package` resolves
    relative imports. Raises `SyntaxError` when `source` does not parse.
    """
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(name for name in found if name.split(".")[0] == PACKAGE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _shows_sources(path: Path) -> bool:
    return SHOWS_SOURCES.search(_text(path)) is not None


def _folder(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.py"))


def _files(module: str) -> Iterator[Path]:
    """The file of `module` and the `__init__.py` of every package above it."""
    parts = module.split(".")[1:]
    for depth in range(len(parts) + 1):
        stem = _ROOT.joinpath(*parts[:depth])
        if (stem / "__init__.py").is_file():
            yield stem / "__init__.py"
        elif stem.with_suffix(".py").is_file():
            yield stem.with_suffix(".py")


def tutorial_sources(module: str) -> list[str]:
    """The dotted names of every file in the package `module`, such as a tutorial's folder."""
    folder = _ROOT.joinpath(*module.split(".")[1:])
    return [f"{module}.{path.stem}" for path in sorted(folder.glob("*.py"))]


def _package(path: Path) -> str:
    return ".".join([PACKAGE, *path.relative_to(_ROOT).parent.parts])
