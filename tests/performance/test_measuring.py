"""What the settings of a process change is measured with them off and on."""

import pytest

from tutorials_lib.performance import measuring


def test_the_settings_are_measured_off_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_ROUNDS", 1)
    effect = measuring.settings_effect()
    assert set(effect) == {"default", "applied"}
    assert all(set(run) == set(measuring.WORK) for run in effect.values())
