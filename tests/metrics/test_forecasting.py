"""The block bootstrap: known answers, and wider intervals where neighbours are alike."""

import numpy as np
import pytest

from tutorials_lib.metrics.forecasting import block_bootstrap_interval


def test_blocks_of_one_give_the_interval_of_independent_scores():
    scores = np.random.default_rng(1).standard_normal(400)
    low, high = block_bootstrap_interval(scores, block=1)
    half = 1.96 * scores.std() / 20
    np.testing.assert_allclose([low, high], [scores.mean() - half, scores.mean() + half], atol=0.01)


def test_scores_that_hang_together_make_the_interval_wider():
    scores = np.repeat(np.random.default_rng(2).standard_normal(20), 20)
    apart, together = (block_bootstrap_interval(scores, block=block) for block in (1, 40))
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])


def test_the_last_scores_count_as_much_as_the_first():
    scores = np.zeros(10)
    scores[-1] = 10  # blocks of 4 that began at the start would leave it out
    low, high = block_bootstrap_interval(scores, block=4)
    assert low < 1 < high


def test_all_scores_in_one_block_have_one_mean():
    assert block_bootstrap_interval(np.arange(5.0), block=5) == (2.0, 2.0)


@pytest.mark.parametrize("block", [0, 6])
def test_a_block_that_is_no_part_is_refused(block: int):
    with pytest.raises(ValueError, match=f"block is {block}; expected 1 to 5"):
        block_bootstrap_interval(np.arange(5.0), block=block)
