"""Matrix factorization in NumPy: normal equations as sparse products, and gradients by hand.

NumPy has no sparse matrices; those of SciPy are its companions.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from tutorials_lib.tabular.matrix_factorization.problem import Cells, Config, Params, Penalties
from tutorials_lib.trees import tree_map

Number = Float[np.ndarray, ""] | np.floating | float


class Rows(NamedTuple):
    """The listed cells row by row, in the arrays of a sparse matrix."""

    starts: Int[np.ndarray, " rows_and_end"]
    columns: Int[np.ndarray, " cells"]
    weights: Float[np.ndarray, " cells"]
    weighted: Float[np.ndarray, " cells"]


class Table(NamedTuple):
    """The listed cells, and the same by person and by movie."""

    cells: Cells
    by_user: Rows
    by_movie: Rows


class Fit(NamedTuple):
    """What `fit` returns: the parameters, and the loss after each sweep."""

    params: Params
    losses: Float[np.ndarray, " sweeps"]


class State(NamedTuple):
    """All that a step of gradient descent changes."""

    params: Params
    steps: Any


def to_table(cells: Cells) -> Table:
    """The cells, ready for `sweep`."""
    return Table(
        cells,
        _rows(cells.users, cells.movies, len(cells.user_scale), cells),
        _rows(cells.movies, cells.users, len(cells.movie_scale), cells),
    )


def _rows(
    rows: Int[np.ndarray, " cells"], columns: Int[np.ndarray, " cells"], size: int, cells: Cells
) -> Rows:
    order = np.lexsort((columns, rows))
    starts = np.append(0, np.bincount(rows, minlength=size).cumsum()).astype(np.int32)
    weighted = (cells.unseen + cells.weights) * cells.targets
    return Rows(starts, columns[order], cells.weights[order], weighted[order])


def predict(
    params: Params, users: Int[np.ndarray, " cells"], movies: Int[np.ndarray, " cells"]
) -> Float[np.ndarray, " cells"]:
    """What the cells hold: both biases, and the product of the factors."""
    p, q = params["users"], params["movies"]
    products = np.einsum("ck,ck->c", p["factors"][users], q["factors"][movies])
    return p["bias"][users] + q["bias"][movies] + products


def loss(params: Params, cells: Cells, penalties: Penalties) -> np.floating:
    """Weighted squared errors of all cells, and the penalties."""
    predicted = predict(params, cells.users, cells.movies)
    errors = (cells.unseen + cells.weights) * (cells.targets - predicted) ** 2
    listed = (errors - cells.unseen * predicted**2).sum()
    p, q = params["users"], params["movies"]
    users = np.column_stack([p["factors"], p["bias"], np.ones_like(p["bias"])])
    movies = np.column_stack([q["factors"], np.ones_like(q["bias"]), q["bias"]])
    everywhere = cells.unseen * ((users.T @ users) * (movies.T @ movies)).sum()
    held = _penalty(p, cells.user_scale, penalties) + _penalty(q, cells.movie_scale, penalties)
    return listed + everywhere + held


def _penalty(
    side: dict[str, np.ndarray], scale: Float[np.ndarray, " rows"], penalties: Penalties
) -> np.floating:
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
    other: dict[str, np.ndarray],
    rows: Rows,
    scale: Float[np.ndarray, " rows"],
    unseen: Number,
    penalties: Penalties,
) -> dict[str, np.ndarray]:
    """Factors and biases of all rows, each by its own normal equations.

    The Gram matrix of a row is the sum of its columns' outer products, so that those of all rows
    are one product of the sparse table with a matrix that has the outer products as its rows.
    """
    x = np.column_stack([other["factors"], np.ones_like(other["bias"])])
    size, features = len(scale), x.shape[1]
    first, second = np.triu_indices(features)
    products = np.concatenate([x[:, first] * x[:, second], other["bias"][:, None] * x], axis=1)
    shape = (size, len(x))
    sums = csr_array((rows.weights, rows.columns, rows.starts), shape) @ products
    sums += unseen * products.sum(axis=0)
    moments = csr_array((rows.weighted, rows.columns, rows.starts), shape) @ x
    moments -= sums[:, -features:]
    gram = np.empty((features, features, size), x.dtype)  # gram[i, j, row], for j <= i
    gram[second, first] = sums[:, :-features].T
    gram[range(features - 1), range(features - 1)] += penalties.factors * scale
    gram[-1, -1] += penalties.bias
    solved = cholesky_solve(gram, np.ascontiguousarray(moments.T)).T
    return {"factors": solved[:, :-1].copy(), "bias": solved[:, -1].copy()}


def cholesky_solve(
    gram: Float[np.ndarray, "features features rows"], moments: Float[np.ndarray, "features rows"]
) -> Float[np.ndarray, "features rows"]:
    """Solve many small systems at once; both arguments are overwritten.

    Every operation takes all rows, so that Python counts features and not rows.
    """
    size = len(gram)
    for j in range(size):  # the lower triangle becomes its factor, column by column
        done = gram[j, :j]
        gram[j:, j] -= np.einsum("imr,mr->ir", gram[j:, :j], done)
        moments[j] -= np.einsum("mr,mr->r", done, moments[:j])
        root = np.sqrt(gram[j, j])
        gram[j:, j] /= root
        moments[j] /= root
    for j in reversed(range(size)):
        moments[j] -= np.einsum("mr,mr->r", gram[j + 1 :, j], moments[j + 1 :])
        moments[j] /= gram[j, j]
    return moments


def fit(params: Params, table: Table, penalties: Penalties, config: Config) -> Fit:
    """`config.num_sweeps` sweeps."""
    losses = np.empty(config.num_sweeps, params["users"]["bias"].dtype)
    for i in range(config.num_sweeps):
        params = sweep(params, table, penalties)
        losses[i] = loss(params, table.cells, penalties)
    return Fit(params, losses)


# --- Stochastic gradient descent --------------------------------------------------------------


def start(params: Params) -> State:
    """The state before the first step."""
    return State(params, np.int32(0))


def loss_and_grads(
    params: Params,
    users: Int[np.ndarray, " batch"],
    movies: Int[np.ndarray, " batch"],
    targets: Float[np.ndarray, " batch"],
    penalty: Number,
) -> tuple[np.floating, Params]:
    """Half the squared errors of a batch, each with its own penalty, and the gradient.

    Someone who occurs in the batch twice gets the sum of two gradients.
    """
    p = {name: value[users] for name, value in params["users"].items()}
    q = {name: value[movies] for name, value in params["movies"].items()}
    errors = p["bias"] + q["bias"] - targets
    errors += np.einsum("bk,bk->b", p["factors"], q["factors"])
    value = errors @ errors
    grads = {}
    for name, ids, own, other in (("users", users, p, q), ("movies", movies, q, p)):
        value += penalty * (np.vdot(own["factors"], own["factors"]) + own["bias"] @ own["bias"])
        of_factors = errors[:, None] * other["factors"] + penalty * own["factors"]
        of_bias = errors + penalty * own["bias"]
        grads[name] = {
            "factors": _add_up(of_factors, ids, len(params[name]["bias"])),
            "bias": _add_up(of_bias[:, None], ids, len(params[name]["bias"]))[:, 0],
        }
    return value / 2, grads


def _add_up(
    values: Float[np.ndarray, "batch columns"], ids: Int[np.ndarray, " batch"], size: int
) -> Float[np.ndarray, "rows columns"]:
    """The sum of the rows of `values` that belong to each id: `np.bincount`, column by column."""
    width = values.shape[1]
    flat = (ids[:, None] * width + np.arange(width)).ravel()
    sums = np.bincount(flat, values.ravel(), size * width)
    return sums.reshape(size, width).astype(values.dtype, copy=False)


def train_step(
    state: State,
    cells: Cells,
    batch: Int[np.ndarray, " batch"],
    learning_rates: Float[np.ndarray, " steps"],
    penalty: Number,
) -> tuple[State, np.floating]:
    """One step down the gradient; also the loss before it."""
    picked = cells.users[batch], cells.movies[batch], cells.targets[batch]
    value, grads = loss_and_grads(state.params, *picked, penalty)
    rate = learning_rates[state.steps]
    params = tree_map(lambda w, g: w - rate * g, state.params, grads)
    return State(params, np.int32(state.steps + 1)), value


def train_steps(
    state: State,
    cells: Cells,
    batches: Int[np.ndarray, "steps batch"],
    learning_rates: Float[np.ndarray, " all_steps"],
    penalty: Number,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """A step for every batch; also the loss before each."""
    losses = np.empty(len(batches), cells.targets.dtype)
    for i, batch in enumerate(batches):
        state, losses[i] = train_step(state, cells, batch, learning_rates, penalty)
    return state, losses
