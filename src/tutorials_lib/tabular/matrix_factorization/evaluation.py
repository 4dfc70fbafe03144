"""Matrix factorization beside its rivals: how far off its stars are, and how good its lists."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import ranking
from tutorials_lib.tabular.matrix_factorization import in_jax, in_numpy, problem, rivals
from tutorials_lib.tabular.matrix_factorization.problem import (
    Cells,
    Config,
    Data,
    Params,
    Penalties,
    Ratings,
)

METRIC = "RMSE of the stars"

LIST_LENGTH = 10
DESCENT_PENALTIES = (0.04, 0.07, 0.1, 0.14)
"""Of gradient descent, on every factor and bias of a rating."""

CONFIDENCES = (3.0, 10.0)
LIST_PENALTIES = (2.0, 4.0, 8.0)
NO_BIAS = 1e6
"""A penalty that leaves no bias: popular movies get large factors instead."""

SHRINKAGES = (0.0, 10.0, 20.0, 50.0)


class Trained(NamedTuple):
    """A fitted model with the settings that the development ratings chose.

    Attributes:
        params: of the people and the movies.
        mean: of the stars; added to what the parameters say.
        num_factors: the chosen rank.
        penalty: the chosen one.
        errors: what each rank reaches on the development ratings, penalty by penalty.
    """

    params: Params
    mean: float
    num_factors: int
    penalty: float
    errors: dict[int, Float[np.ndarray, " penalties"]]


def predict(trained: Trained, ratings: Ratings) -> Float[np.ndarray, " ratings"]:
    """The stars that each person is expected to give."""
    return trained.mean + in_numpy.predict(trained.params, ratings.users, ratings.movies)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """RMSE on the test ratings, beside averages and neighbours."""
    data = problem.load(config, seed=seed)
    trained = trained or train(data, config, seed=seed)
    return Judgement(
        metric=METRIC,
        value=rivals.rmse(predict(trained, data.test), data.test.stars),
        baselines=baselines(data, config, seed=seed),
        higher_is_better=False,
    )


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Each rival, fitted to the training ratings and chosen on the development ratings."""
    return rivals.predict_stars(data, config)


# --- Training -----------------------------------------------------------------------------------


@partial(jax.jit, static_argnames="config")
def fit_every_penalty(params: Params, cells: Cells, penalties: Penalties, config: Config) -> Params:
    """Alternating least squares for each of the penalties at once, all from the same start."""
    table = in_jax.to_table(cells)
    return jax.vmap(lambda each: in_jax.fit(params, table, each, config).params)(penalties)


@jax.jit
def descend_every_penalty(
    params: Params,
    cells: Cells,
    batches: Array,
    learning_rates: Array,
    penalties: Float[Array, " penalties"],
) -> Params:
    """Stochastic gradient descent for each of the penalties at once, on the same batches."""

    def descend(penalty: Array) -> Params:
        state = in_jax.start(params)
        return in_jax.train_steps(state, cells, batches, learning_rates, penalty)[0].params

    return jax.vmap(descend)(penalties)


def train(data: Data, config: Config, *, seed: int) -> Trained:
    """Alternating least squares, with the rank and the penalty that predict development best."""
    mean = float(data.train.stars.mean())
    cells = problem.explicit(data.train, mean, config)
    penalties = _penalties(config.penalties, config.bias_penalty)

    def fit(sized: Config) -> Params:
        return fit_every_penalty(problem.start(sized, seed=seed), cells, penalties, sized)

    return _choose(fit, data, mean, config.ranks, config.penalties, config)


def train_by_descent(data: Data, config: Config, *, seed: int) -> Trained:
    """Stochastic gradient descent with `config.num_factors`, its penalty chosen likewise."""
    mean = float(data.train.stars.mean())
    cells = problem.explicit(data.train, mean, config)
    batches = problem.batches(len(cells.users), config, seed=seed)
    rates = problem.learning_rates(len(batches), config)
    penalties = np.array(DESCENT_PENALTIES, np.float32)

    def fit(sized: Config) -> Params:
        start = problem.start(sized, seed=seed)
        return descend_every_penalty(start, cells, batches, rates, penalties)

    return _choose(fit, data, mean, (config.num_factors,), DESCENT_PENALTIES, config)


def _penalties(factors: tuple[float, ...], bias: float) -> Penalties:
    each = np.array(factors, np.float32)
    return Penalties(each, np.full_like(each, bias))


def _choose(
    fit: Callable[[Config], Params],
    data: Data,
    mean: float,
    ranks: Sequence[int],
    penalties: Sequence[float],
    config: Config,
) -> Trained:
    """The fit whose development error is least, of every rank with every penalty."""
    users, movies, stars, _ = data.development
    errors, fits = {}, {}
    for rank in ranks:
        fits[rank] = _one_by_one(fit(dataclasses.replace(config, num_factors=rank)))
        predicted = [mean + in_numpy.predict(params, users, movies) for params in fits[rank]]
        errors[rank] = np.array([rivals.rmse(each, stars) for each in predicted])
    rank = min(ranks, key=lambda rank: errors[rank].min())
    best = int(errors[rank].argmin())
    return Trained(fits[rank][best], mean, rank, penalties[best], errors)


def _one_by_one(stacked: Params) -> list[Params]:
    """The fits of a `vmap`, whose arrays have them along the first axis."""
    arrays = jax.tree.map(np.asarray, stacked)
    count = len(arrays["users"]["bias"])
    return [jax.tree.map(lambda array, i=i: array[i], arrays) for i in range(count)]


# --- Lists --------------------------------------------------------------------------------------


class Lists(NamedTuple):
    """How good lists of ten are, on the test ratings."""

    recall: float
    ndcg: float


def everywhere(params: Params) -> Float[np.ndarray, "users movies"]:
    """What the parameters say of every person and every movie."""
    users, movies = params["users"], params["movies"]
    return users["bias"][:, None] + movies["bias"] + users["factors"] @ movies["factors"].T


def train_for_lists(data: Data, config: Config, *, seed: int) -> Params:
    """Implicit feedback: rank, confidence and penalty with the best recall on development."""
    liked = problem.take(data.train, data.train.stars >= rivals.LIKED)
    penalties = _penalties(LIST_PENALTIES, NO_BIAS)
    tried: list[Params] = []
    for rank, confidence in itertools.product(config.ranks, CONFIDENCES):
        sized = dataclasses.replace(config, num_factors=rank)
        cells = problem.implicit(liked, confidence, config)
        start = problem.start(sized, seed=seed)
        tried += _one_by_one(fit_every_penalty(start, cells, penalties, sized))

    def recall(params: Params) -> float:
        return score_lists(everywhere(params), data.train, data.development, config).recall

    return max(tried, key=recall)


def score_lists(scores: np.ndarray, train: Ratings, held_out: Ratings, config: Config) -> Lists:
    """Recall and NDCG of the ten best movies that each person has not rated in `train`."""
    liked = rivals.marked(held_out, config, stars=rivals.LIKED)
    lists = ranking.recommend(scores, rivals.marked(train, config), length=LIST_LENGTH)
    return Lists(ranking.recall(lists, liked), ranking.ndcg(lists, liked))
