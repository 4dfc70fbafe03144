"""Derivatives of the arm agree, and methods that do not are never timed."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.jax_and_numpy import transformations as arm


@pytest.mark.parametrize("num_joints", [1, 2, 9])
def test_the_gradients_of_the_arm_are_one(num_joints: int) -> None:
    rng = np.random.default_rng(num_joints)
    angles, target = rng.uniform(-3, 3, num_joints), rng.uniform(-1, 1, 2)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        ours = jax.grad(arm.miss)(jnp.asarray(angles), jnp.asarray(target))
    on_paper = arm.gradient_by_hand(angles, target)
    np.testing.assert_allclose(ours, on_paper, rtol=1e-10, atol=1e-12)
    function = partial(arm.miss_in_numpy, target=target)
    close_by = arm.finite_differences(function, angles, step=1e-6)
    np.testing.assert_allclose(close_by, on_paper, atol=1e-8)


def test_the_hand_of_the_drawn_arm_is_the_hand() -> None:
    angles = np.random.default_rng(0).uniform(-3, 3, (4, 5))
    np.testing.assert_allclose(
        arm.joints(angles)[:, -1], [arm.hand_in_numpy(each) for each in angles], atol=1e-12
    )


@pytest.mark.parametrize("bend", [0.3, 1e-3])  # the second one is nearly stretched
@pytest.mark.parametrize("target", [(0.5, 0.2), (-0.3, -0.8), (0.1, 0.9)])
def test_the_arm_reaches_every_point_of_the_disc(bend: float, target: tuple) -> None:
    found = arm.hand(arm.reach(jnp.full(6, bend), jnp.array(target), 50))
    np.testing.assert_allclose(found, target, atol=1e-3)


def test_a_large_step_and_a_small_one_are_both_worse_than_one_between() -> None:
    large, middle, small = arm.error_by_step(np.array([1e-1, 1e-5, 1e-12]))
    assert middle < large
    assert middle < small


def test_methods_that_disagree_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [len(each) for each in arm.seconds_by_joints((2, 3)).values()] == [2, 2, 2]
    monkeypatch.setattr(arm, "finite_differences", lambda function, x, step: x)
    with pytest.raises(ArithmeticError, match="finite differences"):
        arm.seconds_by_joints((2,))
