"""From a tutorial's `Comparison` to a `Record`: agree, then time every size and variant."""

from dataclasses import replace

import numpy as np

from tutorials_lib import catalog, presets
from tutorials_lib.benchmark import agreement as gate
from tutorials_lib.benchmark import settings
from tutorials_lib.benchmark.alone import Tell, alone_on_machine, silent
from tutorials_lib.benchmark.comparison import Comparison, Config
from tutorials_lib.benchmark.fresh import Advance, Headline, measure_headline
from tutorials_lib.benchmark.load import Meter, is_busy
from tutorials_lib.benchmark.machine import machine_card
from tutorials_lib.benchmark.record import (
    SCHEMA_VERSION,
    AgreementRow,
    Quality,
    Record,
    SizeResult,
    Spread,
    Timing,
)
from tutorials_lib.benchmark.timing import Contestant, cold_costs, enter_all, race
from tutorials_lib.digest import code_digest, tutorial_sources

HEADLINE_COMPILE_REPEATS = 2


def measure_comparison(
    comparison: Comparison,
    *,
    agreement: tuple[AgreementRow, ...] | None = None,
    quality: Quality | None = None,
    advance: Advance = lambda step: None,
    tell: Tell = silent,
) -> Record:
    """Run the gate, then time `comparison` at all its sizes (the smallest one for `tiny`).

    The headline's end points are timed again in fresh processes, and give the result. Nothing
    else measures on the machine meanwhile.

    Args:
        comparison: what to compare and time, of a tutorial in the catalog.
        agreement: what the gate has already said of it; by default the gate runs first.
        quality: what training reached on held-out data, for the record.
        advance: called after the gate, after each size and after each fresh process.
        tell: called with a sentence when another measurement is waited for.

    Raises:
        AgreementError: when the twins, or two variants, do not agree. Nothing is timed then.
        SettingsError: when a setting of JAX would ruin the measurement.
    """
    settings.require_honest()
    agreement = gate.agree(comparison) if agreement is None else agreement
    advance("agreement")
    headline, sizes = _chosen_sizes(comparison)
    meter, results = Meter(), []
    with alone_on_machine(tell):
        for label, config in sizes.items():
            result = _measure_size(comparison, label, config, meter, is_headline=label == headline)
            results.append(result)
            advance(label)
        fresh = measure_headline(comparison, headline, advance=advance)
    load = max((each for each in (meter.share, fresh.load) if each is not None), default=None)
    return Record(
        schema=SCHEMA_VERSION,
        slug=comparison.slug,
        unit=comparison.unit,
        note=comparison.note,
        preset=presets.preset_name(),
        data_source=presets.data_source(),
        code_digest=code_digest([*_tutorial_modules(comparison), "tutorials_lib.benchmark"]),
        machine=machine_card(),
        agreement=agreement,
        tolerance=comparison.tolerance,
        tolerance_reason=comparison.tolerance_reason,
        sizes=tuple(
            _with_break_even_of(fresh, size) if size.label == headline else size for size in results
        ),
        headline=headline,
        baseline_variant=comparison.baseline.name,
        headline_variant=comparison.jax_headline.name,
        ratio=fresh.ratio,
        end_points=fresh.end_points,
        unsteady=fresh.unsteady,
        load=load,
        busy=is_busy(load),
        quality=quality,
    )


def repeat_headline(
    comparison: Comparison,
    times: int,
    *,
    advance: Advance = lambda step: None,
    tell: Tell = silent,
) -> list[Headline]:
    """Run the gate, then measure the headline of `comparison` anew so many times.

    Between two of them other measurements have their turn.

    Raises:
        AgreementError: when the twins, or two variants, do not agree. Nothing is timed then.
        SettingsError: when a setting of JAX would ruin the measurement.
    """
    settings.require_honest()
    gate.agree(comparison)
    advance("agreement")
    label, _ = _chosen_sizes(comparison)
    found = []
    for _ in range(times):
        with alone_on_machine(tell):
            found.append(measure_headline(comparison, label))
        advance(f"measurement {len(found)}")
    return found


def _chosen_sizes(comparison: Comparison) -> tuple[str, dict[str, Config]]:
    """The label of the headline size, and the sizes to time."""
    if presets.preset_name() == "tiny":
        label, config = next(iter(comparison.sizes.items()))
        return label, {label: config}
    return comparison.headline, dict(comparison.sizes)


def _with_break_even_of(fresh: Headline, size: SizeResult) -> SizeResult:
    """`size` with the break-even count of what a call saves in fresh processes."""
    calls = break_even_calls(size.compile_seconds, fresh.saved_seconds)
    return replace(size, break_even_calls=calls)


def _tutorial_modules(comparison: Comparison) -> list[str]:
    return tutorial_sources(catalog.find(comparison.slug).module)


def _measure_size(
    comparison: Comparison, label: str, config: Config, meter: Meter, *, is_headline: bool
) -> SizeResult:
    if not is_headline:  # the steps between the twin and JAX's best are shown at one size
        comparison = replace(comparison, variants=comparison.endpoints)
    inputs = gate.make_inputs(comparison, config)
    # First, since it empties JAX's caches, and what is compiled from here on should stay there.
    headline = comparison.jax_headline
    cold = cold_costs(
        headline,
        gate.prepared(comparison, headline.twin, inputs, config),
        config,
        repeats=HEADLINE_COMPILE_REPEATS if is_headline else 1,
    )
    outputs = gate.run_all(comparison, inputs, config)
    gate.require_agreement(comparison, outputs, inputs, config)
    del outputs
    fastest = race(enter_all(comparison, inputs, config), meter=meter)
    baseline = np.array(fastest[0].samples)
    timings = tuple(_timing(contestant, baseline) for contestant in fastest)
    fastest_of_jax = next(each for each in fastest if each.variant is headline)
    saved = float(np.median(baseline - fastest_of_jax.samples))
    return SizeResult(
        label=label,
        timings=timings,
        compile_seconds=cold.compile,
        transfer_seconds=cold.transfer,
        first_call_seconds=cold.first_call,
        break_even_calls=break_even_calls(cold.compile, saved),
    )


def _timing(contestant: Contestant, baseline: np.ndarray) -> Timing:
    samples = np.array(contestant.samples)
    return Timing(
        variant=contestant.variant.name,
        backend=contestant.variant.backend,
        explains=contestant.variant.explains,
        seconds=spread(samples),
        ratio=spread(baseline / samples),
        repeats=len(samples),
        threads=contestant.threads,
    )


def break_even_calls(compile_seconds: float, saved_seconds: float) -> float | None:
    """Calls after which compiling has paid for itself; None when a call saves nothing."""
    return compile_seconds / saved_seconds if saved_seconds > 0 else None


def spread(samples: np.ndarray) -> Spread:
    """The median and quartiles of `samples`."""
    q1, median, q3 = np.quantile(samples, (0.25, 0.5, 0.75))
    return Spread(median=float(median), q1=float(q1), q3=float(q3))
