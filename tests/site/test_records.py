"""What the build measured: every tutorial has a record, agrees, and beats its baseline."""

import json
from html import unescape
from pathlib import Path

import jsonschema
import pytest
from bs4 import BeautifulSoup

from provenance import TIMING_FIGURES, machine_line
from tutorials_lib import catalog
from tutorials_lib.benchmark import record
from tutorials_lib.benchmark.agreement import FLOAT64_TOLERANCE
from tutorials_lib.benchmark.ledger import measured_text, quality_text
from tutorials_lib.benchmark.report import marks
from tutorials_lib.benchmark.timing import REPEATS
from tutorials_lib.digest import code_digest, tutorial_sources

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(Path(record.__file__).with_name("record.schema.json").read_text("utf-8"))

each_tutorial = pytest.mark.parametrize("tutorial", catalog.available(), ids=lambda t: t.slug)


def stored(tutorial: catalog.Tutorial) -> dict:
    path = ROOT / f"_build/benchmarks/{tutorial.slug}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@each_tutorial
def test_the_record_satisfies_the_schema(tutorial: catalog.Tutorial) -> None:
    jsonschema.validate(stored(tutorial), SCHEMA)


@each_tutorial
def test_the_record_measured_the_code_that_is_here(tutorial: catalog.Tutorial) -> None:
    current = code_digest([*tutorial_sources(tutorial.module), "tutorials_lib.benchmark"])
    assert stored(tutorial)["code_digest"] == current


@each_tutorial
def test_the_twins_agree_in_float64(tutorial: catalog.Tutorial) -> None:
    found = record.from_json(stored(tutorial))
    assert all(row.float64_error <= FLOAT64_TOLERANCE for row in found.agreement)


@each_tutorial
def test_the_page_says_whether_the_model_beats_its_strongest_rival(
    tutorial: catalog.Tutorial,
) -> None:
    found = record.from_json(stored(tutorial))
    assert found.quality is not None, "the page passes no quality to benchmark.measure"
    assert found.quality.baselines, "a quality without a rival says nothing"
    html = (ROOT / f"_build/html/book/{tutorial.coordinate}.html").read_text(encoding="utf-8")
    assert quality_text(found) in unescape(html)
    # The heading line says it by itself; the prose has to explain what holds of the whole page.
    if not found.quality.met and found.preset != "tiny":
        assert html.count("not met") >= 2, "the page does not say why the line is not met"


@each_tutorial
def test_every_size_and_variant_was_sampled_enough(tutorial: catalog.Tutorial) -> None:
    found = record.from_json(stored(tutorial))
    assert len(found.sizes) >= (1 if found.preset == "tiny" else 3)
    assert all(t.repeats >= REPEATS for size in found.sizes for t in size.timings)


@each_tutorial
@pytest.mark.parametrize("page", ["index.html", "book/performance/ledger.html"])
def test_the_ledger_and_the_index_show_the_record(tutorial: catalog.Tutorial, page: str) -> None:
    text = measured_text(record.from_json(stored(tutorial)))
    assert text in (ROOT / "_build/html" / page).read_text(encoding="utf-8")


@each_tutorial
def test_every_timing_figure_names_its_machine_and_leads_to_the_record(
    tutorial: catalog.Tutorial,
) -> None:
    found = record.from_json(stored(tutorial))
    path = ROOT / f"_build/html/book/{tutorial.coordinate}.html"
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    shown = [
        figure
        for figure in page.select("article figure[id]")
        if str(figure["id"]).endswith(TIMING_FIGURES)
    ]
    assert shown
    for figure in shown:
        line = figure.select_one("figcaption .provenance")
        assert line is not None, figure["id"]
        assert machine_line(found) in " ".join(line.get_text().split())
        assert all(mark in line.get_text() for mark in marks(found))
        link = line.select_one("a")
        assert link is not None, figure["id"]
        served = (path.parent / str(link["href"])).read_text(encoding="utf-8")
        assert json.loads(served) == stored(tutorial)


def test_the_site_has_the_verdicts_of_what_was_measured_whole() -> None:
    path = ROOT / "_build/html/records/verdicts.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["tutorials"]
    whole = {one.slug for one in catalog.available() if stored(one)["preset"] != "tiny"}
    assert kept.keys() == whole
