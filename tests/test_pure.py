"""Networks as functions of nested dicts: taken apart, put together, and nothing leaks out."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from tutorials_lib import pure


class Normalizing(nnx.Module):
    """A linear layer whose outputs are normalized by the batch."""

    def __init__(self, features: int, *, scale: float = 1.0, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(features, 2, rngs=rngs)
        self.norm = nnx.BatchNorm(2, rngs=rngs)
        self.scale = scale

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.scale * self.norm(self.linear(x))


X = jnp.asarray(np.random.default_rng(0).normal(3, 1, (8, 3)), jnp.float32)


def test_a_network_put_together_again_computes_the_same():
    network = Normalizing(3, rngs=nnx.Rngs(5))
    trees = pure.arrays(network), pure.arrays(network, nnx.BatchStat)
    assert set(trees[0]) == {"linear", "norm"}
    assert set(trees[1]["norm"]) == {"mean", "var"}
    again = pure.assemble(pure.graph(Normalizing, 3), *trees)
    np.testing.assert_array_equal(again(X), network(X))


def test_the_graph_is_made_once_for_the_same_settings():
    assert pure.graph(Normalizing, 3) is pure.graph(Normalizing, 3)
    assert pure.graph(Normalizing, 3, scale=2.0) is not pure.graph(Normalizing, 3)


def test_what_a_network_changes_inside_jit_is_read_off_its_copy():
    network = Normalizing(3, rngs=nnx.Rngs(5))
    params, before = pure.arrays(network), pure.arrays(network, nnx.BatchStat)

    @jax.jit
    def apply(params, statistics, x):
        copy = pure.assemble(pure.graph(Normalizing, 3), params, statistics)
        return copy(x), pure.arrays(copy, nnx.BatchStat)

    _, after = apply(params, before, X)
    assert not np.allclose(after["norm"]["mean"], before["norm"]["mean"])
    for tree in (params, before):  # still arrays, and not what was traced
        assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(tree))
