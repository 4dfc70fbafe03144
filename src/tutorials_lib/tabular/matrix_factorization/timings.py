"""What the page times beside its comparison, and what the bars say about the reason."""

import dataclasses
from functools import partial
from types import ModuleType

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.tabular.matrix_factorization import comparison, in_jax, in_numpy, problem
from tutorials_lib.tabular.matrix_factorization.problem import Config

STEPS = ("adding rating by rating", "multiplying a sparse table", "multiplying a full table")
"""From bar to bar of the waterfall."""


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


def _fit(twin: ModuleType, inputs: comparison.Inputs, config: Config) -> in_numpy.Fit | in_jax.Fit:
    return twin.fit(inputs.params, inputs.table, inputs.penalties, config)


def density(config: Config) -> float:
    """The share of the table's cells that the training ratings fill."""
    known = len(problem.load(config).train.stars)
    return known / (config.num_users * config.num_movies)


def explain(record: Record, times: dict[str, Times], config: Config) -> str:
    """The reason by the bars, how full the table is, and what gradient descent took."""
    _, epoch = times.values()
    sparse, full = (timing.seconds.median for timing in record.headline_size.timings[-2:])
    ratio = epoch.numpy / epoch.jax
    word = "faster" if ratio > 1 else "no faster"
    return (
        f"{lead_reason(record, STEPS)} JAX multiplies every cell of the table, and "
        f"{density(config):.0%} of them hold a rating; SciPy's sparse product, in the NumPy twin, "
        "touches no other, on one core. The full table must make up for its zeros by the rate of "
        "dense products and by more cores. JAX has sparse tables, too, which are experimental: a "
        f"sweep with them takes {format_ratio(sparse / full)} the time of one with the full table. "
        "Gradient descent is another matter: many small steps, each a dozen calls in NumPy and "
        f"all of them one call in JAX, which is {word} there ({format_ratio(ratio)})."
    )
