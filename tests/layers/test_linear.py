"""Linear layers and embeddings in NumPy, against `jax.vjp`, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.vjp import assert_same_vjp, in_strict_float64
from tutorials_lib.layers.linear import in_numpy

FEW = settings(max_examples=6)
sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)

strict_float64 = pytest.fixture(autouse=True)(in_strict_float64)


@FEW
@given(rest=st.lists(sizes, max_size=2), features=sizes, outputs=sizes, seed=seeds)
def test_linear_gives_the_gradients_of_its_parameters_as_a_dict(rest, features, outputs, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((*rest, features))
    params = {
        "kernel": rng.standard_normal((features, outputs)),
        "bias": rng.standard_normal(outputs),
    }
    assert_same_vjp(
        lambda x, params: in_numpy.linear(x, **params),
        lambda x, params: x @ params["kernel"] + params["bias"],
        (x, params),
        rng,
    )


@FEW
@given(vocab=sizes, shape=st.lists(sizes, min_size=1, max_size=2), seed=seeds)
def test_an_embedding_adds_up_the_gradients_of_equal_tokens(vocab, shape, seed):
    rng = np.random.default_rng(seed)
    table, tokens = rng.standard_normal((vocab, 3)), rng.integers(vocab, size=shape)
    assert_same_vjp(
        lambda table: in_numpy.embed(table, tokens), lambda table: table[tokens], (table,), rng
    )
