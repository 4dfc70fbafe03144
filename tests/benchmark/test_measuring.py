"""Every size and every variant is timed, and all costs of JAX are told."""

import pytest

from tests.benchmark.small import COMPARISON
from tutorials_lib.benchmark import machine, record, runner, timing
from tutorials_lib.benchmark.record import Spread

pytestmark = pytest.mark.clock


def test_the_steps_between_numpy_and_the_best_of_jax_are_timed_at_the_headline_size(
    measured: record.Record,
) -> None:
    assert [size.label for size in measured.sizes] == ["2 rows", "8 rows", "32 rows"]
    for size in measured.sizes:
        between = ["JAX, op by op"] if size is measured.headline_size else []
        assert [t.variant for t in size.timings] == ["NumPy", *between, "JAX, jit"]
        for row in size.timings:
            assert row.repeats >= timing.REPEATS
            assert 0 < row.seconds.q1 <= row.seconds.median <= row.seconds.q3
            assert 0 < row.ratio.q1 <= row.ratio.median <= row.ratio.q3


def test_numpy_is_given_one_thread_or_all_cores_and_jax_chooses(measured: record.Record) -> None:
    numpy, *_, jax = measured.headline_size.timings
    assert numpy.threads in (1, machine.num_cores())
    assert jax.threads is None


def test_the_twin_is_the_unit_of_the_ratios(measured: record.Record) -> None:
    assert measured.headline_size.timings[0].ratio == Spread(median=1.0, q1=1.0, q3=1.0)


def test_the_cold_costs_are_ordered(measured: record.Record) -> None:
    for size in measured.sizes:
        assert size.transfer_seconds > 0
        assert size.compile_seconds > size.timing("JAX, jit").seconds.median
        assert size.first_call_seconds > size.timing("JAX, jit").seconds.median


def test_the_tiny_preset_times_the_smallest_size_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    found = runner.measure_comparison(COMPARISON)
    assert [size.label for size in found.sizes] == ["2 rows"]
    assert found.headline == "2 rows"


def test_breaking_even_needs_a_faster_jax() -> None:
    assert runner.break_even_calls(1.0, 0.01) == pytest.approx(100)
    assert runner.break_even_calls(1.0, 0.0) is None
    assert runner.break_even_calls(1.0, -0.01) is None
