"""One problem in five stages: all find the receivers, and none is timed that does not."""

from functools import partial

import jax
import numpy as np
import pytest

from tutorials_lib import devices
from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.jax_and_numpy.why_jax import pictures, receivers


def test_the_derivative_on_paper_is_that_of_the_misfit() -> None:
    survey = receivers.make_survey(3, dtype=np.float64)
    for place, distances in zip(survey.places, survey.distances, strict=True):
        by_differences = [
            (
                receivers.misfit_in_numpy(place + shift, survey.beacons, distances)
                - receivers.misfit_in_numpy(place - shift, survey.beacons, distances)
            )
            / 2e-6
            for shift in 1e-6 * np.eye(2)
        ]
        by_hand = receivers.gradient_by_hand(place, survey.beacons, distances)
        np.testing.assert_allclose(by_hand, by_differences, rtol=1e-7)


def test_misfit_and_gradient_agree_between_the_libraries() -> None:
    survey = receivers.make_survey(1, dtype=np.float64)
    arguments = survey.places[0], survey.beacons, survey.distances[0]
    with jax.enable_x64(True):
        value, gradient = jax.value_and_grad(receivers.misfit)(*jax.device_put(arguments))
        by_beacon = receivers.misfit_by_beacon(*jax.device_put(arguments))
    assert relative_error(receivers.misfit_in_numpy(*arguments), value) < 1e-12
    assert relative_error(receivers.gradient_by_hand(*arguments), gradient) < 1e-12
    assert relative_error(value, by_beacon) < 1e-12


def test_exact_distances_lead_to_the_true_places() -> None:
    survey = receivers.make_survey(20, error=0.0, dtype=np.float64)
    found = receivers.locate_all_in_numpy(survey.beacons, survey.distances)
    np.testing.assert_allclose(found, survey.places, atol=1e-6)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps, and a program that is compiled for them."""
    monkeypatch.setattr(receivers, "NUM_STEPS", 3)
    by_beacon = partial(receivers.locate, misfit=receivers.misfit_by_beacon)
    for name, locate in {
        "JAX, grad, vmap, jit": receivers.locate,
        "JAX, beacons written out": by_beacon,
    }.items():
        stage = receivers.Stage(jax.jit(jax.vmap(locate, in_axes=(None, 0))))
        monkeypatch.setitem(receivers.STAGES, name, stage)


@pytest.mark.usefixtures("few_steps")
def test_all_stages_find_the_same_positions() -> None:
    survey = receivers.make_survey(2, dtype=np.float64)
    expected = receivers.locate_all_in_numpy(survey.beacons, survey.distances)
    assert np.abs(expected - survey.beacons.mean(axis=0)).min() > 1e-3  # they have moved
    with jax.enable_x64(True):
        for name, stage in receivers.STAGES.items():
            inputs = survey.beacons, survey.distances
            found = stage.run(*(jax.device_put(inputs) if name.startswith("JAX") else inputs))
            assert relative_error(expected, found) < 1e-12, name


@pytest.mark.usefixtures("few_steps")
def test_every_stage_is_measured_and_drawn() -> None:
    measured = receivers.measure_stages(receivers.make_survey(4))
    assert list(measured) == list(receivers.STAGES)
    assert all(each.seconds > 0 and each.difference < receivers.SAME for each in measured.values())
    pictures.draw_stages(measured)


def test_a_stage_with_other_positions_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = receivers.Stage(lambda beacons, distances: distances[:, :2])
    monkeypatch.setattr(receivers, "STAGES", {"NumPy, wrong": wrong})
    with pytest.raises(ArithmeticError, match="NumPy, wrong: the positions differ"):
        receivers.measure_stages(receivers.make_survey(3))


def test_devices_share_the_receivers_only_when_told_to() -> None:
    result = devices.run(receivers.locate_on_devices, num_devices=4, num_receivers=12, repeats=1)
    assert result["devices"] == 4
    assert result["receivers on each"] == [3, 3, 3, 3]
    assert result["devices unless spread"] == 1
    assert result["difference"] < receivers.SAME
    assert result["communication"] == []


def test_the_problem_is_drawn_with_all_beacons() -> None:
    survey = receivers.make_survey(30)
    figure = pictures.draw_problem(
        survey, receivers.locate_all_in_numpy(survey.beacons, survey.distances)
    )
    one, _ = figure.axes
    assert len(one.patches) == len(survey.beacons)
