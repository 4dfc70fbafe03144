"""What every tutorial must have and must never do, over every folder there is."""

import dataclasses
import importlib
from pathlib import Path

import pytest

from tools import contract, pages
from tools.contract import ROOT
from tutorials_lib import catalog, presets
from tutorials_lib.benchmark.comparison import Comparison
from tutorials_lib.catalog import PARTS, Tutorial

AVAILABLE = [pytest.param(tutorial, id=tutorial.slug) for tutorial in catalog.available()]
each_tutorial = pytest.mark.parametrize("tutorial", AVAILABLE)


def listing(findings: list[str]) -> str:
    """A list that can be worked through."""
    return "\n  ".join(["", *findings])


@each_tutorial
def test_nothing_is_left_to_write(tutorial: Tutorial):
    findings = contract.unfinished(tutorial)
    if findings:
        pytest.fail(f"{tutorial.coordinate} is not finished:{listing(findings)}", pytrace=False)


def test_all_thirty_say_what_they_cover():
    covers = contract.covers()
    assert covers.keys() == {each.slug for each in catalog.TUTORIALS if each.number <= 30}
    assert all(3 <= len(items) <= 4 for items in covers.values())


def test_a_page_without_a_heading_for_what_it_covers_is_not_finished(
    monkeypatch: pytest.MonkeyPatch,
):
    (pca,) = (tutorial for tutorial in catalog.TUTORIALS if tutorial.slug == "pca")
    items = {"the proof": "Prove it", "the table": "Prepare the table", "the rest": None}
    monkeypatch.setattr(contract, "covers", lambda: {"pca": items})
    name = f"book/{pca.coordinate}.md"
    assert contract.unfinished(pca) == [
        f"{name}: covers the proof under “Prove it”, says tools/covers.yml; it has no such heading",
        f"{name}: covers the rest: name the heading for it in tools/covers.yml",
    ]


def test_every_import_keeps_to_the_layout():
    findings = contract.broken_rules()
    if findings:
        pytest.fail(f"imports that the layout forbids:{listing(findings)}", pytrace=False)


@each_tutorial
def test_settings_are_frozen_hashable_and_by_keyword(tutorial: Tutorial):
    problem = importlib.import_module(f"{tutorial.module}.problem")
    assert problem.PRESETS.keys() == set(presets.PRESET_NAMES)
    assert problem.PRESETS["tiny"] is problem.TINY
    assert problem.PRESETS["page"] is problem.PAGE
    for config in problem.PRESETS.values():
        assert type(config) is problem.Config
        assert hash(config) == hash(dataclasses.replace(config))
        assert config.source == "offline"
    fields = dataclasses.fields(problem.Config)
    assert all(field.kw_only for field in fields), "Config needs kw_only=True"
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.PAGE.source = "real"
    with pytest.raises(ValueError, match="source is 'nowhere'; expected one of: offline, real"):
        dataclasses.replace(problem.TINY, source="nowhere")


@each_tutorial
def test_the_comparison_belongs_to_the_tutorial(tutorial: Tutorial):
    problem = importlib.import_module(f"{tutorial.module}.problem")
    comparison = importlib.import_module(f"{tutorial.module}.comparison").COMPARISON
    assert isinstance(comparison, Comparison)
    assert comparison.slug == tutorial.slug
    configs = [*comparison.sizes.values(), comparison.agreement]
    assert all(type(config) is problem.Config for config in configs)


@pytest.mark.parametrize(
    ("signature", "is_wrong"),
    [("config, *, seed, trained=None", False), ("data, *, seed", True)],
)
def test_a_tutorial_that_is_judged_shows_it(tmp_path: Path, signature: str, is_wrong: bool):
    tutorial = catalog.find("kmeans")
    package = tmp_path / "src/tutorials_lib" / tutorial.coordinate
    page = tmp_path / f"book/{tutorial.coordinate}.md"
    for folder in (package, page.parent):
        folder.mkdir(parents=True)
    page.write_text("# A title\n", encoding="utf-8")
    (tmp_path / "_toc.yml").write_text("root: book/index\n", encoding="utf-8")
    needed = (
        "has no heading “On the published data”",
        "lacks the record on the published data ({published})",
        "lacks a cell that calls evaluation.judge with what the page has trained",
    )
    evaluation = package / "evaluation.py"
    for source, judged in (("", False), (f"def judge({signature}): ...", True)):
        evaluation.write_text(f"def baselines(data, config, *, seed): ...\n{source}\n")
        findings = "\n".join(contract.unfinished(tutorial, tmp_path))
        assert [text in findings for text in needed] == [judged] * len(needed)
    wrong = "evaluation.py: has no function judge(config, seed, trained)"
    assert (wrong in findings) == is_wrong


def test_every_folder_of_a_part_has_a_row_in_the_catalog():
    package = ROOT / "src" / "tutorials_lib"
    folders = {
        f"{part}/{folder.name}"
        for part in PARTS
        if (package / part).is_dir()
        for folder in (package / part).iterdir()
        if (folder / "__init__.py").is_file()
    }
    assert folders <= {tutorial.coordinate for tutorial in catalog.TUTORIALS}


def test_every_tutorial_page_and_test_belongs_to_a_tutorial():
    known = {tutorial.coordinate for tutorial in catalog.available()}
    written = {
        path.relative_to(ROOT / "book").with_suffix("").as_posix() for path in pages.all_pages()
    }
    assert {name for name in written if name.split("/")[0] in PARTS} <= known
    tests = {
        f"{path.parent.name}/{path.stem.removeprefix('test_')}"
        for part in PARTS
        for path in (ROOT / "tests" / part).glob("test_*.py")
    }
    assert tests <= known


def test_the_pages_stand_in_the_order_of_the_catalog():
    order = [f"book/{tutorial.coordinate}" for tutorial in catalog.TUTORIALS]
    listed = [name for name in contract.toc_files() if name in order]
    assert listed == sorted(listed, key=order.index)


def test_a_page_comes_after_the_pages_that_it_needs():
    places = {tutorial.slug: place for place, tutorial in enumerate(catalog.TUTORIALS)}
    for tutorial in catalog.TUTORIALS:
        for needed in tutorial.needs:
            assert places[needed] < places[tutorial.slug], f"{tutorial.slug} needs {needed}"
