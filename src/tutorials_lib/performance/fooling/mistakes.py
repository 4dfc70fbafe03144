"""The wrong ways: each repeats a mistake of published comparisons, and changes nothing else."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float
from threadpoolctl import threadpool_limits

from tutorials_lib.benchmark import compile_seconds, median_seconds, timed
from tutorials_lib.benchmark.record import TIE
from tutorials_lib.jax_and_numpy.execution import Unwaited
from tutorials_lib.performance.fooling.classifier import (
    Work,
    probabilities,
    probabilities_in_a_loop,
    probabilities_in_numpy,
)
from tutorials_lib.performance.look_inside.costs import costs

REPEATS = 15
"""Samples of everything that is not part of the race."""


def flattered(wrong: float, right: float) -> str:
    """Which library looks better than it is, where the difference is more than a tie."""
    if TIE[0] <= wrong / right <= TIE[1]:
        return "neither"
    return "JAX" if wrong > right else "NumPy"


def seconds_unwaited(work: Work, *, repeats: int = REPEATS) -> float:
    """The median time until JAX's call returns; the result is waited for off the clock."""
    seconds = []
    for _ in range(repeats + 1):
        promise, each = timed(lambda: Unwaited(work.compiled(*work.on_device)))
        jax.block_until_ready(promise.result)
        seconds.append(each)
    return float(np.median(seconds[1:]))


def seconds_of_first_call(work: Work) -> float:
    """Tracing and compiling, with no cache to help, and one call."""
    compiling = compile_seconds(probabilities, *work.on_device)
    return compiling + timed(work.compiled, *work.on_device)[1]


def ten_calls(
    x: Float[Array, "rows features"], weights: Float[Array, "features classes"]
) -> Float[Array, "rows classes"]:
    """Ten calls to be compiled as one, to make a short call long enough to time."""
    results = [probabilities(x, weights) for _ in range(10)]
    return results[-1]


def first_number_only(
    x: Float[Array, "rows features"], weights: Float[Array, "features classes"]
) -> Float[Array, ""]:
    """Calls for the probabilities, and returns something else."""
    probabilities(x, weights)
    return x[0, 0]


def seconds_of_less_work(work: Work, *, repeats: int = REPEATS) -> dict[str, float]:
    """The median seconds per call that is asked for, where XLA need not do all that is asked."""
    x, weights = work.on_device
    closed_over = jax.jit(lambda: probabilities(x, weights))
    return {
        "ten calls in one": median_seconds(jax.jit(ten_calls), x, weights, repeats=repeats) / 10,
        "result not used": median_seconds(jax.jit(first_number_only), x, weights, repeats=repeats),
        "inputs known when compiling": median_seconds(closed_over, repeats=repeats),
    }


def operations(function: Callable, *args: Any) -> float:
    """The floating-point operations of a compiled `function`, as the compiler counts them."""
    return costs(jax.jit(function).lower(*args).compile()).flops


def seconds_of_loop(work: Work, *, repeats: int = 3) -> float:
    """The median time of the loop over rows."""
    return median_seconds(probabilities_in_a_loop, work.x, work.weights, repeats=repeats)


def single_ratios(work: Work, *, threads: int, num_pairs: int = 60) -> Float[np.ndarray, " pairs"]:
    """NumPy's time over JAX's, each time from one call of either, in turns."""
    ours, theirs = _take_turns(work, threads, num_pairs)
    return ours / theirs


def medians_in_turns(
    work: Work, *, threads: int | None, repeats: int = 2 * REPEATS
) -> tuple[float, float]:
    """Median seconds of NumPy with so many threads of BLAS, and of the JAX call right after it.

    None leaves the number of threads to the library.
    """
    ours, theirs = _take_turns(work, threads, repeats)
    return float(np.median(ours)), float(np.median(theirs))


def _take_turns(work: Work, threads: int | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of `count` calls of NumPy, and of JAX's call after each; the first pair is left."""
    ours, theirs = [], []
    with threadpool_limits(threads, user_api="blas"):
        for _ in range(count + 1):
            ours.append(timed(probabilities_in_numpy, work.x, work.weights)[1])
            theirs.append(timed(work.compiled, *work.on_device)[1])
    return np.array(ours[1:]), np.array(theirs[1:])
