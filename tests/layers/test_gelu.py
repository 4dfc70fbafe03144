"""The exact GELU of NumPy against JAX's, in float64."""

import jax
import numpy as np

from tests.layers.vjp import assert_same_vjp
from tutorials_lib.layers.gelu.in_numpy import gelu


def test_value_and_gradient_are_those_of_jax():
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        x = 3 * rng.standard_normal((2, 3, 5))
        assert_same_vjp(gelu, lambda x: jax.nn.gelu(x, approximate=False), (x,), rng)


def test_single_precision_stays():
    y, vjp = gelu(np.linspace(-9, 9, 7, dtype=np.float32))
    assert y.dtype == vjp(y).dtype == np.float32
    assert (y[0], y[-1]) == (0, 9)
