"""The clock: who races, what is waited for, and what is left out."""

from itertools import accumulate
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from threadpoolctl import ThreadpoolController

from tests.benchmark.small import COMPARISON, Config, make_inputs
from tutorials_lib import benchmark
from tutorials_lib.benchmark import agreement, load, timing

pytestmark = pytest.mark.clock


def test_compiling_is_timed_without_the_persistent_cache(tmp_path: Path) -> None:
    """A warm cache would make the second compilation look many times cheaper."""

    def deep(twin, inputs: dict, config: Config) -> jax.Array:
        y = inputs["x"]
        for i in range(30):
            y = twin.tanh(y @ inputs["w"]) + twin.sin(y) * i
        return y

    jitted = benchmark.Variant(name="deep", run=deep, twin=jnp, jit="whole")
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: jax.config.values[name] for name in names}
    inputs = make_inputs(Config())
    try:
        for name, value in zip(names, (str(tmp_path), 0.0, -1), strict=True):
            jax.config.update(name, value)
        timing.compilation_cache.reset_cache()
        jitted.call(inputs, Config())
        assert any(tmp_path.iterdir())
        cached = sorted(tmp_path.iterdir())
        timing.cold_costs(jitted, inputs, Config(), repeats=2)
        assert sorted(tmp_path.iterdir()) == cached
        assert jax.config.values["jax_enable_compilation_cache"]
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        timing.compilation_cache.reset_cache()


def test_the_program_of_the_headline_is_compiled_once_and_stays(caplog: pytest.LogCaptureFixture):
    def fresh(twin, inputs: dict, config: Config) -> jax.Array:
        return twin.tanh(inputs["x"] @ inputs["w"])

    jitted = benchmark.Variant(name="fresh", run=fresh, twin=jnp, jit="whole")
    inputs = COMPARISON.make_inputs(Config(num_rows=3))
    timing.cold_costs(jitted, inputs, Config(num_rows=3), repeats=1)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        jitted.call(agreement.place(inputs, "jax"), Config(num_rows=3))
    assert "XLA compilation of jit(fresh)" not in caplog.text


def test_a_function_is_compiled_anew_every_time_that_compiling_is_timed() -> None:
    traces = []

    def traced(x: jax.Array) -> jax.Array:
        traces.append(x)
        return x + 1

    seconds = [benchmark.compile_seconds(traced, jnp.ones(3)) for _ in range(3)]
    assert len(traces) == 3
    assert min(seconds) > 0


def test_a_median_leaves_the_first_call_out() -> None:
    calls = []
    assert benchmark.median_seconds(calls.append, 0, repeats=3) >= 0
    assert len(calls) == 4


def test_numpy_is_timed_with_one_thread_and_with_all():
    calls = []
    assert timing.median_seconds_at_best(lambda: calls.append(1), repeats=3) >= 0
    assert len(calls) == 2 * (1 + 3)


def test_timed_returns_the_output_and_waits_for_it() -> None:
    output, seconds = benchmark.timed(jnp.add, 1, 2)
    assert int(output) == 3
    assert seconds > 0


@pytest.mark.parametrize(("result", "expected"), [(1.0, 1.0), (jnp.ones(2), 3.0)])
def test_only_jax_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, result: object, expected: float
) -> None:
    clock = iter([0.0, 1.0, 3.0])  # the call takes a second, to wait for its result takes two
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert timing.timed(lambda: result)[1] == expected


def test_numpy_pays_for_no_wait_in_the_race(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    monkeypatch.setattr(timing.jax, "block_until_ready", lambda x: waited.append(x) or x)
    inputs = make_inputs(Config())
    (contestant, *_) = timing.enter(COMPARISON.baseline, inputs, Config())
    contestant.call()
    assert not waited
    (contestant,) = timing.enter(COMPARISON.jax_headline, inputs, Config())
    waited.clear()
    contestant.call()
    assert len(waited) == 1


class Scripted(timing.Contestant):
    """Takes the seconds that it is given instead of the time."""

    def __init__(self, variant: benchmark.Variant, threads: int | None, *seconds: float) -> None:
        super().__init__(variant, None, None, threads=threads)
        self._seconds = iter((seconds[0], *seconds))  # the first one calibrates

    def _take(self, controller: ThreadpoolController) -> float:
        return next(self._seconds)


def meter_of(*shares: float) -> load.Meter:
    """A meter of rounds that last a second each, of which others have these shares."""
    lost = [0.0, *accumulate(shares)]
    rounds = iter([0, *(end for round in range(len(shares)) for end in (round, round + 1))])

    def read() -> load.Reading:
        seconds = next(rounds)
        return load.Reading(None, load.Account(float(seconds), lost[seconds]))

    return load.Meter(read)


def test_both_numbers_of_threads_are_sampled_to_the_end_and_the_better_median_wins() -> None:
    twin, jitted = COMPARISON.baseline, COMPARISON.jax_headline
    late = Scripted(twin, 1, 9.0, 9.0, 9.0, 2.0, 2.0, 2.0, 2.0)  # the better one at last
    early = Scripted(twin, 2, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0)
    slowest = Scripted(jitted, None, *[9.0] * 7)
    assert timing.race([late, early, slowest]) == [late, slowest]
    assert len(late.samples) == len(early.samples) == len(slowest.samples) == 7


@pytest.fixture
def busy_at_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BUSY_SHARE", 0.1)


@pytest.mark.usefixtures("busy_at_a_tenth")
def test_a_busy_round_is_forgotten_and_repeated() -> None:
    jitted = Scripted(COMPARISON.jax_headline, None, 1.0, 50.0, 60.0, 2.0, 3.0)
    meter = meter_of(0.0, 0.4, 0.2, 0.0, 0.06)
    timing.race([jitted], repeats=3, meter=meter)
    assert jitted.samples == [1.0, 2.0, 3.0]
    assert meter.share == pytest.approx(0.02)


@pytest.mark.usefixtures("busy_at_a_tenth")
def test_rounds_are_at_most_doubled() -> None:
    jitted = Scripted(COMPARISON.jax_headline, None, *[1.0] * 6)
    meter = meter_of(*[0.5] * 6)
    timing.race([jitted], repeats=3, meter=meter)
    assert len(jitted.samples) == 3
    assert meter.share == 0.5
    with pytest.raises(StopIteration):
        jitted.sample(ThreadpoolController())


def test_numpy_enters_the_race_twice_and_jax_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timing, "num_cores", lambda: 8)
    numpy_variant, jax_variant = COMPARISON.baseline, COMPARISON.jax_headline
    assert [each.threads for each in timing.enter(numpy_variant, {}, None)] == [1, 8]
    assert [each.threads for each in timing.enter(jax_variant, {}, None)] == [None]
    monkeypatch.setattr(timing, "num_cores", lambda: 1)
    assert [each.threads for each in timing.enter(numpy_variant, {}, None)] == [1]
