"""What the tests of the benchmark share: nothing here waits for the machine."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.benchmark.small import COMPARISON
from tutorials_lib.benchmark import alone, fresh, load, record, runner, timing


@pytest.fixture(scope="module", autouse=True)
def _measured_at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither pauses, nor repeats of busy rounds, nor other measurements, nor fresh processes.

    Here it does not matter how long things take. A test that is about one of these undoes it.
    """
    folder = tmp_path_factory.mktemp("cache")
    cache = SimpleNamespace(user_cache_path=lambda name, ensure_exists: folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "PEER_PAUSE_SECONDS", 0.0)
        patch.setattr(timing, "blas_spin_seconds", lambda: 0.0)
        patch.setattr(load, "BUSY_SHARE", 1.0)
        patch.setattr(alone, "platformdirs", cache)
        alone._lock.cache_clear()
        patch.setattr(fresh, "devices", SimpleNamespace(run=_run_here))
        patch.setattr(fresh, "load_comparison", lambda slug: COMPARISON)
        yield
    alone._lock.cache_clear()


def _run_here(function: Callable, *, environment: dict[str, str], **arguments: Any) -> Any:
    return function(**arguments)


@pytest.fixture(scope="module")
def measured(_measured_at_once: None) -> record.Record:
    """One real measurement of the small comparison."""
    return runner.measure_comparison(COMPARISON)
