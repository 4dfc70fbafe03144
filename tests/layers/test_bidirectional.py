"""The bidirectional unit: both libraries agree, and padding is never read."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tutorials_lib import pure
from tutorials_lib.layers.bidirectional.in_jax import BidirectionalGRU
from tutorials_lib.layers.bidirectional.in_numpy import bidirectional_gru, pack

FEATURES, HIDDEN = 4, 3
NETWORK = partial(BidirectionalGRU, FEATURES, HIDDEN)


def draw_cells(rng: np.random.Generator) -> dict:
    def cell() -> dict:
        return {
            "input": {
                "kernel": rng.standard_normal((FEATURES, 3 * HIDDEN)),
                "bias": rng.standard_normal(3 * HIDDEN),
            },
            "recurrent": {"kernel": rng.standard_normal((HIDDEN, 3 * HIDDEN))},
        }

    return {"forward": cell(), "backward": cell()}


def run_in_jax(params: dict, x: jax.Array, lengths: jax.Array):
    graph = nnx.split(nnx.eval_shape(lambda: NETWORK(rngs=nnx.Rngs(0))))[0]
    mask = jnp.arange(len(x))[:, None] < lengths
    return pure.assemble(graph, params)(x, mask)


@pytest.mark.parametrize("each", [[5, 5], [2, 6, 1, 6, 3]])
def test_states_and_gradients_are_those_of_jax(each: list[int]):
    rng, lengths = np.random.default_rng(0), np.array(each)
    params, packing = draw_cells(rng), pack(lengths)
    x = rng.standard_normal((lengths.max() + 2, len(lengths), FEATURES))
    rows = packing.place, packing.sequence
    states, vjp = bidirectional_gru(x[rows], packing, **params)
    dstates = rng.standard_normal(states.shape)
    with jax.enable_x64(True):
        run = partial(run_in_jax, lengths=jnp.asarray(lengths))
        expected, jax_vjp = jax.vjp(lambda *each: run(*each)[rows], params, jnp.asarray(x))
        dparams, dx = jax_vjp(jnp.asarray(dstates))
    np.testing.assert_allclose(states, expected, rtol=1e-10, atol=1e-12)
    found = vjp(dstates)
    np.testing.assert_allclose(found[0], dx[rows], rtol=1e-9, atol=1e-11)
    ours = dict(zip(("forward", "backward"), found[1:], strict=True))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), ours, dparams)


def test_a_sequence_in_a_batch_is_read_as_if_it_were_alone():
    rng, lengths = np.random.default_rng(1), np.array([3, 7, 5])
    params, packing = draw_cells(rng), pack(lengths)
    x = rng.standard_normal((7, 3, FEATURES))
    together, _ = bidirectional_gru(x[packing.place, packing.sequence], packing, **params)
    for sequence, length in enumerate(lengths):
        alone, _ = bidirectional_gru(x[:length, sequence], pack(lengths[[sequence]]), **params)
        here = packing.sequence == sequence
        np.testing.assert_allclose(together[here], alone, rtol=1e-12)


def test_rows_are_packed_step_by_step_and_read_backwards_in_their_own_sequence():
    packing = pack(np.array([1, 3, 2]))
    np.testing.assert_array_equal(packing.sequence, [1, 2, 0, 1, 2, 1])
    np.testing.assert_array_equal(packing.place, [0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(packing.reverse, [5, 4, 2, 3, 1, 0])
    assert packing.counts == [3, 2, 1]


def test_an_empty_sequence_is_named():
    with pytest.raises(ValueError, match="a sequence of length 0"):
        pack(np.array([3, 0]))
