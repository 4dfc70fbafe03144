"""Nothing is timed before it agrees, and what is compared is compared fairly."""

import dataclasses
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.benchmark.small import (
    COMPARISON,
    Config,
    layer,
    wrong_in_jax,
)
from tutorials_lib import benchmark, optimizers
from tutorials_lib.benchmark import agreement, page, record, runner
from tutorials_lib.benchmark.canonical import canonical_form
from tutorials_lib.benchmark.inputs import draw_params


def test_the_gate_reports_the_error_of_every_check_in_both_precisions() -> None:
    (row,) = agreement.agree(COMPARISON)
    assert row.name == "output"
    assert 0 <= row.float64_error <= 1e-12
    assert row.float32_error is not None
    assert 0 < row.float32_error <= 1e-5


def test_a_check_that_disagrees_is_an_error_that_names_it() -> None:
    check = dataclasses.replace(COMPARISON.checks[0], run=wrong_in_jax)
    with pytest.raises(benchmark.AgreementError, match=r"kmeans: output, float64.*1\.00e-03"):
        agreement.agree(dataclasses.replace(COMPARISON, checks=(check,)))


def test_a_variant_that_disagrees_is_never_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "race", lambda contestants, **more: pytest.fail("it was timed"))
    wrong = dataclasses.replace(COMPARISON.variants[1], name="wrong", run=wrong_in_jax)
    variants = (COMPARISON.variants[0], wrong, COMPARISON.variants[2])
    with pytest.raises(benchmark.AgreementError, match="'wrong'"):
        runner.measure_comparison(dataclasses.replace(COMPARISON, variants=variants))


def test_the_gate_runs_in_float64_and_leaves_the_precision_as_it_was() -> None:
    seen = []

    def spy(twin, inputs: dict, config: Config) -> dict:
        if twin is jnp:
            seen.append(inputs["x"].dtype)
        return layer(twin, inputs, config)

    check = dataclasses.replace(COMPARISON.checks[0], run=spy)
    agreement.agree(dataclasses.replace(COMPARISON, checks=(check,)))
    assert seen == [np.float64, np.float32]
    assert jnp.ones(1).dtype == jnp.float32


def test_the_gate_compiles_quickly_and_its_programs_serve_nothing_else(
    caplog: pytest.LogCaptureFixture,
):
    seen = []

    def look(twin, inputs: dict, config: Config) -> dict:
        if twin is np:
            option = jax.config.values["jax_disable_most_optimizations"]
            seen.append((option, inputs["x"].dtype.name))
        return layer(twin, inputs, config)

    looking = dataclasses.replace(COMPARISON.checks[0], run=look, float32_tolerance=1e-5)
    agreement.agree(dataclasses.replace(COMPARISON, checks=(looking,)))
    assert seen == [(True, "float64"), (True, "float32")]
    assert not jax.config.values["jax_disable_most_optimizations"]
    jitted, inputs = COMPARISON.jax_headline, COMPARISON.make_inputs(COMPARISON.agreement)
    jax.clear_caches()
    agreement.agree(dataclasses.replace(COMPARISON, checks=(looking,)))
    with jax.log_compiles(), caplog.at_level("WARNING"):
        jitted.call(agreement.place(inputs, "jax"), COMPARISON.agreement)
    assert "XLA compilation of jit(layer)" in caplog.text


def test_a_page_passes_the_gate_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gates, run_gate = [], agreement.agree

    def gate(comparison: benchmark.Comparison) -> tuple[record.AgreementRow, ...]:
        gates.append(comparison)
        return run_gate(comparison)

    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    monkeypatch.setattr(page, "load_comparison", lambda slug: COMPARISON)
    monkeypatch.setattr(page, "run_gate", gate)
    monkeypatch.setattr(runner.gate, "agree", gate)
    monkeypatch.setattr(page, "_agreed", {})
    shown = benchmark.measure("kmeans").record.agreement  # nothing has passed yet
    assert len(gates) == 1
    benchmark.agree("kmeans")
    assert benchmark.measure("kmeans").record.agreement == shown
    assert len(gates) == 2


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"b": np.zeros(2)}, "different structures"),
        ({"a": np.zeros(3)}, "different shapes"),
        ({"a": np.array([0.0, np.nan])}, "not finite"),
    ],
)
def test_results_that_cannot_be_compared_are_an_error(found: dict, message: str) -> None:
    with pytest.raises(benchmark.AgreementError, match=message):
        agreement.relative_error({"a": np.zeros(2)}, found)


def test_parameters_are_drawn_in_their_shapes_without_running_what_makes_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @jax.jit
    def create(key: jax.Array) -> dict:
        return {
            "kernel": jax.random.normal(key, (5, 5, 16, 64)),
            "bias": jnp.zeros(64),
            "log_noise": jnp.zeros(()),
            "norm": {"scale": jnp.ones(64), "bias": jnp.zeros(64)},
        }

    with jax.log_compiles(), caplog.at_level("WARNING"):
        params = draw_params(create, rng=np.random.default_rng(0))
    assert not [
        line for line in caplog.messages if "Finished XLA compilation of jit(create)" in line
    ]
    shapes = jax.eval_shape(create, jax.random.key(0))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, shapes)
    assert params["kernel"].std() == pytest.approx((5 * 5 * 16) ** -0.5, rel=0.02)
    assert all(params[name].dtype == np.float32 for name in ("kernel", "bias", "log_noise"))
    for numbers, center in (
        (params["bias"], 0),
        (params["norm"]["bias"], 0),
        (params["norm"]["scale"], 1),
    ):
        assert numbers.all()
        assert np.abs(numbers - center).max() < 0.5
        assert numbers.std() > 0.05


def test_integers_must_be_equal() -> None:
    assert agreement.relative_error({"n": np.array([1, 2])}, {"n": np.array([1, 2])}) == 0
    assert agreement.relative_error({"n": np.array([1, 2])}, {"n": np.array([1, 3])}) == np.inf


def test_each_leaf_is_judged_on_its_own_scale() -> None:
    expected = {"large": np.array([1.0]), "small": np.array([1e-3])}
    found = {"large": np.array([1.0]), "small": np.array([1.1e-3])}
    assert agreement.relative_error(expected, found) == pytest.approx(0.1)


def test_a_leaf_that_is_zero_but_for_rounding_is_judged_on_the_scale_of_the_largest() -> None:
    expected = {"large": np.array([1.0]), "zero": np.array([1e-17])}
    found = {"large": np.array([1.0]), "zero": np.array([-1e-17])}
    assert agreement.relative_error(expected, found) < 1e-9


class Trained(NamedTuple):
    """The state of a training step, as a tutorial has it."""

    params: dict
    opt_state: Any


def test_the_states_of_both_optimizers_have_one_canonical_form():
    params = {"layer": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}}
    for ours, theirs in (
        (optimizers.adam_start(params), optax.adam(learning_rate=lambda count: 0.1).init(params)),
        (
            optimizers.nesterov_start(params),
            optax.sgd(learning_rate=lambda count: 0.1, momentum=0.9).init(params),
        ),
    ):
        forms = [canonical_form((Trained(params, state), 1.5)) for state in (ours, theirs)]
        assert agreement.relative_error(*forms) == 0
        assert forms[0][0].keys() == {"params", "opt_state"}


def test_checks_with_one_function_share_its_results():
    calls = []

    def both(twin, inputs: dict, config: Config) -> dict:
        calls.append(twin)
        return {"sum": inputs["x"].sum(), "product": inputs["x"] @ inputs["w"]}

    checks = tuple(
        benchmark.Check(name=name, run=both, pick=lambda found, name=name: found[name])
        for name in ("sum", "product")
    )
    rows = agreement.agree(dataclasses.replace(COMPARISON, checks=checks))
    assert [row.name for row in rows] == ["sum", "product"]
    assert calls == [np, jnp]


def test_each_twin_gets_a_state_of_its_own_which_is_not_timed():
    def prepare(twin, inputs: dict, config: Config) -> dict:
        return inputs | {"state": twin.zeros_like(inputs["w"])}

    def work(twin, inputs: dict, config: Config) -> dict:
        assert isinstance(inputs["state"], np.ndarray if twin is np else jax.Array)
        return {"y": inputs["x"] @ (inputs["w"] + inputs["state"])}

    checks = (benchmark.Check(name="output", run=work),)
    agreement.agree(dataclasses.replace(COMPARISON, checks=checks, prepare=prepare))


def test_a_twin_is_known_by_the_name_of_its_module():
    with pytest.raises(ValueError, match="json is no twin"):
        benchmark.Variant(name="?", run=layer, twin=json).backend  # noqa: B018


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"headline": "9 rows"}, "not one of the sizes"),
        ({"sizes": {"8 rows": Config()}}, "at least three"),
        ({"checks": ()}, "no checks"),
        ({"variants": COMPARISON.variants[1:]}, "first variant must be NumPy"),
        ({"variants": COMPARISON.variants[:2]}, "'JAX, op by op' has jit='none'"),
    ],
)
def test_a_comparison_that_could_not_be_measured_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(COMPARISON, **change)
