"""Schedules: where they begin, peak and end, and that nobody can change what all share."""

import numpy as np
import pytest

from tutorials_lib import schedules

STEPS = 40
EACH = {
    "line": schedules.line(STEPS, 0.8, 0.2, share=0.5),
    "cosine": schedules.cosine(STEPS, 0.8),
    "one cycle": schedules.one_cycle(STEPS, 0.8, rising=0.25),
    "one cycle, straight": schedules.one_cycle(STEPS, 0.8, rising=0.25, straight=True),
}
each_schedule = pytest.mark.parametrize("schedule", EACH.values(), ids=EACH)


@each_schedule
def test_a_schedule_has_a_number_for_every_step_and_one_for_all_further_ones(schedule):
    assert schedule.shape == (STEPS + 1,)
    assert schedule.dtype == np.float32
    assert schedules.at(schedule, np.int32(STEPS + 7)) == schedule[-1]
    assert schedules.at(schedule, np.int32(3)) == schedule[3]


@each_schedule
def test_nobody_can_change_what_all_share(schedule):
    with pytest.raises(ValueError, match="read-only"):
        schedule[0] = 1


def test_a_line_falls_and_then_stays():
    line = EACH["line"]
    assert line[0] == np.float32(0.8)
    np.testing.assert_allclose(line[10], 0.5)
    assert (line[20:] == np.float32(0.2)).all()
    assert (schedules.line(4, 0.8, 0.2, share=0.0)[1:] == np.float32(0.2)).all()


def test_a_cosine_is_half_way_down_in_the_middle():
    cosine = EACH["cosine"]
    np.testing.assert_allclose(cosine[[0, STEPS // 2, STEPS]], [0.8, 0.4, 0], atol=1e-7)
    assert (np.diff(cosine) < 0).all()


@pytest.mark.parametrize("name", ["one cycle", "one cycle, straight"])
def test_one_cycle_rises_to_its_peak_and_falls_to_zero(name: str):
    cycle = EACH[name]
    top = int(cycle.argmax())
    assert top in (9, 10)  # after a quarter of the steps
    assert cycle[top] == np.float32(0.8)
    assert (np.diff(cycle[: top + 1]) > 0).all()
    assert (np.diff(cycle[10:]) < 0).all()
    np.testing.assert_allclose(cycle[[0, 25, STEPS]], [0.08, 0.4, 0], atol=1e-7)
