"""Where kernels stand against this machine's memory bandwidth and arithmetic: a roofline.

The model is that of Williams, Waterman and Patterson (2009): a kernel that does so many operations
for each byte that it moves is held back by memory or by arithmetic, whichever is slower.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tutorials_lib.benchmark import median_seconds, median_seconds_at_best, timed
from tutorials_lib.jax_and_numpy.execution import polish, polish_in_numpy
from tutorials_lib.layers.in_jax import conv2d
from tutorials_lib.performance.look_inside.costs import costs
from tutorials_lib.performance.look_inside.stages import numpy_calls


class Roof(NamedTuple):
    """The best that was measured: bytes a second from memory, operations a second."""

    bandwidth: float
    arithmetic: float

    def at(self, intensity: float) -> float:
        """Operations a second that the roof allows at so many operations for each byte."""
        return min(self.arithmetic, intensity * self.bandwidth)

    @property
    def ridge(self) -> float:
        """The intensity at which memory and arithmetic hold back alike."""
        return self.arithmetic / self.bandwidth


class Point(NamedTuple):
    """A kernel in one library: its operations, the bytes it moves, and its seconds."""

    kernel: str
    library: str
    operations: float
    bytes: float
    seconds: float

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes

    @property
    def speed(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


class Sizes(NamedTuple):
    """How large the kernels are, in numbers of an array, rows of a matrix, and images."""

    long: int = 8_000_000
    short: int = 100_000
    chain: int = 2_000_000
    rows: int = 4_000
    small: int = 64
    large: int = 1_000
    images: int = 32


# ---------------------------------------------------------------- the roof


def measure_roof(*, num_numbers: int = 16_000_000, num_rows: int = 1_500, repeats: int = 7) -> Roof:
    """The roof: twice an array plus another, far beyond the caches, and a matrix product.

    The sum takes the place of the second array (it is donated), so that no new memory has to be
    found. The product is that of JAX or that of NumPy, whichever is faster.
    """
    x, y = jnp.ones(num_numbers), jnp.ones(num_numbers)
    in_place, sums = jax.jit(axpy, donate_argnums=1), []
    for _ in range(1 + repeats):  # the first compiles, and will not be the fastest
        y, seconds = timed(in_place, x, y)
        sums.append(seconds)
    matrix = np.ones((num_rows, num_rows), np.float32)
    on_device = jnp.asarray(matrix)
    products = (
        _fewest_seconds(jax.jit(jnp.matmul), on_device, on_device, repeats=repeats),
        _fewest_seconds(np.matmul, matrix, matrix, repeats=repeats),
    )
    return Roof(3 * x.nbytes / min(sums), 2 * num_rows**3 / min(products))


def _fewest_seconds(function: Callable, *args: Any, repeats: int) -> float:
    timed(function, *args)
    return min(timed(function, *args)[1] for _ in range(repeats))


# ---------------------------------------------------------------- the kernels


def axpy(x: Any, y: Any) -> Any:
    """Twice one array plus another, in either library."""
    return 2 * x + y


def softmax(x: Float[Array, "rows columns"]) -> Float[Array, "rows columns"]:
    """Shares of every row that add up to one."""
    shares = jnp.exp(x - x.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def softmax_in_numpy(x: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """The same in NumPy."""
    shares = np.exp(x - x.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


FUSED, OP_BY_OP = "JAX", "JAX, op by op"
"""The two ways in which JAX runs the chain of operations; everything else is compiled."""


def measure_kernels(sizes: Sizes | None = None) -> list[Point]:
    """Every kernel in JAX, and in NumPy where it has the same; JAX first.

    NumPy's BLAS leaves threads that spin for a while, and would slow JAX down.
    """
    work = _kernels(sizes or Sizes())
    points = []
    for name, (function, _, arrays) in work.items():
        on_device = [jnp.asarray(array) for array in arrays]
        lowered = jax.jit(function).lower(*on_device)
        each_alone, compiled = costs(lowered), costs(lowered.compile())
        operations = each_alone.flops + each_alone.transcendentals
        ways: list[tuple[str, Callable, float]] = [(FUSED, jax.jit(function), compiled.bytes)]
        if function is polish:
            ways.append((OP_BY_OP, polish, each_alone.bytes))
        for way, run, moved in ways:
            points.append(Point(name, way, operations, moved, median_seconds(run, *on_device)))
    operations = {point.kernel: point.operations for point in points}
    for name, (_, function, arrays) in work.items():
        if function is not None:
            moved = float(
                sum(c.bytes_read + c.bytes_written for c in numpy_calls(function, *arrays))
            )
            seconds = median_seconds_at_best(function, *arrays)
            points.append(Point(name, "NumPy", operations[name], moved, seconds))
    return points


def _kernels(sizes: Sizes) -> dict[str, tuple[Callable, Callable | None, list[np.ndarray]]]:
    """The function in JAX, in NumPy if it has it, and the arguments, by kernel."""

    def numbers(*shape: int) -> np.ndarray:
        return np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def square(rows: int) -> list[np.ndarray]:
        return [numbers(rows, rows)] * 2

    return {
        "2x + y, long arrays": (axpy, axpy, [numbers(sizes.long)] * 2),
        "2x + y, short arrays": (axpy, axpy, [numbers(sizes.short)] * 2),
        "chain of operations": (polish, polish_in_numpy, [numbers(sizes.chain)]),
        "softmax": (softmax, softmax_in_numpy, [numbers(sizes.rows, 256)]),
        "small matrix product": (jnp.matmul, np.matmul, square(sizes.small)),
        "large matrix product": (jnp.matmul, np.matmul, square(sizes.large)),
        "convolution": (conv2d, None, [numbers(sizes.images, 32, 32, 16), numbers(3, 3, 16, 32)]),
    }
