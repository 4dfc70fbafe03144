"""What pages say of the run that measured their records, and of the last release's verdicts."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils import nodes
from sphinx.errors import ExtensionError

import moved
from provenance import machine_line
from records import LEDGER
from tutorials_lib import catalog
from tutorials_lib.benchmark.record import SCHEMA_VERSION, Quality, Ratio, Record

CARD = {
    "processor": "A processor",
    "cores": "2",
    "accelerator": "none",
    "Python": "3.12.1",
    "numpy": "2.4.0",
    "BLAS of NumPy": "openblas 0.3.30",
    "jax": "0.10.2",
    "date": "2026-11-29",
}

RECORD = Record(
    schema=SCHEMA_VERSION,
    slug="kmeans",
    unit="one fit",
    note="",
    preset="page",
    data_source="offline",
    code_digest="",
    machine=CARD,
    agreement=(),
    tolerance=0.0,
    tolerance_reason="",
    sizes=(),
    headline="all",
    baseline_variant="NumPy",
    headline_variant="JAX",
    ratio=Ratio(center=3.0, low=2.8, high=3.2, processes=5),
    end_points=(),
    unsteady=False,
    load=None,
    busy=False,
    quality=Quality(metric="accuracy", value=0.9, baselines={"rival": 0.8}),
)


def faster(record: Record, center: float) -> Record:
    ratio = Ratio(center=center, low=0.95 * center, high=1.05 * center, processes=5)
    return replace(record, ratio=ratio)


def test_the_line_names_machine_versions_and_day():
    assert machine_line(RECORD) == (
        "Measured on 2026-11-29: A processor, 2 cores; Python 3.12.1, NumPy 2.4.0 with "
        "openblas 0.3.30, JAX 0.10.2."
    )


def test_the_line_names_an_accelerator_and_all_marks():
    card = CARD | {"accelerator": "A card", "cores": "1"}
    line = machine_line(replace(RECORD, machine=card, unsteady=True, busy=True, preset="tiny"))
    assert "A processor, 1 core, A card;" in line
    assert line.endswith("Marked: unsteady, busy, tiny.")


def test_before_the_first_release_nothing_is_compared(tmp_path: Path):
    assert moved.load_released(tmp_path) is None
    (said,) = moved.compare(None, moved.verdicts({"kmeans": RECORD}))
    assert said.astext().startswith("There has been no release yet")


def release(root: Path, records: dict[str, Record]) -> None:
    path = root / moved.RELEASED
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(moved.verdicts(records)), encoding="utf-8")


def test_the_ledger_is_read_again_once_there_is_a_release(tmp_path: Path):
    app: Any = SimpleNamespace(srcdir=str(tmp_path))
    env: Any = SimpleNamespace(dependencies=defaultdict(set), found_docs={LEDGER})
    assert moved.find_outdated(app, env, set(), set(), set()) == []
    release(tmp_path, {"kmeans": RECORD})
    assert moved.find_outdated(app, env, set(), set(), set()) == [LEDGER]
    env.dependencies[LEDGER].add(moved.RELEASED.as_posix())
    assert moved.find_outdated(app, env, set(), set(), set()) == []


def test_what_moved_since_the_release_is_counted_and_listed(tmp_path: Path):
    lost = Quality(metric="accuracy", value=0.7, baselines={"rival": 0.8})
    release(tmp_path, {slug: replace(RECORD, slug=slug) for slug in ("pca", "kmeans", "cnn")})
    now = {
        "pca": replace(faster(RECORD, 3.1), slug="pca"),
        "kmeans": faster(RECORD, 8.0),
        "cnn": replace(RECORD, slug="cnn", quality=lost, machine=CARD | {"cores": "4"}),
        "gan": replace(RECORD, slug="gan"),
    }
    said, table = moved.compare(moved.load_released(tmp_path), moved.verdicts(now))
    assert "a verdict has moved in 2 of the 3 tutorials that both have measured" in said.astext()
    assert "In 1 the machine is another one, too." in said.astext()
    rows = [[cell.astext() for cell in row.children] for row in table.findall(nodes.row)][1:]
    assert {row[0] for row in rows} == {catalog.find(slug).title for slug in ("kmeans", "cnn")}
    assert {row[1] != row[2] for row in rows} == {True}


def test_what_was_run_small_has_no_verdict(tmp_path: Path):
    release(tmp_path, {"kmeans": RECORD})
    tiny = moved.verdicts({"kmeans": replace(RECORD, preset="tiny")})
    assert tiny["tutorials"] == {}
    (said,) = moved.compare(moved.load_released(tmp_path), tiny)
    assert said.astext().startswith("Nothing can be compared with version")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": "1"}', '{"version": "1", "tutorials": {"kmeans": {}}}']
)
def test_a_file_that_no_build_wrote_is_refused(tmp_path: Path, text: str):
    path = tmp_path / moved.RELEASED
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExtensionError, match=r"released\.json is not what a build writes"):
        moved.load_released(tmp_path)
