"""What is compared and timed for matrix factorization, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCSR

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.tabular.matrix_factorization import in_jax, in_numpy, problem
from tutorials_lib.tabular.matrix_factorization.problem import PAGE, TINY, Config, Penalties

PENALTY, CONFIDENCE, SGD_PENALTY = 1.1, 3.0, 0.1
"""Of the fits that are compared: near those that the page chooses."""

NUM_CHECKED_STEPS = 3


class Inputs(NamedTuple):
    """The cells of the training ratings, what was seen, parameters, and batches."""

    cells: Any
    seen: Any
    params: Any
    penalties: Any
    batches: Any
    learning_rates: Any
    table: Any = None
    seen_table: Any = None
    sparse_table: Any = None
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Ratings of the seed 0; people and movies after one sweep, with biases and all."""
    train = problem.load(config).train
    cells = problem.explicit(train, float(train.stars.mean()), config)
    penalties = Penalties(np.float32(PENALTY), np.float32(config.bias_penalty))
    params = in_numpy.sweep(problem.start(config), in_numpy.to_table(cells), penalties)
    batches = problem.batches(len(cells.users), config)
    return Inputs(
        cells=cells,
        seen=problem.implicit(train, CONFIDENCE, config),
        params=params,
        penalties=penalties,
        batches=batches[:NUM_CHECKED_STEPS],
        learning_rates=problem.learning_rates(len(batches), config),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own tables and state."""
    return inputs._replace(
        table=twin.to_table(inputs.cells),
        seen_table=twin.to_table(inputs.seen),
        sparse_table=to_sparse_table(inputs.cells) if twin is in_jax else None,
        state=twin.start(inputs.params),
    )


def to_sparse_table(cells: Any) -> in_jax.Table:
    """JAX's table of the cells without its zeros, in JAX's form of compressed sparse rows."""
    weighted = (cells.unseen + cells.weights) * cells.targets

    def table(rows: Any, columns: Any, shape: tuple[int, int]) -> in_jax.Rows:
        order = jnp.lexsort((columns, rows))
        starts = jnp.searchsorted(rows[order], jnp.arange(shape[0] + 1, dtype=rows.dtype))
        parts: list[Any] = [
            BCSR((each[order], columns[order], starts), shape=shape, indices_sorted=True)
            for each in (cells.weights, weighted)
        ]
        return in_jax.Rows(*parts)

    num_users, num_movies = len(cells.user_scale), len(cells.movie_scale)
    return in_jax.Table(
        cells,
        table(cells.users, cells.movies, (num_users, num_movies)),
        table(cells.movies, cells.users, (num_movies, num_users)),
    )


def loss(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The loss of the ratings, and that of what was seen."""
    return tuple(
        twin.loss(inputs.params, cells, inputs.penalties) for cells in (inputs.cells, inputs.seen)
    )


def sweep(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """One sweep of alternating least squares."""
    return twin.sweep(inputs.params, inputs.table, inputs.penalties)


def sweep_without_zeros(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The same sweep with JAX's experimental sparse tables."""
    return twin.sweep(inputs.params, inputs.sparse_table, inputs.penalties)


def fits(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """All sweeps, on ratings and on what was seen."""
    return tuple(
        twin.fit(inputs.params, table, inputs.penalties, config)
        for table in (inputs.table, inputs.seen_table)
    )


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradient of the first batch."""
    batch = (column[inputs.batches[0]] for column in inputs.cells[:3])
    return twin.loss_and_grads(inputs.params, *batch, SGD_PENALTY)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The state after a few steps of gradient descent, and the loss before each."""
    settings = inputs.learning_rates, SGD_PENALTY
    return twin.train_steps(inputs.state, inputs.cells, inputs.batches, *settings)


def sweep_by_ratings(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """One sweep that adds up the ratings one by one, and never multiplies a zero."""
    cells = inputs.cells

    def solve_side(other: Any, rows: Any, columns: Any, scale: Any) -> Any:
        products, index = twin.outer_products(other)
        of_cells = cells.weights[:, None] * products[columns]
        moments = (cells.weights * cells.targets)[:, None] * twin.with_ones(other)[columns]
        sums, moments = (
            jax.ops.segment_sum(values, rows, len(scale)) for values in (of_cells, moments)
        )
        return twin.solve_rows(sums, moments, index, scale, inputs.penalties)

    users = solve_side(inputs.params["movies"], cells.users, cells.movies, cells.user_scale)
    movies = solve_side(users, cells.movies, cells.users, cells.movie_scale)
    return {"users": users, "movies": movies}


COMPARISON = Comparison(
    slug="matrix_factorization",
    unit="one sweep of alternating least squares",
    # The page tries 4, 8 and 16 factors; the headline is the middle one.
    sizes={
        "2 factors": dataclasses.replace(PAGE, num_factors=2),
        "8 factors": PAGE,
        "32 factors": dataclasses.replace(PAGE, num_factors=32),
    },
    headline="8 factors",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="losses of ratings and of what was seen", run=loss, float32_tolerance=1e-4),
        Check(name="people and movies after one sweep", run=sweep, float32_tolerance=1e-3),
        Check(name="both fits over all sweeps", run=fits),
        Check(name="loss and gradient of a batch", run=loss_and_grads, float32_tolerance=1e-4),
        Check(name=f"the state after {NUM_CHECKED_STEPS} gradient steps", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=sweep, twin=in_numpy),
        Variant(
            name="JAX, jit, rating by rating",
            run=sweep_by_ratings,
            twin=in_jax,
            jit="whole",
            explains="gathers and adds in the place of SciPy's sparse product",
        ),
        Variant(
            name="JAX, jit, sparse table",
            run=sweep_without_zeros,
            twin=in_jax,
            jit="whole",
            explains="the product of a sparse table, experimental in JAX",
        ),
        Variant(
            name="JAX, jit, full table",
            run=sweep,
            twin=in_jax,
            jit="whole",
            explains="one dense product, zeros and all",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=(
        "Normal equations of people with few ratings are held up by the penalty alone, so "
        "rounding shows in their factors."
    ),
    note=(
        "NumPy multiplies by SciPy's sparse matrices, which skip the cells that nobody rated; "
        "that runs on one core."
    ),
)
