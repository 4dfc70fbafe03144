"""The scaffold: what it writes passes every style check, and the contract lists what is left."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import ROOT, contract, new_tutorial
from tutorials_lib import catalog
from tutorials_lib.catalog import PARTS, Tutorial

PLANNED = [tutorial for tutorial in catalog.TUTORIALS if not tutorial.available]
COPIED = ("src", "tools", "book", "tests", "_toc.yml", "pyproject.toml", "requirements.txt")
CONTRACT = "tests/test_contract.py"
IGNORED = shutil.ignore_patterns("__pycache__", "_ext", "_static", "site")


def copy_of_checkout(folder: Path) -> Path:
    """A checkout in which a test may write."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=IGNORED)
        else:
            shutil.copy(source, folder / name)
    return folder


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module on the package of that checkout."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout / "src"), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the next planned tutorial has just been started."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    finished = run(folder, "tools.new_tutorial", PLANNED[0].coordinate)
    assert finished.returncode == 0, finished.stderr
    return folder


@pytest.mark.skipif(not PLANNED, reason="all thirty tutorials have been started")
class TestTheNextTutorial:
    def test_its_files_pass_the_style_checks(self, checkout: Path):
        files = (f"src/tutorials_lib/{PLANNED[0].coordinate}", f"tests/{PLANNED[0].part}")
        for command in (("ruff", "check"), ("ruff", "format", "--check")):
            finished = run(checkout, *command, *files)
            assert finished.returncode == 0, finished.stdout

    def test_its_modules_can_be_imported(self, checkout: Path):
        code = "; ".join(
            f"import {PLANNED[0].module}.{name}" for name in new_tutorial.MODULES if name[0] != "_"
        )
        finished = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env=os.environ | {"PYTHONPATH": str(checkout / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr

    def test_the_contract_lists_what_is_left_and_nothing_else_fails(self, checkout: Path):
        chosen = f"{PLANNED[0].slug} or catalog or layout"
        finished = run(checkout, "pytest", "-p", "no:cacheprovider", "-k", chosen, CONTRACT)
        output = finished.stdout
        assert finished.returncode == 1, output
        assert re.search(r"^1 failed, \d+ passed", output, re.MULTILINE), output
        assert f"{PLANNED[0].coordinate} is not finished:" in output
        assert re.search(r"in_numpy\.py:\d+: write what is minimised", output)
        assert re.search(r"in_jax\.py:\d+: write what `lax.scan` repeats", output)
        assert re.search(r"comparison\.py:\d+: write the unit of work", output)
        assert re.search(r"evaluation\.py:\d+: write every rival by its name", output)
        assert re.search(r"\.md:\d+: write one picture of the result", output)
        assert ".md: lacks two to four exercises" in output
        assert re.search(r"test_\w+\.py:\d+: write one step from the same parameters", output)
        assert "is missing" not in output
        assert "Traceback" not in output
        assert "Error" not in output

    def test_it_is_not_started_twice(self, checkout: Path):
        before = {path: path.read_bytes() for path in checkout.rglob("*.py")}
        finished = run(checkout, "tools.new_tutorial", PLANNED[0].slug)
        assert finished.returncode == 1
        assert "has been started" in finished.stderr
        assert before == {path: path.read_bytes() for path in checkout.rglob("*.py")}

    def test_one_outside_the_thirty_gets_a_row_in_the_catalog(self, checkout: Path):
        options = ("--title", 'Rank "things"', "--claim", "2", "4")
        finished = run(checkout, "tools.new_tutorial", "tabular/ranking", *options)
        assert finished.returncode == 0, finished.stderr
        code = "from tutorials_lib import catalog; print(catalog.find('ranking'))"
        row = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": str(checkout / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "number=31" in row
        assert "claim=(2.0, 4.0)" in row
        catalog_file = "src/tutorials_lib/catalog.py"
        assert run(checkout, "ruff", "format", "--check", catalog_file).returncode == 0
        assert "book/tabular/ranking" in contract.toc_files(checkout)


@pytest.mark.parametrize("tutorial", PLANNED, ids=lambda tutorial: tutorial.slug)
def test_every_planned_tutorial_can_be_started(tutorial: Tutorial):
    files = new_tutorial.new_files(tutorial, ROOT)
    assert all(len(line) <= 100 for text in files.values() for line in python_lines(files, text))
    assert not any("$" in text for text in files.values())
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert f"book/{tutorial.coordinate}" in new_tutorial.add_to_toc(toc, tutorial)


def python_lines(files: dict[Path, str], text: str) -> list[str]:
    return [] if text.startswith("---") else text.splitlines()


def test_tutorials_started_in_any_order_stand_in_the_order_of_the_catalog(tmp_path: Path):
    toc = "format: jb-book\nroot: book/index\nparts:\n  - caption: Reference\n    chapters:\n"
    toc += "      - file: book/reference/api\n"
    for tutorial in sorted(catalog.TUTORIALS, key=lambda tutorial: tutorial.slug):
        toc = new_tutorial.add_to_toc(toc, tutorial)
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    files = contract.toc_files(tmp_path)
    assert [name for name in files if name.count("/") == 2 and "reference" not in name] == [
        f"book/{tutorial.coordinate}" for tutorial in catalog.TUTORIALS
    ]
    assert [name for name in files if "api_" in name] == [f"book/reference/api_{p}" for p in PARTS]
    captions = re.findall(r"caption: (.*)", toc)
    assert captions == [*PARTS.values(), "Reference"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "'' is no coordinate"),
        (("pca2",), "'pca2' is no coordinate"),
        (("pictures/pca2",), "'pictures/pca2' is no coordinate"),
        (("tabular/../x",), "is no coordinate"),
        (("vision/kmeans",), "tabular/kmeans has this slug already"),
        (("tabular/ranking",), "is not in the catalog"),
        (("tabular/class", "--title", "Rank", "--claim", "2", "4"), "a word of Python's"),
        (("tabular/ranking", "--title", "Rank", "--claim", "nan", "4"), "no range of speedups"),
        (("tabular/ranking", "--title", "Rank", "--claim", "4", "2"), "no range of speedups"),
        (("tabular/ranking", "--title", 'R"""', "--claim", "2", "4"), "--title goes into source"),
        (("tabular/ranking", "--title", "R\nS", "--claim", "2", "4"), "may not have '\\n'"),
    ],
)
def test_a_wrong_coordinate_is_refused_in_words(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str], monkeypatch
):
    monkeypatch.setattr(sys, "argv", ["new", *arguments])
    assert new_tutorial.main() == 1
    assert message in capsys.readouterr().err


def test_nothing_is_left_when_a_file_cannot_be_written(tmp_path: Path):
    kept = tmp_path / "_toc.yml"
    kept.write_text("before")
    (tmp_path / "file").write_text("in the way of a folder")
    files = {tmp_path / "a" / "b.py": "x", kept: "after", tmp_path / "file" / "c.py": "x"}
    with pytest.raises(OSError, match="file"):
        new_tutorial.write_all(files)
    assert kept.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["_toc.yml", "file"]
