"""Segment medical images with a U-Net: the twins agree, and it learns."""

import pytest


def test_one_step_of_the_twins_is_equal():
    pytest.fail("TO WRITE: one step from the same parameters, in both backends")


def test_the_hand_gradient_equals_that_of_jax():
    pytest.fail("TO WRITE: the gradient of in_numpy against jax.grad of in_jax, in float64")


def test_a_known_answer_is_found():
    pytest.fail("TO WRITE: a problem small enough to know its answer, or an objective that falls")


def test_it_beats_its_baseline():
    pytest.fail("TO WRITE: the baseline that the page states, beaten at TINY or in the record")


def test_one_edge_case():
    pytest.fail("TO WRITE: the input that breaks a naive version")


def test_one_seed_repeats_and_two_seeds_differ():
    pytest.fail("TO WRITE: the same result from the same seed, another one from another")
