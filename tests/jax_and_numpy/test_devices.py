"""What is spread over simulated devices is what one device computes."""

import pytest

from tutorials_lib import devices
from tutorials_lib.jax_and_numpy import devices as sharding


def test_rows_are_spread_evenly_and_the_product_is_that_of_one_device() -> None:
    found = devices.run(sharding.layout_of_a_sharded_product, num_devices=8, num_rows=16)
    assert found["equal"]
    rows = found["rows by device"]
    assert len(rows) == 8
    assert sorted(row for each in rows.values() for row in each) == list(range(16))
    assert {len(each) for each in rows.values()} == {2}
    assert found["communication"] == []
    assert found["type"] == "float32[16@rows,2]"


def test_a_sum_along_the_spread_axis_is_refused_until_somebody_decides() -> None:
    found = devices.run(sharding.product_of_spread_columns, num_devices=4, num_rows=3)
    assert found["refused"] == "ShardingTypeError"
    assert found["equal"] == [True, True]
    assert found["communication"] == {"explicit, told": ["all-reduce"], "auto": ["all-reduce"]}


def test_training_on_eight_devices_ends_where_training_on_one_does() -> None:
    found = devices.run(sharding.train_in_parallel, num_devices=8, num_steps=20)
    assert found["devices"] == 8
    assert set(found["loss"]) == {"one device", "explicit axes", "automatic axes", "shard_map"}
    assert max(found["loss"].values()) < 0.5 * found["loss before"]
    assert max(found["largest difference"].values()) < 1e-5
    assert found["collectives"].pop("one device") == []
    assert list(found["collectives"].values()) == 3 * [["all-reduce"]]


def test_two_processes_agree_on_a_sum_of_which_each_holds_a_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # would keep them from each other
    found = devices.run_together(sharding.sum_over_processes, num_processes=2, num_devices=2)
    assert [each["process"] for each in found] == [0, 1]
    assert [each["its numbers"] for each in found] == [[1, 2], [3, 4]]
    assert [each["sum"] for each in found] == [10, 10]
    assert {each["all devices"] for each in found} == {4}
