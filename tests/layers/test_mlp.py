"""Linear layers with ReLU between them: the same outputs and gradients in both libraries."""

import jax
import numpy as np
import pytest
from flax import nnx

from tutorials_lib.layers.mlp import in_jax, in_numpy

WIDTHS = [(4, 3), (4, 6, 5, 2)]


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_outputs_and_gradients_are_those_of_jax(widths: tuple[int, ...]):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(7, widths[0])), rng.normal(size=(7, widths[-1]))
    with jax.enable_x64(True):
        graph, state = nnx.split(in_jax.MLP(*widths, rngs=nnx.Rngs(0)))
        params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), nnx.to_pure_dict(state))
        y, vjp = jax.vjp(lambda params, x: nnx.merge(graph, params)(x), params, x)
        grads, dx = vjp(dy)
    found, our_vjp = in_numpy.mlp(params, x)
    our_dx, our_grads = our_vjp(dy)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, atol=1e-12),
        (found, our_dx, our_grads),
        (y, dx, grads),
    )


def test_the_input_is_kept_and_needs_no_gradient_when_nobody_asks():
    layers = {i: {"kernel": -np.eye(3), "bias": np.zeros(3)} for i in range(2)}
    x = np.ones((2, 3))
    y, vjp = in_numpy.mlp({"layers": layers}, x, input_gradient=False)
    np.testing.assert_array_equal(y, 0)  # the hidden layer is cut
    np.testing.assert_array_equal(x, 1)
    dx, grads = vjp(np.ones_like(y))
    assert dx is None
    np.testing.assert_array_equal(grads["layers"][0]["kernel"], 0)
