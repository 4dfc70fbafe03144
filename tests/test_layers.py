"""The NumPy layers against `jax.vjp`, in float64; the JAX layers against the plain operations."""

import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from tests.layers.vjp import assert_same, assert_same_vjp, in_strict_float64
from tutorials_lib.layers import in_jax, in_numpy

FEW = settings(max_examples=6)
sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)

strict_float64 = pytest.fixture(autouse=True)(in_strict_float64)


def plain_conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def plain_pool(x: jax.Array) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def images_of(rng: np.random.Generator, *shape: int, row_major: bool) -> np.ndarray:
    """Images in the order of a file, or in the order in which the layers return them."""
    if not row_major:
        return rng.standard_normal(shape)
    batch, height, width, channels = shape
    return rng.standard_normal((height, width, batch, channels)).transpose(2, 0, 1, 3)


# ---------------------------------------------------------------- NumPy


@FEW
@given(
    batch=sizes,
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    channels=sizes,
    features=sizes,
    kernel_size=st.sampled_from([(1, 1), (3, 3), (3, 5), (5, 1)]),
    row_major=st.booleans(),
    seed=seeds,
)
def test_convolution_equals_that_of_jax(
    batch, height, width, channels, features, kernel_size, row_major, seed
):
    rng = np.random.default_rng(seed)
    x = images_of(rng, batch, height, width, channels, row_major=row_major)
    kernel = rng.standard_normal((*kernel_size, channels, features))
    assert_same_vjp(in_numpy.conv2d, plain_conv, (x, kernel), rng)


def test_convolution_of_the_first_layer_leaves_out_the_gradient_of_the_images():
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 4, 4, 3)), rng.standard_normal((3, 3, 3, 2))
    y, vjp = in_numpy.conv2d(x, kernel, input_gradient=False)
    _, whole_vjp = in_numpy.conv2d(x, kernel)
    dx, grads = vjp(np.ones_like(y))
    assert dx is None
    assert_same(grads, whole_vjp(np.ones_like(y))[1])


@FEW
@given(batch=sizes, height=sizes, width=sizes, channels=sizes, row_major=st.booleans(), seed=seeds)
def test_pooling_equals_that_of_jax(batch, height, width, channels, row_major, seed):
    rng = np.random.default_rng(seed)
    x = images_of(rng, batch, 2 * height, 2 * width, channels, row_major=row_major)
    assert_same_vjp(in_numpy.max_pool, plain_pool, (x,), rng)


@pytest.mark.parametrize("layer", [in_numpy.max_pool, in_jax.max_pool])
def test_the_first_pixel_of_a_tie_gets_the_gradient(layer):
    blocks = np.array(list(np.ndindex(2, 2, 2, 2)), float)  # every pattern of ties there is
    x = blocks.reshape(len(blocks), 2, 2, 1)
    dy = np.ones((len(blocks), 1, 1, 1))
    if layer is in_numpy.max_pool:
        (dx,) = (layer(x)[1](dy),)
    else:
        (dx,) = jax.vjp(layer, jnp.asarray(x))[1](jnp.asarray(dy))
    assert (np.asarray(dx).reshape(-1, 4).argmax(1) == blocks.argmax(1)).all()
    assert_same(np.asarray(dx).sum((1, 2, 3)), np.ones(len(blocks)))
    assert_same(dx, jax.vjp(plain_pool, jnp.asarray(x))[1](jnp.asarray(dy))[0])


@FEW
@given(
    batch=st.integers(2, 4),
    height=sizes,
    width=sizes,
    channels=sizes,
    row_major=st.booleans(),
    seed=seeds,
)
def test_batch_normalization_equals_that_of_jax(batch, height, width, channels, row_major, seed):
    def by_hand(x, scale, bias):
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return (x - mean) / jnp.sqrt(var + 1e-5) * scale + bias

    rng = np.random.default_rng(seed)
    x = images_of(rng, batch, height, width, channels, row_major=row_major)
    scale, bias = rng.standard_normal((2, channels))
    assert_same_vjp(lambda *a: in_numpy.batch_norm(*a)[:2], by_hand, (x, scale, bias), rng)
    y, _, statistics = in_numpy.batch_norm(x, scale, bias)
    assert_same(tuple(statistics), (x.mean((0, 1, 2)), x.var((0, 1, 2))))
    assert_same(in_numpy.normalize(x, *statistics, scale, bias), y)


@FEW
@given(batch=sizes, features=sizes, seed=seeds)
def test_relu_and_cross_entropy_equal_those_of_jax(batch, features, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, features))
    assert_same_vjp(in_numpy.relu, jax.nn.relu, (x,), rng)
    labels = rng.integers(0, features, batch)

    def cross_entropy(logits):
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(labels))
        return losses.mean()

    assert_same_vjp(
        lambda z: in_numpy.softmax_cross_entropy(z, labels), cross_entropy, (100 * x,), rng
    )


def test_flattening_and_back_changes_nothing():
    x = images_of(np.random.default_rng(0), 2, 3, 4, 5, row_major=True)
    flat, vjp = in_numpy.flatten(x)
    assert flat.shape == (2, 60)
    assert_same(vjp(flat), x)


# ---------------------------------------------------------------- JAX


def test_the_pooling_of_jax_has_the_gradient_of_reduce_window():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.integers(0, 3, (4, 6, 8, 2)).astype(float))  # many ties
    y, vjp = jax.vjp(in_jax.max_pool, x)
    expected, expected_vjp = jax.vjp(plain_pool, x)
    dy = jnp.asarray(rng.standard_normal(y.shape))
    assert_same((y, vjp(dy)), (expected, expected_vjp(dy)))


@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 3), (5, 3)])
def test_the_convolution_of_jax_has_the_gradient_of_the_plain_one(kernel_size):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((3, 6, 5, 2)))
    kernel = jnp.asarray(rng.standard_normal((*kernel_size, 2, 4)))
    y, vjp = jax.vjp(in_jax.conv2d, x, kernel)
    expected, expected_vjp = jax.vjp(plain_conv, x, kernel)
    assert_same((y, vjp(y)), (expected, expected_vjp(y)))


def layouts_in_a_loop(conv: Callable) -> set[str]:
    """The layouts of all convolutions in a compiled loop over gradient steps."""

    def step(kernels, x):
        loss = lambda kernels: (conv(conv(x, kernels[0]), kernels[1]) ** 2).sum()  # noqa: E731
        return jax.tree.map(lambda k, g: k - g, kernels, jax.grad(loss)(kernels)), None

    kernels = jnp.ones((3, 3, 2, 4)), jnp.ones((3, 3, 4, 5))
    loop = jax.jit(lambda kernels, xs: lax.scan(step, kernels, xs)[0])
    program = loop.lower(kernels, jnp.ones((3, 8, 6, 6, 2))).compile().as_text()
    return set(re.findall(r"dim_labels=(\S+?)[,\s]", program or ""))


def test_in_a_loop_every_convolution_keeps_the_fast_layout():
    assert layouts_in_a_loop(in_jax.conv2d) == {"b01f_01io->b01f"}


def test_in_a_loop_the_plain_convolution_loses_it():
    """The reason for `conv2d`; should this fail, XLA has mended it and the layer can go."""
    assert layouts_in_a_loop(plain_conv) > {"b01f_01io->b01f"}


def test_the_convolution_takes_its_place_in_a_layer_of_flax():
    def layer(**settings) -> nnx.Conv:
        return nnx.Conv(
            2, 4, kernel_size=(3, 3), param_dtype=jnp.float64, rngs=nnx.Rngs(0), **settings
        )

    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 4, 4, 2)))
    ours = layer(conv_general_dilated=in_jax.conv_general_dilated)
    assert_same(ours(x), layer()(x))
    with pytest.raises(ValueError, match="window_strides"):
        layer(strides=2, conv_general_dilated=in_jax.conv_general_dilated)(x)


def linear(kind: type[nnx.Linear]) -> nnx.Linear:
    return kind(3, 5, param_dtype=jnp.float64, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("leading", [(), (2,), (2, 0), (2, 4), (2, 1, 4)])
def test_a_linear_layer_for_sequences_computes_what_that_of_flax_computes(leading):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((*leading, 3)))

    def loss(layer: nnx.Linear, x: jax.Array) -> jax.Array:
        return (layer(x) ** 2).sum()

    def value_and_grads(kind: type[nnx.Linear]):
        return linear(kind)(x), nnx.grad(loss, argnums=(0, 1))(linear(kind), x)

    assert_same(value_and_grads(in_jax.Linear), value_and_grads(nnx.Linear))


def copies_for_the_gradient(kind: type[nnx.Linear]) -> int:
    """How many arrays are copied for the gradient of the parameters, by the compiled program."""
    graph, params = nnx.split(linear(kind))

    def gradient(params, x, dy):
        return jax.vjp(lambda params: nnx.merge(graph, params)(x), params)[1](dy)

    arrays = jnp.ones((2, 4, 3)), jnp.ones((2, 4, 5))
    program = jax.jit(gradient).lower(params, *arrays).compile().as_text()
    return len(re.findall(r" copy\(", program or ""))


def test_the_gradient_of_a_linear_layer_for_sequences_copies_nothing():
    assert copies_for_the_gradient(in_jax.Linear) == 0


def test_the_gradient_of_that_of_flax_does():
    """The reason for `Linear`; should this fail, XLA has mended it and the layer can go."""
    assert copies_for_the_gradient(nnx.Linear) > 0


# ---------------------------------------------------------------- both


@pytest.mark.parametrize("layers", [in_numpy, in_jax])
def test_sizes_that_do_not_fit_are_named(layers):
    as_array = np.asarray if layers is in_numpy else jnp.asarray
    with pytest.raises(ValueError, match="3 x 4 pixels"):
        layers.max_pool(as_array(np.ones((1, 3, 4, 1))))
    with pytest.raises(ValueError, match="2 x 3 weights"):
        layers.conv2d(as_array(np.ones((1, 4, 4, 1))), as_array(np.ones((2, 3, 1, 1))))


class Everything(nnx.Module):
    """State of every kind: batch statistics, random streams, a recurrent cell, a list."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(4, 4, rngs=rngs) for _ in range(2)])
        self.norm = nnx.BatchNorm(4, use_running_average=False, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, deterministic=False, rngs=rngs)
        self.recurrent = nnx.RNN(nnx.GRUCell(4, 3, rngs=rngs))

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return jnp.asarray(self.recurrent(self.dropout(self.norm(x))))


def test_a_merged_model_with_state_of_every_kind_can_be_compiled_and_differentiated():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        graphdef, params, rest = nnx.split(Everything(nnx.Rngs(0)), nnx.Param, ...)

        @jax.jit
        def step(params, rest, x):
            def loss(params):
                model = nnx.merge(graphdef, params, rest, copy=True)
                value = (model(x) ** 2).mean()
                return value, nnx.split(model, nnx.Param, ...)[2]

            return jax.value_and_grad(loss, has_aux=True)(params)

        x = jax.random.normal(jax.random.key(0), (5, 7, 4))
        (value, new_rest), grads = step(params, rest, x)
        (second, _), _ = step(params, new_rest, x)
    assert np.isfinite(value)
    assert second != value  # dropout has drawn anew
    assert jax.tree.structure(grads) == jax.tree.structure(params)
    before, after = nnx.to_pure_dict(rest), nnx.to_pure_dict(new_rest)
    assert not np.array_equal(before["norm"]["mean"], after["norm"]["mean"])
