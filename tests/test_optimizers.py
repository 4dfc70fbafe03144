"""NumPy's trees and optimizers, held to JAX's and Optax's."""

import jax
import numpy as np
import optax
import pytest

from tutorials_lib import optimizers, trees

RNG = np.random.default_rng(0)
PARAMS = {
    "layers": {0: {"kernel": RNG.normal(size=(3, 4)), "bias": RNG.normal(size=4)}},
    "scale": np.array(0.5),
}


def random_grads(seed: int, size: float = 1.0) -> dict:
    """Gradients for PARAMS, with the keys added in another order."""
    rng = np.random.default_rng(seed)
    grads = trees.tree_map(lambda p: np.asarray(size * rng.normal(size=p.shape)), PARAMS)
    return {name: grads[name] for name in reversed(grads)}


def assert_equal(ours: dict, theirs: dict, tolerance: float = 1e-12) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance), ours, theirs)


def test_a_tree_survives_being_flattened():
    assert_equal(trees.unravel(trees.ravel(PARAMS), PARAMS), PARAMS)


def test_flattening_follows_the_keys_of_the_tree_it_is_to_be_like():
    grads = random_grads(0)
    assert list(grads) != list(PARAMS)
    assert_equal(trees.unravel(trees.ravel(grads, like=PARAMS), PARAMS), grads)


def test_a_vector_of_another_length_is_named():
    with pytest.raises(ValueError, match="16 numbers, but the tree holds 17"):
        trees.unravel(np.zeros(16), PARAMS)


def test_a_missing_branch_is_an_error():
    with pytest.raises(KeyError):
        trees.tree_map(np.add, PARAMS, {"scale": PARAMS["scale"]})


def test_adam_takes_the_steps_of_optax():
    with jax.enable_x64(True):
        theirs = optax.adam(learning_rate=0.05, b1=0.8, b2=0.95, eps=1e-6)
        expected, opt_state = PARAMS, theirs.init(PARAMS)
        ours, state = PARAMS, optimizers.adam_start(PARAMS)
        for seed in range(5):
            grads = random_grads(seed)
            updates, opt_state = theirs.update(grads, opt_state)
            expected = optax.apply_updates(expected, updates)
            ours, state = optimizers.adam_update(
                ours, grads, state, learning_rate=0.05, b1=0.8, b2=0.95, eps=1e-6
            )
        assert_equal(ours, expected)
    assert state.steps == 5


def test_adam_changes_neither_parameters_nor_state_in_place():
    params = trees.tree_map(np.copy, PARAMS)
    state = optimizers.adam_start(params)
    grads = random_grads(1)
    optimizers.adam_update(params, grads, state, learning_rate=1.0)
    assert_equal(params, PARAMS)
    assert_equal(grads, random_grads(1))
    assert not state.mu.any()
    assert not state.nu.any()


def test_adam_keeps_single_precision():
    params = trees.tree_map(lambda p: np.asarray(p, np.float32), PARAMS)
    grads = trees.tree_map(lambda g: np.asarray(g, np.float32), random_grads(2))
    new, state = optimizers.adam_update(
        params, grads, optimizers.adam_start(params), learning_rate=0.1
    )
    assert {leaf.dtype for leaf in trees.leaves(new)} == {np.dtype(np.float32)}
    assert state.mu.dtype == state.nu.dtype == np.float32
    assert state.steps.dtype == np.int32


def test_nesterovs_momentum_takes_the_steps_of_optax_and_keeps_single_precision():
    rates = np.linspace(0.1, 0.02, 5, dtype=np.float32)
    theirs = optax.sgd(lambda count: jax.numpy.asarray(rates)[count], momentum=0.8, nesterov=True)
    with jax.enable_x64(True):
        expected, opt_state = PARAMS, theirs.init(PARAMS)
        ours, state = PARAMS, optimizers.nesterov_start(PARAMS)
        for seed, rate in enumerate(rates):
            grads = random_grads(seed)
            updates, opt_state = theirs.update(grads, opt_state)
            expected = optax.apply_updates(expected, updates)
            ours, state = optimizers.nesterov_update(
                ours, grads, state, learning_rate=rate, momentum=0.8
            )
        assert_equal(ours, expected)
    assert state.steps == 5
    single = trees.tree_map(lambda leaf: np.asarray(leaf, np.float32), PARAMS)
    new, state = optimizers.nesterov_update(
        single, single, optimizers.nesterov_start(single), learning_rate=rates[0], momentum=0.8
    )
    kept = [*trees.leaves(new), *trees.leaves(state.trace)]
    assert {leaf.dtype for leaf in kept} == {np.dtype(np.float32)}


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_clipping_is_that_of_optax(size: float):
    with jax.enable_x64(True):
        grads = random_grads(3, size)
        clip = optax.clip_by_global_norm(2.0)
        expected, _ = clip.update(grads, clip.init(grads))
        assert_equal(optimizers.clip_by_global_norm(grads, 2.0), expected)
