"""What the page times and counts beside its comparison: what it saves to freeze layers."""

from functools import partial
from typing import Any

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.transfer_learning import comparison, in_jax, in_numpy, problem
from tutorials_lib.vision.transfer_learning.problem import Config

STEPS = ("running the same operations in XLA", "compiling a step into one program")
"""From bar to bar of the waterfall."""

STRATEGIES = (problem.FULL_TUNING, problem.TOP, problem.PROBE)


def _step(twin: Any, name: str, config: Config) -> tuple[Any, Any]:
    """A fine-tuning step by a strategy as a function of some inputs, and the inputs."""
    strategy = problem.strategies(config)[name]
    trained = strategy.trained(config)
    inputs = comparison.make_inputs(config)
    rates = problem.learning_rates(strategy)
    state = jax.device_get(twin.start(inputs.params, trained))
    step = partial(twin.train_step, config=config, trained=trained)
    return step, (state, inputs.images[0], inputs.labels[0], rates)


def by_strategy(config: Config) -> dict[str, Times]:
    """Seconds of a fine-tuning step in both libraries."""
    times = {}
    for name in STRATEGIES:
        (ours, inputs), (theirs, own) = (_step(twin, name, config) for twin in (in_numpy, in_jax))
        times[name] = Times(
            numpy=median_seconds_at_best(ours, *inputs),
            jax=median_seconds(jax.jit(theirs), *jax.device_put(own)),
        )
    return times


def operations(config: Config) -> dict[str, float]:
    """Floating-point operations of the compiled step, as XLA counts them."""
    counts = {}
    for name in STRATEGIES:
        step, inputs = _step(in_jax, name, config)
        program = jax.jit(step).lower(*inputs).compile(compiler_options=RUN_ONCE)  # pyright: ignore[reportArgumentType]
        costs: Any = program.cost_analysis()
        counts[name] = float(costs["flops"])
    return counts


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and what freezing saves in each library."""
    full, probe = times[problem.FULL_TUNING], times[problem.PROBE]
    told = " and ".join(
        f"{format_ratio(a / b)} in {name}"
        for name, a, b in (("NumPy", full.numpy, probe.numpy), ("JAX", full.jax, probe.jax))
    )
    return (
        f"{lead_reason(record, STEPS)} A step that trains all layers, divided by one that trains "
        f"the head alone: {told}."
    )
