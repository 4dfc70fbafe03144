"""Convolution with a ring of rows, against `jax.vjp` and the other convolution, in float64."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.vjp import output_and_gradients
from tutorials_lib.layers import in_numpy as plain
from tutorials_lib.layers.convolution import in_numpy

sizes = st.integers(1, 6)


@settings(max_examples=12)
@given(
    shape=st.tuples(st.integers(1, 3), sizes, sizes, st.integers(1, 3)),
    kernel=st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]), st.integers(1, 3)),
    seed=st.integers(0, 2**32 - 1),
)
def test_outputs_and_gradients_are_those_of_jax_for_any_odd_kernel(shape, kernel, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    weights = rng.standard_normal((*kernel[:2], shape[-1], kernel[2]))
    y, vjp = in_numpy.conv2d(x, weights)
    dy = rng.standard_normal(y.shape)

    def convolve(x, weights):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=numbers)

    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        expected, expected_gradients = output_and_gradients(convolve, (x, weights), dy)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-11)
    for ours, theirs in zip(vjp(dy), expected_gradients, strict=True):
        assert ours is not None
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)
    nothing, dkernel = in_numpy.conv2d(x, weights, input_gradient=False)[1](dy)
    assert nothing is None
    np.testing.assert_allclose(dkernel, expected_gradients[1], rtol=1e-10, atol=1e-11)


def test_single_precision_stays_and_images_keep_the_order_of_the_other_layers():
    x = np.ones((2, 4, 6, 3), np.float32)
    kernel = np.ones((3, 3, 3, 5), np.float32)
    y, vjp = in_numpy.conv2d(x, kernel)
    other, other_vjp = plain.conv2d(x, kernel)
    assert y.strides == other.strides
    np.testing.assert_array_equal(y, other)
    for ours, theirs in zip(vjp(y), other_vjp(other), strict=True):
        assert ours is not None
        assert theirs is not None
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_an_even_kernel_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="2 x 3 weights; both must be odd"):
        in_numpy.conv2d(np.ones((1, 4, 4, 1)), np.ones((2, 3, 1, 1)))
