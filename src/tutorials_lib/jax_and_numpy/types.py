"""What number types do to a result: their grids, their promotion, and a sum that stalls."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tutorials_lib import figures

TYPES = ("bfloat16", "float16", "float32", "float64")
"""The floating-point types that are compared, from the coarsest to the finest."""


def type_facts(name: str) -> dict[str, int | float]:
    """Bits, largest number, smallest normal number, and the step from 1 to the next number."""
    info = jnp.finfo(name)
    return {
        "bits": info.bits,
        "largest": float(info.max),
        "smallest": float(info.smallest_normal),
        "step": float(info.eps),
    }


def running_sum_errors(name: str, counts: Sequence[int]) -> list[float]:
    """The relative error of adding a tenth again and again, after each of `counts` additions.

    The sum is kept in the type `name`, and compared with a tenth (as that type has it) times
    the count.
    """

    @partial(jax.jit, static_argnames="num_terms")
    def add(total: jax.Array, tenth: jax.Array, num_terms: int) -> jax.Array:
        return jax.lax.fori_loop(0, num_terms, lambda _, total: total + tenth, total)

    errors, done = [], 0
    with jax.enable_x64(True):
        tenth, total = jnp.asarray(0.1, name), jnp.zeros((), name)
        for count in counts:
            total, done = add(total, tenth, count - done), count
            exact = float(tenth) * count
            errors.append(abs(float(total) - exact) / exact)
    return errors


def promoted(left: Any, right: Any) -> tuple[str, str]:
    """The types of a sum of two values, in NumPy and in JAX."""
    in_numpy = (left + right).dtype
    in_jax = jnp.asarray(left) + (right if isinstance(right, int | float) else jnp.asarray(right))
    return str(in_numpy), str(in_jax.dtype)


BITS_KEPT = {"float32": 23, "TF32": 10, "bfloat16": 7}
"""How many bits after the point a matrix unit may keep of each factor of a float32 product."""


def product_errors(size: int = 256) -> dict[str, float]:
    """The error of a matrix product whose factors are shortened first, by format.

    Sums are kept in float32, as matrix units do. The error is relative to the largest element of
    the product in float64.
    """
    left, right = np.random.default_rng(0).standard_normal((2, size, size)).astype(np.float32)
    exact = left.astype(np.float64) @ right.astype(np.float64)
    errors = {}
    for name, bits in BITS_KEPT.items():
        kept = [
            jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=bits) for x in (left, right)
        ]
        found = jnp.matmul(*kept, precision="highest")
        errors[name] = float(np.abs(np.asarray(found) - exact).max() / np.abs(exact).max())
    return errors


def draw_running_sums(counts: Sequence[int], errors: dict[str, list[float]]) -> Figure:
    """The error of the running sum against the number of additions, by type."""
    figure, axes = plt.subplots(figsize=(7.0, 3.4))
    floor = 1e-17  # an exact sum has no place on a logarithmic axis
    for (name, each), color in zip(errors.items(), figures.CYCLE, strict=False):
        axes.loglog(counts, np.maximum(each, floor), marker="o", color=color, label=name)
    axes.set_xlabel("additions of a tenth")
    axes.set_ylabel("relative error")
    figure.legend(loc="outside right center")  # two of the curves end in nearly one place
    axes.grid(axis="y")
    return figure
