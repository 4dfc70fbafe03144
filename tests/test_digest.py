"""Fingerprints change exactly when the code behind a page changes."""

from pathlib import Path

import pytest

from tutorials_lib import digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package of the same name: `a` imports `b.c`, `d` stands alone."""
    root = tmp_path / "tutorials_lib"
    (root / "b").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text("from tutorials_lib.b import c\n")
    (root / "b" / "__init__.py").write_text("")
    (root / "b" / "c.py").write_text("def f():\n    from . import e\n")
    (root / "b" / "e.py").write_text("value = 1\n")
    (root / "d.py").write_text("import numpy\n")
    monkeypatch.setattr(digest, "_ROOT", root)
    return root


def test_sources_are_found_transitively_also_inside_functions(package: Path) -> None:
    names = [path.relative_to(package).as_posix() for path in digest.sources(["tutorials_lib.a"])]
    assert names == ["__init__.py", "a.py", "b/__init__.py", "b/c.py", "b/e.py"]


@pytest.mark.parametrize("changed", ["a.py", "b/c.py", "b/e.py", "b/__init__.py"])
def test_a_change_behind_a_module_changes_its_digest(package: Path, changed: str) -> None:
    before = digest.code_digest(["tutorials_lib.a"])
    path = package / changed
    path.write_text(path.read_text() + "\nchanged = True\n")
    assert digest.code_digest(["tutorials_lib.a"]) != before


@pytest.mark.parametrize(
    ("importing", "imported", "counts"),
    [
        ("d.py", "catalog", True),
        ("judge/seeds.py", "catalog", False),
        ("benchmark/runner.py", "catalog", False),
        ("d.py", "datasets.download", False),
        ("d.py", "datasets.tiny", True),
    ],
)
def test_neither_other_rows_of_the_catalog_nor_the_way_to_pinned_bytes_count(
    package: Path, importing: str, imported: str, counts: bool
) -> None:
    for name in (importing, f"{imported.replace('.', '/')}.py"):
        (package / name).parent.mkdir(exist_ok=True)
    (package / importing).write_text(f"import tutorials_lib.{imported}\n")
    path = package / f"{imported.replace('.', '/')}.py"
    path.write_text("value = 1\n")
    module = f"tutorials_lib.{importing.removesuffix('.py').replace('/', '.')}"
    before = digest.code_digest([module])
    path.write_text("value = 2\n")
    assert (digest.code_digest([module]) != before) == counts


@pytest.mark.parametrize("added", ["\n# changed\n", '\n"""Changed."""\n', "\n\n\n"])
def test_a_comment_or_a_docstring_or_an_empty_line_does_not(package: Path, added: str) -> None:
    before = digest.code_digest(["tutorials_lib.a"])
    path = package / "b" / "e.py"
    path.write_text(path.read_text() + added)
    assert digest.code_digest(["tutorials_lib.a"]) == before


def test_where_sources_are_shown_every_letter_of_the_folder_counts(package: Path) -> None:
    (package / "b" / "c.py").write_text("import inspect\n\nshow = inspect.getsource(by_name())\n")
    before = digest.code_digest(["tutorials_lib.a"])
    path = package / "b" / "e.py"  # imported by no statement
    path.write_text(path.read_text() + "# changed\n")
    assert digest.code_digest(["tutorials_lib.a"]) != before


def test_a_module_whose_text_is_shown_counts_to_the_letter(package: Path) -> None:
    before = [digest.code_digest(["tutorials_lib.d"], shown=s) for s in ([], ["tutorials_lib.d"])]
    (package / "d.py").write_text("import numpy  # for arrays\n")
    after = [digest.code_digest(["tutorials_lib.d"], shown=s) for s in ([], ["tutorials_lib.d"])]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]


def test_the_benchmark_does_not_bring_the_whole_catalog(package: Path) -> None:
    (package / "catalog.py").write_text("ROWS = ()\n")
    (package / "benchmark").mkdir()
    (package / "benchmark" / "__init__.py").write_text("from tutorials_lib import catalog\n")
    (package / "d.py").write_text("from tutorials_lib import catalog\n")
    catalog = package / "catalog.py"
    assert catalog not in digest.sources(["tutorials_lib.benchmark"])
    assert catalog in digest.sources(["tutorials_lib.benchmark", "tutorials_lib.d"])


SOURCE = '''\
"""What it is.

In some lines.
"""
# A comment.
import os  # noqa


def f(  # takes
    x,

    # this
    y,
):
    """Add."""
    # so
    text = """not a docstring

    # not a comment
    """
    return x + y, text, f"{x!r:>3} # {y}"


LIMIT = 3
"""A documented constant."""


class Empty(Exception):
    """Nothing else."""
'''

CODE = '''\
import os
def f(
    x,
    y,
):
    text = """not a docstring

    # not a comment
    """
    return x + y, text, f"{x!r:>3} # {y}"
LIMIT = 3
class Empty(Exception):
'''


def test_code_is_what_is_left_without_comments_docstrings_and_empty_lines() -> None:
    assert digest.code_of(SOURCE) == CODE


def test_a_change_elsewhere_does_not(package: Path) -> None:
    before = digest.code_digest(["tutorials_lib.a"])
    (package / "d.py").write_text("import scipy\n")
    assert digest.code_digest(["tutorials_lib.a"]) == before


def test_the_digests_of_two_tutorials_are_independent() -> None:
    kmeans = digest.sources(digest.tutorial_sources("tutorials_lib.tabular.kmeans"))
    cnn = digest.sources(digest.tutorial_sources("tutorials_lib.vision.cnn"))
    assert not any("cnn" in path.parts for path in kmeans)
    assert not any("kmeans" in path.parts for path in cnn)
    assert any(path.name == "in_numpy.py" for path in kmeans)
