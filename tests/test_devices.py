"""Fresh processes: eight simulated devices, two processes that are joined, errors in words."""

import pytest

from tutorials_lib import devices
from tutorials_lib.jax_and_numpy import devices as sharding


def test_a_process_has_the_devices_that_were_asked_for() -> None:
    assert devices.run(sharding.describe_devices, num_devices=3) == ["cpu:0", "cpu:1", "cpu:2"]


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(devices.ProcessError, match="unexpected keyword argument 'rows'"):
        devices.run(sharding.layout_of_a_sharded_product, num_devices=1, rows=8)


def test_a_process_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "TIMEOUT_SECONDS", 0.1)
    with pytest.raises(devices.ProcessError, match=r"no result after 0\.1 seconds"):
        devices.run(sharding.describe_devices)


def test_what_a_function_prints_is_not_its_result() -> None:
    assert devices.run(say, word="hello") == "hello!"


def say(word: str) -> str:
    """Called in a fresh process."""
    print("something else")
    return f"{word}!"
