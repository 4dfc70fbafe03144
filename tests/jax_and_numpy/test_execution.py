"""Work is done unasked, and traces are counted as the page counts them."""

import jax.numpy as jnp
import numpy as np

from tutorials_lib.jax_and_numpy import execution


def test_the_two_chains_compute_the_same() -> None:
    x = np.linspace(-2, 2, 50, dtype=np.float32)
    np.testing.assert_allclose(
        execution.polish(jnp.asarray(x)), execution.polish_in_numpy(x), rtol=1e-5, atol=1e-6
    )


def test_both_moments_of_every_way_of_running_are_measured() -> None:
    seconds = execution.return_and_result(3, repeats=2)
    assert list(seconds) == ["NumPy", "JAX, op by op", "JAX, compiled"]
    assert all(moment > 0 for moments in seconds.values() for moment in moments)


def test_dispatched_work_is_done_although_nobody_uses_its_result() -> None:
    assert execution.finishes_unasked(10)


def test_shapes_types_and_static_arguments_are_traced_anew_and_values_are_not() -> None:
    ones = jnp.ones(3)
    calls = [(ones, 2), (2 * ones, 2), (ones[:2], 2), (ones.astype(int), 2), (ones, 3), (ones, 2)]
    totals = execution.traces_by_call(lambda x, n: x * n, calls, static_argnums=(1,))
    assert totals == [1, 1, 2, 3, 4, 4]
