"""`make test`: which tests it chooses, and what it returns."""

import subprocess
import sys
from typing import Any

import pytest

from tools import ROOT
from tools import test as runner


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls of pytest, none of which is made; the first finds nothing, a second succeeds."""
    made: list[list[str]] = []

    def pretend(command: list[str], **_: Any) -> subprocess.CompletedProcess:
        made.append(command[3:])
        code = pytest.ExitCode.OK if len(made) > 1 else pytest.ExitCode.NO_TESTS_COLLECTED
        return subprocess.CompletedProcess(command, int(code))

    monkeypatch.setattr(subprocess, "run", pretend)
    return made


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["test", *arguments])
    return runner.main()


def test_what_reads_a_clock_runs_afterwards_and_alone(calls, monkeypatch):
    assert call(monkeypatch, "-k", "clip") == 0
    assert [("-n" in each, each[-2:]) for each in calls] == [
        (True, ["-k", "clip"]),
        (False, ["-k", "clip"]),
    ]


def test_of_a_tutorial_only_its_own_files_are_collected_and_once(calls, monkeypatch):
    assert call(monkeypatch, "--tutorial=kmeans", "--tutorial=vision/cnn", "-x") == 5
    (arguments,) = calls
    files = [each for each in arguments if each.startswith("tests/")]
    assert files == ["tests/tabular/test_kmeans.py", "tests/vision/test_cnn.py", *runner.OWED]
    assert all((ROOT / file).is_file() for file in files)
    assert arguments[-3:] == ["-k", "kmeans or cnn", "-x"]


def test_a_tutorial_that_is_not_there_is_refused_in_words(calls, monkeypatch):
    with pytest.raises(SystemExit, match="kmean"):
        call(monkeypatch, "--tutorial=kmean")
    assert calls == []
