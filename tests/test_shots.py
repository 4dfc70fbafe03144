"""`make shots`: which pages are pictured, and of which build."""

import sys
from pathlib import Path

import pytest

from tools import ROOT, browser


@pytest.fixture
def shot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], Path]]:
    """What is pictured, without a browser; only `make page` has built, and only `pca`."""
    made: list[tuple[list[str], Path]] = []

    def pretend(names: list[str], site: Path) -> list[Path]:
        made.append((names, site))
        return [ROOT / "picture.png"]

    monkeypatch.setattr(browser, "shoot", pretend)
    monkeypatch.setattr(browser, "SITE", tmp_path / "whole")
    monkeypatch.setattr(browser, "ALONE", tmp_path / "alone")
    for name in ("index", "book/tabular/pca"):
        page = tmp_path / "alone" / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.touch()
    return made


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["pca", "--alone"], 0, "picture.png"),
        (["pca"], 1, "There is no site yet: make book"),
        (["kmeans", "--alone"], 1, "There is no site yet: make page PAGE=kmeans"),
        (["kmeens"], 1, "No page is named kmeens"),
    ],
)
def test_a_page_that_was_built_alone_can_be_pictured(
    arguments: list[str], status: int, said: str, shot, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["browser", *arguments])
    assert browser.main() == status
    assert said in capsys.readouterr().out
    assert shot == ([] if status else [(["book/tabular/pca"], browser.ALONE)])
