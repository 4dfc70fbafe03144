"""Long short-term memory: the loop by hand against `jax.vjp`, and the module against Flax's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tests.layers.vjp import assert_same, assert_same_vjp, in_strict_float64
from tutorials_lib.layers.lstm import in_jax, in_numpy

strict_float64 = pytest.fixture(autouse=True)(in_strict_float64)


def arrays_of(time: int, batch: int, features: int, hidden: int, *networks: int) -> Any:
    rng = np.random.default_rng(0)
    shapes = (
        (time, *networks, batch, features),
        (*networks, features, 4 * hidden),
        (*networks, hidden, 4 * hidden),
        (*networks, 4 * hidden),
    )
    return tuple(rng.standard_normal(shape) for shape in shapes), rng


def module_of(kernel: jax.Array, recurrent_kernel: jax.Array, bias: jax.Array) -> in_jax.LSTM:
    layer: Any = in_jax.LSTM(kernel.shape[0], recurrent_kernel.shape[0], rngs=nnx.Rngs(0))
    nnx.update(layer, jax.tree.map(lambda leaf: leaf.astype(kernel.dtype), nnx.state(layer)))
    layer.input.kernel[...], layer.input.bias[...] = kernel, bias
    layer.recurrent.kernel[...] = recurrent_kernel
    return layer


def last_state(x: jax.Array, *weights: jax.Array) -> jax.Array:
    return module_of(*weights)(x)[0]


@pytest.mark.parametrize("sizes", [(5, 3, 2, 4), (1, 1, 1, 1)])
def test_the_last_state_and_all_gradients_equal_those_of_jax(sizes: tuple[int, ...]):
    arrays, rng = arrays_of(*sizes)
    assert_same_vjp(in_numpy.lstm, last_state, arrays, rng)


def test_networks_side_by_side_are_networks_one_by_one():
    arrays, rng = arrays_of(4, 3, 2, 3, 2)
    state, vjp = in_numpy.lstm(*arrays)
    dstate = rng.standard_normal(state.shape)
    gradients = vjp(dstate)
    for network in range(2):
        x, *weights = arrays
        alone, alone_vjp = in_numpy.lstm(x[:, network], *(each[network] for each in weights))
        assert_same(state[network], alone)
        dx, *grads = alone_vjp(dstate[network])
        assert_same(gradients[0][:, network], dx)
        assert_same(tuple(each[network] for each in gradients[1:]), tuple(grads))


def test_the_gradient_can_be_taken_twice():
    arrays, rng = arrays_of(4, 3, 2, 3)
    state, vjp = in_numpy.lstm(*arrays)
    dstate = rng.standard_normal(state.shape)
    for first, second in zip(vjp(dstate), vjp(dstate), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_module_computes_what_that_of_flax_computes():
    (x, kernel, recurrent_kernel, bias), _ = arrays_of(3, 2, 2, 3)
    theirs: Any = nnx.OptimizedLSTMCell(
        2, 3, dtype=jnp.float64, param_dtype=jnp.float64, rngs=nnx.Rngs(0)
    )
    i, f, o, g = (slice(3 * k, 3 * k + 3) for k in range(4))
    order = np.r_[i, f, g, o]  # Flax has the candidate before the output gate
    theirs.dense_i.kernel[...] = jnp.asarray(kernel[:, order])
    theirs.dense_h.kernel[...] = jnp.asarray(recurrent_kernel[:, order])
    theirs.dense_h.bias[...] = jnp.asarray(bias[order])
    carry = jnp.zeros((2, 3)), jnp.zeros((2, 3))
    for x_t in x:
        carry, _ = theirs(carry, jnp.asarray(x_t))
    weights = (jnp.asarray(each) for each in (kernel, recurrent_kernel, bias))
    np.testing.assert_allclose(last_state(jnp.asarray(x), *weights), carry[1], rtol=1e-12)


def test_a_fresh_cell_keeps_what_it_holds():
    layer: Any = in_jax.LSTM(1, 2, rngs=nnx.Rngs(0))
    assert layer.input.bias[...].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
