"""The experiments of the chapters compute what their pages say."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tutorials_lib.benchmark import AgreementError
from tutorials_lib.experiments import (
    arm,
    control,
    execution,
    models,
    precision,
    random_keys,
    updates,
)


def test_the_four_loops_take_the_same_steps() -> None:
    seconds = models.seconds_per_step(width=4, num_steps=3, repeats=1)
    assert tuple(seconds) == models.LOOPS
    assert all(each > 0 for each in seconds.values())


def test_loops_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "train_in_numpy", lambda *args: (None, np.ones(3)))
    with pytest.raises(AgreementError, match="different losses"):
        models.seconds_per_step(width=4, num_steps=3, repeats=1)


# ---------------------------------------------------------------- transformations


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


# ---------------------------------------------------------------- execution


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


# ---------------------------------------------------------------- updates


def test_every_way_to_update_is_timed_at_every_size() -> None:
    seconds = updates.seconds_per_update((60, 70), num_updates=3, repeats=2)
    assert tuple(seconds) == updates.WAYS
    assert all(len(each) == 2 and min(each) > 0 for each in seconds.values())


def test_a_way_that_changes_other_numbers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "add_one", lambda x, place: x.at[place + 1].add(1))
    with pytest.raises(ArithmeticError, match="op by op"):
        updates.seconds_per_update((60,), num_updates=3, repeats=2)


def test_a_donated_array_is_gone_and_its_memory_holds_the_result() -> None:
    x = jnp.zeros(100)
    address = x.unsafe_buffer_pointer()
    y = updates.add_one_in_place(x, 3)
    assert y.unsafe_buffer_pointer() == address
    assert x.is_deleted()


# ---------------------------------------------------------------- random keys


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


# ---------------------------------------------------------------- number types


def test_a_coarse_sum_stands_still_and_a_fine_one_does_not() -> None:
    errors = {name: precision.running_sum_errors(name, (10, 5_000)) for name in precision.TYPES}
    assert errors["bfloat16"][1] > 0.9
    assert errors["float64"][1] < 1e-11
    ends = [each[1] for each in errors.values()]
    assert ends == sorted(ends, reverse=True)


def test_the_facts_of_a_type_are_those_of_numpy() -> None:
    facts, info = precision.type_facts("float32"), np.finfo(np.float32)
    assert facts == {
        "bits": 32,
        "largest": float(info.max),
        "smallest": float(info.smallest_normal),
        "step": float(info.eps),
    }


def test_promotion_is_reported_for_both_libraries() -> None:
    ones = np.ones(2, np.float32)
    assert precision.promoted(np.ones(2, np.int32), ones) == ("float64", "float32")
    assert precision.promoted(ones, 1.5) == ("float32", "float32")


# ---------------------------------------------------------------- control flow


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


# ---------------------------------------------------------------- models


def test_both_idioms_and_the_network_by_hand_take_the_same_steps() -> None:
    points, labels = models.spirals(64, seed=0)
    network = models.Network(8, rngs=nnx.Rngs(0))
    graphdef, state = nnx.split(network, nnx.Param)
    start = nnx.to_pure_dict(state)
    params, losses = models.train(graphdef, start, jnp.asarray(points), jnp.asarray(labels), 5)
    trained, in_place = models.train_in_place(network, jnp.asarray(points), jnp.asarray(labels), 5)
    by_hand, in_numpy = models.train_in_numpy(jax.tree.map(np.asarray, start), points, labels, 5)
    np.testing.assert_allclose(in_place, losses, rtol=1e-5)
    np.testing.assert_allclose(in_numpy, losses, rtol=1e-4)
    kernel = nnx.to_pure_dict(nnx.state(trained, nnx.Param))["second"]["kernel"]
    np.testing.assert_allclose(kernel, params["second"]["kernel"], atol=1e-5)
    np.testing.assert_allclose(by_hand["second"]["kernel"], params["second"]["kernel"], atol=1e-3)
    assert not np.array_equal(start["second"]["kernel"], params["second"]["kernel"])


def test_the_gradient_by_hand_is_that_of_jax() -> None:
    points, labels = models.spirals(32, seed=1)
    graphdef, state = nnx.split(models.Network(8, rngs=nnx.Rngs(1)), nnx.Param)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: np.asarray(p, np.float64), nnx.to_pure_dict(state))
        points = points.astype(np.float64)

        def loss(params: dict) -> jax.Array:
            network = nnx.merge(graphdef, jax.tree.map(jnp.asarray, params), copy=True)
            return models.loss_of(network, jnp.asarray(points), jnp.asarray(labels))

        expected = jax.grad(loss)(params)
        _, found = models.loss_and_grads_in_numpy(params, points, labels)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), found, expected
        )
