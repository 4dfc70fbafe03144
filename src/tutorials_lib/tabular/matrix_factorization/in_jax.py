"""Matrix factorization in JAX: the same functions, with a dense table and one `jit` outside."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from tutorials_lib.tabular.matrix_factorization.problem import Cells, Config, Params, Penalties

Side = dict[str, Array]
Number = Float[Array, ""] | float


class Rows(NamedTuple):
    """Full tables of weights and of weighted targets, which are zero where nothing is listed."""

    weights: Float[Array, "rows columns"]
    weighted: Float[Array, "rows columns"]


class Table(NamedTuple):
    """The listed cells, and the same by person and by movie, in tables with all their zeros.

    JAX's sparse tables are experimental; `comparison` times them beside these. The movies get a
    transposed copy, since XLA is slow to multiply by a transposed table.
    """

    cells: Cells
    by_user: Rows
    by_movie: Rows


class Fit(NamedTuple):
    """What `fit` returns: the parameters, and the loss after each sweep."""

    params: Params
    losses: Float[Array, " sweeps"]


class State(NamedTuple):
    """All that a step of gradient descent changes."""

    params: Params
    steps: Any


def to_table(cells: Cells) -> Table:
    """The cells, ready for `sweep`."""
    empty = jnp.zeros((len(cells.user_scale), len(cells.movie_scale)), cells.weights.dtype)
    at = empty.at[cells.users, cells.movies]
    weighted = (cells.unseen + cells.weights) * cells.targets
    by_user = Rows(at.set(cells.weights), at.set(weighted))
    return Table(cells, by_user, Rows(by_user.weights.T.copy(), by_user.weighted.T.copy()))


def predict(
    params: Params, users: Int[Array, " cells"], movies: Int[Array, " cells"]
) -> Float[Array, " cells"]:
    """What the cells hold: both biases, and the product of the factors."""
    p, q = params["users"], params["movies"]
    products = (p["factors"][users] * q["factors"][movies]).sum(axis=1)
    return p["bias"][users] + q["bias"][movies] + products


def loss(params: Params, cells: Cells, penalties: Penalties) -> Float[Array, ""]:
    """Weighted squared errors of all cells, and the penalties."""
    predicted = predict(params, cells.users, cells.movies)
    errors = (cells.unseen + cells.weights) * (cells.targets - predicted) ** 2
    listed = (errors - cells.unseen * predicted**2).sum()
    p, q = params["users"], params["movies"]
    users = jnp.column_stack([p["factors"], p["bias"], jnp.ones_like(p["bias"])])
    movies = jnp.column_stack([q["factors"], jnp.ones_like(q["bias"]), q["bias"]])
    everywhere = cells.unseen * ((users.T @ users) * (movies.T @ movies)).sum()
    held = _penalty(p, cells.user_scale, penalties) + _penalty(q, cells.movie_scale, penalties)
    return listed + everywhere + held


def _penalty(side: Side, scale: Float[Array, " rows"], penalties: Penalties) -> Float[Array, ""]:
    squares = penalties.factors * (side["factors"] ** 2).sum(axis=1) @ scale
    return squares + penalties.bias * (side["bias"] ** 2).sum()


# --- Alternating least squares ----------------------------------------------------------------


def sweep(params: Params, table: Table, penalties: Penalties) -> Params:
    """The best people for these movies, then the best movies for those people."""
    cells = table.cells
    users = solve_side(params["movies"], table.by_user, cells.user_scale, cells.unseen, penalties)
    movies = solve_side(users, table.by_movie, cells.movie_scale, cells.unseen, penalties)
    return {"users": users, "movies": movies}


def solve_side(
    other: Side,
    rows: Rows,
    scale: Float[Array, " rows"],
    unseen: Number,
    penalties: Penalties,
) -> Side:
    """Factors and biases of all rows, each by its own normal equations.

    The Gram matrix of a row is the sum of its columns' outer products, so that those of all rows
    are one product of the table with a matrix that has the outer products as its rows.
    """
    x = with_ones(other)
    products, index = outer_products(other)
    sums = rows.weights @ products + unseen * products.sum(axis=0)
    return solve_rows(sums, rows.weighted @ x, index, scale, penalties)


def with_ones(side: Side) -> Float[Array, "rows features"]:
    """The factors with a column of ones, to which the other side's bias belongs."""
    return jnp.column_stack([side["factors"], jnp.ones_like(side["bias"])])


def outer_products(
    side: Side,
) -> tuple[Float[Array, "rows products"], Int[np.ndarray, "features features"]]:
    """Every row's products of two features, each pair once, then of its bias and a feature.

    `index` says which column holds the product of two features.
    """
    x = with_ones(side)
    first, second = np.triu_indices(x.shape[1])
    index = np.empty((x.shape[1], x.shape[1]), int)
    index[first, second] = index[second, first] = np.arange(len(first))
    return jnp.concatenate([x[:, first] * x[:, second], side["bias"][:, None] * x], axis=1), index


def solve_rows(
    sums: Float[Array, "rows products"],
    moments: Float[Array, "rows features"],
    index: Int[np.ndarray, "features features"],
    scale: Float[Array, " rows"],
    penalties: Penalties,
) -> Side:
    """`solve` for every row, from the sums of its columns' products."""
    features = len(index)

    def solve(
        sums: Float[Array, " products"], moments: Float[Array, " features"], scale: Number
    ) -> Float[Array, " features"]:
        held = jnp.append(jnp.full(features - 1, penalties.factors * scale), penalties.bias)
        factor = jax.scipy.linalg.cho_factor(sums[index] + jnp.diag(held))
        return jax.scipy.linalg.cho_solve(factor, moments - sums[-features:])

    solved = jax.vmap(solve)(sums, moments, scale)
    return {"factors": solved[:, :-1], "bias": solved[:, -1]}


def fit(params: Params, table: Table, penalties: Penalties, config: Config) -> Fit:
    """`config.num_sweeps` sweeps, in one program."""

    def step(params: Params, _: None) -> tuple[Params, Float[Array, ""]]:
        params = sweep(params, table, penalties)
        return params, loss(params, table.cells, penalties)

    return Fit(*jax.lax.scan(step, params, length=config.num_sweeps))


# --- Stochastic gradient descent --------------------------------------------------------------


def start(params: Params) -> State:
    """The state before the first step."""
    return State(params, jnp.int32(0))


def batch_loss(
    params: Params,
    users: Int[Array, " batch"],
    movies: Int[Array, " batch"],
    targets: Float[Array, " batch"],
    penalty: Number,
) -> Float[Array, ""]:
    """Half the squared errors of a batch, each with its own penalty."""
    p = {name: value[users] for name, value in params["users"].items()}
    q = {name: value[movies] for name, value in params["movies"].items()}
    predicted = p["bias"] + q["bias"] + (p["factors"] * q["factors"]).sum(axis=1)
    squares = sum((value**2).sum() for side in (p, q) for value in side.values())
    return (((predicted - targets) ** 2).sum() + penalty * squares) / 2


def loss_and_grads(
    params: Params,
    users: Int[Array, " batch"],
    movies: Int[Array, " batch"],
    targets: Float[Array, " batch"],
    penalty: Number,
) -> tuple[Float[Array, ""], Params]:
    """`batch_loss` and its gradient."""
    return jax.value_and_grad(batch_loss)(params, users, movies, targets, penalty)


def train_step(
    state: State,
    cells: Cells,
    batch: Int[Array, " batch"],
    learning_rates: Float[Array, " steps"],
    penalty: Number,
) -> tuple[State, Float[Array, ""]]:
    """One step down the gradient; also the loss before it."""
    picked = cells.users[batch], cells.movies[batch], cells.targets[batch]
    value, grads = loss_and_grads(state.params, *picked, penalty)
    rate = learning_rates[state.steps]
    params = jax.tree.map(lambda w, g: w - rate * g, state.params, grads)
    return State(params, state.steps + 1), value


def train_steps(
    state: State,
    cells: Cells,
    batches: Int[Array, "steps batch"],
    learning_rates: Float[Array, " all_steps"],
    penalty: Number,
) -> tuple[State, Float[Array, " steps"]]:
    """A step for every batch, in one program; also the loss before each."""

    def step(state: State, batch: Int[Array, " batch"]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, cells, batch, learning_rates, penalty)

    return jax.lax.scan(step, state, batches)
