"""From a tutorial's `Comparison` to a `Record`: agree, then time every size and variant."""

import importlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tutorials_lib import catalog, presets
from tutorials_lib.benchmark import agreement as gate
from tutorials_lib.benchmark.comparison import Comparison, Config
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
from tutorials_lib.benchmark.timing import Contestant, cold_costs, enter, race
from tutorials_lib.digest import code_digest, tutorial_sources

HEADLINE_COMPILE_REPEATS = 2

Advance = Callable[[str], None]
"""Called with a few words whenever a step of the measurement has finished."""


def load_comparison(slug: str) -> Comparison:
    """The comparison of the tutorial `slug`; raises `KeyError` for a name not in the catalog."""
    return importlib.import_module(f"{catalog.find(slug).module}.comparison").COMPARISON


def measure_comparison(
    comparison: Comparison,
    *,
    agreement: tuple[AgreementRow, ...] | None = None,
    quality: Quality | None = None,
    advance: Advance = lambda step: None,
) -> Record:
    """Run the gate, then time `comparison` at all its sizes (the smallest one for `tiny`).

    Args:
        comparison: what to compare and time.
        agreement: what the gate has already said of it; by default the gate runs first.
        quality: what training reached on held-out data, for the record.
        advance: called after the gate and after each size.

    Raises:
        AgreementError: when the twins, or two variants, do not agree. Nothing is timed then.
    """
    agreement = gate.agree(comparison) if agreement is None else agreement
    advance("agreement")
    sizes = dict(comparison.sizes)
    headline = comparison.headline
    if presets.preset_name() == "tiny":
        headline = next(iter(sizes))
        sizes = {headline: sizes[headline]}
    results = []
    for label, config in sizes.items():
        results.append(_measure_size(comparison, label, config, is_headline=label == headline))
        advance(label)
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
        sizes=tuple(results),
        headline=headline,
        baseline_variant=comparison.baseline.name,
        headline_variant=comparison.jax_headline.name,
        quality=quality,
    )


def _tutorial_modules(comparison: Comparison) -> list[str]:
    return tutorial_sources(catalog.find(comparison.slug).module)


def _measure_size(
    comparison: Comparison, label: str, config: Config, *, is_headline: bool
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
    fastest = race(
        [
            contestant
            for variant in gate.installed(comparison.variants)
            for contestant in enter(
                variant, gate.prepared(comparison, variant.twin, inputs, config), config
            )
        ]
    )
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
