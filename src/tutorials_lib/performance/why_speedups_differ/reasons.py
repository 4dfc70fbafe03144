"""Why speedups differ: one experiment for each of the seven reasons of the source document.

All functions return seconds, medians over repeats, and check first that both libraries compute
the same. Where NumPy may leave threads of BLAS behind, both are timed in turns with a pause. The
process's own settings apply (`tutorials_lib.runtime`); what needs other ones runs in fresh
processes.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tutorials_lib import devices
from tutorials_lib.benchmark import compile_seconds, median_seconds, timed
from tutorials_lib.benchmark.runner import break_even_calls
from tutorials_lib.jax_and_numpy.execution import polish, polish_in_numpy
from tutorials_lib.performance.turns import seconds_in_turns

Pair = dict[str, float]
"""Seconds of "NumPy" and "JAX"."""


def _require_equal(ours: Any, theirs: Any, *, what: str, tolerance: float = 1e-3) -> None:
    """Raise `ArithmeticError` unless both libraries computed the same."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    scale = max(float(np.abs(ours).max()), 1e-30)
    error = float(np.abs(ours - theirs).max()) / scale
    if not error <= tolerance:
        raise ArithmeticError(f"{what}: the results differ by {error:.1e}")


# ---------------------------------------------------------------- 1. problem size


def seconds_by_size(sizes: Sequence[int], *, repeats: int = 5) -> list[Pair]:
    """A chain of operations on so many numbers."""
    compiled = jax.jit(polish)
    results = []
    for size in sizes:
        x = np.random.default_rng(0).standard_normal(size).astype(np.float32)
        on_device = jnp.asarray(x)
        _require_equal(polish_in_numpy(x), compiled(on_device), what=f"{size} numbers")
        results.append(
            {
                "NumPy": median_seconds(polish_in_numpy, x, repeats=repeats),
                "JAX": median_seconds(compiled, on_device, repeats=repeats),
            }
        )
    return results


def crossing(sizes: Sequence[int], pairs: Sequence[Pair]) -> float | None:
    """The size from which JAX stays faster, between the measured ones.

    0 says that JAX is faster at every size, None that it is not at the largest.
    """
    gains = np.log([pair["NumPy"] / pair["JAX"] for pair in pairs])
    behind = np.flatnonzero(gains <= 0)
    if not behind.size:
        return 0.0
    i = int(behind[-1])
    if i == len(gains) - 1:
        return None
    share = -gains[i] / (gains[i + 1] - gains[i])
    low, high = np.log(sizes[i : i + 2])
    return float(np.exp(low + share * (high - low)))


# ---------------------------------------------------------------- 2. hardware utilization


CORES_CAN_BE_LIMITED = hasattr(os, "sched_setaffinity")
"""Whether a process can be kept to some of the cores; where it cannot, it may use all of them."""


def seconds_by_cores(counts: Sequence[int]) -> list[dict[str, Pair]]:
    """Two kinds of work, in processes that may use so many cores: by work and library."""
    return [devices.run(_time_on_cores, num_cores=count) for count in counts]


def _time_on_cores(num_cores: int) -> dict[str, Pair]:
    if CORES_CAN_BE_LIMITED:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:num_cores])
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((1_000, 1_000)).astype(np.float32)
    numbers = rng.standard_normal(4_000_000).astype(np.float32)
    products = {"NumPy": np.matmul, "JAX": jax.jit(jnp.matmul)}
    chains = {"NumPy": polish_in_numpy, "JAX": jax.jit(polish)}
    return {
        "matrix product": seconds_in_turns(products, matrix, matrix),
        "chain of operations": seconds_in_turns(chains, numbers, repeats=3),
    }


# ---------------------------------------------------------------- 3. vectorization


def smooth_maximum(row: Float[Array, " columns"]) -> Float[Array, ""]:
    """The logarithm of the sum of exponentials of one row."""
    largest = row.max()
    return jnp.log(jnp.exp(row - largest).sum()) + largest


def smooth_maximum_in_numpy(row: Float[np.ndarray, " columns"]) -> np.floating:
    """The same in NumPy."""
    largest = row.max()
    return np.log(np.exp(row - largest).sum()) + largest


def smooth_maxima_in_numpy(table: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
    """The same for every row of a table, vectorized by hand."""
    largest = table.max(axis=1)
    return np.log(np.exp(table - largest[:, None]).sum(axis=1)) + largest


def seconds_by_style(num_rows: int) -> dict[str, float]:
    """The smooth maximum of every row, written as a loop and vectorized."""
    table = np.random.default_rng(0).standard_normal((num_rows, 32)).astype(np.float32)
    on_device = jnp.asarray(table)
    compiled = jax.jit(jax.vmap(smooth_maximum))
    compiled_row = jax.jit(smooth_maximum)
    _require_equal(smooth_maxima_in_numpy(table), compiled(on_device), what="smooth maxima")
    return {
        "NumPy, a loop over rows": median_seconds(
            lambda: [smooth_maximum_in_numpy(row) for row in table], repeats=3
        ),
        "JAX, a loop over rows, compiled row": median_seconds(
            lambda: [compiled_row(row) for row in on_device], repeats=3
        ),
        "NumPy, vectorized by hand": median_seconds(smooth_maxima_in_numpy, table),
        "JAX, `vmap`, op by op": median_seconds(jax.vmap(smooth_maximum), on_device),
        "JAX, `jit` of `vmap`": median_seconds(compiled, on_device),
    }


# ---------------------------------------------------------------- 4. function composition


def seconds_by_length(counts: Sequence[int], *, size: int = 2_000_000) -> dict[str, list[float]]:
    """So many additions and multiplications in a row on one array: in NumPy, op by op, compiled.

    NumPy writes into the same buffer at every step.
    """
    x = np.random.default_rng(0).uniform(0.5, 1.5, size).astype(np.float32)
    on_device, buffer = jnp.asarray(x), np.empty_like(x)

    def in_numpy(count: int) -> np.ndarray:
        np.copyto(buffer, x)
        for _ in range(count):
            np.multiply(buffer, np.float32(0.9), out=buffer)
            np.add(buffer, np.float32(0.1), out=buffer)
        return buffer

    def in_jax(x: Array, count: int) -> Array:
        for _ in range(count):
            x = x * 0.9 + 0.1
        return x

    seconds: dict[str, list[float]] = {"NumPy": [], "JAX, op by op": [], "JAX, compiled": []}
    for count in counts:
        compiled = jax.jit(partial(in_jax, count=count))
        _require_equal(in_numpy(count), compiled(on_device), what=f"{count} steps")
        seconds["NumPy"].append(median_seconds(in_numpy, count, repeats=5))
        seconds["JAX, op by op"].append(median_seconds(in_jax, on_device, count, repeats=5))
        seconds["JAX, compiled"].append(median_seconds(compiled, on_device, repeats=5))
    return seconds


# ---------------------------------------------------------------- 5. data types


def seconds_by_type(
    names: Sequence[str], *, rows: int = 256, num_numbers: int = 1_000_000
) -> dict[str, dict[str, Pair]]:
    """A matrix product and a chain of operations, by type; NumPy has no bfloat16 of its own."""
    rng = np.random.default_rng(0)
    matrix = rng.integers(-3, 4, (rows, rows))
    numbers = rng.uniform(-1, 1, num_numbers)
    seconds: dict[str, dict[str, Pair]] = {}
    for name in names:
        sums = "int32" if name == "int8" else name  # sums of 8-bit products do not fit 8 bits
        products: dict[str, Callable] = {
            "NumPy": lambda a, dtype=sums: np.matmul(a, a, dtype=dtype),
            "JAX": jax.jit(lambda a, dtype=sums: jnp.matmul(a, a, preferred_element_type=dtype)),
        }
        if name == "bfloat16":
            del products["NumPy"]
        with jax.enable_x64(name == "float64"):
            seconds[name] = {
                "matrix product": seconds_in_turns(products, matrix.astype(jnp.dtype(name)))
            }
            if name != "int8":
                ours = numbers.astype(jnp.dtype(name))
                chains = {"JAX": median_seconds(jax.jit(polish), jnp.asarray(ours))}
                if "NumPy" in products:
                    chains["NumPy"] = median_seconds(polish_in_numpy, ours)
                seconds[name]["chain of operations"] = chains
    return seconds


# ---------------------------------------------------------------- 6. compilation


class BreakEven(NamedTuple):
    """Seconds to compile and saved per call, and the calls after which it has paid, if ever."""

    compile: float
    saved: float
    calls: float | None


def break_even_by_size(sizes: Sequence[int]) -> list[BreakEven]:
    """What compiling the chain costs (the median of five times), and what it brings, by size."""
    results = []
    for size, pair in zip(sizes, seconds_by_size(sizes), strict=True):
        x = jnp.ones(size)
        compiling = float(np.median([compile_seconds(polish, x) for _ in range(5)]))
        saved = pair["NumPy"] - pair["JAX"]
        results.append(BreakEven(compiling, saved, break_even_calls(compiling, saved)))
    return results


def first_call_with_cache(*, repeats: int = 3) -> dict[str, float]:
    """Median seconds of the first call in a fresh process, the persistent cache empty and full."""
    seconds: dict[str, list[float]] = {"empty cache": [], "full cache": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            cache = {"JAX_COMPILATION_CACHE_DIR": folder}
            for each in seconds.values():
                each.append(devices.run(_time_first_call, environment=cache))
    return {name: float(np.median(each)) for name, each in seconds.items()}


def _time_first_call() -> float:
    def deep(x: Array) -> Array:
        for i in range(20):
            x = jnp.tanh(x @ x) + jnp.sin(x) * i
        return x

    x = jax.block_until_ready(jnp.ones((64, 64)))
    return timed(jax.jit(deep), x)[1]


# ---------------------------------------------------------------- 7. NumPy's own optimization


def seconds_by_routine(*, size: int = 400, num_numbers: int = 300_000) -> dict[str, Pair]:
    """What NumPy hands to BLAS, LAPACK or compiled loops of its own, beside JAX.

    The matrices have `size` rows, those of the batch 32, and the vectors `num_numbers` numbers.
    """
    rng = np.random.default_rng(0)
    a = rng.standard_normal((size, size)).astype(np.float32)
    positive = a @ a.T + size * np.eye(size, dtype=np.float32)
    numbers = rng.standard_normal(num_numbers).astype(np.float32)
    batch = rng.standard_normal((256, 32, 32)).astype(np.float32)
    routines: dict[str, tuple[Callable, Callable, np.ndarray]] = {
        "matrix product": (lambda x: x @ x, lambda x: x @ x, a),
        "256 small products": (lambda x: x @ x, lambda x: x @ x, batch),
        "eigenvalues (eigh)": (np.linalg.eigvalsh, jnp.linalg.eigvalsh, positive),
        "linear system": (
            lambda x: np.linalg.solve(x, x[:, :8]),
            lambda x: jnp.linalg.solve(x, x[:, :8]),
            positive,
        ),
        "sort": (np.sort, jnp.sort, numbers),
        "sum": (np.sum, jnp.sum, numbers),
        "exponential": (np.exp, jnp.exp, numbers),
    }
    seconds = {}
    for name, (ours, theirs, x) in routines.items():
        compiled = jax.jit(theirs)
        _require_equal(ours(x), compiled(x), what=name, tolerance=1e-2)
        seconds[name] = seconds_in_turns({"NumPy": ours, "JAX": compiled}, x)
    return seconds
