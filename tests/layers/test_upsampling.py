"""Upsampling and joining in NumPy and in JAX, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.layers.upsampling import in_jax, in_numpy


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 4, 5)])
def test_every_pixel_becomes_a_block_and_its_gradient_is_the_sum_over_the_block(shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    y, vjp = in_numpy.upsample(x)
    np.testing.assert_array_equal(y, x.repeat(2, axis=1).repeat(2, axis=2))
    dy = rng.standard_normal(y.shape)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        expected, expected_vjp = jax.vjp(in_jax.upsample, jnp.asarray(x))
        (dx,) = expected_vjp(jnp.asarray(dy))
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(vjp(dy), dx, rtol=1e-12)


def test_joined_images_get_their_own_part_of_the_gradient():
    rng = np.random.default_rng(0)
    x, skipped = rng.standard_normal((2, 4, 6, 3)), rng.standard_normal((2, 4, 6, 5))
    joined, vjp = in_numpy.concatenate(x, skipped)
    dy = rng.standard_normal(joined.shape)
    with jax.enable_x64(True):
        expected, expected_vjp = jax.vjp(lambda *a: jnp.concatenate(a, -1), x, skipped)
        gradients = expected_vjp(jnp.asarray(dy))
    np.testing.assert_array_equal(joined, expected)
    for ours, theirs in zip(vjp(dy), gradients, strict=True):
        np.testing.assert_array_equal(ours, theirs)
