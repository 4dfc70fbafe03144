"""Settings of JAX are told on the machine card, and those that ruin a measurement are refused."""

import jax
import pytest

from tests.benchmark.small import COMPARISON
from tutorials_lib import benchmark, devices
from tutorials_lib.benchmark import machine, runner, settings


@pytest.fixture
def set_to(request: pytest.FixtureRequest):
    """Change a setting of JAX for the length of a test."""

    def change(name: str, value: object) -> None:
        before = jax.config.values[name]
        request.addfinalizer(lambda: jax.config.update(name, before))
        jax.config.update(name, value)

    return change


def test_what_differs_from_the_defaults_is_on_the_machine_card(set_to) -> None:
    assert "jax_threefry_partitionable" not in machine.machine_card()["settings of JAX"]
    set_to("jax_threefry_partitionable", False)
    set_to("jax_default_matmul_precision", "highest")
    told = machine.machine_card()["settings of JAX"]
    assert "jax_threefry_partitionable=False" in told
    assert "jax_default_matmul_precision=highest" in told


def test_threads_that_the_environment_asks_for_are_on_the_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert "OPENBLAS_NUM_THREADS=1" in machine.machine_card()["threads"]


@pytest.mark.parametrize("name", ["jax_disable_jit", "jax_enable_x64", "jax_debug_nans"])
def test_a_setting_that_ruins_a_measurement_is_refused_by_name(set_to, name: str) -> None:
    set_to(name, True)
    with pytest.raises(benchmark.SettingsError, match=rf"{name} is True.*{name.upper()}"):
        runner.measure_comparison(COMPARISON)


def test_every_ruinous_setting_exists() -> None:
    assert settings._RUINOUS.keys() <= jax.config.values.keys()


def settings_there() -> dict[str, str]:
    """Called in a fresh process."""
    return {name: repr(value) for name, value in settings.changed().items()}


def test_a_fresh_process_gets_the_settings_of_this_one(set_to) -> None:
    set_to("jax_threefry_partitionable", False)
    set_to("jax_numpy_dtype_promotion", "strict")
    expected = {name: repr(value) for name, value in settings.changed().items()}
    found = devices.run(settings_there, environment=settings.as_environment())
    assert expected.items() <= found.items()
