"""Pages that run side by side: what ran is kept, what failed is left to be told of."""

import threading
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.executors.utils import ExecutionResult
from nbclient.exceptions import CellTimeoutError

import side_by_side


def notebook(code: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(code)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test_what_ran_is_kept_and_what_failed_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def run_one(page: Path, notebook: nbformat.NotebookNode, timeout: int) -> ExecutionResult:
        error = CellTimeoutError("too long") if page.stem == "bad" else None
        return ExecutionResult(notebook, str(page.parent), 1.5, error)

    monkeypatch.setattr(side_by_side, "_run_one", run_one)
    cache = get_cache(tmp_path / "cache")
    notebooks = {tmp_path / f"{name}.md": notebook(name) for name in ("good", "bad", "also")}
    side_by_side.run(notebooks, cache, timeout=60)
    kept = {Path(record.uri).stem: record.data for record in cache.list_cache_records()}
    assert kept == {name: {"execution_seconds": 1.5} for name in ("good", "also")}


def test_two_run_at_once_where_there_are_two_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    together = threading.Barrier(2, timeout=30)

    def run_one(page: Path, notebook: nbformat.NotebookNode, timeout: int) -> ExecutionResult:
        together.wait()
        return ExecutionResult(notebook, str(page.parent), 1.0)

    monkeypatch.setattr(side_by_side.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(side_by_side, "_run_one", run_one)
    cache = get_cache(tmp_path / "cache")
    notebooks = {tmp_path / f"{i}.md": notebook(str(i)) for i in range(4)}
    side_by_side.run(notebooks, cache, timeout=60)
    assert len(cache.list_cache_records()) == 4
