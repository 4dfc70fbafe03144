"""What the tests of the benchmark share: nothing here waits for the machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.benchmark.small import COMPARISON
from tutorials_lib.benchmark import alone, fresh, load, record, runner, timing


@contextmanager
def at_once(folder: Path) -> Iterator[None]:
    """Short samples; no pauses, repeats of busy rounds, other measurements or fresh processes.

    Here it does not matter how long things take.
    """
    cache = SimpleNamespace(user_cache_path=lambda name, ensure_exists: folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "SAMPLE_SECONDS", 0.001)
        patch.setattr(timing, "VARIANT_SECONDS", 0.0)
        patch.setattr(timing, "PEER_PAUSE_SECONDS", 0.0)
        patch.setattr(timing, "blas_spin_seconds", lambda: 0.0)
        patch.setattr(load, "BUSY_SHARE", 1.0)
        patch.setattr(alone, "platformdirs", cache)
        patch.setattr(fresh, "devices", SimpleNamespace(run=_run_here))
        patch.setattr(fresh, "load_comparison", lambda slug: COMPARISON)
        alone._lock.cache_clear()
        yield
    alone._lock.cache_clear()


def _run_here(function: Callable, *, environment: dict[str, str], **arguments: Any) -> Any:
    return function(**arguments)


@pytest.fixture(scope="module", autouse=True)
def _measured_at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with at_once(tmp_path_factory.mktemp("cache")):
        yield


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> record.Record:
    """One real measurement of the small comparison."""
    with at_once(tmp_path_factory.mktemp("cache")):
        return runner.measure_comparison(COMPARISON)
