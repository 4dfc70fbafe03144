"""`python -m tutorials_lib.benchmark`."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.benchmark.small import COMPARISON, wrong_in_jax
from tutorials_lib.benchmark import fresh, record
from tutorials_lib.benchmark.__main__ import main

pytestmark = pytest.mark.clock


def test_the_command_line_measures_and_writes_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    target = tmp_path / "out.json"
    assert main(["kmeans", "--json", str(target)]) == 0
    (data,) = json.loads(target.read_text(encoding="utf-8"))
    assert record.from_json(data).slug == "kmeans"
    assert list(tmp_path.iterdir()) == [target]
    assert "JAX, jit" in capsys.readouterr().out


def test_the_command_line_reports_a_disagreement_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = dataclasses.replace(COMPARISON.checks[0], run=wrong_in_jax)
    broken = dataclasses.replace(COMPARISON, checks=(check,))
    monkeypatch.setattr(fresh, "load_comparison", lambda slug: broken)
    assert main(["kmeans"]) == 1
    assert "not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such_tutorial"], "no tutorial named no_such_tutorial"),
        (["--json", "/no/such/folder/out.json"], "does not exist"),
        (["--repeat", "1"], "two measurements at least"),
        (["--repeat", "2", "--record", "here"], "writes no records"),
        (["--json", "."], "is a folder"),
        (["--record", "../../x"], "no name of a machine"),
    ],
)
def test_the_command_line_refuses_bad_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_repeated_measurements_are_printed_with_how_many_fall_inside(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratios = iter([2.0, 2.2, 2.0, 2.2, 4.0, 4.4])  # three measurements of two processes

    def run(function, **arguments):
        seconds = {"NumPy": next(ratios), "JAX, jit": 1.0}
        return {"seconds": seconds, "threads": dict.fromkeys(seconds), "load": None}

    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    monkeypatch.setattr(fresh, "devices", SimpleNamespace(run=run))
    assert main(["kmeans", "--repeat", "3"]) == 0
    printed = capsys.readouterr().out
    assert "2.098" in printed
    assert "4.195" in printed
    assert "unknown" in printed
    assert "2 of 6 ordered pairs (33%)" in printed
