"""Eight ways to fool yourself: one small piece of work, timed rightly and in eight wrong ways.

The right figures come from `tutorials_lib.benchmark.timing.race`, like every other figure of the
book. Each wrong one repeats a mistake of published comparisons, and changes nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from threadpoolctl import threadpool_limits

from tutorials_lib.benchmark import AgreementError, compile_seconds, median_seconds, timed
from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.benchmark.record import TIE
from tutorials_lib.benchmark.timing import race
from tutorials_lib.experiments.execution import Unwaited
from tutorials_lib.experiments.inside.costs import costs
from tutorials_lib.performance.turns import enter_function

Inputs = tuple[Any, Any]
"""The rows and the weights, as arrays of either library."""

REPEATS = 15
"""Samples of everything that is not part of the race."""

CONVERSIONS: dict[str, Callable[[np.ndarray], jax.Array]] = {
    "jnp.array": jnp.array,
    "jnp.asarray": jnp.asarray,
    "jax.device_put": jax.device_put,
}
"""The ways to make a JAX array of one of NumPy."""

TOLERANCE = 1e-4
"""The relative error that float32 may show between two ways to do the work."""


# ---------------------------------------------------------------- the work


def probabilities(
    x: Float[Array, "rows features"], weights: Float[Array, "features classes"]
) -> Float[Array, "rows classes"]:
    """The probabilities of a linear classifier: a matrix product, and a softmax of each row."""
    scores = x @ weights
    exponentials = jnp.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def probabilities_in_numpy(
    x: Float[np.ndarray, "rows features"], weights: Float[np.ndarray, "features classes"]
) -> Float[np.ndarray, "rows classes"]:
    """The same in NumPy, in one buffer."""
    scores = x @ weights
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def probabilities_in_a_loop(
    x: Float[np.ndarray, "rows features"], weights: Float[np.ndarray, "features classes"]
) -> Float[np.ndarray, "rows classes"]:
    """The same in NumPy, one row at a time."""
    result = np.empty((x.shape[0], weights.shape[1]), x.dtype)
    for i, row in enumerate(x):
        scores = row @ weights
        exponentials = np.exp(scores - scores.max())
        result[i] = exponentials / exponentials.sum()
    return result


@dataclass(frozen=True)
class Work:
    """The inputs in the memory of both libraries, in float32, and the compiled function."""

    x: Float[np.ndarray, "rows features"]
    weights: Float[np.ndarray, "features classes"]
    on_device: Inputs
    compiled: Callable[[Any, Any], Any]


def make_work(num_rows: int = 6_000, num_features: int = 64, num_classes: int = 10) -> Work:
    """Random rows and weights.

    Raises:
        AgreementError: the versions of the work compute different numbers.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((num_rows, num_features)).astype(np.float32)
    weights = (rng.standard_normal((num_features, num_classes)) / 8).astype(np.float32)
    work = Work(x, weights, (jnp.asarray(x), jnp.asarray(weights)), jax.jit(probabilities))
    expected = probabilities_in_numpy(x, weights)
    for found in (work.compiled(*work.on_device), probabilities_in_a_loop(x, weights)):
        error = relative_error(expected, found)
        if not error <= TOLERANCE:
            raise AgreementError(f"the probabilities differ by {error:.1e}")
    return work


# ---------------------------------------------------------------- the right way


@dataclass(frozen=True)
class Race:
    """Seconds per call by contestant, one sample a round, and NumPy's best number of threads."""

    seconds: dict[str, np.ndarray]
    threads: int

    def median(self, name: str) -> float:
        """The median seconds of `name`."""
        return float(np.median(self.seconds[name]))

    def ratio(self, ours: str = "NumPy", theirs: str = "JAX") -> float:
        """The median over the rounds of the time of `ours` divided by the time of `theirs`."""
        return float(np.median(self.seconds[ours] / self.seconds[theirs]))


def race_all(work: Work) -> Race:
    """Let both libraries do the work in turns, in both precisions, and with transfers inside.

    NumPy takes part with one thread of BLAS and with one a core; the faster one is kept.
    """
    inputs = (work.x, work.weights)
    wide = (work.x.astype(np.float64), work.weights.astype(np.float64))

    def in_float64(x: Any, weights: Any) -> Any:
        with jax.enable_x64(True):
            return work.compiled(x, weights)

    contestants = [
        *enter_function("NumPy", probabilities_in_numpy, inputs),
        *enter_function("NumPy, float64", probabilities_in_numpy, wide),
        *enter_function("JAX", work.compiled, inputs),
    ]
    with jax.enable_x64(True):  # placing the inputs in float64 needs it as well
        contestants += enter_function("JAX, float64", in_float64, wide)
    for name, convert in CONVERSIONS.items():
        contestants += enter_function(f"JAX, {name} inside", _with_transfers(work, convert), inputs)
    best = {each.variant.name: each for each in race(contestants)}
    return Race(
        {name: np.array(each.samples) for name, each in best.items()}, best["NumPy"].threads or 1
    )


def _with_transfers(work: Work, convert: Callable) -> Callable:
    """The work from NumPy arrays to a NumPy array."""
    return lambda *_: np.asarray(work.compiled(convert(work.x), convert(work.weights)))


def shares_memory(convert: Callable[[np.ndarray], jax.Array], x: np.ndarray) -> bool:
    """Whether the JAX array that `convert` makes of `x` lies where `x` does: nothing is copied."""
    return convert(x).unsafe_buffer_pointer() == x.ctypes.data


def flattered(wrong: float, right: float) -> str:
    """Which library looks better than it is, where the difference is more than a tie."""
    if TIE[0] <= wrong / right <= TIE[1]:
        return "neither"
    return "JAX" if wrong > right else "NumPy"


# ---------------------------------------------------------------- the wrong ways


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
