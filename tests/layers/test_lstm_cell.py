"""Long short-term memory that is driven step by step: both libraries, packed rows and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from tests.layers.vjp import assert_same
from tutorials_lib import pure
from tutorials_lib.layers.lstm import in_jax
from tutorials_lib.layers.lstm.cell_in_jax import Cell
from tutorials_lib.layers.lstm.packed import lstm_step, packed_lstm

COUNTS = [4, 3, 3, 1]
HIDDEN, FEATURES = 3, 2


def problem_of(seed: int):
    """Drive in rows of four sequences, the first state and cell, and a recurrent kernel."""
    rng = np.random.default_rng(seed)
    drive = rng.standard_normal((sum(COUNTS), 4 * HIDDEN))
    initial = rng.standard_normal((4, HIDDEN)), rng.standard_normal((4, HIDDEN))
    return drive, initial, rng.standard_normal((HIDDEN, 4 * HIDDEN)), rng


def cell_of(kernel: jax.Array) -> Cell:
    cell = Cell(FEATURES, HIDDEN, rngs=nnx.Rngs(0))
    cell.recurrent.kernel[...] = kernel
    return cell


def in_rows(drive: jax.Array, initial: tuple, kernel: jax.Array) -> jax.Array:
    """What `packed_lstm` computes, by the cell of JAX."""
    graph, params = nnx.split(Cell(FEATURES, HIDDEN, rngs=nnx.Rngs(0)))
    tree = nnx.to_pure_dict(params)
    tree["recurrent"]["kernel"] = kernel
    cell = pure.assemble(graph, tree)
    memory, rows, start = initial, [], 0
    for count in COUNTS:
        hidden, cells = memory
        drives = drive[start : start + count]
        memory = cell.step((hidden[:count], cells[:count]), drives)
        rows.append(memory[0])
        start += count
    return jnp.concatenate(rows)


def test_packed_rows_and_their_gradients_are_those_of_the_cell_in_jax():
    drive, initial, kernel, rng = problem_of(0)
    states, vjp = packed_lstm(drive, initial, kernel, COUNTS)
    dstates = rng.standard_normal(states.shape)
    with jax.enable_x64(True):
        expected, jax_vjp = jax.vjp(in_rows, *jax.tree.map(jnp.asarray, (drive, initial, kernel)))
        gradients = jax_vjp(jnp.asarray(dstates))
    assert_same(states, expected)
    assert_same(vjp(dstates), gradients)
    assert_same(vjp(dstates), gradients)  # a second time


def test_one_step_is_the_first_of_many():
    drive, initial, kernel, _ = problem_of(1)
    states, _ = packed_lstm(drive, initial, kernel, COUNTS)
    memory = lstm_step(drive[:4], initial, kernel)
    np.testing.assert_allclose(memory[0], states[:4], rtol=1e-12)
    memory = lstm_step(drive[4:7], (memory[0][:3], memory[1][:3]), kernel)
    np.testing.assert_allclose(memory[0], states[4:7], rtol=1e-12)


def test_the_cell_is_the_one_that_runs_over_whole_sequences():
    rng = np.random.default_rng(2)
    x = jnp.asarray(rng.standard_normal((5, 4, FEATURES)), jnp.float32)
    whole = in_jax.LSTM(FEATURES, HIDDEN, rngs=nnx.Rngs(0))
    cell = cell_of(whole.recurrent.kernel[...])
    cell.input.kernel[...] = whole.input.kernel[...]
    memory = jnp.zeros((4, HIDDEN)), jnp.zeros((4, HIDDEN))
    for now in x:
        memory = cell.step(memory, cell.drive(now))
    np.testing.assert_allclose(memory[0], whole(x)[0], rtol=1e-5)
    np.testing.assert_array_equal(cell.input.bias, whole.input.bias)
