"""CTC: equal to Optax, to the sum over all paths, and to the derivative, padding and all."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tutorials_lib.layers.ctc import BLANK, in_jax
from tutorials_lib.layers.ctc.in_numpy import ctc_loss

TIME, CLASSES = 11, 5

CASES = {
    "all labels as long": ([[1, 2, 3], [3, 1, 4]], [11, 11]),
    "padded frames and labels": ([[1, 2, 3, 4], [2, 4, 0, 0], [3, 0, 0, 0]], [11, 6, 1]),
    "repeated labels": ([[2, 2, 2], [1, 1, 3], [4, 1, 1]], [11, 5, 4]),
    "no label": ([[0, 0], [1, 0]], [7, 2]),
    "no room to spare": ([[1, 1, 2], [1, 2, 3]], [4, 3]),
}


def optax_losses(logits: jax.Array, labels: jax.Array, lengths: jax.Array) -> jax.Array:
    padded = (jnp.arange(len(logits)) >= lengths[:, None]).astype(logits.dtype)
    unlabelled = (labels == BLANK).astype(logits.dtype)
    return optax.ctc_loss(logits.swapaxes(0, 1), padded, labels, unlabelled, blank_id=BLANK)


def collapse(path: tuple[int, ...]) -> list[int]:
    return [key for key, _ in itertools.groupby(path) if key != BLANK]


def draw(case: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Logits, labels, lengths, and a gradient of the losses."""
    labels, lengths = (np.array(each, np.int32) for each in CASES[case])
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((TIME, len(labels), CLASSES))
    return logits, labels, lengths, rng.standard_normal(len(labels))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ours", [in_jax.ctc_loss, optax_losses])
def test_losses_and_gradients_are_those_of_jax(case: str, ours):
    logits, labels, lengths, dlosses = draw(case)
    losses, vjp = ctc_loss(logits, labels, lengths)
    with jax.enable_x64(True):
        theirs = jnp.asarray(labels), jnp.asarray(lengths)
        expected, jax_vjp = jax.vjp(lambda each: ours(each, *theirs), jnp.asarray(logits))
        gradient = jax_vjp(jnp.asarray(dlosses))[0]
    np.testing.assert_allclose(losses, expected, rtol=1e-10)
    np.testing.assert_allclose(vjp(dlosses), gradient, atol=1e-10)


def test_the_loss_is_that_of_all_paths_together():
    rng = np.random.default_rng(1)
    logits, lengths = rng.standard_normal((4, 3, 3)), np.array([4, 3, 4])
    labels = np.array([[1, 2], [2, 2], [1, 0]])
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    losses, _ = ctc_loss(logits, labels, lengths)
    for row, length in enumerate(lengths):
        wanted = [label for label in labels[row] if label != BLANK]
        total = sum(
            np.prod(probs[np.arange(length), row, list(path)])
            for path in itertools.product(range(3), repeat=length)
            if collapse(path) == wanted
        )
        assert losses[row] == pytest.approx(-np.log(total), rel=1e-12)


def test_labels_that_do_not_fit_cost_infinitely_much_and_teach_nothing():
    """Three labels need three frames, and two equal ones a blank between them."""
    labels, lengths = np.array([[1, 2, 3], [1, 1, 0], [1, 2, 0]]), np.array([2, 2, 2])
    logits = np.random.default_rng(0).standard_normal((5, 3, 4))
    losses, vjp = ctc_loss(logits, labels, lengths)
    assert np.isinf(losses[:2]).all()
    assert np.isfinite(losses[2])
    gradient = vjp(np.ones(3))
    assert not gradient[:, :2].any()
    assert gradient[:2, 2].all()
    for theirs in (optax_losses, in_jax.ctc_loss):
        assert (np.asarray(theirs(*map(jnp.asarray, (logits, labels, lengths))))[:2] > 1e4).all()


def test_what_stands_in_padded_frames_counts_nothing():
    logits, labels, lengths, dlosses = draw("padded frames and labels")
    losses, vjp = ctc_loss(logits, labels, lengths)
    changed = logits.copy()
    changed[6:, 1], changed[1:, 2] = 1e3, -1e3
    others, other_vjp = ctc_loss(changed, labels, lengths)
    np.testing.assert_array_equal(losses, others)
    np.testing.assert_array_equal(vjp(dlosses), other_vjp(dlosses))
    assert not vjp(dlosses)[6:, 1].any()


def test_hundreds_of_frames_stay_finite_and_float32():
    rng = np.random.default_rng(0)
    logits = 10 * rng.standard_normal((400, 2, 6)).astype(np.float32)
    labels, lengths = rng.integers(1, 6, (2, 40)), np.array([400, 350])
    losses, vjp = ctc_loss(logits, labels, lengths)
    gradient = vjp(np.ones(2, np.float32))
    assert losses.dtype == gradient.dtype == np.float32
    assert np.isfinite(losses).all()
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=5e-3)


@pytest.mark.parametrize("lengths", [[0, 3], [4, 9]])
def test_lengths_that_cannot_be_are_named(lengths: list[int]):
    with pytest.raises(ValueError, match="in 5 frames; expected 1 or"):
        ctc_loss(np.zeros((5, 2, 3)), np.array([[1], [2]]), np.array(lengths))
