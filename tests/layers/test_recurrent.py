"""Recurrent layers: the loop by hand against `jax.vjp`, the cells against Flax, the masks."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.vjp import in_strict_float64, output_and_gradients
from tutorials_lib.layers.recurrent import in_jax, in_numpy
from tutorials_lib.layers.recurrent.packed import packed_gru, steps_of

FEW = settings(max_examples=4)
sizes = st.integers(1, 4)
NUM_GATES = {"elman": 1, "gru": 3}
CELLS = {"elman": in_jax.Elman, "gru": in_jax.GRU}
LAYERS: dict[str, Any] = {"elman": in_numpy.elman, "gru": in_numpy.gru}
each_layer = pytest.mark.parametrize("name", NUM_GATES)

strict_float64 = pytest.fixture(autouse=True)(in_strict_float64)


def cell_of(name: str, kernel: jax.Array, features: int = 1) -> Any:
    """A cell of NNX with the given recurrent kernel."""
    cell = CELLS[name](features, kernel.shape[0], rngs=nnx.Rngs(0))
    nnx.update(cell, jax.tree.map(lambda leaf: leaf.astype(kernel.dtype), nnx.state(cell)))
    cell.recurrent.kernel[...] = kernel
    return cell


def states_in_jax(name: str, mask: np.ndarray, truncate: int | None) -> Callable:
    """The states as a function of the drive, the first state and the kernel."""

    def states(drive: jax.Array, initial: jax.Array, kernel: jax.Array) -> jax.Array:
        cell = cell_of(name, kernel, features=drive.shape[-1])
        cell.input.kernel[...] = jnp.eye(drive.shape[-1], dtype=drive.dtype)
        return in_jax.run(cell, drive, initial, jnp.asarray(mask), truncate=truncate)[1]

    return states


def problem_of(name: str, time: int, batch: int, hidden: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    gates = NUM_GATES[name] * hidden
    arrays = tuple(
        rng.standard_normal(shape)
        for shape in ((time, batch, gates), (batch, hidden), (hidden, gates))
    )
    lengths = rng.integers(0, time + 1, batch)
    return arrays, np.arange(time)[:, None] < lengths, rng


@each_layer
@FEW
@given(time=st.integers(1, 7), batch=sizes, hidden=sizes, seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("truncate", [None, 1, 3])
def test_back_propagation_through_time_equals_that_of_jax(
    name: str, truncate: int | None, time: int, batch: int, hidden: int, seed: int
):
    arrays, mask, rng = problem_of(name, time, batch, hidden, seed)
    states, vjp = LAYERS[name](*arrays, mask, truncate=truncate)
    dstates = rng.standard_normal(states.shape)
    in_jax = states_in_jax(name, mask, truncate)
    expected, expected_gradients = output_and_gradients(in_jax, tuple(arrays), dstates)
    np.testing.assert_allclose(states, expected, rtol=1e-10, atol=1e-12)
    for ours, theirs in zip(vjp(dstates), expected_gradients, strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@each_layer
def test_without_a_mask_every_step_is_real(name: str):
    arrays, mask, rng = problem_of(name, 5, 3, 2, seed=0)
    states, vjp = LAYERS[name](*arrays)
    all_real, vjp_all_real = LAYERS[name](*arrays, np.ones_like(mask))
    dstates = rng.standard_normal(states.shape)
    np.testing.assert_array_equal(states, all_real)
    for one, other in zip(vjp(dstates), vjp_all_real(dstates), strict=True):
        np.testing.assert_array_equal(one, other)


@each_layer
def test_what_stands_in_the_padding_changes_nothing_to_the_last_bit(name: str):
    (drive, initial, kernel), mask, rng = problem_of(name, 6, 4, 3, seed=1)
    other = np.where(mask[..., None], drive, 100 * rng.standard_normal(drive.shape))
    dstates = rng.standard_normal((6, 4, 3))
    states, vjp = LAYERS[name](drive, initial, kernel, mask)
    other_states, other_vjp = LAYERS[name](other, initial, kernel, mask)
    np.testing.assert_array_equal(states, other_states)
    ddrive, *grads = vjp(dstates)
    _, *other_grads = other_vjp(dstates)
    assert (ddrive[~mask] == 0).all()
    for one, another in zip(grads, other_grads, strict=True):
        np.testing.assert_array_equal(one, another)


@each_layer
def test_the_gradient_can_be_taken_twice(name: str):
    arrays, mask, rng = problem_of(name, 4, 3, 2, seed=2)
    states, vjp = LAYERS[name](*arrays, mask)
    dstates = rng.standard_normal(states.shape)
    for first, second in zip(vjp(dstates), vjp(dstates), strict=True):
        np.testing.assert_array_equal(first, second)


@each_layer
def test_nothing_crosses_a_cut(name: str):
    arrays, mask, _ = problem_of(name, 6, 2, 3, seed=3)
    _, vjp = LAYERS[name](*arrays, np.ones_like(mask), truncate=4)
    dstates = np.zeros((6, 2, 3))
    dstates[-1] = 1
    ddrive, dinitial, _ = vjp(dstates)
    assert (ddrive[:4] == 0).all()
    assert (ddrive[4:] != 0).all()
    assert (dinitial == 0).all()


@each_layer
def test_a_cell_computes_what_that_of_flax_computes(name: str):
    rng = np.random.default_rng(4)
    x, state = rng.standard_normal((5, 3)), rng.standard_normal((5, 4))
    kernel = jnp.asarray(rng.standard_normal((4, 4 * NUM_GATES[name])))
    ours = cell_of(name, kernel, features=3)
    flax_cell = {"elman": nnx.SimpleCell, "gru": nnx.GRUCell}[name]
    theirs = flax_cell(3, 4, dtype=jnp.float64, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    theirs.dense_h.kernel[...] = kernel
    theirs.dense_i.kernel[...] = ours.input.kernel[...]
    expected, _ = theirs(jnp.asarray(state), jnp.asarray(x))
    found = ours.step(jnp.asarray(state), ours.drive(jnp.asarray(x)))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@each_layer
def test_the_product_in_front_of_the_loop_gives_the_same_states(name: str):
    (_, initial, kernel), mask, rng = problem_of(name, 5, 3, 2, seed=5)
    cell = cell_of(name, jnp.asarray(kernel), features=4)
    x = jnp.asarray(rng.standard_normal((5, 3, 4)))
    inside = in_jax.run(cell, x, jnp.asarray(initial), jnp.asarray(mask))
    hoisted = in_jax.run(cell, x, jnp.asarray(initial), jnp.asarray(mask), hoist=True)
    for one, other in zip(inside, hoisted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_array_equal(inside[0], inside[1][-1])


def test_packed_rows_are_what_the_padded_layer_computes_where_there_is_no_padding():
    """Sequences of 4, 2 and 1 steps; the rows of a step stand together."""
    drive, initial, kernel = problem_of("gru", time=4, batch=3, hidden=2, seed=0)[0]
    mask = np.arange(4)[:, None] < np.array([4, 2, 1])
    states, vjp = in_numpy.gru(drive, initial, kernel, mask)
    packed, packed_vjp = packed_gru(drive[mask], initial, kernel, counts=[3, 2, 1, 1])
    np.testing.assert_allclose(packed, states[mask], rtol=1e-12)
    dstates = np.where(mask[..., None], np.cos(states), 0)
    ddrive, *others = vjp(dstates)
    found, *packed_others = packed_vjp(dstates[mask])
    np.testing.assert_allclose(found, ddrive[mask], rtol=1e-12)
    for ours, theirs in zip(packed_others, others, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_rows_of_a_step_stand_behind_those_of_the_one_before():
    assert steps_of([3, 2, 1]) == [slice(0, 3), slice(3, 5), slice(5, 6)]
