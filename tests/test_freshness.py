"""What makes a page run again, and which executed pages are shared, without building a book."""

import dataclasses
import os
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

import executed_pages
import freshness
import ration
from tutorials_lib import catalog, digest
from tutorials_lib.benchmark.record import MIME_TYPE
from tutorials_lib.catalog import Tutorial

ROOT = Path(__file__).parents[1]
KMEANS = "book/tabular/kmeans"
PAGE = (ROOT / f"{KMEANS}.md").read_text(encoding="utf-8")


def edit(monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    """Let the file `name` of the package be read with `new` in place of `old`."""
    path, read = digest._ROOT / name, digest._text
    assert old in read(path)
    monkeypatch.setattr(
        digest, "_text", lambda other: read(other).replace(old, new if other == path else old)
    )


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ('"""k-means in NumPy', '"""Clusters in NumPy', False),
        ("BLOCK = ", "# rows at a time\nBLOCK = ", False),
        ("BLOCK = ", "BLOCK = 1 + ", True),
    ],
    ids=["docstring", "comment", "constant"],
)
def test_an_edit_of_code_makes_a_page_run_again_and_one_of_words_does_not(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, changes: bool
) -> None:
    before = freshness.page_digest(KMEANS, PAGE)
    edit(monkeypatch, "tabular/kmeans/in_numpy.py", old, new)
    assert (freshness.page_digest(KMEANS, PAGE) != before) is changes


@pytest.mark.parametrize(("slug", "changes"), [("kmeans", True), ("cnn", False)])
def test_a_page_depends_on_its_own_row_of_the_catalog(
    monkeypatch: pytest.MonkeyPatch, slug: str, changes: bool
) -> None:
    before = freshness.page_digest(KMEANS, PAGE)
    rows = tuple(
        dataclasses.replace(row, claim=(9.0, 99.0)) if row.slug == slug else row
        for row in catalog.TUTORIALS
    )
    monkeypatch.setattr(catalog, "TUTORIALS", rows)
    assert (freshness.page_digest(KMEANS, PAGE) != before) is changes


@pytest.mark.parametrize("tutorial", catalog.available(), ids=lambda tutorial: tutorial.slug)
def test_a_new_tutorial_makes_no_page_of_another_run_again(tutorial: Tutorial) -> None:
    page = (ROOT / f"book/{tutorial.coordinate}.md").read_text(encoding="utf-8")
    modules = freshness.modules_of(page) + digest.tutorial_sources(tutorial.module)
    assert digest._ROOT / "catalog.py" not in digest.sources(modules)


def test_the_versions_are_those_of_what_runs_in_a_page() -> None:
    names = {line.split("==")[0] for line in freshness.run_time_versions()}
    assert {"jax", "jaxlib", "numpy", "ml-dtypes", "matplotlib", "ipython"} <= names
    assert not {"sphinx", "jupyter-book", "pytest", "ruff", "tutorials-lib"} & names


def notebook(*outputs: dict) -> nbformat.NotebookNode:
    """An executed notebook of one cell with these records among its outputs."""
    shown = [
        nbformat.v4.new_output(
            "display_data",
            {f"application/papermill.record/{MIME_TYPE}": record},
        )
        for record in outputs
    ]
    cell = nbformat.v4.new_code_cell("measure()", execution_count=1, outputs=shown)
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("records", "is_shared"),
    [
        ([], True),
        ([{}], True),
        ([{"busy": False}], True),
        ([{}, {"busy": True}], False),
        ([{"busy": True, "preset": "tiny"}], True),
    ],
)
def test_what_was_measured_on_a_busy_machine_is_not_shared(
    tmp_path: Path, records: list[dict], is_shared: bool
) -> None:
    executed, store = tmp_path / "page.ipynb", tmp_path / "store"
    nbformat.write(notebook(*records), executed)
    cache = get_cache(tmp_path / "cache")
    data = {"execution_seconds": 2.5}
    cache.cache_notebook_bundle(CacheBundleIn(notebook(*records), "page.md", data=data))
    key = executed_pages.key_of(["measure()"])
    executed_pages.give_out(store, key, cache, executed)
    assert (store / f"{key}.ipynb").is_file() is is_shared

    other = get_cache(tmp_path / "other")
    executed_pages.take_in(store, key, other, Path("page.md"))
    assert [record.data for record in other.list_cache_records()] == [data] * is_shared


@pytest.mark.parametrize("damaged", [b"", b"\xff{", b"[1]", b'{"nbformat": 4}', b"another page"])
def test_what_the_store_should_not_hold_is_left_aside_and_replaced(
    tmp_path: Path, damaged: bytes
) -> None:
    key = executed_pages.key_of(["measure()"])
    entry, executed = tmp_path / f"{key}.ipynb", tmp_path / "page.ipynb"
    cache = get_cache(tmp_path / "cache")
    nbformat.write(notebook(), executed)
    other_page = executed.read_bytes().replace(b"measure", b"explain")
    entry.write_bytes(other_page if damaged == b"another page" else damaged)
    executed_pages.take_in(tmp_path, key, cache, Path("page.md"))
    assert not cache.list_cache_records()
    cache.cache_notebook_bundle(CacheBundleIn(notebook(), "page.md", data={}))
    executed_pages.give_out(tmp_path, key, cache, executed)
    assert b"measure" in entry.read_bytes()


def test_a_page_that_is_kept_stays_whole_when_the_seconds_are_spent() -> None:
    spent = ration.Ration("page", seconds=0.0, missing={"new"})
    plenty = ration.Ration("page", seconds=1e6, missing={"new"})
    for one in (spent, plenty):
        one.begin()
    assert (spent.preset_of("new"), spent.preset_of("kept")) == ("tiny", "page")
    assert plenty.preset_of("new") == "page"
    assert ration.Ration("full", missing={"new"}).preset_of("new") == "full"


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e999"])
def test_what_is_no_number_of_seconds_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("BOOK_SECONDS", text)
    with pytest.raises(ValueError, match="expected seconds, such as 900"):
        ration.seconds_given()


def test_pages_that_no_build_has_used_for_long_leave_the_store(tmp_path: Path) -> None:
    old, new = tmp_path / "old.ipynb", tmp_path / "new.ipynb"
    for path in (old, new):
        path.touch()
    long_ago = time.time() - (executed_pages.DAYS_KEPT + 1) * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    executed_pages.forget_old(tmp_path)
    assert list(tmp_path.iterdir()) == [new]
