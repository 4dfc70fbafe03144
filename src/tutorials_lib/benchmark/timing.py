"""The clock. Nothing else in the project reads one.

A sample is one visit to a contestant: one untimed call, then as many calls as make the sample
long enough to time, then a pause if threads of BLAS or OpenMP may still be spinning. A round
visits everybody once, in an order drawn anew, so that a drift of the machine meets all alike.
A round from which other processes took too much of the processor is repeated.
"""

import gc
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache
from threadpoolctl import ThreadpoolController, threadpool_limits

from tutorials_lib.benchmark.agreement import installed, place, prepared
from tutorials_lib.benchmark.comparison import Comparison, Config, Tree, Variant
from tutorials_lib.benchmark.load import Meter, is_busy
from tutorials_lib.benchmark.machine import num_cores
from tutorials_lib.runtime import blas_spin_seconds

REPEATS = 7
"""Samples of every variant, at least."""

SAMPLE_SECONDS = 0.02
"""A sample repeats the call until it lasts about this long ..."""

VARIANT_SECONDS = 0.14
"""... and a variant is sampled until its samples last this long together."""

MAX_REPEATS = 25

PEER_PAUSE_SECONDS = 0.15
"""The pause after a peer, which may have threads of OpenMP that spin for a time of their own."""

Output = TypeVar("Output")


def timed(function: Callable[..., Output], *args: Any, **kwargs: Any) -> tuple[Output, float]:
    """Call `function` once and wait for its result; return the result and the seconds it took.

    Only JAX is waited for: what NumPy returns is there, and looking at it takes microseconds.
    """
    start = time.perf_counter()
    output = function(*args, **kwargs)
    returned = time.perf_counter()
    jax.block_until_ready(output)
    ready = time.perf_counter()
    in_jax = any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(output))
    return output, (ready if in_jax else returned) - start


def median_seconds(function: Callable[..., Any], *args: Any, repeats: int = 7) -> float:
    """The median time of `function(*args)` over `repeats` calls, after one that is not timed."""
    timed(function, *args)
    return float(np.median([timed(function, *args)[1] for _ in range(repeats)]))


def median_seconds_at_best(function: Callable[..., Any], *args: Any, repeats: int = 5) -> float:
    """NumPy's `median_seconds` with one thread of BLAS or with all, whichever is faster."""
    seconds = []
    for limit in (1, None):
        with threadpool_limits(limit, user_api="blas"):
            seconds.append(median_seconds(function, *args, repeats=repeats))
    return min(seconds)


def compile_seconds(function: Callable[..., Any], *args: Any) -> float:
    """The time to trace and compile `function` for these arguments, with no cache to help."""
    fresh = jax.jit(lambda *args: function(*args))
    with _no_persistent_cache():
        return timed(lambda: fresh.lower(*args).compile())[1]


@dataclass(frozen=True, kw_only=True)
class ColdCosts:
    """What JAX costs before its steady state, in seconds; medians, persistent cache off.

    `compile` is tracing plus compiling, `transfer` moves the inputs to the device, and
    `first_call` is what the first call of a fresh process takes: compile and run once.
    """

    compile: float
    transfer: float
    first_call: float


def cold_costs(variant: Variant, inputs: Tree, config: Config, *, repeats: int) -> ColdCosts:
    """Measure what `variant` costs before its steady state; `inputs` are prepared for it.

    Empties JAX's caches. They hold the program of `variant` afterwards, so that it need not be
    compiled again for the race.
    """
    run: Any = variant.call
    compiles, first_calls = [], []
    on_host = place(inputs, "numpy")
    with _no_persistent_cache():
        for _ in range(repeats):
            jax.clear_caches()
            compiles.append(timed(lambda: run.lower(inputs, config).compile())[1])
            first_calls.append(compiles[-1] + timed(run, inputs, config)[1])
    transfers = [timed(jax.device_put, on_host)[1] for _ in range(REPEATS)]
    return ColdCosts(
        compile=float(np.median(compiles)),
        transfer=float(np.median(transfers)),
        first_call=float(np.median(first_calls)),
    )


@contextmanager
def _no_persistent_cache() -> Iterator[None]:
    enabled = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()  # JAX remembers whether the cache was in use
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", enabled)
        compilation_cache.reset_cache()


class Contestant:
    """A variant with its inputs in place and its number of threads, ready to be sampled."""

    def __init__(
        self, variant: Variant, inputs: Tree, config: Config, *, threads: int | None = None
    ) -> None:
        self.variant = variant
        self.threads = threads  # None: the library's own choice
        self.samples: list[float] = []
        self._inputs = inputs
        self._config = config
        self._calls = 1

    def call(self) -> Tree:
        """The unit of work, once; JAX is waited for."""
        output = self.variant.call(self._inputs, self._config)
        return jax.block_until_ready(output) if self.variant.backend == "jax" else output

    def calibrate(self, controller: ThreadpoolController) -> None:
        """Decide how many calls make a sample."""
        seconds = self._take(controller)
        self._calls = max(1, math.ceil(SAMPLE_SECONDS / max(seconds, 1e-7)))

    def sample(self, controller: ThreadpoolController) -> None:
        """Take one sample and keep it."""
        self.samples.append(self._take(controller))

    @property
    def median(self) -> float:
        """The median sample, in seconds per call."""
        return float(np.median(self.samples))

    def enough(self, repeats: int, seconds: float) -> bool:
        """Whether there are `repeats` samples, and together they last `seconds`."""
        sampled = sum(self.samples) * self._calls
        return len(self.samples) >= repeats and (
            sampled >= seconds or len(self.samples) >= MAX_REPEATS
        )

    def _take(self, controller: ThreadpoolController) -> float:
        """Seconds per call, after one call that is not timed."""
        # NumPy has threads in BLAS only; a peer may have its own (OpenMP).
        api = "blas" if self.variant.backend == "numpy" else None
        limits = (
            nullcontext()
            if self.threads is None
            else controller.limit(limits=self.threads, user_api=api)
        )
        with limits:
            self.call()
            start = time.perf_counter()
            for _ in range(self._calls):
                self.call()
            seconds = (time.perf_counter() - start) / self._calls
        time.sleep(self._spin_seconds())
        return seconds

    def _spin_seconds(self) -> float:
        """How long threads may still be spinning after a call."""
        if self.variant.backend == "jax" or self.threads == 1:
            return 0.0
        return PEER_PAUSE_SECONDS if self.variant.peer else blas_spin_seconds()


def enter(variant: Variant, inputs: Tree, config: Config) -> list[Contestant]:
    """Who races for `variant`: JAX once, NumPy and peers with one thread and with one a core.

    `inputs` are prepared for the twin of the variant.
    """
    choices = (None,) if variant.backend == "jax" else sorted({1, num_cores()})
    return [Contestant(variant, inputs, config, threads=threads) for threads in choices]


def enter_all(comparison: Comparison, inputs: Tree, config: Config) -> list[Contestant]:
    """Who races for the variants of `comparison` whose software is there, in their order."""
    return [
        contestant
        for variant in installed(comparison.variants)
        for contestant in enter(variant, prepared(comparison, variant.twin, inputs, config), config)
    ]


def race(
    contestants: Sequence[Contestant],
    *,
    repeats: int = REPEATS,
    seconds: float | None = None,
    meter: Meter | None = None,
) -> list[Contestant]:
    """Sample all `contestants` in rounds until each has enough samples; return the winners.

    Enough are `repeats` samples that last `seconds` together (default: `VARIANT_SECONDS`).

    All take part in every round, so that sample `i` of one and sample `i` of another were
    taken within moments of each other. There is one winner for each variant, in the order of
    the contestants: all numbers of threads are sampled to the end, and the lowest median wins.

    A round in which the machine was busy with something else is forgotten and repeated; after
    `repeats` of those, what comes is kept, and the share of `meter` tells.
    """
    controller, order, meter = ThreadpoolController(), random.Random(0), meter or Meter()
    for contestant in contestants:
        contestant.calibrate(controller)
    to_repeat = repeats
    seconds = VARIANT_SECONDS if seconds is None else seconds
    gc.collect()
    gc.disable()
    try:
        while not all(contestant.enough(repeats, seconds) for contestant in contestants):
            meter.begin()
            for contestant in order.sample(contestants, len(contestants)):
                contestant.sample(controller)
            if is_busy(meter.end()) and to_repeat:
                to_repeat -= 1
                meter.forget()
                for contestant in contestants:
                    contestant.samples.pop()
    finally:
        gc.enable()
    rivals: dict[str, list[Contestant]] = {}
    for contestant in contestants:
        rivals.setdefault(contestant.variant.name, []).append(contestant)
    return [min(same, key=lambda contestant: contestant.median) for same in rivals.values()]
