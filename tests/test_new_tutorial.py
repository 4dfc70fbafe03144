"""The scaffold: what it writes works and passes the checks, and the contract lists what is left."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import ROOT, contract, new_tutorial
from tutorials_lib import catalog
from tutorials_lib.catalog import PARTS, Tutorial

PLANNED = [tutorial for tutorial in catalog.TUTORIALS if not tutorial.available]
COPIED = (
    *("src", "tools", "book", "tests"),
    *("_config.yml", "_toc.yml", "pyproject.toml", "requirements.txt"),
)
IGNORED = shutil.ignore_patterns("__pycache__", "site")
RANKING = "tabular/ranking"
TINY = {"TUTORIALS_PRESET": "tiny"}
OPTIONS = ("--title", 'Rank "things"', "--claim", "2", "4")


def copy_of_checkout(folder: Path) -> Path:
    """A checkout in which a test may write."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=IGNORED)
        else:
            shutil.copy(source, folder / name)
    return folder


def run(checkout: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module on the package of that checkout."""
    variables = {"PYTHONPATH": str(checkout / "src"), "JAX_PLATFORMS": "cpu"}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env=os.environ | variables | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which a tutorial outside the thirty has just been started."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    finished = run(folder, "tools.new_tutorial", RANKING, *OPTIONS)
    assert finished.returncode == 0, finished.stderr
    return folder


def output_of(checkout: Path, *arguments: str, **settings: str) -> str:
    """What a module prints that is to succeed."""
    finished = run(checkout, *arguments, **settings)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


class TestAStartedTutorial:
    def test_its_files_pass_the_style_checks(self, checkout: Path):
        files = (f"src/tutorials_lib/{RANKING}", "tests/tabular", "src/tutorials_lib/catalog.py")
        output_of(checkout, "ruff", "check", *files)
        output_of(checkout, "ruff", "format", "--check", *files)

    def test_its_types_are_right(self, checkout: Path):
        """As in a checkout that is installed; this one has its package in another folder."""
        settings = {
            "include": [f"src/tutorials_lib/{RANKING}", "tests/tabular/test_ranking.py"],
            "extraPaths": ["src"],
            "pythonVersion": "3.11",
            "useLibraryCodeForTypes": False,
        }
        (checkout / "pyrightconfig.json").write_text(json.dumps(settings))
        output_of(checkout, "pyright", "--pythonpath", sys.executable)

    def test_its_own_tests_pass_and_those_that_every_tutorial_owes(self, checkout: Path):
        owed = (
            "tests/test_tutorials.py",
            "tests/test_contract.py",
            "tests/tabular/test_ranking.py",
        )
        chosen = ("-k", "ranking and not nothing_is_left or thirty_say", "-p", "no:cacheprovider")
        output_of(checkout, "pytest", *chosen, *owed)

    def test_it_is_judged(self, checkout: Path):
        seeds = ("--seeds", "0", "1")
        judged = output_of(checkout, "tutorials_lib.judge", "ranking", *seeds, **TINY)
        assert "nearest neighbours" in judged
        assert "this tutorial's model" in judged

    def test_its_page_passes_the_rules_for_pages(self, checkout: Path):
        output_of(checkout, "tools.pages", f"book/{RANKING}.md")

    def test_the_contract_lists_what_is_left_each_once_and_nothing_else(self, checkout: Path):
        finished = run(checkout, "tools.contract", "ranking")
        assert finished.returncode == 1, finished.stderr
        findings = finished.stdout.splitlines()
        assert len(set(findings)) == len(findings)
        assert [each for each in findings if ": write " not in each] == []
        halved = [
            each for each in findings if each.count("`") % 2 or each.count("(") != each.count(")")
        ]
        assert halved == []
        files = {re.split(r":\d*", each)[0] for each in findings}
        package = {f"src/tutorials_lib/{RANKING}/{name}.py" for name in new_tutorial.MODULES}
        page, test = f"book/{RANKING}.md", "tests/tabular/test_ranking.py"
        assert files == {*package, page, test, contract.CARDS.as_posix()}

    def test_what_is_written_is_no_longer_listed(self, checkout: Path, tmp_path: Path):
        """Without its marks there is nothing that the contract could ask for."""
        for name in ("src", "book", "tests", "_toc.yml"):
            whole = (checkout / name).is_dir()
            (shutil.copytree if whole else shutil.copy)(checkout / name, tmp_path / name)
        for path in tmp_path.rglob("*"):
            if path.suffix in (".py", ".md", ".yml") and path.is_file():
                path.write_text(path.read_text().replace(contract.TO_WRITE, "Written"))
        ranking = Tutorial(
            number=31, part="tabular", slug="ranking", title=OPTIONS[1], claim=(2.0, 4.0),
            claimed_reason="JAX", claimed_change="",
        )  # fmt: skip
        findings = contract.unfinished(ranking, tmp_path)
        assert len(findings) == 1, findings  # the body of `load` for the published set
        assert "the published set has no loader yet; write it in problem.load" in findings[0]

    def test_it_is_not_started_twice(self, checkout: Path):
        before = {path: path.read_bytes() for path in checkout.rglob("*.py")}
        finished = run(checkout, "tools.new_tutorial", "ranking")
        assert finished.returncode == 1
        assert "ranking/__init__.py and 11 more would be lost" in finished.stderr
        assert "tools.contract ranking" in finished.stderr
        assert before == {path: path.read_bytes() for path in checkout.rglob("*.py")}

    def test_it_has_a_row_in_the_catalog_in_the_contents_and_for_its_card(self, checkout: Path):
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
        assert f"book/{RANKING}" in contract.toc_files(checkout)
        cards = yaml.safe_load((checkout / contract.CARDS).read_text(encoding="utf-8"))
        assert cards["ranking"].keys() == {"method", "data"}


@pytest.mark.clock
@pytest.mark.weekly
def test_the_page_of_a_started_tutorial_can_be_built(checkout: Path):
    finished = run(checkout, "tools.build", "page", f"book/{RANKING}.md", **TINY)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "ranking.html is ready" in finished.stdout


LONGEST = [
    max((each for each in catalog.TUTORIALS if each.part == part), key=lambda each: len(each.slug))
    for part in PARTS
]


@pytest.mark.parametrize("tutorial", [*PLANNED, *LONGEST], ids=lambda tutorial: tutorial.slug)
def test_every_tutorial_can_be_started(tutorial: Tutorial):
    files = new_tutorial.new_files(tutorial, ROOT)
    assert not any("$" in text for text in files.values())
    modules = {path: text for path, text in files.items() if path.suffix == ".py"}
    assert all(len(line) <= 100 for text in modules.values() for line in text.splitlines())
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert f"book/{tutorial.coordinate}" in new_tutorial.add_to_toc(toc, tutorial)


@pytest.mark.parametrize("tutorial", LONGEST, ids=lambda tutorial: tutorial.slug)
def test_the_page_imports_in_order_and_leaves_one_line_empty(tutorial: Tutorial):
    (page,) = (
        t for path, t in new_tutorial.new_files(tutorial, ROOT).items() if path.suffix == ".md"
    )
    imported = re.findall(r"^from (tutorials_lib[\w.]*) import", page, re.MULTILINE)
    assert len(imported) > 5
    assert imported == sorted(imported)
    assert "\n\n\n" not in page


def test_what_was_started_can_be_taken_back_by_the_commands_that_are_printed(tmp_path: Path):
    """What somebody else has changed meanwhile stays."""
    gmm = Tutorial(
        number=31, part="tabular", slug="gmm", title="Mix", claim=(2.0, 4.0),
        claimed_reason="JAX", claimed_change="",
    )  # fmt: skip
    kept = ("_toc.yml", "src/tutorials_lib/catalog.py", contract.CARDS.as_posix())
    for name in (*kept, "README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path)
    (tmp_path / "book/reference").mkdir()
    (tmp_path / "book/reference/api_tabular.md").touch()
    (tmp_path / "src/tutorials_lib/tabular").mkdir()
    (tmp_path / "src/tutorials_lib/tabular/__init__.py").touch()
    own = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")

    def git(*arguments: str) -> str:
        command = ["git", *own, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "before")
    (tmp_path / "README.md").write_text("mine")
    written = new_tutorial.start(gmm, tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in written.changed} == set(kept)
    assert all(path.is_file() for path in written.made)
    for command in new_tutorial.how_to_undo(written, gmm, tmp_path).splitlines():
        git(*command.split()[1:])
    assert git("status", "--porcelain").split() == ["M", "README.md"]


def test_the_page_has_a_heading_for_everything_that_the_tutorial_covers(monkeypatch):
    text = "pca:\n  the proof: Prove it\n  the table: ~\n\nppo:\n  the table: ~\n  the rest:\n"
    monkeypatch.setattr(contract, "covers", lambda: yaml.safe_load(text))
    ppo = catalog.find("ppo")
    headings = [f"TO WRITE: a heading over the {name}" for name in ("table", "rest")]
    (page,) = (t for path, t in new_tutorial.new_files(ppo, ROOT).items() if path.suffix == ".md")
    assert all(page.count(f"## {heading}\n") == 1 for heading in headings)
    changed = new_tutorial.add_to_covers(text, ppo)
    assert changed.startswith("pca:\n  the proof: Prove it\n  the table: ~\n\nppo:")
    assert list(yaml.safe_load(changed)["ppo"].values()) == headings


def test_covers_in_another_form_are_refused_in_words(monkeypatch):
    text = "ppo: {the table: ~}\n"
    monkeypatch.setattr(contract, "covers", lambda: yaml.safe_load(text))
    with pytest.raises(new_tutorial.Refused, match="a form that is not understood"):
        new_tutorial.add_to_covers(text, catalog.find("ppo"))


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
        ((), "Name the tutorial: make new TUTORIAL="),
        (("pca2",), "'pca2' is no coordinate"),
        (("pictures/pca2",), "'pictures/pca2' is no coordinate"),
        (("tabular/../x",), "is no coordinate"),
        (("vision/kmeans",), "tabular/kmeans has this slug already"),
        (("tabular/ranking",), "is not in the catalog"),
        (("tabular/" + 31 * "r",), "a slug has 30 at most"),
        (("tabular/ranking", "--title", 81 * "R", "--claim", "2", "4"), "80 at most fit"),
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
