"""Fresh processes: eight simulated devices, two processes that are joined, errors in words."""

import pytest

from tutorials_lib import devices
from tutorials_lib.experiments import sharding


def test_a_process_has_the_devices_that_were_asked_for() -> None:
    assert devices.run(sharding.describe_devices, num_devices=3) == ["cpu:0", "cpu:1", "cpu:2"]


def test_rows_are_spread_evenly_and_the_product_is_that_of_one_device() -> None:
    found = devices.run(sharding.layout_of_a_sharded_product, num_devices=8, num_rows=16)
    assert found["equal"]
    rows = found["rows by device"]
    assert len(rows) == 8
    assert sorted(row for each in rows.values() for row in each) == list(range(16))
    assert {len(each) for each in rows.values()} == {2}


def test_training_on_eight_devices_ends_where_training_on_one_does() -> None:
    found = devices.run(sharding.train_in_parallel, num_devices=8, num_steps=20)
    assert found["devices"] == 8
    assert set(found["loss"]) == {"one device", "automatic sharding", "shard_map"}
    assert max(found["loss"].values()) < 0.5 * found["loss before"]
    assert max(found["largest difference"].values()) < 1e-5
    assert found["collectives"] == ["all-reduce"]


def test_two_processes_agree_on_a_sum_of_which_each_holds_a_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # would keep them from each other
    found = devices.run_together(sharding.sum_over_processes, num_processes=2, num_devices=2)
    assert [each["process"] for each in found] == [0, 1]
    assert [each["its numbers"] for each in found] == [[1, 2], [3, 4]]
    assert [each["sum"] for each in found] == [10, 10]
    assert {each["all devices"] for each in found} == {4}


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
