"""CartPole in both backends, held to gymnasium's step for step."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorials_lib.environments.cartpole import in_jax, in_numpy
from tutorials_lib.environments.cartpole.physics import (
    MAX_ANGLE,
    MAX_POSITION,
    MAX_START,
    TIME_LIMIT,
)

REACH = np.array([1.2 * MAX_POSITION, 3.0, 1.2 * MAX_ANGLE, 3.0])
"""Observations up to here lie on both sides of every bound."""


@pytest.fixture(scope="module")
def reference() -> CartPoleEnv:
    env = gymnasium.make("CartPole-v1").unwrapped
    assert isinstance(env, CartPoleEnv)
    env.reset(seed=0)
    return env


def random_moves(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-REACH, REACH, (count, 4)), rng.integers(0, 2, count)


def lean_against(observation: np.ndarray | jax.Array) -> np.ndarray | jax.Array:
    """Push to the side to which the pole leans: better than chance, but not for long."""
    return (observation[:, 2] > 0) * 1


def test_ten_thousand_random_transitions_are_those_of_gymnasium_in_float64(reference):
    observation, action = random_moves(10_000)
    ours = in_numpy.step(in_numpy.start(observation), action)
    with jax.enable_x64(True):
        theirs = in_jax.step(in_jax.start(jnp.asarray(observation)), jnp.asarray(action))
    assert theirs.state.observation.dtype == np.float64
    expected, rewards, terminated = [], [], []
    for state, push in zip(observation, action, strict=True):
        reference.state, reference.steps_beyond_terminated = state.copy(), None
        _, reward, is_over, _, _ = reference.step(int(push))
        expected.append(reference.state)
        rewards.append(reward)
        terminated.append(is_over)
    assert 1_000 < sum(terminated) < 9_000
    for found in (ours, theirs):
        np.testing.assert_allclose(found.state.observation, expected, rtol=1e-13, atol=1e-15)
        np.testing.assert_array_equal(found.terminated, terminated)
        np.testing.assert_array_equal(found.reward, rewards)
        assert not found.truncated.any()


@pytest.mark.parametrize("spin", [0.0, 0.3])
def test_whole_episodes_last_as_long_as_those_of_gymnasium(spin: float):
    env = gymnasium.make("CartPole-v1")
    lengths = []
    for seed in range(5):
        env.reset(seed=seed)
        state = in_numpy.start(np.array([env.unwrapped.state]))  # type: ignore[attr-defined]
        is_over = False
        while not is_over:
            _, _, angle, angular_velocity = state.observation[0]
            action = int(angle + spin * angular_velocity > 0)
            _, _, terminated, truncated, _ = env.step(action)
            state, _, ours_terminated, ours_truncated = in_numpy.step(state, np.array([action]))
            assert (terminated, truncated) == (ours_terminated[0], ours_truncated[0])
            is_over = terminated or truncated
        lengths.append(int(state.age[0]))
    assert (max(lengths) < 100) if spin == 0 else (min(lengths) == TIME_LIMIT)


def test_a_long_random_walk_of_many_poles_is_the_same_in_both_backends():
    rng = np.random.default_rng(2)
    ours = in_numpy.start(in_numpy.reset(rng, 6))
    step, restart = jax.jit(in_jax.step), jax.jit(in_jax.restart)
    with jax.enable_x64(True):
        theirs = in_jax.start(jnp.asarray(ours.observation))
        num_over = 0
        for _ in range(200):
            action, fresh = rng.integers(0, 2, 6), in_numpy.reset(rng, 6)
            after, now = in_numpy.step(ours, action), step(theirs, jnp.asarray(action))
            is_over = after.terminated | after.truncated
            np.testing.assert_array_equal(is_over, now.terminated | now.truncated)
            num_over += is_over.sum()
            ours = in_numpy.restart(after.state, is_over, fresh)
            theirs = restart(now.state, jnp.asarray(is_over), jnp.asarray(fresh))
            np.testing.assert_allclose(theirs.observation, ours.observation, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(theirs.age, ours.age)
    assert num_over > 20


def test_the_time_limit_truncates_but_does_not_terminate():
    almost = in_numpy.State(np.zeros((2, 4)), np.array([TIME_LIMIT - 2, TIME_LIMIT - 1], np.int32))
    ours = in_numpy.step(almost, np.array([0, 1]))
    theirs = in_jax.step(in_jax.State(*map(jnp.asarray, almost)), jnp.array([0, 1]))
    for found in (ours, theirs):
        assert found.truncated.tolist() == [False, True]
        assert not found.terminated.any()
        assert found.reward.tolist() == [1, 1]


def test_a_pole_may_fall_on_the_last_step():
    leaning = in_numpy.State(
        np.array([[0, 0, MAX_ANGLE, 1.0]]), np.array([TIME_LIMIT - 1], np.int32)
    )
    found = in_numpy.step(leaning, np.array([0]))
    assert found.terminated.all()
    assert found.truncated.all()


def test_only_poles_whose_episode_is_over_begin_anew():
    state = in_jax.State(jnp.ones((2, 4)), jnp.array([7, 8], jnp.int32))
    fresh = jnp.zeros((2, 4))
    after = in_jax.restart(state, jnp.array([True, False]), fresh)
    assert after.age.tolist() == [0, 8]
    assert after.observation.sum(1).tolist() == [0, 4]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31 - 1))
def test_every_first_observation_is_within_reach_of_the_start(seed: int):
    ours = in_numpy.reset(np.random.default_rng(seed), 50)
    theirs = np.asarray(in_jax.reset(jax.random.key(seed), 50))
    for observation in (ours, theirs):
        assert observation.shape == (50, 4)
        assert np.abs(observation).max() <= MAX_START
        assert not in_numpy.is_out_of_bounds(observation).any()


def test_first_observations_fill_their_range_evenly():
    for observation in (
        in_numpy.reset(np.random.default_rng(0), 4_000),
        np.asarray(in_jax.reset(jax.random.key(0), 4_000)),
    ):
        shares = np.histogram(observation, bins=5, range=(-MAX_START, MAX_START))[0] / 16_000
        np.testing.assert_allclose(shares, 0.2, atol=0.015)


def test_both_play_the_same_episodes_to_their_end():
    first = in_numpy.reset(np.random.default_rng(3), 20)
    ours = in_numpy.play(lean_against, first)  # type: ignore[arg-type]
    with jax.enable_x64(True):
        theirs = jax.jit(lambda x: in_jax.play(lean_against, x))(jnp.asarray(first))  # type: ignore
    np.testing.assert_array_equal(ours.is_running, theirs.is_running)
    running = ours.is_running
    assert running[0].all()
    assert (np.diff(running.astype(int), axis=0) <= 0).all(), "an episode that ended went on"
    assert 20 < running.sum(0).mean() < TIME_LIMIT
    np.testing.assert_allclose(
        ours.observation[running], np.asarray(theirs.observation)[running], rtol=1e-8, atol=1e-10
    )


def test_an_episode_ends_with_the_step_that_leaves_the_bounds():
    push_right = np.zeros((1, 4))
    episodes = in_numpy.play(lambda observation: np.ones(len(observation), int), push_right)
    length = int(episodes.is_running.sum())
    last = episodes.observation[length - 1]
    assert not in_numpy.is_out_of_bounds(last).any()
    assert in_numpy.is_out_of_bounds(in_numpy.move(last, np.array([1]))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_of_the_observation_is_kept(dtype: type):
    observation, action = np.zeros((3, 4), dtype), np.array([0, 1, 0])
    assert in_numpy.step(in_numpy.start(observation), action).state.observation.dtype == dtype
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        state = in_jax.start(jnp.asarray(observation))
        assert in_jax.step(state, jnp.asarray(action)).state.observation.dtype == dtype
