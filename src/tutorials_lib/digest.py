"""Fingerprints of the code behind a page or a record: nothing on the site is older than its code.

The imports are read from the source text, so no tutorial has to be imported to find out
whether it has changed.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

PACKAGE = "tutorials_lib"
_ROOT = Path(__file__).parent


def code_digest(modules: Iterable[str], *, within: Collection[str] = (PACKAGE,)) -> str:
    """Sixteen hexadecimal digits that change when any source behind `modules` changes.

    Args:
        modules: dotted names inside `tutorials_lib`; everything of the package that they
            import, transitively, counts too.
        within: the packages whose sources count; by default all of them.
    """
    state = hashlib.sha256()
    folders = [_ROOT.joinpath(*package.split(".")[1:]) for package in within]
    for path in sources(modules):
        if not any(path.is_relative_to(folder) for folder in folders):
            continue
        state.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
        state.update(path.read_bytes() + b"\0")
    return state.hexdigest()[:16]


def sources(modules: Iterable[str]) -> list[Path]:
    """The package's files that `modules` are made of, sorted."""
    seen: set[Path] = set()
    pending = [path for module in modules for path in _files(module)]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in imported_modules(path.read_text(encoding="utf-8"), package=_package(path)):
            pending.extend(_files(module))
    return sorted(seen)


def imported_modules(source: str, *, package: str = "") -> Iterator[str]:
    """The names inside `tutorials_lib` that `source` imports, wherever the import stands.

    `from a import b` yields `a` and `a.b`, since `b` may be a module. `package` resolves
    relative imports. Raises `SyntaxError` when `source` does not parse.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == PACKAGE)


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
