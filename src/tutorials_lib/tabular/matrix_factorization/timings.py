"""What the page times beside its comparison, and what the bars say about the reason."""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax

from tutorials_lib.benchmark.record import Record, is_tie
from tutorials_lib.benchmark.tables import MarkdownRows, format_ratio, format_seconds
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.tabular.matrix_factorization import comparison, in_jax, in_numpy, problem
from tutorials_lib.tabular.matrix_factorization.problem import Config


class Times(NamedTuple):
    """Median seconds of the same work in both libraries."""

    numpy: float
    jax: float


def beside(config: Config) -> dict[str, Times]:
    """A whole fit, and an epoch of gradient descent, in both libraries."""
    base = comparison.make_inputs(config)
    epoch = problem.batches(len(base.cells.users), dataclasses.replace(config, num_epochs=1))
    base = base._replace(batches=epoch)
    ours, theirs = (
        comparison.prepare(twin, inputs, config)
        for twin, inputs in ((in_numpy, base), (in_jax, jax.device_put(base)))
    )
    works = {
        f"all {config.num_sweeps} sweeps": _fit,
        f"an epoch of {len(epoch)} gradient steps": comparison.train_steps,
    }
    return {
        name: Times(
            numpy=median_seconds_at_best(partial(work, in_numpy, config=config), ours),
            jax=median_seconds(jax.jit(partial(work, in_jax, config=config)), theirs),
        )
        for name, work in works.items()
    }


def _fit(twin, inputs: comparison.Inputs, config: Config) -> object:
    return twin.fit(inputs.params, inputs.table, inputs.penalties, config)


def table(times: dict[str, Times]) -> MarkdownRows:
    """The times as a page shows them."""
    rows = [
        [name, *map(format_seconds, pair), format_ratio(pair.numpy / pair.jax)]
        for name, pair in times.items()
    ]
    return MarkdownRows(["Work", "NumPy", "JAX", "NumPy ÷ JAX"], rows)


def density(config: Config) -> float:
    """The share of the table's cells that the training ratings fill."""
    known = len(problem.load(config).train.stars)
    return known / (config.num_users * config.num_movies)


def lead_reason(first: float, by_ratings: float, whole: float, *, tie: bool, known: float) -> str:
    """What the bars say: from SciPy's sparse product to JAX's sums, and from these to a full table.

    `known` is the share of the table that is filled.
    """
    bars = (
        f"adding rating by rating {format_ratio(first / by_ratings)}, the full table "
        f"{format_ratio(first / whole)}"
    )
    wasted = (
        f"The full table multiplies every cell, and {known:.0%} of them hold a rating; SciPy's "
        "sparse product touches no other."
    )
    if tie:
        return (
            f"It is a tie ({bars}, each beside NumPy). {wasted} On this machine the dense "
            "product is fast enough to make up for that, and no more."
        )
    if whole > first:
        lead = "the full table" if whole < by_ratings else "adding rating by rating"
        return (
            f"JAX is slower ({bars}, each beside NumPy). {wasted} JAX has no such product on a "
            f"processor: of its two ways around, {lead} costs less, and still more than SciPy's."
        )
    return (
        f"JAX is faster ({bars}, each beside NumPy). {wasted} The dense product runs on all "
        "cores and at their full rate, which is worth more here than skipping zeros on one."
    )


def explain(record: Record, times: dict[str, Times], config: Config) -> str:
    """The reason by the bars, and what an epoch of gradient descent says beside it."""
    medians = [
        record.headline_size.timing(variant.name).seconds.median
        for variant in comparison.COMPARISON.variants
    ]
    reason = lead_reason(*medians, tie=is_tie(record.ratio), known=density(config))
    _, epoch = times.values()
    ratio = epoch.numpy / epoch.jax
    word = "faster" if ratio > 1 else "no faster"
    return (
        f"{reason} Gradient descent is another matter: many small steps, each a dozen calls in "
        f"NumPy and all of them one call in JAX, which is {word} there ({format_ratio(ratio)})."
    )
