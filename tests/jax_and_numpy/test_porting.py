"""The port of the heated plate: every version agrees with NumPy."""

import jax
import numpy as np
import pytest

from tutorials_lib.jax_and_numpy.porting import pictures, problem, steps
from tutorials_lib.jax_and_numpy.porting.steps import STEPS, Outcome, Step

MAX_STEPS = 3
"""Enough to switch the heater once more; the compiled versions also run to the end."""


def run(step: Step, **changes) -> Outcome:
    with jax.enable_x64(step.float64):
        return steps.outcome(step, steps.simulation(step, **changes)())


@pytest.mark.parametrize("step", STEPS[2:], ids=lambda step: step.module_name)
def test_every_version_that_runs_agrees_with_numpy(step: Step) -> None:
    for target in (0.0, 100.0):  # the heater is off, and on
        plate = problem.Plate(target=target)
        expected = run(STEPS[0], max_steps=MAX_STEPS, plate=plate)
        steps.require_agreement(step, run(step, max_steps=MAX_STEPS, plate=plate), expected)
        assert len(expected.means) == MAX_STEPS


@pytest.mark.parametrize("step", STEPS[2:], ids=lambda step: step.module_name)
def test_every_version_stops_when_the_plate_is_warm(step: Step) -> None:
    plate = problem.Plate(goal=20.2, heat=30.0)
    expected = run(STEPS[0], max_steps=12, plate=plate)
    assert 0 < len(expected.means) < 12
    steps.require_agreement(step, run(step, max_steps=12, plate=plate), expected)


@pytest.mark.parametrize("step", STEPS[2:], ids=lambda step: step.module_name)
def test_a_warm_plate_is_left_alone(step: Step) -> None:
    found = run(step, max_steps=2, plate=problem.Plate(goal=10.0))
    assert len(found.means) == 0
    np.testing.assert_array_equal(found.temperature, problem.start())


@pytest.mark.parametrize("step", STEPS[7:], ids=lambda step: step.module_name)
def test_the_compiled_loops_agree_to_the_end(step: Step) -> None:
    expected = run(STEPS[0])
    assert 50 < len(expected.means) < steps.MAX_STEPS
    steps.require_agreement(step, run(step), expected)


def test_the_thermostat_of_the_page_switches_on_and_off() -> None:
    always = run(STEPS[0], plate=problem.Plate(target=1e9))
    assert len(always.means) < len(run(STEPS[0]).means)


def test_the_swapped_import_raises_at_the_first_assignment() -> None:
    with pytest.raises(TypeError, match="immutable"):
        run(STEPS[1])


def test_energy_is_conserved_without_a_heater() -> None:
    uneven = problem.start()
    uneven[3, 4] += 10.0
    STEPS[0].module.advance(uneven, 0.0, problem.Plate(target=0.0, diffusion=0.1))
    assert uneven[1:-1, 1:-1].sum() == pytest.approx((problem.SIZE - 2) ** 2 * 20 + 10)
    assert uneven[3, 3] == pytest.approx(21)


def test_disagreement_is_an_error() -> None:
    expected = run(STEPS[0], max_steps=MAX_STEPS)
    warmer = expected._replace(temperature=expected.temperature + 1e-3)
    with pytest.raises(ArithmeticError, match=r"off by 1\.0e-03 degrees"):
        steps.require_agreement(STEPS[2], warmer, expected)
    steps.require_agreement(STEPS[9], warmer, expected)
    broken = expected._replace(temperature=expected.temperature * np.nan)
    with pytest.raises(ArithmeticError, match="off by nan"):
        steps.require_agreement(STEPS[9], broken, expected)
    shorter = expected._replace(means=expected.means[:-1])
    with pytest.raises(ArithmeticError, match="2 time steps instead of 3"):
        steps.require_agreement(STEPS[2], shorter, expected)


def test_the_noise_of_a_key_repeats_and_has_unit_variance() -> None:
    draw_noise = STEPS[3].module.draw_noise
    drawn = draw_noise(jax.random.key(0), 2_000)
    np.testing.assert_array_equal(drawn, draw_noise(jax.random.key(0), 2_000))
    assert float(drawn.std()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("step", STEPS[1:], ids=lambda step: step.module_name)
def test_the_difference_of_a_step_is_short_and_leads_to_it(step: Step) -> None:
    lines = steps.Difference(step).lines
    assert 1 < len(lines) <= 25
    before, after = steps.source(STEPS[step.number - 1]), steps.source(step)
    removed = [line[1:] for line in lines if line.startswith("-")]
    added = [line[1:] for line in lines if line.startswith("+")]
    assert sorted(before + added) == sorted(after + removed)
    assert str(step.module.__doc__) not in "\n".join(lines)


def test_every_version_that_runs_is_measured_and_drawn() -> None:
    measured = steps.measure(repeats=1, max_steps=2)
    assert list(measured) == [STEPS[0], *STEPS[2:9], steps.SHORT_NUMPY, *STEPS[9:]]
    assert all(each.seconds > 0 for each in measured.values())
    pictures.draw_steps(measured)


def test_a_ratio_compares_equal_precisions() -> None:
    seconds = {STEPS[0]: 4.0, STEPS[8]: 2.0, steps.SHORT_NUMPY: 3.0, STEPS[9]: 1.0}
    measured = {step: steps.Measured(each, 0.0) for step, each in seconds.items()}
    assert steps.ratio(measured, STEPS[8]) == 0.5
    assert steps.ratio(measured, STEPS[9]) == pytest.approx(1 / 3)
    assert run(steps.SHORT_NUMPY, max_steps=2).temperature.dtype == np.float32


def test_many_plates_take_the_steps_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert min(steps.seconds_per_plate([2.0, 8.0], repeats=1)) > 0
    monkeypatch.setattr(STEPS[10].module, "simulate_many", lambda *inputs: jax.numpy.array([1, 2]))
    with pytest.raises(ArithmeticError, match="other steps"):
        steps.seconds_per_plate([2.0, 8.0], repeats=1)
