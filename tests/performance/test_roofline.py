"""The profile is read as it was written, and every kernel stands where it must under the roof."""

import gzip
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from tutorials_lib.jax_and_numpy.execution import polish
from tutorials_lib.performance.look_inside import costs, stages
from tutorials_lib.performance.roofline import pictures, roof, traces

ARGUMENTS = stages.example(20, 12, 8)


def test_the_profiler_sees_every_call_and_its_kernels() -> None:
    compiled = jax.jit(stages.classify)
    events = traces.trace(compiled, *map(jnp.asarray, ARGUMENTS), calls=2)
    assert [event.name for event in events].count(traces.HAND_OVER) == 2
    hlo = str(compiled.lower(*ARGUMENTS).compile().as_text())
    names = {kernel.name for kernel in stages.kernels(hlo)}
    ran = [event for event in events if event.is_kernel]
    assert {event.name for event in ran} <= names
    assert ran
    pictures.draw_timeline(events)


def test_a_trace_is_read_by_start_and_summed_by_name(tmp_path: Path) -> None:
    rows = [
        {"ph": "X", "name": "late", "ts": 7.0, "dur": 2.0, "args": {"hlo_op": "late"}},
        {"ph": "X", "name": "early", "ts": 5.0, "dur": 1.0},
        {"ph": "M", "name": "thread_name"},
        {},
        {"ph": "X", "name": "early", "ts": 6.0, "dur": 4.0},
    ]
    path = tmp_path / "deep" / "host.trace.json.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": rows}).encode()))
    events = traces.read_trace(tmp_path)
    assert [event.name for event in events] == ["early", "early", "late"]
    assert [event.is_kernel for event in events] == [False, False, True]
    assert [event.start for event in events] == pytest.approx([0, 1e-6, 2e-6])
    assert traces.longest(events) == pytest.approx({"early": 5e-6, "late": 2e-6})


def test_a_folder_without_a_profile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \*\.trace\.json\.gz"):
        traces.read_trace(tmp_path)


def test_the_roof_is_memory_on_the_left_and_arithmetic_on_the_right() -> None:
    limits = roof.Roof(bandwidth=10.0, arithmetic=50.0)
    assert limits.ridge == 5
    assert [limits.at(intensity) for intensity in (1.0, 5.0, 20.0)] == [10, 50, 50]


def test_a_small_roof_is_measured() -> None:
    limits = roof.measure_roof(num_numbers=1_000, num_rows=16, repeats=2)
    assert min(limits) > 0


def test_every_kernel_is_placed_and_fusing_moves_the_chain_to_the_right() -> None:
    sizes = roof.Sizes(long=100, short=10, chain=50, rows=3, small=4, large=8, images=1)
    points = roof.measure_kernels(sizes)
    found = {(point.kernel, point.library): point for point in points}
    assert len(found) == len(points) == 7 + 1 + 6
    assert found["2x + y, long arrays", "JAX"].intensity == pytest.approx(2 / 12)
    assert found["2x + y, long arrays", "NumPy"].intensity == pytest.approx(2 / 20)
    chain = {name: found["chain of operations", name].intensity for name in ("JAX", "NumPy")}
    assert chain["JAX"] > 20 * chain["NumPy"]
    product = found["large matrix product", "JAX"]
    assert (product.operations, product.bytes) == (2 * 8**3, 3 * 4 * 8**2)


def test_a_third_of_the_chain_is_transcendental_as_the_page_says() -> None:
    found = costs.costs(jax.jit(polish).lower(jnp.ones(10)))
    assert found.transcendentals == found.flops / 2 == 10 * 8


def test_the_table_of_the_roofline_says_how_far_each_kernel_is_from_the_roof() -> None:
    limits = roof.Roof(bandwidth=1e9, arithmetic=1e10)
    points = [
        roof.Point("one", "JAX", operations=1e9, bytes=2e9, seconds=4.0),
        roof.Point("two", "JAX", operations=1e10, bytes=1e8, seconds=2.0),
        roof.Point("one", "NumPy", operations=1e9, bytes=4e9, seconds=2.0),
    ]
    rows = pictures.roofline_table(limits, points).rows
    assert [row[:3] for row in rows] == [
        ["1", "one", "JAX"], ["1", "one", "NumPy"], ["2", "two", "JAX"],
    ]  # fmt: skip
    assert [row[4:] for row in rows] == [
        ["0.5", "0.25", "50%"], ["0.25", "0.5", "200%"], ["100", "5", "50%"],
    ]  # fmt: skip


def test_points_that_lie_close_share_a_label() -> None:
    points = [
        roof.Point("one", "JAX", operations=1e9, bytes=1e9, seconds=1.0),
        roof.Point("two", "JAX", operations=1e9, bytes=1e9, seconds=1.1),
        roof.Point("three", "JAX", operations=1e9, bytes=1e9, seconds=9.0),
        roof.Point("one", "NumPy", operations=1e9, bytes=1e9, seconds=1.0),
    ]
    figure = pictures.draw_roofline(roof.Roof(1e9, 1e10), points)
    assert [text.get_text() for text in figure.axes[0].texts] == ["1, 2", "3", "1"]
