"""The documentation of installed packages: real English that a fresh environment brings along.

The docstrings are taken from the source files without importing them. They depend on the
installed versions, so those are reported with the text, and so is its sha256.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import inspect
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tutorials_lib.datasets.errors import MalformedDataError

PACKAGES = {"numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn"}
"""The packages by the name of their import, with the name of their distribution (all BSD)."""

MIN_CHARACTERS = 300
"""Shorter docstrings are left out: they are mostly one line."""

MAX_CHARACTERS = 6_000
"""A docstring is cut after the last line that ends within this length."""

DocumentedNode = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Documentation(NamedTuple):
    """Documents, and what they came from.

    Attributes:
        documents: docstrings without their indentation; no paragraph occurs twice.
        versions: the version of every package, by its distribution's name.
        sha256: the checksum of all documents, in hexadecimal.
    """

    documents: tuple[str, ...]
    versions: Mapping[str, str]
    sha256: str


def load_documentation(num_bytes: int, *, packages: Mapping[str, str] = PACKAGES) -> Documentation:
    """Docstrings of functions, classes and modules: about `num_bytes` of UTF-8.

    Source files are visited in the order of a hash of their paths, so that a small part is a
    fair sample of all, and the same one for the same versions. Only as many are read as needed.
    A paragraph that occurs in many docstrings is kept in the first alone: otherwise what is held
    out would have been seen (Lee et al. 2022).

    Raises:
        MalformedDataError: a package is not installed as source files, or all together have
            fewer bytes.
    """
    documents: list[str] = []
    known: set[str] = set()
    missing = num_bytes
    for path in _source_files(tuple(packages)):
        for docstring in docstrings(path.read_text("utf-8")):
            document = _new_paragraphs(docstring, known)
            if len(document) >= MIN_CHARACTERS and missing > 0:
                documents.append(document)
                missing -= len(document.encode())
        if missing <= 0:
            break
    else:
        raise MalformedDataError(
            ", ".join(packages),
            expected=f"{num_bytes:,} bytes of docstrings",
            found=f"{num_bytes - missing:,}",
            way_out="Ask for less.",
        )
    return Documentation(
        documents=tuple(documents),
        versions={name: importlib.metadata.version(name) for name in packages.values()},
        sha256=hashlib.sha256("\0".join(documents).encode()).hexdigest(),
    )


def docstrings(source: str) -> Iterator[str]:
    """The longer docstrings in a Python file, in its order, without their indentation."""
    for node in _documented(ast.parse(source)):
        text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "").strip()
        if len(text) >= MIN_CHARACTERS:
            yield text if len(text) <= MAX_CHARACTERS else _whole_lines(text)


def _documented(tree: ast.Module) -> Iterator[DocumentedNode]:
    """The nodes that may have a docstring, as `ast.walk` finds them; expressions have none."""
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, DocumentedNode):
            yield node
        for inner in ("body", "handlers", "orelse", "finalbody", "cases"):
            waiting.extend(getattr(node, inner, ()))


def _new_paragraphs(text: str, known: set[str]) -> str:
    """The paragraphs of a text that are not yet `known`, which grows by them."""
    new: list[str] = []
    for paragraph in text.split("\n\n"):
        words = " ".join(paragraph.split())
        if words not in known:
            known.add(words)
            new.append(paragraph)
    return "\n\n".join(new)


def _whole_lines(text: str) -> str:
    return text[:MAX_CHARACTERS].rpartition("\n")[0].rstrip()


def _source_files(packages: Sequence[str]) -> list[Path]:
    """The files of all packages but their tests, in the order of a hash of their paths."""
    found: dict[str, Path] = {}
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise MalformedDataError(
                package,
                expected="an installed package with source files",
                found="none",
                way_out="Install the pinned requirements.",
            )
        root = Path(spec.submodule_search_locations[0])
        for path in root.rglob("*.py"):
            relative = path.relative_to(root.parent)
            if not {"tests", "_vendor", "vendor", "externals"} & set(relative.parts):
                found[relative.as_posix()] = path
    order = sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest())
    return [found[name] for name in order]
