"""The command line judges, stores what it found, and refuses early what would fail late."""

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from tutorials_lib import digest
from tutorials_lib.datasets import DownloadError, download
from tutorials_lib.judge import __main__ as command
from tutorials_lib.judge import record, report
from tutorials_lib.judge.seeds import judge_with_seeds

SCHEMA = json.loads(Path(record.__file__).with_name("record.schema.json").read_text("utf-8"))
FILE = download.RemoteFile(
    name="small.csv",
    url="http://localhost/small.csv",
    sha256="9b4eacf93a1f9fc46c28ab9bc2dc9c1f40d9b4d2ab4f6e5e6a3a4cba1c5c1a0b",
    num_bytes=12,
    mirror_path="small/small.csv",
    licence="none",
    citation="nobody",
)


@pytest.fixture
def checkout(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> SimpleNamespace:
    """A checkout in which the command may write, and an environment that is put back."""
    (tmp_path / "book").mkdir()
    monkeypatch.setattr(command, "CHECKOUT", tmp_path)
    monkeypatch.setenv("TUTORIALS_DATA", "offline")
    monkeypatch.setenv("TUTORIALS_PRESET", "page")
    small.folder = tmp_path
    small.stored = tmp_path / record.PUBLISHED / "small.json"
    return small


def reading(small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the small tutorial read a published file on real data."""
    monkeypatch.setattr(download, "_download", lambda remote: Path(remote.name))
    monkeypatch.delenv("TUTORIALS_DATA_MIRROR", raising=False)
    judge = small.evaluation.judge

    def fetch_and_judge(config, *, seed, trained=None):
        if config.source == "real":
            download.fetch(FILE)
        return judge(config, seed=seed, trained=trained)

    small.evaluation.judge = fetch_and_judge


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says when it refuses to begin."""
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_a_table_and_the_verdict_are_printed(checkout, capsys: pytest.CaptureFixture[str]):
    assert command.main(["small", "--seeds", "0", "1", "2"]) == 0
    text = capsys.readouterr().out
    assert "small (page, offline data)" in text
    for expected in ("development", "seed 2", "linear", "0.8500", "0.9100", "majority"):
        assert expected in text
    assert "Met: the mean is 0.9100 against 0.8000 of the strongest rival" in " ".join(text.split())
    assert "Met on 3 of 3 seeds." in " ".join(text.split())


def test_without_a_name_everything_that_can_be_judged_is(checkout, capsys):
    assert command.main([]) == 0
    assert "small (page, offline data)" in capsys.readouterr().out
    del checkout.evaluation.judge
    assert "no tutorial can be judged yet" in refused(capsys)


def test_a_record_survives_json_and_satisfies_its_schema(checkout, tmp_path: Path):
    target = tmp_path / "found.json"
    assert command.main(["small", "--seeds", "3", "1", "--json", str(target)]) == 0
    (stored,) = json.loads(target.read_text("utf-8"))
    jsonschema.validate(stored, SCHEMA)
    found = record.from_json(stored)
    assert found.to_json() == stored
    assert found.summary.seeds == (3, 1)
    assert not found.summary.met
    assert found.files == ()


def test_details_survive_json_are_averaged_and_printed(checkout, monkeypatch, tmp_path, capsys):
    judge = checkout.evaluation.judge

    def with_details(config, *, seed, trained=None):
        details = {"Set5": {"ours": 0.5 + seed, "theirs": 0.25}}
        return dataclasses.replace(judge(config, seed=seed), details=details)

    monkeypatch.setattr(checkout.evaluation, "judge", with_details)
    target = tmp_path / "found.json"
    assert command.main(["small", "--seeds", "0", "1", "--json", str(target)]) == 0
    (stored,) = json.loads(target.read_text("utf-8"))
    jsonschema.validate(stored, SCHEMA)
    summary = record.from_json(stored).summary
    header, rows = report.details_table(summary)
    assert (header[1:], rows) == (("ours", "theirs"), [("Set5", "1.000", "0.2500")])
    assert "Set5" in capsys.readouterr().out


def test_details_of_different_columns_leave_cells_empty(checkout, monkeypatch):
    judge = checkout.evaluation.judge

    def with_details(config, *, seed, trained=None):
        details = {"Set5": {"ours": 0.5}, "Set14": {"theirs": 0.25}}
        return dataclasses.replace(judge(config, seed=seed), details=details)

    monkeypatch.setattr(checkout.evaluation, "judge", with_details)
    header, rows = report.details_table(judge_with_seeds("small", (0, 1)))
    assert header[1:] == ("ours", "theirs")
    assert rows == [("Set5", "0.5000", ""), ("Set14", "", "0.2500")]


def test_a_record_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="record of schema 0; this version reads schema 1"):
        record.from_json({"schema": 0})


def test_a_result_on_published_data_is_recorded_with_its_files(checkout, monkeypatch):
    reading(checkout, monkeypatch)
    assert command.main(["small", "--data", "real", "--record"]) == 0
    stored = json.loads(checkout.stored.read_text("utf-8"))
    jsonschema.validate(stored, SCHEMA)
    assert stored["data_source"] == "real"
    assert stored["files"] == [{"name": "small.csv", "sha256": FILE.sha256, "num_bytes": 12}]
    assert [seed["seed"] for seed in stored["seeds"]] == [0, 1, 2]
    assert record.load_published(checkout.folder)["small"].to_json() == stored
    assert [path.name for path in checkout.stored.parent.iterdir()] == ["small.json"]


def test_a_result_on_the_data_of_the_book_has_a_folder_of_its_own(checkout):
    assert command.main(["small", "--record"]) == 0
    assert not checkout.stored.exists()
    (path,) = (checkout.folder / record.STORED["offline"]).iterdir()
    assert path.name == "small.json"
    found = record.load_stored(checkout.folder, "offline")["small"]
    assert found.to_json() == json.loads(path.read_text("utf-8"))
    assert [run.seed for run in found.summary.runs] == [0, 1, 2]


def test_data_that_cannot_be_had_are_a_failure_and_leave_nothing(checkout, monkeypatch, capsys):
    reading(checkout, monkeypatch)

    def unreachable(remote):
        raise DownloadError(remote.name, expected="a network", found="none", way_out="Connect.")

    monkeypatch.setattr(download, "_download", unreachable)
    assert command.main(["small", "--data", "real", "--record"]) == 1
    assert "Not judged: small: small.csv: expected a network" in capsys.readouterr().out
    assert not checkout.stored.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chess",), "no tutorial named chess; there are: small"),
        (("small", "--seeds", "1", "1"), "seeds are 1, 1; each may be given once"),
        (("small", "--seeds", "-1"), "each must be zero or more"),
        (("small", "--preset", "full"), "small: TUTORIALS_PRESET=full, but this tutorial has only"),
        (("small", "--json", "."), "is a folder; name a file in it"),
        (("small", "--json", "nowhere/x.json"), "does not exist; create it first"),
        (("small", "--record", "--preset", "tiny"), "tiny is for tests"),
        (("small", "--record", "--data", "real", "--seeds", "0"), "at least two seeds"),
    ],
)
def test_what_would_fail_late_is_refused_before_any_work(
    checkout, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
):
    checkout.evaluation.judge = lambda config, *, seed, trained=None: pytest.fail("worked")
    assert message in refused(capsys, *arguments)
    assert not checkout.stored.exists()


def test_a_setting_that_is_not_known_is_refused(checkout, capsys, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA", "imaginary")
    assert "TUTORIALS_DATA='imaginary'; expected one of: offline, real" in refused(capsys, "small")


def test_a_tutorial_without_evaluation_is_refused_by_name(checkout, capsys):
    del checkout.evaluation.baselines
    assert "small cannot be judged" in refused(capsys, "small")


def test_records_of_other_tutorials_or_data_are_not_taken_for_published_ones(checkout, tmp_path):
    assert command.main(["small", "--json", str(tmp_path / "found.json")]) == 0
    (stored,) = json.loads((tmp_path / "found.json").read_text("utf-8"))
    checkout.stored.parent.mkdir(parents=True)
    checkout.stored.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match="holds the record of small on offline data"):
        record.load_published(tmp_path)
    checkout.stored.rename(checkout.stored.with_name("other.json"))
    with pytest.raises(ValueError, match="expected other on real data"):
        record.load_published(tmp_path)


def test_a_record_of_earlier_code_says_so(checkout, monkeypatch):
    found = record.judge_tutorial("small", (0, 1))
    assert found.is_current
    monkeypatch.setattr(record, "evaluation_digest", lambda slug: "f" * 16)
    assert not found.is_current


def test_the_digest_holds_what_an_evaluation_reads_of_its_folder_and_loaders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    package = tmp_path / "tutorials_lib"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(digest.__file__).parent, package, ignore=ignored)
    monkeypatch.setattr(digest, "_ROOT", package)
    before = record.evaluation_digest("vae")
    for name in ("layers/in_jax.py", "figures/style.py", "generative/vae/comparison.py"):
        edit(package / name)
    assert record.evaluation_digest("vae") == before
    for name in ("generative/vae/problem.py", "datasets/olivetti.py"):
        edit(package / name)
        assert record.evaluation_digest("vae") != before
        before = record.evaluation_digest("vae")


def edit(path: Path) -> None:
    """Change what a source says."""
    path.write_text(path.read_text("utf-8") + "\nEDITED = True\n", "utf-8")


@pytest.mark.parametrize(
    ("value", "settings", "text"),
    [
        (0.97314, {}, "0.9731"),
        (0.5, {}, "0.5000"),
        (475.25, {}, "475.2"),
        (-12345.6, {}, "-12,346"),
        (0.0123, {"digits": 3, "sign": "+"}, "+0.0123"),
        (-0.5, {"digits": 2, "sign": "+"}, "-0.50"),
    ],
)
def test_scores_have_the_same_number_of_digits(value: float, settings: dict, text: str):
    assert report.format_score(value, **settings) == text


def test_the_table_ranks_the_rivals_and_averages_over_seeds(small):
    header, rows = report.score_table(judge_with_seeds("small", (0, 1)))
    assert header == ("held-out accuracy", "development", "mean", "seed 0", "seed 1")
    assert rows == [
        ("this tutorial's model", "", "0.9100", "0.9000", "0.9200"),
        ("linear", "0.8500", "0.8000", "0.8000", "0.8000"),
        ("majority", "", "0.5000", "0.5000", "0.5000"),
    ]


def test_a_result_that_is_not_met_says_so(small):
    summary = judge_with_seeds("small", (0, 3))
    text = report.verdict_sentences(summary)
    assert text.startswith("Not met: the mean is 0.7500 against 0.8000 of the strongest rival")
    assert "The difference is -0.0500" in text
    assert text.endswith("Met on 1 of 2 seeds.")
    assert report.short_verdict(summary) == (
        "not met: held-out accuracy 0.7500, strongest rival 0.8000"
    )
