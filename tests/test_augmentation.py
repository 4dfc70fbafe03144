"""A square has eight positions, and turning it loses nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib import augmentation

FLIPS = jnp.array(list(np.ndindex(2, 2, 2)), bool)


def test_three_flips_make_all_positions_that_a_square_has():
    square = np.arange(9).reshape(3, 3)
    turned = jax.vmap(augmentation.turn, (None, 0))(jnp.asarray(square), FLIPS)
    positions = {np.rot90(side, k).tobytes() for side in (square, square.T) for k in range(4)}
    assert len(positions) == 8
    assert {np.asarray(each, square.dtype).tobytes() for each in turned} == positions


def test_flips_come_one_after_the_other():
    square = np.arange(9).reshape(3, 3)
    expected = [square, square.T, square[:, ::-1], square[:, ::-1].T]
    expected += [square[::-1], square[::-1].T, square[::-1, ::-1], square[::-1, ::-1].T]
    for flips, position in zip(FLIPS, expected, strict=True):
        np.testing.assert_array_equal(augmentation.turn(jnp.asarray(square), flips), position)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.uint8, bool])
def test_pixels_keep_their_dtype(dtype: type):
    assert augmentation.turn(jnp.ones((2, 2), dtype), FLIPS[5]).dtype == dtype
