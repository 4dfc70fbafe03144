"""The generated series follows its equation, never settles, and depends on its seed."""

import numpy as np

from tutorials_lib.datasets.mackey_glass import mackey_glass


def test_the_series_follows_its_equation():
    x = mackey_glass(400, noise=0.0, seed=0)
    past = x[1:-17]
    slope = 0.2 * past / (1 + past**10) - 0.1 * x[18:]
    change = np.gradient(x)[18:]
    np.testing.assert_allclose(change[1:-1], slope[1:-1], atol=0.01)


def test_it_swings_and_never_repeats():
    x = mackey_glass(1000, noise=0.0, seed=0)
    assert 0.2 < x.std() < 0.3
    gaps = [np.abs(x[lag : 300 + lag] - x[:300]).max() for lag in range(20, 700)]
    assert min(gaps) > 0.01


def test_noise_is_in_units_of_the_spread_and_seeds_differ():
    clean, noisy = (mackey_glass(2000, noise=noise, seed=0) for noise in (0.0, 0.15))
    np.testing.assert_allclose((noisy - clean).std(), 0.15 * clean.std(), rtol=0.05)
    assert not np.array_equal(clean, mackey_glass(2000, noise=0.0, seed=1))
    np.testing.assert_array_equal(clean, mackey_glass(2000, noise=0.0, seed=0))
