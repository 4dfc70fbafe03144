"""Keys decide what is drawn, and the bootstrap finds what the formula says."""

import jax
import pytest

from tutorials_lib.jax_and_numpy import random as random_keys


def test_a_key_that_is_used_twice_makes_columns_equal_and_two_keys_do_not() -> None:
    one, other = jax.random.split(jax.random.key(0))
    assert random_keys.correlation(*random_keys.heights_and_weights(one, one, 500)) > 0.999
    assert abs(random_keys.correlation(*random_keys.heights_and_weights(one, other, 500))) < 0.2


def test_the_bootstrap_finds_the_standard_error_of_a_mean() -> None:
    values = jax.random.normal(jax.random.key(0), (400,))
    means = random_keys.bootstrap_means(values, jax.random.key(1), 2_000)
    assert float(means.std()) == pytest.approx(float(values.std()) / 20, rel=0.1)
    assert float(means.mean()) == pytest.approx(float(values.mean()), abs=0.01)


def test_every_generator_and_distribution_is_timed() -> None:
    seconds = random_keys.seconds_per_million(repeats=1)
    assert len(seconds) == 3
    assert all(set(each) == {"uniform", "normal"} for each in seconds.values())
