"""The experiments of the chapters compute what their pages say."""

import pytest

from tutorials_lib.experiments import loops, measuring


def test_the_four_loops_take_the_same_steps() -> None:
    seconds = loops.seconds_per_step(num_steps=3, repeats=1)
    assert tuple(seconds) == loops.LOOPS
    assert all(each > 0 for each in seconds.values())


def test_loops_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_numpy_loop", lambda weights, batch, num_steps: 1e3)
    with pytest.raises(ArithmeticError, match="different losses"):
        loops.seconds_per_step(num_steps=3, repeats=1)


def test_the_settings_are_measured_off_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_ROUNDS", 1)
    effect = measuring.settings_effect()
    assert set(effect) == {"default", "applied"}
    assert all(set(run) == set(measuring.WORK) for run in effect.values())


def test_a_process_that_fails_is_reported_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="settings off failed"):
        measuring.settings_effect()
