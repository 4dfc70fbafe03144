"""The grids of number types, and what becomes of sums on them."""

import numpy as np

from tutorials_lib.jax_and_numpy import types as number_types


def test_a_coarse_sum_stands_still_and_a_fine_one_does_not() -> None:
    errors = {
        name: number_types.running_sum_errors(name, (10, 5_000)) for name in number_types.TYPES
    }
    assert errors["bfloat16"][1] > 0.9
    assert errors["float64"][1] < 1e-11
    ends = [each[1] for each in errors.values()]
    assert ends == sorted(ends, reverse=True)


def test_the_facts_of_a_type_are_those_of_numpy() -> None:
    facts, info = number_types.type_facts("float32"), np.finfo(np.float32)
    assert facts == {
        "bits": 32,
        "largest": float(info.max),
        "smallest": float(info.smallest_normal),
        "step": float(info.eps),
    }


def test_a_product_of_shortened_factors_loses_as_many_bits_as_were_cut() -> None:
    errors = number_types.product_errors(64)
    assert errors["float32"] < 1e-6
    assert 2**-14 < errors["TF32"] < 2**-9
    assert 2**-11 < errors["bfloat16"] < 2**-6


def test_promotion_is_reported_for_both_libraries() -> None:
    ones = np.ones(2, np.float32)
    assert number_types.promoted(np.ones(2, np.int32), ones) == ("float64", "float32")
    assert number_types.promoted(ones, 1.5) == ("float32", "float32")
