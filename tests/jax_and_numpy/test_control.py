"""Loops inside a program compute what loops outside of it do."""

import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.jax_and_numpy import control


def test_both_loops_compute_the_same_and_both_are_compiled() -> None:
    weights, state = jnp.eye(4) / 2, jnp.ones(4)
    np.testing.assert_allclose(
        control.unrolled(weights, state, 5), control.scanned(weights, state, 5), rtol=1e-6
    )
    seconds = control.compile_by_steps((2, 3))
    assert all(len(each) == 2 and min(each) > 0 for each in seconds.values())


@pytest.mark.parametrize(("start", "steps"), [(1, 0), (6, 8), (27, 111)])
def test_collatz_takes_as_many_steps_in_both_libraries(start: int, steps: int) -> None:
    assert control.collatz_steps_in_numpy(float(start)) == steps
    assert control.collatz_steps(jnp.float32(start)) == steps
