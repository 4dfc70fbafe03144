"""What other programs take of the processor is noticed, and what nobody takes is not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tutorials_lib.benchmark import load, machine
from tutorials_lib.benchmark.load import Account, Reading

NOTHING = Account(0.0, 0.0)


def rounds(threads: Account | None, processors: Account | None) -> list[tuple[Reading, Reading]]:
    """A round that begins at nothing."""
    before = Reading(threads and NOTHING, processors and NOTHING)
    return [(before, Reading(threads, processors))]


@pytest.mark.parametrize(
    ("threads", "processors", "expected"),
    [
        (Account(2.0, 0.5), Account(4.0, 1.0), 0.25),  # waited while others ran
        (Account(2.0, 0.5), Account(4.0, 0.1), 0.05),  # waited longer than others ran
        (Account(2.0, 0.0), Account(4.0, 2.0), 0.0),  # others ran on other cores
        (None, Account(4.0, 1.0), 0.25),  # no account of the threads: a share of all cores
        (Account(2.0, 0.5), None, None),
        (None, None, None),
    ],
)
def test_a_wait_counts_as_far_as_others_ran_meanwhile(
    threads: Account | None, processors: Account | None, expected: float | None
) -> None:
    assert load.share(rounds(threads, processors)) == expected


def test_accounts_that_run_backwards_a_little_are_no_load() -> None:
    assert load.share(rounds(Account(1.0, 0.1), Account(2.0, -0.01))) == 0.0


def test_an_unknown_load_is_not_busy() -> None:
    assert not load.is_busy(None)
    assert load.is_busy(1.1)


def test_a_round_that_is_forgotten_does_not_count() -> None:
    lost = iter([0.0, 0.0, 0.8, 0.8, 1.0])  # at the start; then before and after two rounds
    total = iter([0.0, 0.0, 1.0, 1.0, 2.0])
    meter = load.Meter(lambda: Reading(None, Account(next(total), next(lost))))
    meter.begin()
    assert meter.end() == pytest.approx(0.8)
    meter.forget()
    meter.begin()
    assert meter.end() == pytest.approx(0.2)
    assert meter.share == pytest.approx(0.2)


def test_a_kernel_that_keeps_no_account_of_threads_leaves_that_of_the_processors(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(load, "_THREADS", tmp_path / "none")
    reading = load.read()
    assert reading.threads is None
    assert reading.processors is not None


LAUNCHER = """
from subprocess import DEVNULL, Popen
from sys import executable
loop = [executable, "-c", "while True: pass"]
print(*[Popen(loop, stdout=DEVNULL, stderr=DEVNULL).pid for _ in range(%d)])
"""
"""Starts endless loops and ends: they are nobody's children, whose use would be our own."""


@contextmanager
def busy_cores() -> Iterator[None]:
    """Other programs keep every core busy meanwhile."""
    code = LAUNCHER % (4 * machine.num_cores())
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    try:
        yield
    finally:
        for pid in started.stdout.split():
            os.kill(int(pid), signal.SIGKILL)


@pytest.mark.clock
def test_a_busy_loop_on_every_core_is_noticed() -> None:
    with busy_cores():
        meter = load.Meter()
        meter.begin()
        until = time.perf_counter() + 1.0
        while time.perf_counter() < until:
            sum(range(10_000))
        share = meter.end()
    assert share is not None
    assert share > 0.2
