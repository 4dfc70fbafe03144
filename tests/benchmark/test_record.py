"""A record is plain data, with a schema, and says what a ratio means."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from tutorials_lib import benchmark
from tutorials_lib.benchmark import record
from tutorials_lib.benchmark.record import Ratio


def test_a_record_survives_json_and_satisfies_its_schema(measured: record.Record) -> None:
    quality = benchmark.Quality(metric="accuracy", value=0.9, baselines={"line": 0.5}, margin=0.1)
    whole = dataclasses.replace(measured, quality=quality)
    schema_file = Path(record.__file__).with_name("record.schema.json")
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    jsonschema.validate(whole.to_json(), schema)
    jsonschema.validate(measured.to_json(), schema)
    assert record.from_json(whole.to_json()) == whole


def test_a_record_of_another_schema_is_refused(measured: record.Record) -> None:
    with pytest.raises(ValueError, match="schema 0"):
        record.from_json({**measured.to_json(), "schema": 0})


@pytest.mark.parametrize(
    ("center", "low", "high", "expected"),
    [
        (1.0, 0.9, 1.1, "below"),
        (2.1, 1.9, 2.3, "borderline"),
        (3.0, 2.5, 3.5, "within"),
        (3.9, 3.8, 4.2, "borderline"),
        (6.0, 5.0, 7.0, "above"),
    ],
)
def test_the_verdict_follows_the_center_unless_an_edge_lies_inside_the_interval(
    center: float, low: float, high: float, expected: str
) -> None:
    ratio = Ratio(center=center, low=low, high=high, processes=5)
    assert record.verdict(ratio, (2.0, 4.0)) == expected


def test_the_times_of_two_end_points_divide_to_the_ratio(measured: record.Record) -> None:
    assert measured.numpy.center / measured.jax.center == pytest.approx(measured.ratio.center)


@pytest.mark.parametrize(
    ("value", "higher", "margin", "met"),
    [(0.8, True, 0.2, True), (0.65, True, 0.2, False), (0.4, False, 0.05, True)],
)
def test_quality_must_beat_every_baseline_by_the_margin(
    value: float, higher: bool, margin: float, met: bool
) -> None:
    quality = benchmark.Quality(
        metric="score",
        value=value,
        baselines={"a": 0.5, "b": 0.6},
        higher_is_better=higher,
        margin=margin,
    )
    assert quality.met is met
