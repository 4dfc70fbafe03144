"""The headline comes from fresh processes, whose spread is its uncertainty."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.benchmark.small import COMPARISON
from tutorials_lib import devices
from tutorials_lib.benchmark import fresh, interval
from tutorials_lib.benchmark.record import Ratio


def processes(monkeypatch: pytest.MonkeyPatch, *ratios: float, load: float | None = 0.0) -> list:
    """Let the next processes find these ratios; returns what each is started with."""
    started, left = [], iter(ratios)

    def run(function, **arguments):
        started.append(arguments)
        seconds = {"NumPy": next(left), "JAX, jit": 1.0}
        return {"seconds": seconds, "threads": {"NumPy": 2, "JAX, jit": None}, "load": load}

    monkeypatch.setattr(fresh, "devices", SimpleNamespace(run=run))
    return started


def test_five_processes_that_agree_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    started = processes(monkeypatch, 2.0, 2.02, 1.98, 2.0, 2.0)
    found = fresh.measure_headline(COMPARISON, "8 rows")
    assert found.ratio.processes == len(started) == 5
    assert found.ratio.center == pytest.approx(2.0, rel=1e-3)
    assert 1.9 < found.ratio.low < 1.98
    assert 2.02 < found.ratio.high < 2.1
    assert not found.unsteady
    assert found.saved_seconds == pytest.approx(1.0, rel=1e-3)


def test_further_processes_are_asked_until_the_interval_is_narrow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processes(monkeypatch, 2.0, 2.6, 2.0, 2.0, 2.0, *[2.05] * 4)
    found = fresh.measure_headline(COMPARISON, "8 rows")
    assert 5 < found.ratio.processes < 9
    assert not found.unsteady


def test_nine_processes_that_disagree_are_unsteady(monkeypatch: pytest.MonkeyPatch) -> None:
    processes(monkeypatch, 1.37, 1.79, 1.37, 1.38, 2.04, 1.42, 2.33, 1.58, 1.4)
    found = fresh.measure_headline(COMPARISON, "8 rows")
    assert found.ratio.processes == 9
    assert found.unsteady


def test_a_process_gets_names_and_settings_and_never_an_array(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    started = processes(monkeypatch, 2.0, 2.0)
    fresh.measure_headline(COMPARISON, "2 rows")
    assert len(started) == 2  # the preset for tests asks no more of them
    environment = started[0].pop("environment")
    assert started[0] == {"slug": "kmeans", "size": "2 rows"}
    json.dumps(started)
    assert environment["TUTORIALS_PRESET"] == "tiny"
    assert environment["TUTORIALS_DATA"] == "offline"
    assert environment["XLA_FLAGS"] == os.environ["XLA_FLAGS"]
    assert (
        started[1]["environment"]["JAX_COMPILATION_CACHE_DIR"]
        == (environment["JAX_COMPILATION_CACHE_DIR"])
    )


def test_the_load_is_that_of_the_busiest_process(monkeypatch: pytest.MonkeyPatch) -> None:
    processes(monkeypatch, *[2.0] * 5, load=2.0)
    found = fresh.measure_headline(COMPARISON, "8 rows")
    assert found.load == 2.0
    assert found.busy
    processes(monkeypatch, *[2.0] * 5, load=None)
    assert fresh.measure_headline(COMPARISON, "8 rows").load is None


def test_a_process_lets_the_end_points_race() -> None:
    found = fresh.time_end_points("kmeans", "8 rows")
    assert found["seconds"].keys() == found["threads"].keys() == {"NumPy", "JAX, jit"}
    assert min(found["seconds"].values()) > 0
    json.dumps(found)


def test_a_real_process_times_a_tutorial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = devices.run(
        fresh.time_end_points,
        environment={"TUTORIALS_PRESET": "tiny"},
        slug="kmeans",
        size="200 customers",
    )
    assert {"NumPy", "JAX, jit + scan", "scikit-learn"} == found["seconds"].keys()
    assert found["threads"]["JAX, jit + scan"] is None


# ---------------------------------------------------------------- the interval


def test_the_interval_is_student_s_for_as_many_further_processes_and_a_change() -> None:
    ratio = interval.estimate([1.0, np.e**2])
    half = 6.3138 * np.sqrt(2) * np.sqrt(1.125)  # t(0.95; 1), spread of 0 and 2, 2/2 + 1/8
    assert ratio.center == pytest.approx(np.e)
    assert np.log(ratio.high) == pytest.approx(1 + half, rel=1e-4)
    assert np.log(ratio.low) == pytest.approx(1 - half, rel=1e-4)


@pytest.mark.parametrize("ratios", [[], [2.0], [1.0, 0.0], [1.0, float("nan")], [1.0, np.inf]])
def test_what_is_no_sample_of_ratios_is_refused(ratios: list[float]) -> None:
    with pytest.raises(ValueError, match="two or more positive numbers"):
        interval.estimate(ratios)


def test_ordered_pairs_inside_each_other_s_interval_are_counted() -> None:
    wide = Ratio(center=2.0, low=1.0, high=4.0, processes=5)
    narrow = Ratio(center=3.0, low=2.9, high=3.1, processes=5)
    assert interval.inside([wide, narrow, narrow]) == (4, 6)


def test_most_re_runs_fall_inside_although_the_machine_changes_between_them() -> None:
    """The change is a quarter of the spread between processes, at each of both measurements."""
    rng = np.random.default_rng(0)
    spread, shares = 0.05, []
    for _ in range(200):
        changes = rng.normal(0, 0.25 * spread, size=(10, 1))
        runs = np.exp(changes + rng.normal(0, spread, size=(10, 5)))
        count, pairs = interval.inside([interval.estimate(run.tolist()) for run in runs])
        shares.append(count / pairs)
    assert np.mean(shares) == pytest.approx(interval.COVERAGE, abs=0.03)
