"""The clock. Nothing else in the project reads one.

A sample is one visit to a variant: a pause if BLAS or OpenMP threads may still be spinning,
one untimed call, then as many calls as make the sample long enough to time. A round visits
every variant once, in an order drawn anew, so that a drift of the machine meets all alike.
"""

import gc
import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache
from threadpoolctl import ThreadpoolController, threadpool_limits

from tutorials_lib.benchmark.agreement import place
from tutorials_lib.benchmark.comparison import Config, Tree, Variant
from tutorials_lib.benchmark.machine import num_cores

REPEATS = 7
"""Samples of every variant, at least."""

SAMPLE_SECONDS = 0.03
"""A sample repeats the call until it lasts about this long ..."""

VARIANT_SECONDS = 0.25
"""... and a variant is sampled until its samples last this long together."""

MAX_REPEATS = 25

PAUSE_SECONDS = 0.25
"""The threads of BLAS and OpenMP spin after a call and slow down whatever comes next."""

Output = TypeVar("Output")


def timed(function: Callable[..., Output], *args: Any, **kwargs: Any) -> tuple[Output, float]:
    """Call `function` once and wait for its result; return the result and the seconds it took."""
    start = time.perf_counter()
    output = jax.block_until_ready(function(*args, **kwargs))
    return output, time.perf_counter() - start


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
    """Measure what `variant` costs before its steady state."""
    on_device = place(inputs, "jax")
    compiles, first_calls = [], []
    with _no_persistent_cache():
        for _ in range(repeats):
            jax.clear_caches()
            whole = jax.jit(lambda inputs: variant.run(inputs, config))
            program, seconds = timed(lambda whole=whole: whole.lower(on_device).compile())
            compiles.append(seconds)
            first_calls.append(seconds + timed(program, on_device)[1])
    transfers = [timed(jax.device_put, inputs)[1] for _ in range(REPEATS)]
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
    """A variant with its inputs in place, ready to be sampled."""

    def __init__(self, variant: Variant, inputs: Tree, config: Config) -> None:
        self.variant = variant
        self.threads: int | None = None  # None: the library's own choice
        self.samples: list[float] = []
        self._inputs = place(inputs, variant.backend)
        self._config = config
        self._calls = 1

    def call(self) -> Tree:
        """The unit of work, once, with the result waited for."""
        return jax.block_until_ready(self.variant.run(self._inputs, self._config))

    def choose_threads(self, controller: ThreadpoolController) -> None:
        """NumPy and peers at their best: try one thread and all cores, keep the faster."""
        if self.variant.backend == "jax":
            return
        seconds: dict[int, float] = {}
        for threads in sorted({1, num_cores()}):
            self.threads = threads
            time.sleep(PAUSE_SECONDS)
            seconds[threads] = min(self._take(controller, samples=3))
        self.threads = min(seconds, key=lambda threads: seconds[threads])
        self._aim(seconds[self.threads])

    def sample(self, controller: ThreadpoolController) -> None:
        """Take one sample and keep it."""
        self.samples += self._take(controller, samples=1)

    def calibrate(self, controller: ThreadpoolController) -> None:
        """Decide how many calls make a sample."""
        self._aim(*self._take(controller, samples=1))

    @property
    def enough(self) -> bool:
        """Whether the samples suffice."""
        sampled = sum(self.samples) * self._calls
        return len(self.samples) >= REPEATS and (
            sampled >= VARIANT_SECONDS or len(self.samples) >= MAX_REPEATS
        )

    @property
    def leaves_threads_spinning(self) -> bool:
        """Whether threads outside XLA may still be busy after a call."""
        return self.variant.backend != "jax" and self.threads != 1

    def _aim(self, seconds: float) -> None:
        """Set how many calls, each of so many seconds, make a sample."""
        self._calls = max(1, math.ceil(SAMPLE_SECONDS / max(seconds, 1e-7)))

    def _take(self, controller: ThreadpoolController, *, samples: int) -> list[float]:
        """Seconds per call of each of the `samples`, after one call that is not timed."""
        # NumPy has threads in BLAS only; a peer may have its own (OpenMP).
        api = "blas" if self.variant.backend == "numpy" else None
        limits = (
            nullcontext()
            if self.threads is None
            else controller.limit(limits=self.threads, user_api=api)
        )
        with limits:
            self.call()
            return [self._seconds_per_call() for _ in range(samples)]

    def _seconds_per_call(self) -> float:
        start = time.perf_counter()
        for _ in range(self._calls):
            self.call()
        return (time.perf_counter() - start) / self._calls


def race(contestants: list[Contestant]) -> None:
    """Sample all `contestants` in rounds until each has enough samples.

    All take part in every round, so that sample `i` of one and sample `i` of another were
    taken within moments of each other.
    """
    controller = ThreadpoolController()
    order = random.Random(0)
    for contestant in contestants:
        contestant.calibrate(controller)
        contestant.choose_threads(controller)
    gc.collect()
    gc.disable()
    try:
        while not all(contestant.enough for contestant in contestants):
            for contestant in order.sample(contestants, len(contestants)):
                contestant.sample(controller)
                if contestant.leaves_threads_spinning:
                    time.sleep(PAUSE_SECONDS)
    finally:
        gc.enable()
