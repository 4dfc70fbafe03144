"""One problem in five stages: all find the receivers, and none is timed that does not."""

import jax
import numpy as np
import pytest

from tutorials_lib import devices
from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.experiments import four_optimizations as problem
from tutorials_lib.experiments import four_optimizations_figures as pictures


def test_the_derivative_on_paper_is_that_of_the_misfit() -> None:
    survey = problem.make_survey(3, dtype=np.float64)
    for place, distances in zip(survey.places, survey.distances, strict=True):
        by_differences = [
            (
                problem.misfit_in_numpy(place + shift, survey.beacons, distances)
                - problem.misfit_in_numpy(place - shift, survey.beacons, distances)
            )
            / 2e-6
            for shift in 1e-6 * np.eye(2)
        ]
        by_hand = problem.gradient_by_hand(place, survey.beacons, distances)
        np.testing.assert_allclose(by_hand, by_differences, rtol=1e-7)


def test_misfit_and_gradient_agree_between_the_libraries() -> None:
    survey = problem.make_survey(1, dtype=np.float64)
    arguments = survey.places[0], survey.beacons, survey.distances[0]
    with jax.enable_x64(True):
        value, gradient = jax.value_and_grad(problem.misfit)(*jax.device_put(arguments))
    assert relative_error(problem.misfit_in_numpy(*arguments), value) < 1e-12
    assert relative_error(problem.gradient_by_hand(*arguments), gradient) < 1e-12


def test_exact_distances_lead_to_the_true_places() -> None:
    survey = problem.make_survey(20, error=0.0, dtype=np.float64)
    found = problem.locate_all_in_numpy(survey.beacons, survey.distances)
    np.testing.assert_allclose(found, survey.places, atol=1e-6)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps, and a program that is compiled for them."""
    monkeypatch.setattr(problem, "NUM_STEPS", 3)
    compiled = problem.Stage(jax.jit(jax.vmap(problem.locate, in_axes=(None, 0))))
    monkeypatch.setitem(problem.STAGES, "JAX, grad, vmap, jit", compiled)


@pytest.mark.usefixtures("few_steps")
def test_all_stages_find_the_same_positions() -> None:
    survey = problem.make_survey(2, dtype=np.float64)
    expected = problem.locate_all_in_numpy(survey.beacons, survey.distances)
    assert np.abs(expected - survey.beacons.mean(axis=0)).min() > 1e-3  # they have moved
    with jax.enable_x64(True):
        for name, stage in problem.STAGES.items():
            inputs = survey.beacons, survey.distances
            found = stage.run(*(jax.device_put(inputs) if name.startswith("JAX") else inputs))
            assert relative_error(expected, found) < 1e-12, name


@pytest.mark.usefixtures("few_steps")
def test_every_stage_is_measured_and_drawn() -> None:
    measured = problem.measure_stages(problem.make_survey(4))
    assert list(measured) == list(problem.STAGES)
    assert all(each.seconds > 0 and each.difference < problem.SAME for each in measured.values())
    pictures.draw_stages(measured)


def test_a_stage_with_other_positions_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = problem.Stage(lambda beacons, distances: distances[:, :2])
    monkeypatch.setattr(problem, "STAGES", {"NumPy, wrong": wrong})
    with pytest.raises(ArithmeticError, match="NumPy, wrong: the positions differ"):
        problem.measure_stages(problem.make_survey(3))


def test_a_gradient_is_timed_in_both_ways() -> None:
    costs = problem.costs_of_a_gradient(problem.make_survey(5))
    assert len(costs) == 4
    assert min(costs.values()) > 0


def test_devices_share_the_receivers_only_when_told_to() -> None:
    result = devices.run(problem.locate_on_devices, num_devices=4, num_receivers=12, repeats=1)
    assert result["devices"] == 4
    assert result["receivers on each"] == [3, 3, 3, 3]
    assert result["devices unless spread"] == 1
    assert result["difference"] < problem.SAME
    assert result["communication"] == []


def test_the_problem_is_drawn_with_all_beacons() -> None:
    survey = problem.make_survey(30)
    figure = pictures.draw_problem(
        survey, problem.locate_all_in_numpy(survey.beacons, survey.distances)
    )
    one, _ = figure.axes
    assert len(one.patches) == len(survey.beacons)
