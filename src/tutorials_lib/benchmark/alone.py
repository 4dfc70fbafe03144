"""One measurement at a time on a machine: whatever measures waits for whoever does already."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

WAITING = "waiting for another measurement on this machine to end"

Tell = Callable[[str], None]
"""Called with a few words for whoever waits."""


def silent(words: str) -> None:
    """Tell nobody."""


@contextmanager
def alone_on_machine(tell: Tell = silent) -> Iterator[None]:
    """Hold the machine's measuring lock; say so once through `tell` if another process has it.

    A process that has it may enter again. The system frees it when its holder ends, however
    that comes about. The fresh processes of a measurement do not take it: their parent has it.
    """
    lock = _lock()
    try:
        lock.acquire(blocking=False)
    except Timeout:
        tell(WAITING)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def lock_path() -> Path:
    """The file that stands for the machine: in the user's cache folder, shared by checkouts."""
    try:
        folder = platformdirs.user_cache_path("tutorials_lib", ensure_exists=True)
    except OSError:  # a home that cannot be written to
        folder = Path(tempfile.gettempdir())
    return folder / "measuring.lock"


@cache
def _lock() -> FileLock:
    return FileLock(lock_path(), thread_local=False)
