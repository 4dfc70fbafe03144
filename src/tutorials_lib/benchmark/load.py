"""How much of the processor others take while something is timed.

Linux says of every thread how long it stood ready to run while it had no core (`schedstat`): time
that a measured call lost. Part of it is nobody's fault, since waking a thread takes a moment on a
quiet machine too, so it counts as far as other processes had the processors meanwhile. Elsewhere
that second account stands alone. Where there is neither, the load is unknown.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

BUSY_SHARE = 0.05
"""With a larger share of the time lost to others, a round is timed again and a result is busy."""

_THREADS = Path("/proc/self/task")
_KINDS_OF_USE = ("user", "nice", "system", "irq", "softirq", "steal", "interrupt", "dpc")


class Account(NamedTuple):
    """Seconds of processor time, and how many of them went elsewhere."""

    total: float
    lost: float


class Reading(NamedTuple):
    """Two accounts, since the start of the process and of the machine; None: not kept here.

    `threads`: time that the threads of this process ran or waited for a core, and waited.
    `processors`: time that passed on the allowed processors, and what other processes used.
    """

    threads: Account | None
    processors: Account | None


Read = Callable[[], Reading]


def read() -> Reading:
    """What the system says now."""
    return Reading(_read_threads(), _read_processors())


def share(rounds: Sequence[tuple[Reading, Reading]]) -> float | None:
    """The part of the time in `rounds`, (before, after), that others took; None: unknown."""
    threads = _gain([(before.threads, after.threads) for before, after in rounds])
    processors = _gain([(before.processors, after.processors) for before, after in rounds])
    if processors is None:
        return None
    if threads is None:
        return processors.lost / processors.total
    return min(threads.lost, processors.lost) / threads.total


def is_busy(share: float | None) -> bool:
    """Whether so large a share spoils a timing; of an unknown one nothing can be said."""
    return share is not None and share > BUSY_SHARE


class Meter:
    """The load over the rounds of a measurement."""

    def __init__(self, read: Read = read) -> None:
        self._read = read
        self._kept: list[tuple[Reading, Reading]] = []
        self._start = read()

    def begin(self) -> None:
        """A round begins."""
        self._start = self._read()

    def end(self) -> float | None:
        """A round ends: the share that others had of it."""
        self._kept.append((self._start, self._read()))
        return share(self._kept[-1:])

    def forget(self) -> None:
        """The last round does not count."""
        self._kept.pop()

    @property
    def share(self) -> float | None:
        """The share that others had of all rounds that count."""
        return share(self._kept)


def _gain(accounts: Sequence[tuple[Account | None, Account | None]]) -> Account | None:
    total = lost = 0.0
    for before, after in accounts:
        if before is None or after is None:
            return None
        total += after.total - before.total
        lost += after.lost - before.lost
    return Account(total, max(0.0, lost)) if total > 0 else None


def _read_threads() -> Account | None:
    ran = waited = 0
    try:
        for thread in os.listdir(_THREADS):
            on_core, in_queue, _ = (_THREADS / thread / "schedstat").read_text("ascii").split()
            ran += int(on_core)
            waited += int(in_queue)
    except (OSError, ValueError):  # another system, a kernel without it, a thread that has ended
        return None
    return Account(1e-9 * (ran + waited), 1e-9 * waited)


def _read_processors() -> Account | None:
    try:
        every = psutil.cpu_times(percpu=True)
        allowed = [every[core] for core in _allowed_cores(len(every))]
        used = sum(getattr(each, kind, 0.0) for each in allowed for kind in _KINDS_OF_USE)
        idle = sum(each.idle + getattr(each, "iowait", 0.0) for each in allowed)
        return Account(used + idle, used - _used_by_us())
    except (OSError, psutil.Error, IndexError):
        return None


def _allowed_cores(count: int) -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(count))


def _used_by_us() -> float:
    """Seconds of this process and of all below it."""
    process = psutil.Process()
    seconds = sum(process.cpu_times()[:4])  # user and system, of itself and of ended children
    for child in process.children(recursive=True):
        try:
            seconds += sum(child.cpu_times()[:2])
        except psutil.Error:  # it has ended, and counts as an ended child from now on
            continue
    return seconds
