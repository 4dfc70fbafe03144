"""What the site says of a record on published data."""

import dataclasses
import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tutorials_lib import catalog
from tutorials_lib.judge.record import PUBLISHED, JudgeRecord, UsedFile, judge_tutorial

FOLDER = Path(__file__).parents[2] / "book/_ext"


@pytest.fixture(scope="module")
def published() -> ModuleType:
    """The extension, imported from where Sphinx finds it."""
    sys.path.append(str(FOLDER))
    try:
        return importlib.import_module("published")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
def record(small: SimpleNamespace) -> JudgeRecord:
    """A record of the small tutorial that read two files."""
    files = tuple(
        UsedFile(name=name, sha256=digit * 64, num_bytes=1_234)
        for name, digit in {"a.csv": "a", "b.csv": "b"}.items()
    )
    return dataclasses.replace(judge_tutorial("small", (0, 1)), files=files)


def text(published: ModuleType, record: JudgeRecord) -> str:
    return "\n".join(node.astext() for node in published.describe(record))


def test_scores_files_date_and_machine_are_shown(published: ModuleType, record: JudgeRecord):
    shown = text(published, record)
    for expected in ("linear", "0.8500", "Met: the mean is 0.9100", record.machine["date"]):
        assert expected in shown
    assert (
        f"Files: a.csv (1,234 bytes, sha256 {'a' * 12}…), b.csv (1,234 bytes, sha256 {'b' * 12}…)."
    ) in shown
    assert "Earlier code" not in shown


def test_of_many_files_only_the_number_is_shown(published: ModuleType, record: JudgeRecord):
    files = tuple(
        UsedFile(name=f"{number}.png", sha256="c" * 64, num_bytes=1_000) for number in range(60)
    )
    shown = text(published, dataclasses.replace(record, files=files))
    assert (
        "Files: 0.png and 59 more, 60,000 bytes in all. "
        "The checksum of each is in book/_data/published/small.json."
    ) in shown
    assert "1.png" not in shown
    assert "c" * 12 not in shown


def test_a_record_of_earlier_code_is_marked(published: ModuleType, record: JudgeRecord):
    assert "Earlier code." in text(published, dataclasses.replace(record, code_digest="0" * 16))


def test_the_verdict_over_seeds_names_them_and_its_day(published, record: JudgeRecord):
    shown = published.told_by_seeds(record).astext()
    assert f"The seeds 0 and 1, judged apart from this page on {record.machine['date']}" in shown
    assert "Met: the mean is 0.9100" in shown
    assert "Earlier code" not in shown
    earlier = published.told_by_seeds(dataclasses.replace(record, code_digest="0" * 16))
    assert "Earlier code." in earlier.astext()


def test_details_are_a_second_table_where_there_are_any(published, record: JudgeRecord):
    runs = tuple(
        dataclasses.replace(
            run, judgement=dataclasses.replace(run.judgement, details={"Set5": {"ours": 0.5}})
        )
        for run in record.summary.runs
    )
    detailed = dataclasses.replace(record, summary=dataclasses.replace(record.summary, runs=runs))
    assert "mean of the seeds" in text(published, detailed)
    assert "mean of the seeds" not in text(published, record)


def test_a_tutorial_that_needs_no_file_says_so(published: ModuleType, record: JudgeRecord):
    shown = text(published, dataclasses.replace(record, files=()))
    assert "No published file is read" in shown
    assert "Files:" not in shown


def test_without_a_record_nothing_is_claimed(published: ModuleType):
    (paragraph,) = published.no_record(catalog.find("kmeans"))
    assert paragraph.astext().startswith("No verified copy. ")


def test_what_waits_to_be_judged_is_a_tutorial_without_a_record(published: ModuleType):
    waiting = sys.modules[published.why_no_record.__module__].NOT_YET_JUDGED
    assert waiting <= {tutorial.slug for tutorial in catalog.available()}
    assert not [
        slug for slug in waiting if (FOLDER.parents[1] / PUBLISHED / f"{slug}.json").exists()
    ]


def test_what_can_be_judged_and_was_not_says_so(
    published: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    records = sys.modules[published.why_no_record.__module__]
    monkeypatch.setattr(records, "NOT_YET_JUDGED", frozenset({"bert"}))
    (paragraph,) = published.no_record(catalog.find("bert"))
    assert paragraph.astext().startswith("Not judged yet. The published files can be had")


def test_a_game_has_no_published_set_to_lack(published: ModuleType):
    assert published.no_record(catalog.find("dqn")) == []


def test_a_tutorial_on_the_same_files_is_set_beside(
    published: ModuleType, record: JudgeRecord, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(catalog, "find", lambda slug: SimpleNamespace(title=f"Do {slug}"))
    worse = [
        dataclasses.replace(run, judgement=dataclasses.replace(run.judgement, value=0.5))
        for run in record.summary.runs
    ]
    other = dataclasses.replace(
        record, slug="other", summary=dataclasses.replace(record.summary, runs=tuple(worse))
    )
    assert "Do other has a mean of 0.5000, and this tutorial 0.9100: this one is ahead." in (
        published.beside(record, other).astext()
    )
    assert "the other is ahead" in published.beside(other, record).astext()
    with pytest.raises(ValueError, match="same files"):
        published.beside(record, dataclasses.replace(other, files=()))
