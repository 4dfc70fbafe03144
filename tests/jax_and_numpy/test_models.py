"""All ways to train the network take the same steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tutorials_lib.benchmark import AgreementError
from tutorials_lib.jax_and_numpy import models


def test_the_four_loops_take_the_same_steps() -> None:
    seconds = models.seconds_per_step(width=4, num_steps=3, repeats=1)
    assert tuple(seconds) == models.LOOPS
    assert all(each > 0 for each in seconds.values())


def test_loops_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "train_in_numpy", lambda *args: (None, np.ones(3)))
    with pytest.raises(AgreementError, match="different losses"):
        models.seconds_per_step(width=4, num_steps=3, repeats=1)


def test_both_idioms_and_the_network_by_hand_take_the_same_steps() -> None:
    points, labels = models.spirals(64, seed=0)
    network = models.Network(8, rngs=nnx.Rngs(0))
    graphdef, state = nnx.split(network, nnx.Param)
    start = nnx.to_pure_dict(state)
    params, losses = models.train(graphdef, start, jnp.asarray(points), jnp.asarray(labels), 5)
    trained, in_place = models.train_in_place(network, jnp.asarray(points), jnp.asarray(labels), 5)
    by_hand, in_numpy = models.train_in_numpy(jax.tree.map(np.asarray, start), points, labels, 5)
    np.testing.assert_allclose(in_place, losses, rtol=1e-5)
    np.testing.assert_allclose(in_numpy, losses, rtol=1e-4)
    kernel = nnx.to_pure_dict(nnx.state(trained, nnx.Param))["second"]["kernel"]
    np.testing.assert_allclose(kernel, params["second"]["kernel"], atol=1e-5)
    np.testing.assert_allclose(by_hand["second"]["kernel"], params["second"]["kernel"], atol=1e-3)
    assert not np.array_equal(start["second"]["kernel"], params["second"]["kernel"])


def test_each_precision_keeps_its_parameters_and_all_learn() -> None:
    points, labels = map(jnp.asarray, models.spirals(64, seed=0))
    trained = models.train_in_precisions(8, points, labels, 30)
    for name, (_, param_dtype) in models.PRECISIONS.items():
        network, losses = trained[name]
        assert network.hidden.kernel.dtype == param_dtype
        assert losses.dtype == jnp.float32
        assert losses[-1] < losses[0]
    close, coarse = (float(trained[name][1][0]) for name in list(models.PRECISIONS)[:2])
    assert close != coarse
    assert coarse == pytest.approx(close, rel=0.02)


def test_the_gradient_by_hand_is_that_of_jax() -> None:
    points, labels = models.spirals(32, seed=1)
    graphdef, state = nnx.split(models.Network(8, rngs=nnx.Rngs(1)), nnx.Param)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: np.asarray(p, np.float64), nnx.to_pure_dict(state))
        points = points.astype(np.float64)

        def loss(params: dict) -> jax.Array:
            network = nnx.merge(graphdef, jax.tree.map(jnp.asarray, params), copy=True)
            return models.loss_of(network, jnp.asarray(points), jnp.asarray(labels))

        expected = jax.grad(loss)(params)
        _, found = models.loss_and_grads_in_numpy(params, points, labels)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), found, expected
        )
