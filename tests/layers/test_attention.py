"""The layers of a transformer in NumPy, against `jax.vjp` and Flax, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.vjp import assert_same, assert_same_vjp, in_strict_float64
from tutorials_lib.layers.attention import in_numpy

FEW = settings(max_examples=6)
sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)

strict_float64 = pytest.fixture(autouse=True)(in_strict_float64)


def attention_of_jax(queries, keys, values, mask=None):
    """As the formula says."""
    scores = jnp.einsum("bhqf,bhkf->bhqk", queries, keys) / np.sqrt(queries.shape[-1])
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf)
    return jnp.einsum("bhqk,bhkf->bhqf", jax.nn.softmax(scores), values)


@FEW
@given(batch=sizes, time=sizes, features=st.integers(2, 5), seed=seeds)
def test_layer_normalization_equals_that_of_jax_and_of_flax(batch, time, features, seed):
    def by_hand(x, scale, bias):
        mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / jnp.sqrt(var + 1e-5) * scale + bias

    rng = np.random.default_rng(seed)
    x = 3 + rng.standard_normal((batch, time, features))
    scale, bias = rng.standard_normal((2, features))
    assert_same_vjp(in_numpy.layer_norm, by_hand, (x, scale, bias), rng)
    flax = nnx.LayerNorm(features, epsilon=1e-5, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    normal = in_numpy.layer_norm(x, np.ones(features), np.zeros(features))[0]
    with jax.numpy_dtype_promotion("standard"):
        expected = flax(jnp.asarray(x))
    np.testing.assert_allclose(normal, expected, atol=1e-6)


@FEW
@given(shape=st.lists(sizes, min_size=1, max_size=3), seed=seeds)
def test_gelu_equals_the_approximation_of_jax(shape, seed):
    rng = np.random.default_rng(seed)
    x = 4 * rng.standard_normal(shape)
    assert_same_vjp(in_numpy.gelu, lambda x: jax.nn.gelu(x, approximate=True), (x,), rng)


@FEW
@given(batch=sizes, heads=sizes, queries=sizes, keys=sizes, features=sizes, seed=seeds)
def test_attention_equals_that_of_jax_with_and_without_a_mask(
    batch, heads, queries, keys, features, seed
):
    rng = np.random.default_rng(seed)
    q = rng.standard_normal((batch, heads, queries, features))
    k, v = rng.standard_normal((2, batch, heads, keys, features))
    assert_same_vjp(in_numpy.attention, attention_of_jax, (q, k, v), rng)
    mask = rng.random((queries, keys)) < 0.5
    mask[:, 0] = True  # every query sees a key
    assert_same_vjp(
        lambda q, k, v: in_numpy.attention(q, k, v, mask),
        lambda q, k, v: attention_of_jax(q, k, v, jnp.asarray(mask)),
        (q, k, v),
        rng,
    )


def test_a_mask_may_differ_between_sequences():
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((3, 2, 3, 4, 5))
    padding = np.arange(4) < np.array([[4], [2]])  # the second sequence has two tokens
    y, _ = in_numpy.attention(q, k, v, padding[:, None, None])
    short, _ = in_numpy.attention(q[1:], k[1:, :, :2], v[1:, :, :2])
    assert_same(y[1:], short)


@FEW
@given(batch=sizes, time=sizes, heads=sizes, features=sizes, seed=seeds)
def test_causal_self_attention_equals_that_of_jax(batch, time, heads, features, seed):
    rng = np.random.default_rng(seed)
    width = heads * features
    x = rng.standard_normal((batch, time, width))
    project_in = {
        "kernel": rng.standard_normal((width, 3 * width)),
        "bias": rng.standard_normal(3 * width),
    }
    project_out = {
        "kernel": rng.standard_normal((width, width)),
        "bias": rng.standard_normal(width),
    }

    def of_jax(x, project_in, project_out):
        projected = x @ project_in["kernel"] + project_in["bias"]
        q, k, v = projected.reshape(batch, time, 3, heads, features).transpose(2, 0, 3, 1, 4)
        y = attention_of_jax(q, k, v, jnp.tri(time, dtype=bool))
        y = y.transpose(0, 2, 1, 3).reshape(batch, time, width)
        return y @ project_out["kernel"] + project_out["bias"]

    def of_numpy(x, project_in, project_out):
        return in_numpy.causal_self_attention(x, project_in, project_out, num_heads=heads)

    assert_same_vjp(of_numpy, of_jax, (x, project_in, project_out), rng)


def test_no_token_depends_on_a_later_one():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 6, 4))
    params = [{"kernel": rng.standard_normal((4, n)), "bias": np.zeros(n)} for n in (12, 4)]
    whole, _ = in_numpy.causal_self_attention(x, *params, num_heads=2)
    beginning, _ = in_numpy.causal_self_attention(x[:, :3], *params, num_heads=2)
    assert_same(whole[:, :3], beginning)


def test_the_last_of_some_queries_sees_all_keys():
    mask = in_numpy.causal_mask(2, 5)
    assert mask.tolist() == [[True] * 4 + [False], [True] * 5]
    assert (in_numpy.causal_mask(3) == np.tri(3, dtype=bool)).all()


def test_the_layers_keep_the_precision_of_their_input():
    def ones(*shape: int) -> np.ndarray:
        return np.ones(shape, np.float32)

    x = ones(2, 3, 4)
    params = [{"kernel": ones(4, n), "bias": ones(n)} for n in (12, 4)]
    for y, vjp in (
        in_numpy.gelu(x),
        in_numpy.layer_norm(x, ones(4), ones(4)),
        in_numpy.causal_self_attention(x, *params, num_heads=2),
    ):
        assert {leaf.dtype for leaf in jax.tree.leaves((y, vjp(y)))} == {np.dtype(np.float32)}


def test_heads_are_split_and_merged_without_a_change():
    x = np.random.default_rng(0).standard_normal((2, 3, 8))
    heads = in_numpy.split_heads(x, 4)
    assert heads.shape == (2, 4, 3, 2)
    assert_same(in_numpy.merge_heads(heads), x)
