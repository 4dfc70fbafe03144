"""Folding blocks of pixels into channels, in NumPy and in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.layers.folding import in_jax, in_numpy


def test_the_four_pixels_of_a_block_become_the_channels_of_one():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    folded = in_numpy.fold(x)
    assert folded.shape == (1, 2, 2, 4)
    assert folded[0, 0, 0].tolist() == [0, 1, 4, 5]
    assert folded[0, 1, 0].tolist() == [8, 9, 12, 13]


@pytest.mark.parametrize("shape", [(1, 2, 2, 1), (2, 4, 6, 3)])
def test_unfolding_undoes_folding_in_both_libraries(shape: tuple[int, ...]):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for twin in (in_numpy, in_jax):
        folded = twin.fold(jnp.asarray(x) if twin is in_jax else x)
        np.testing.assert_array_equal(folded, in_numpy.fold(x))
        np.testing.assert_array_equal(twin.unfold(folded), x)


def test_each_is_the_gradient_of_the_other():
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 4, 6, 3)), rng.standard_normal((2, 2, 3, 12))
    with jax.enable_x64(True):
        (dx,) = jax.vjp(in_jax.fold, jnp.asarray(x))[1](jnp.asarray(dy))
        (dfolded,) = jax.vjp(in_jax.unfold, jnp.asarray(dy))[1](jnp.asarray(x))
    np.testing.assert_array_equal(in_numpy.unfold(dy), dx)
    np.testing.assert_array_equal(in_numpy.fold(x), dfolded)
