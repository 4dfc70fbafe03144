"""Nothing is timed before it agrees, and what is timed is reported in full."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jsonschema
import numpy as np
import optax
import pytest
from threadpoolctl import ThreadpoolController

from tutorials_lib import benchmark, catalog, optimizers
from tutorials_lib.benchmark import (
    agreement,
    ledger,
    machine,
    page,
    record,
    report,
    runner,
    tables,
    timing,
)
from tutorials_lib.benchmark.__main__ import main
from tutorials_lib.benchmark.canonical import canonical_form
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.record import Spread
from tutorials_lib.tabular.kmeans import in_sklearn

pytestmark = pytest.mark.clock


@dataclass(frozen=True, kw_only=True)
class Config:
    """The number of rows of a small product."""

    num_rows: int = 8


def make_inputs(config: Config) -> dict:
    rng = np.random.default_rng(0)
    return {
        "x": rng.standard_normal((config.num_rows, 4)).astype(np.float32),
        "w": rng.standard_normal((4, 4)).astype(np.float32),
    }


def layer(twin, inputs: dict, config: Config) -> dict:
    return {"y": twin.tanh(inputs["x"] @ inputs["w"])}


def wrong_in_jax(twin, inputs: dict, config: Config) -> dict:
    factor = 1.001 if twin is jnp else 1
    return {"y": twin.tanh(inputs["x"] @ inputs["w"]) * factor}


def never(twin, inputs: dict, config: Config) -> dict:
    raise AssertionError("a variant whose software is missing was run")


COMPARISON = benchmark.Comparison(
    slug="kmeans",
    unit="one layer",
    sizes={f"{n} rows": Config(num_rows=n) for n in (2, 8, 32)},
    headline="8 rows",
    agreement=Config(),
    make_inputs=make_inputs,
    checks=(benchmark.Check(name="output", run=layer, float32_tolerance=1e-5),),
    variants=(
        benchmark.Variant(name="NumPy", run=layer, twin=np),
        benchmark.Variant(name="JAX, op by op", run=layer, twin=jnp),
        benchmark.Variant(name="JAX, jit", run=layer, twin=jnp, jit="whole", explains="one kernel"),
        benchmark.Variant(name="missing", run=never, twin=in_sklearn, requires="no_such_module"),
    ),
    tolerance=1e-5,
    tolerance_reason="rounding",
)


@pytest.fixture(scope="module", autouse=True)
def _no_pauses() -> Iterator[None]:
    """Here it does not matter how long things take, so nothing has to calm down first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "PEER_PAUSE_SECONDS", 0.0)
        patch.setattr(timing, "blas_spin_seconds", lambda: 0.0)
        yield


@pytest.fixture(scope="module")
def measured() -> record.Record:
    """One real measurement of the small comparison."""
    return runner.measure_comparison(COMPARISON)


def synthetic(measured: record.Record, *, ratio: Spread) -> record.Record:
    """The measured record with another ratio at its headline."""

    def change(timing: record.Timing) -> record.Timing:
        if timing.variant != measured.headline_variant:
            return timing
        return dataclasses.replace(timing, ratio=ratio)

    sizes = tuple(
        dataclasses.replace(size, timings=tuple(change(t) for t in size.timings))
        for size in measured.sizes
    )
    return dataclasses.replace(measured, sizes=sizes)


# ---------------------------------------------------------------- the gate


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
    monkeypatch.setattr(runner, "race", lambda contestants: pytest.fail("it was timed"))
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


# ---------------------------------------------------------------- comparisons that are refused


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


# ---------------------------------------------------------------- measuring


def test_the_steps_between_numpy_and_the_best_of_jax_are_timed_at_the_headline_size(
    measured: record.Record,
) -> None:
    assert [size.label for size in measured.sizes] == ["2 rows", "8 rows", "32 rows"]
    for size in measured.sizes:
        between = ["JAX, op by op"] if size is measured.headline_size else []
        assert [t.variant for t in size.timings] == ["NumPy", *between, "JAX, jit"]
        for row in size.timings:
            assert row.repeats >= timing.REPEATS
            assert 0 < row.seconds.q1 <= row.seconds.median <= row.seconds.q3
            assert 0 < row.ratio.q1 <= row.ratio.median <= row.ratio.q3


def test_numpy_is_given_one_thread_or_all_cores_and_jax_chooses(measured: record.Record) -> None:
    assert measured.numpy.threads in (1, machine.num_cores())
    assert measured.jax.threads is None


def test_the_twin_is_the_unit_of_the_ratios(measured: record.Record) -> None:
    assert measured.numpy.ratio == Spread(median=1.0, q1=1.0, q3=1.0)


def test_the_cold_costs_are_ordered(measured: record.Record) -> None:
    for size in measured.sizes:
        assert size.transfer_seconds > 0
        assert size.compile_seconds > size.timing("JAX, jit").seconds.median
        assert size.first_call_seconds > size.timing("JAX, jit").seconds.median


def test_compiling_is_timed_without_the_persistent_cache(tmp_path: Path) -> None:
    """A warm cache would make the second compilation look many times cheaper."""

    def deep(twin, inputs: dict, config: Config) -> jax.Array:
        y = inputs["x"]
        for i in range(30):
            y = twin.tanh(y @ inputs["w"]) + twin.sin(y) * i
        return y

    jitted = benchmark.Variant(name="deep", run=deep, twin=jnp, jit="whole")
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: jax.config.values[name] for name in names}
    inputs = make_inputs(Config())
    try:
        for name, value in zip(names, (str(tmp_path), 0.0, -1), strict=True):
            jax.config.update(name, value)
        timing.compilation_cache.reset_cache()
        jitted.call(inputs, Config())
        assert any(tmp_path.iterdir())
        cached = sorted(tmp_path.iterdir())
        timing.cold_costs(jitted, inputs, Config(), repeats=2)
        assert sorted(tmp_path.iterdir()) == cached
        assert jax.config.values["jax_enable_compilation_cache"]
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        timing.compilation_cache.reset_cache()


def test_a_function_is_compiled_anew_every_time_that_compiling_is_timed() -> None:
    traces = []

    def traced(x: jax.Array) -> jax.Array:
        traces.append(x)
        return x + 1

    seconds = [benchmark.compile_seconds(traced, jnp.ones(3)) for _ in range(3)]
    assert len(traces) == 3
    assert min(seconds) > 0


def test_a_median_leaves_the_first_call_out() -> None:
    calls = []
    assert benchmark.median_seconds(calls.append, 0, repeats=3) >= 0
    assert len(calls) == 4


def test_the_tiny_preset_times_the_smallest_size_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    found = runner.measure_comparison(COMPARISON)
    assert [size.label for size in found.sizes] == ["2 rows"]
    assert found.headline == "2 rows"


def test_breaking_even_needs_a_faster_jax() -> None:
    assert runner.break_even_calls(1.0, 0.01) == pytest.approx(100)
    assert runner.break_even_calls(1.0, 0.0) is None
    assert runner.break_even_calls(1.0, -0.01) is None


def test_timed_returns_the_output_and_waits_for_it() -> None:
    output, seconds = benchmark.timed(jnp.add, 1, 2)
    assert int(output) == 3
    assert seconds > 0


# ---------------------------------------------------------------- records


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
    ("ratio", "expected"),
    [
        (Spread(median=1.0, q1=0.9, q3=1.1), "below"),
        (Spread(median=2.1, q1=1.9, q3=2.3), "borderline"),
        (Spread(median=3.0, q1=2.5, q3=3.5), "within"),
        (Spread(median=3.9, q1=3.8, q3=4.2), "borderline"),
        (Spread(median=6.0, q1=5.0, q3=7.0), "above"),
    ],
)
def test_the_verdict_follows_the_median_unless_an_edge_lies_between_the_quartiles(
    ratio: Spread, expected: str
) -> None:
    assert record.verdict(ratio, (2.0, 4.0)) == expected


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


# ---------------------------------------------------------------- words, tables, figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.0, "2.00 s"),
        (0.01234, "12.3 ms"),
        (0.5, "500 ms"),
        (4.2e-6, "4.20 µs"),
        (1e-9, "1.00 ns"),
    ],
)
def test_seconds_get_three_digits_and_a_unit(seconds: float, text: str) -> None:
    assert tables.format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(5.23, "5.2×"), (0.0213, "0.021×"), (12.4, "12×"), (1.0, "1.0×")]
)
def test_ratios_get_two_digits(ratio: float, text: str) -> None:
    assert tables.format_ratio(ratio) == text


@pytest.mark.parametrize(
    ("calls", "text"), [(None, "never"), (0.2, "1 call"), (1500.4, "1,500 calls")]
)
def test_break_even_counts_read_as_words(calls: float | None, text: str) -> None:
    assert tables.format_calls(calls) == text


def test_a_result_shows_every_variant_and_every_size(measured: record.Record) -> None:
    text = report.Result(measured).markdown()
    for name in ("NumPy", "JAX, op by op", "JAX, jit", "2 rows", "8 rows", "32 rows"):
        assert name in text


def test_a_result_says_what_each_variant_adds_where_it_is_known(measured: record.Record) -> None:
    header, _, *rows = report.Result(measured).markdown().split("\n\n")[0].splitlines()
    assert header.endswith("what it adds |")
    assert [row.split("|")[-2].strip() for row in rows] == ["", "", "one kernel"]
    plain = tuple(dataclasses.replace(v, explains="") for v in COMPARISON.variants)
    unexplained = runner.measure_comparison(dataclasses.replace(COMPARISON, variants=plain))
    assert "what it adds" not in report.Result(unexplained).markdown()


def test_the_verdict_says_when_jax_is_slower(measured: record.Record) -> None:
    slow = synthetic(measured, ratio=Spread(median=0.5, q1=0.4, q3=0.6))
    assert report.verdict_sentence(slow) == (
        "0.50× (quartiles 0.40× to 0.60×) is below the claimed 2 to 4×: slower than NumPy."
    )
    tie = synthetic(measured, ratio=Spread(median=1.1, q1=1.0, q3=1.2))
    assert "a tie with NumPy" in report.verdict_sentence(tie)


def test_labels_of_lines_that_end_together_are_moved_apart() -> None:
    shifts = report._label_shifts({"JAX": 1.0, "NumPy": 1.05, "scikit-learn": 3.0})
    assert shifts["JAX"] < shifts["scikit-learn"] == 0 < shifts["NumPy"]


def test_figures_describe_what_they_show(measured: record.Record) -> None:
    result = report.Result(measured)
    assert "JAX, jit" in result.waterfall().alt
    assert "from 2 rows to 32 rows" in result.growth().alt


def test_the_ledger_lists_all_thirty_and_marks_the_planned(measured: record.Record) -> None:
    rows = ledger.ledger_rows({"kmeans": measured})
    assert len(rows) == len(catalog.TUTORIALS) == 30
    by_slug = {row.tutorial.slug: row for row in rows}
    assert by_slug["kmeans"].measured == ledger.measured_text(measured)
    assert by_slug["a3c"].measured == "planned"
    assert "60×" in by_slug["kmeans"].also_claimed


def test_the_ledger_figure_counts_the_verdicts(measured: record.Record) -> None:
    above = synthetic(measured, ratio=Spread(median=6.0, q1=5.0, q3=7.0))
    assert "1 above the claim" in ledger.describe_ledger({"kmeans": above})
    figure = ledger.draw_ledger({"kmeans": above})
    assert len(figure.axes[0].get_yticklabels()) == 30


# ---------------------------------------------------------------- the command line


def test_the_command_line_measures_and_writes_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "load_comparison", lambda slug: COMPARISON)
    monkeypatch.setenv("TUTORIALS_PRESET", "tiny")
    target = tmp_path / "out.json"
    assert main(["kmeans", "--json", str(target)]) == 0
    (data,) = json.loads(target.read_text(encoding="utf-8"))
    assert record.from_json(data).slug == "kmeans"
    assert list(tmp_path.iterdir()) == [target]
    assert "JAX, jit" in capsys.readouterr().out


def test_the_command_line_reports_a_disagreement_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = dataclasses.replace(COMPARISON.checks[0], run=wrong_in_jax)
    broken = dataclasses.replace(COMPARISON, checks=(check,))
    monkeypatch.setattr(runner, "load_comparison", lambda slug: broken)
    assert main(["kmeans"]) == 1
    assert "not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such_tutorial"], "no tutorial named no_such_tutorial"),
        (["--json", "/no/such/folder/out.json"], "does not exist"),
    ],
)
def test_the_command_line_refuses_bad_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_a_table_by_seed_has_the_mean_and_the_value_of_each_seed():
    values = {"ours": [0.5, 1.0], "the same for every seed": [2.0]}
    table = tables.table_by_seed("accuracy", values, (3, 5), digits=2)
    assert table.markdown().splitlines() == [
        "| accuracy | mean | seed 3 | seed 5 |",
        "| --- | ---: | ---: | ---: |",
        "| ours | 0.75 | 0.50 | 1.00 |",
        "| the same for every seed | 2.00 | 2.00 |  |",
    ]


def test_paragraphs_and_code_stay_inside_their_cell_of_a_table():
    cells = [["a", "b"], ["c", "d\n\n```\ne\n```"]]
    table = tables.ListTable(cells, widths="2 3").markdown().splitlines()
    assert table[0] == "````{list-table}"
    assert ":widths: 2 3" in table
    assert table[-7:] == ["* - c", "  - d", "", "    ```", "    e", "    ```", "````"]


class Scripted(timing.Contestant):
    """Takes the seconds that it is given instead of the time."""

    def __init__(self, variant: benchmark.Variant, threads: int | None, *seconds: float) -> None:
        super().__init__(variant, None, None, threads=threads)
        self._seconds = iter((seconds[0], *seconds))  # the first one calibrates

    def _take(self, controller: ThreadpoolController) -> float:
        return next(self._seconds)


def test_the_number_of_threads_with_the_better_median_wins_after_some_rounds(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(timing, "REPEATS", 5)
    twin, jitted = COMPARISON.baseline, COMPARISON.jax_headline
    one = Scripted(twin, 1, 3.0, 3.0, 1.0, 3.0)  # has no sample left after that
    two = Scripted(twin, 2, 2.0, 9.0, 2.0, 2.0, 2.0)
    slowest = Scripted(jitted, None, 9.0, 9.0, 9.0, 9.0, 9.0)
    assert timing.race([one, two, slowest]) == [two, slowest]
    assert len(one.samples) == timing.DECIDING_ROUNDS
    assert len(two.samples) == len(slowest.samples) == 5


def test_numpy_enters_the_race_twice_and_jax_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timing, "num_cores", lambda: 8)
    numpy_variant, jax_variant = COMPARISON.baseline, COMPARISON.jax_headline
    assert [each.threads for each in timing.enter(numpy_variant, {}, None)] == [1, 8]
    assert [each.threads for each in timing.enter(jax_variant, {}, None)] == [None]
    monkeypatch.setattr(timing, "num_cores", lambda: 1)
    assert [each.threads for each in timing.enter(numpy_variant, {}, None)] == [1]


def test_the_program_of_the_headline_is_compiled_once_and_stays(caplog: pytest.LogCaptureFixture):
    def fresh(twin, inputs: dict, config: Config) -> jax.Array:
        return twin.tanh(inputs["x"] @ inputs["w"])

    jitted = benchmark.Variant(name="fresh", run=fresh, twin=jnp, jit="whole")
    inputs = COMPARISON.make_inputs(Config(num_rows=3))
    timing.cold_costs(jitted, inputs, Config(num_rows=3), repeats=1)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        jitted.call(agreement.place(inputs, "jax"), Config(num_rows=3))
    assert "XLA compilation of jit(fresh)" not in caplog.text


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


def test_numpy_is_timed_with_one_thread_and_with_all():
    calls = []
    assert timing.median_seconds_at_best(lambda: calls.append(1), repeats=3) >= 0
    assert len(calls) == 2 * (1 + 3)
