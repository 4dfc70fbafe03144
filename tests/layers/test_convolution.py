"""Convolution with a ring of rows, against `jax.vjp` and the other convolution, in float64."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.vjp import assert_same, output_and_gradients
from tutorials_lib.layers import in_numpy as plain
from tutorials_lib.layers.convolution import in_numpy

sizes = st.integers(1, 6)


@settings(max_examples=12)
@given(
    shape=st.tuples(st.integers(1, 3), sizes, sizes, st.integers(1, 3)),
    kernel=st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]), st.integers(1, 3)),
    biased=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_outputs_and_gradients_are_those_of_jax_for_any_odd_kernel(shape, kernel, biased, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    params: dict[str, Any] = {"kernel": rng.standard_normal((*kernel[:2], shape[-1], kernel[2]))}
    if biased:
        params["bias"] = rng.standard_normal(kernel[2])
    y, vjp = in_numpy.conv2d(x, **params)
    dy = rng.standard_normal(y.shape)

    def convolve(x, params):
        numbers = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(
            x, params["kernel"], (1, 1), "SAME", dimension_numbers=numbers
        )
        return y + params["bias"] if biased else y

    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        expected, expected_gradients = output_and_gradients(convolve, (x, params), dy)
    assert_same(y, expected)
    gradients = vjp(dy)
    assert {leaf.dtype for leaf in jax.tree.leaves(gradients)} == {np.dtype(np.float64)}
    assert_same(gradients, expected_gradients)
    nothing, grads = in_numpy.conv2d(x, **params, input_gradient=False)[1](dy)
    assert nothing is None
    assert_same(grads, expected_gradients[1])


def test_single_precision_stays_and_images_keep_the_order_of_the_other_layers():
    x = np.ones((2, 4, 6, 3), np.float32)
    kernel = np.ones((3, 3, 3, 5), np.float32)
    y, vjp = in_numpy.conv2d(x, kernel)
    other, other_vjp = plain.conv2d(x, kernel)
    assert y.strides == other.strides
    np.testing.assert_array_equal(y, other)
    for ours, theirs in zip(*map(jax.tree.leaves, (vjp(y), other_vjp(other))), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_an_even_kernel_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="2 x 3 weights; both must be odd"):
        in_numpy.conv2d(np.ones((1, 4, 4, 1)), np.ones((2, 3, 1, 1)))
