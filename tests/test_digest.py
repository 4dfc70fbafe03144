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
    path.write_text(path.read_text() + "\n# changed\n")
    assert digest.code_digest(["tutorials_lib.a"]) != before


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
