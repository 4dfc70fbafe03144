"""What the bars of a waterfall say about the reason, and works timed beside a comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from tutorials_lib.benchmark.record import Record, is_tie
from tutorials_lib.benchmark.tables import MarkdownRows, format_ratio, format_seconds
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best


class Times(NamedTuple):
    """Median seconds of the same work in both libraries."""

    numpy: float
    jax: float


def time_both(ours: Callable[..., Any], theirs: Callable[..., Any], *inputs: Any) -> Times:
    """Time `ours` in NumPy, at its best number of threads, and the compiled `theirs` in JAX.

    `inputs` are NumPy arrays and numbers; JAX's are on its device before the clock starts.
    """
    return Times(
        numpy=median_seconds_at_best(ours, *inputs),
        jax=median_seconds(theirs, *jax.device_put(inputs)),
    )


def times_table(times: Mapping[str, Times]) -> MarkdownRows:
    """The times as a page shows them, a row for each work."""
    rows = [
        [name, *map(format_seconds, pair), format_ratio(pair.numpy / pair.jax)]
        for name, pair in times.items()
    ]
    return MarkdownRows(["Work", "NumPy", "JAX", "NumPy ÷ JAX"], rows)


def lead_reason(record: Record, steps: Sequence[str]) -> str:
    """Which step of the waterfall gained most, in words of their own for a win, a tie and a loss.

    Args:
        record: with a bar for NumPy and one for each variant in JAX.
        steps: what leads from each bar to the next, in words that can be a subject
            ("compiling a step"); peers have none.

    Raises:
        ValueError: there are not as many steps as there are bars to reach.
    """
    bars = [
        timing.seconds.median
        for timing in record.headline_size.timings
        if timing.backend in ("numpy", "jax")
    ]
    if len(steps) != len(bars) - 1:
        raise ValueError(f"{len(bars)} bars have {len(bars) - 1} steps between them, not {steps}")
    gains = {step: a / b for step, a, b in zip(steps, bars[:-1], bars[1:], strict=True)}
    ranked = sorted(gains, key=lambda step: gains[step], reverse=True)
    told = ", ".join(f"{step} {format_ratio(gain)}" for step, gain in gains.items())
    if is_tie(record.ratio):
        return f"It is a tie: by the bars ({told}), the steps together come to about one."
    faster = record.ratio.center > 1
    if faster != (bars[0] > bars[-1]):
        word = "faster" if faster else "slower"
        return (
            f"JAX is {word} in fresh processes, but not in this page's own, whose bars say {told}."
        )
    if not faster:
        if gains[ranked[0]] <= 1:
            return f"JAX is slower, and by the bars ({told}) no step gains anything."
        return (
            f"JAX is slower: by the bars ({told}), {ranked[0]} does not make up for {ranked[-1]}."
        )
    if len(ranked) == 1:
        return f"JAX is faster, by the bars through {told}."
    return f"JAX is faster, and by the bars the larger gain comes from {ranked[0]} ({told})."
