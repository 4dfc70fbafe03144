"""What a layer in NumPy is held to: the output and the gradients of the same layer under JAX."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np


def in_strict_float64() -> Iterator[None]:
    """No silent promotion, and doubles, in which both must agree to rounding; for a fixture."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        yield


def assert_same(found: Any, expected: Any) -> None:
    """Equal to rounding in float64, leaf by leaf."""
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11), found, expected
    )


def assert_same_vjp(
    numpy_layer: Callable, jax_layer: Callable, args: tuple, rng: np.random.Generator
) -> None:
    """Outputs and gradients of both, for a random gradient of the output."""
    y, vjp = numpy_layer(*args)
    dy = rng.standard_normal(np.shape(y))
    expected, expected_gradients = output_and_gradients(jax_layer, args, dy)
    assert y.dtype == np.float64
    assert_same(y, expected)
    gradients = vjp(dy if dy.ndim else float(dy))
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    *of_inputs, last = gradients
    if isinstance(last, dict) and not isinstance(args[-1], dict):  # of parameters, in their order
        gradients = *of_inputs, *last.values()
    assert_same(gradients, expected_gradients)


def output_and_gradients(layer: Callable, args: tuple, dy: np.ndarray) -> tuple[Any, tuple]:
    """What `layer` returns and the gradients of `args`, by one small program.

    Compiled as a whole, it is there sooner than its operations, which are programs too.
    """

    @jax.jit
    def run(args: tuple, dy: jax.Array) -> tuple[Any, tuple]:
        y, vjp = jax.vjp(layer, *args)
        return y, vjp(dy)

    return run(args, dy)
