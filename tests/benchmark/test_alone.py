"""One measurement at a time on a machine, whatever checkout it is started from."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tutorials_lib.benchmark import alone

HOLD = """\
import sys
from pathlib import Path
from tutorials_lib.benchmark import alone
alone.lock_path = lambda: Path(sys.argv[1])
with alone.alone_on_machine(lambda words: print(words, flush=True)):
    print("alone", flush=True)
    input()
"""


def start(lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_that_measure_wait_for_each_other(tmp_path: Path) -> None:
    with start(tmp_path / "lock") as first, start(tmp_path / "lock") as second:
        said = {process: next_line(process) for process in (first, second)}
        assert sorted(said.values()) == sorted(["alone", alone.WAITING])
        holder, waiter = sorted(said, key=lambda process: said[process] != "alone")
        holder.communicate("done\n")
        assert next_line(waiter) == "alone"  # it has said so once
        waiter.communicate("done\n")


def test_a_holder_that_is_killed_leaves_the_machine_free(tmp_path: Path) -> None:
    with start(tmp_path / "lock") as first:
        assert next_line(first) == "alone"
        first.kill()
    with start(tmp_path / "lock") as second:
        assert next_line(second) == "alone"
        second.communicate("done\n")


def test_a_process_that_has_the_machine_may_enter_again() -> None:
    with alone.alone_on_machine(pytest.fail), alone.alone_on_machine(pytest.fail):
        pass


def test_a_home_that_cannot_be_written_to_does_not_stop_a_measurement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str, ensure_exists: bool) -> Path:
        raise PermissionError(name)

    monkeypatch.setattr(alone.platformdirs, "user_cache_path", refuse)
    assert alone.lock_path().parent == Path(tempfile.gettempdir())
