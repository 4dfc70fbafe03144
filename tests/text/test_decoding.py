"""Strategies of decoding: what may be chosen, and how often it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import chisquare

from tutorials_lib.text.decoding import (
    GREEDY,
    Strategy,
    choose,
    keep_nucleus,
    keep_top_k,
    probabilities,
    with_temperature,
)

tenths = st.integers(-300, 300).map(lambda number: number / 10)
logits_of_all_kinds = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=tenths
)
FIVE = np.log(np.array([0.4, 0.3, 0.15, 0.1, 0.05]))
NUM_DRAWS = 20_000


def drawn(logits: np.ndarray, strategy: Strategy) -> np.ndarray:
    """How often each token is drawn."""
    noise = np.random.default_rng(0).gumbel(size=(NUM_DRAWS, len(logits)))
    return np.bincount(choose(strategy(logits), noise), minlength=len(logits))


def assert_distribution(counts: np.ndarray, expected: np.ndarray) -> None:
    """Nothing outside the support is drawn, and the rest as often as expected."""
    expected = expected / expected.sum()
    assert counts[expected == 0].sum() == 0
    support = expected > 0
    assert chisquare(counts[support], expected[support] * counts.sum()).pvalue > 1e-3


def test_drawing_has_the_distribution_of_the_model():
    assert_distribution(drawn(FIVE, Strategy()), np.exp(FIVE))


def test_greedy_always_takes_the_most_probable():
    assert drawn(FIVE, GREEDY).tolist() == [NUM_DRAWS, 0, 0, 0, 0]


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_temperature_is_a_power_of_the_probabilities(temperature):
    expected = np.exp(FIVE) ** (1 / temperature)
    assert_distribution(drawn(FIVE, Strategy(temperature=temperature)), expected)


def test_top_k_draws_from_the_k_most_probable_in_their_proportions():
    expected = np.exp(FIVE) * [1, 1, 0, 0, 0]
    assert_distribution(drawn(FIVE, Strategy(top_k=2)), expected)


def test_the_nucleus_is_the_smallest_set_that_has_the_probability():
    kept = np.isfinite(keep_nucleus(FIVE, 0.75))
    assert kept.tolist() == [True, True, True, False, False]
    assert_distribution(drawn(FIVE, Strategy(top_p=0.75)), np.exp(FIVE) * kept)


def test_strategies_follow_each_other():
    combined = Strategy(temperature=0.5, top_k=4, top_p=0.8)(FIVE)
    by_hand = keep_nucleus(keep_top_k(with_temperature(FIVE, 0.5), 4), 0.8)
    np.testing.assert_array_equal(combined, by_hand)


@given(logits=logits_of_all_kinds, k=st.integers(1, 10))
def test_top_k_keeps_k_and_their_ties(logits, k):
    kept = np.isfinite(keep_top_k(logits, k))
    ranks = (logits[:, None, :] > logits[:, :, None]).sum(-1)  # how many are larger
    np.testing.assert_array_equal(kept, ranks < k)


@given(logits=logits_of_all_kinds, p=st.floats(0.01, 0.999))
def test_the_nucleus_has_its_probability_and_loses_it_without_its_least_token(logits, p):
    probs = probabilities(logits)
    kept = np.isfinite(keep_nucleus(logits, p))
    total = np.where(kept, probs, 0).sum(-1)
    assert (total >= p - 1e-9).all()
    least = np.where(kept, probs, np.inf).min(-1, keepdims=True)
    without = np.where(kept & (probs > least), probs, 0).sum(-1)
    assert (without < p + 1e-9).all()


@given(logits=logits_of_all_kinds, k=st.integers(1, 10), p=st.floats(0.01, 1))
def test_jax_arrays_get_what_numpy_arrays_get(logits, k, p):
    strategy = Strategy(temperature=0.7, top_k=k, top_p=p)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        theirs = jax.jit(strategy)(jnp.asarray(logits))
    ours = strategy(logits)
    finite = np.isfinite(ours)
    probs = np.sort(probabilities(with_temperature(logits, 0.7)), axis=-1)[:, ::-1]
    if (abs(probs.cumsum(-1) - p) > 1e-9).all():  # else rounding decides about a token
        np.testing.assert_array_equal(finite, np.isfinite(theirs))
    both = finite & np.isfinite(theirs)
    np.testing.assert_allclose(ours[both], np.asarray(theirs)[both], rtol=1e-12)


def test_logits_far_below_the_others_do_no_harm():
    logits = np.array([0.0, -1e30, -np.inf])
    assert probabilities(logits).tolist() == [1, 0, 0]
    assert np.isfinite(keep_nucleus(logits, 0.9)).tolist() == [True, False, False]


def test_choosing_keeps_the_shape_and_gives_numbers_of_tokens():
    tokens = choose(np.zeros((2, 3, 4)), np.random.default_rng(0).gumbel(size=(2, 3, 4)))
    assert tokens.shape == (2, 3)
    assert tokens.dtype == np.int32


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
    ],
)
def test_a_setting_outside_its_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Strategy(**settings)
