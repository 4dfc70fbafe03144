"""House prices: the town is as described, and its rule is in the data."""

import numpy as np
import pytest

from tutorials_lib.datasets.houses import (
    COEFFICIENTS,
    MEAN_LOG_AREA,
    NUM_NEIGHBOURHOODS,
    distance_to_center,
    houses,
    location_effect,
)


def test_homes_are_as_described():
    homes = houses(4_000, seed=0)
    assert {len(column) for column in homes} == {4_000}
    assert set(homes.neighbourhood) == set(range(NUM_NEIGHBOURHOODS))
    assert set(homes.garage) == {0, 1}
    assert homes.place.min() >= 0
    assert homes.place.max() <= 10
    assert 200_000 < np.median(homes.price) < 500_000
    for column in (homes.rooms, homes.baths, homes.age):
        assert np.isnan(column).mean() == pytest.approx(0.05, abs=0.02)
    known = ~np.isnan(homes.rooms)
    correlation = np.corrcoef(np.log(homes.area[known]), homes.rooms[known])[0, 1]
    assert correlation == pytest.approx(0.84, abs=0.02)


def test_least_squares_on_the_terms_of_the_rule_finds_its_coefficients():
    homes = houses(20_000, seed=1)
    known = ~np.isnan(homes.baths + homes.age)
    log_area = np.log(homes.area)
    far = (log_area - MEAN_LOG_AREA) * distance_to_center(homes.place)
    terms = [log_area, homes.baths, homes.age, homes.garage, far, np.ones(len(known))]
    rest = homes.expected_log_price - location_effect(homes.place)
    found = np.linalg.lstsq(np.stack(terms, axis=1)[known], rest[known], rcond=None)[0]
    np.testing.assert_allclose(found[:-1], list(COEFFICIENTS.values()), rtol=1e-9)


def test_one_sale_in_fifty_is_far_off_the_rule():
    homes = houses(20_000, seed=2)
    off = np.abs(np.log(homes.price) - homes.expected_log_price)
    assert (off > 0.7).mean() == pytest.approx(0.02, abs=0.005)
    assert np.median(off) < 0.1


def test_one_seed_repeats_and_two_seeds_differ_in_one_town():
    homes, again, others = houses(50, seed=3), houses(50, seed=3), houses(50, seed=4)
    np.testing.assert_array_equal(homes.price, again.price)
    assert not np.isclose(homes.price, others.price).any()
    place = others.place
    np.testing.assert_array_equal(location_effect(place), location_effect(place.copy()))


def test_no_homes_are_no_error_and_a_negative_number_is():
    assert houses(0, seed=0).price.shape == (0,)
    with pytest.raises(ValueError, match="num_homes is -1"):
        houses(-1, seed=0)
