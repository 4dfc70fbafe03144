"""The losses of NumPy against `jax.value_and_grad` of JAX's, in float64, and known answers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tutorials_lib.layers.losses import in_jax, in_numpy
from tutorials_lib.layers.losses.smoothed import smoothed_cross_entropy

RNG = np.random.default_rng(0)
LOGITS = 3 * RNG.standard_normal((2, 4, 5))
TARGETS = RNG.integers(0, 2, LOGITS.shape).astype(float)
WEIGHTS = RNG.uniform(1, 4, LOGITS.shape)
LOSSES = {"binary_cross_entropy": (TARGETS, WEIGHTS), "soft_dice": (TARGETS,)}


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_those_of_jax(name: str):
    value, dlogits = getattr(in_numpy, name)(LOGITS, *LOSSES[name])
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        on_device = map(jnp.asarray, (LOGITS, *LOSSES[name]))
        expected, gradient = jax.value_and_grad(getattr(in_jax, name))(*on_device)
    assert value == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(dlogits, gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_single_precision_stays(name: str):
    single = [each.astype(np.float32) for each in (LOGITS, *LOSSES[name])]
    value, dlogits = getattr(in_numpy, name)(*single)
    assert (value.dtype, dlogits.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("name", LOSSES)
def test_a_sure_and_right_prediction_costs_nothing_and_overflows_nowhere(name: str):
    sure = 1e4 * (2 * TARGETS - 1)
    value, dlogits = getattr(in_numpy, name)(sure, *LOSSES[name])
    assert value == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(dlogits, 0, atol=1e-12)


def test_where_nothing_is_known_the_cross_entropy_is_one_bit_whatever_the_weights():
    value, _ = in_numpy.binary_cross_entropy(np.zeros_like(LOGITS), TARGETS, WEIGHTS)
    assert value == pytest.approx(np.log(2))


def test_the_dice_loss_of_an_empty_picture_is_defined():
    value, _ = in_numpy.soft_dice(np.full((1, 2, 2), -1e4), np.zeros((1, 2, 2)))
    assert value == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothed_labels_leave_a_share_to_every_word(smoothing: float):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
    targets = (1 - smoothing) * np.eye(5)[labels] + smoothing / 5
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = np.mean(optax.softmax_cross_entropy(jnp.asarray(logits), jnp.asarray(targets)))
    value, dlogits = smoothed_cross_entropy(logits.copy(), labels, smoothing=smoothing)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(dlogits, (softmax - targets) / 6, rtol=1e-12)
