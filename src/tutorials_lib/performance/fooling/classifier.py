"""The work, a linear classifier in both libraries, and its right figure.

The right figures come from `tutorials_lib.benchmark.timing.race`, like every other figure of the
book.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tutorials_lib.benchmark import AgreementError
from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.benchmark.timing import race
from tutorials_lib.performance.turns import enter_function

Inputs = tuple[Any, Any]
"""The rows and the weights, as arrays of either library."""

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
