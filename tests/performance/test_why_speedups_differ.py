"""The experiments on the seven reasons: both libraries compute the same, and all is reported."""

import numpy as np
import pytest

from tutorials_lib.performance.why_speedups_differ import pictures, reasons


def test_results_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "polish_in_numpy", lambda x: 1.01 * x)
    with pytest.raises(ArithmeticError, match="20 numbers: the results differ"):
        reasons.seconds_by_size((20,))


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ((2.0, 3.0), 0.0),
        ((0.5, 2.0), 100.0),
        ((0.5, 0.9), None),
        ((0.25, 0.5, 2.0), 1_000.0),
        ((2.0, 0.5, 2.0), 1_000.0),  # from there on it stays faster
        ((0.5, 2.0, 0.5), None),
    ],
)
def test_the_crossing_lies_where_the_ratio_passes_one_for_good(
    ratios: tuple[float, ...], expected: float | None
) -> None:
    sizes = (10, 1_000) if len(ratios) == 2 else (10, 100, 10_000)
    found = reasons.crossing(sizes, [{"NumPy": ratio, "JAX": 1.0} for ratio in ratios])
    assert found == (None if expected is None else pytest.approx(expected))


def test_every_way_to_write_the_smooth_maximum_is_timed() -> None:
    seconds = reasons.seconds_by_style(7)
    assert len(seconds) == 5
    assert min(seconds.values()) > 0


def test_the_loop_and_the_vectorized_smooth_maximum_agree() -> None:
    table = np.random.default_rng(0).standard_normal((4, 5))
    rows = [reasons.smooth_maximum_in_numpy(row) for row in table]
    np.testing.assert_allclose(reasons.smooth_maxima_in_numpy(table), rows)
    np.testing.assert_allclose(rows, np.log(np.exp(table).sum(axis=1)))


def test_chains_of_every_length_agree_and_are_timed() -> None:
    seconds = reasons.seconds_by_length((1, 3), size=50)
    assert {name: len(each) for name, each in seconds.items()} == {
        "NumPy": 2, "JAX, op by op": 2, "JAX, compiled": 2,
    }  # fmt: skip


def test_numpy_has_no_bfloat16_and_the_other_types_are_timed_in_both() -> None:
    seconds = reasons.seconds_by_type(("float64", "bfloat16", "int8"), rows=8, num_numbers=20)
    libraries = {name: set(pairs["matrix product"]) for name, pairs in seconds.items()}
    assert libraries == {
        "float64": {"NumPy", "JAX"}, "bfloat16": {"JAX"}, "int8": {"NumPy", "JAX"},
    }  # fmt: skip
    assert "chain of operations" not in seconds["int8"]
    pictures.draw_types(seconds)


def test_a_full_cache_and_cores_are_measured_in_fresh_processes() -> None:
    assert set(reasons.first_call_with_cache(repeats=1)) == {"empty cache", "full cache"}


def test_compiling_pays_after_some_calls_or_never() -> None:
    (found,) = reasons.break_even_by_size((100,))
    assert found.compile > 0
    assert (found.calls is None) == (found.saved <= 0)


def test_every_routine_agrees_between_the_libraries() -> None:
    seconds = reasons.seconds_by_routine(size=12, num_numbers=50)
    assert all(set(each) == {"NumPy", "JAX"} for each in seconds.values())
