"""Movie ratings: the configuration, the people who rate, and what both twins fit (NumPy only)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from tutorials_lib import presets
from tutorials_lib.datasets import movielens

GENRES = ("comedy", "drama", "action", "romance", "horror", "documentary")
"""Of the generated movies; nobody tells the model."""

STARS = np.array(movielens.STARS)

_MEAN, _SPREAD_USERS, _SPREAD_MOVIES, _SPREAD_AFFINITY, _NOISE = 3.5, 0.45, 0.5, 0.7, 0.8
_NUM_TASTES = 8


@dataclass(frozen=True, kw_only=True)
class Config:
    """One fit.

    Attributes:
        num_users: people who rate.
        num_movies: movies that they rate.
        num_factors: numbers that describe a person's taste, and a movie.
        ranks: numbers of factors to choose from.
        penalties: on the factors, to choose from, in growing order.
        bias_penalty: on the bias of a person or a movie.
        num_sweeps: of alternating least squares; each solves for all people, then all movies.
        batch_size: ratings of one step of gradient descent.
        num_epochs: how often gradient descent goes through all ratings.
        learning_rate: of its first step; it falls to a twentieth of that.
        source: `offline` for generated people, `real` for MovieLens 100k.

    Raises:
        ValueError: the source has another name.
    """

    num_users: int = movielens.NUM_USERS
    num_movies: int = movielens.NUM_MOVIES
    num_factors: int = 8
    ranks: tuple[int, ...] = (4, 8, 16)
    penalties: tuple[float, ...] = (0.7, 0.9, 1.1, 1.3, 1.5, 1.8)
    bias_penalty: float = 4.0
    num_sweeps: int = 12
    batch_size: int = 1_000
    num_epochs: int = 30
    learning_rate: float = 0.03
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)


TINY = Config(
    num_users=120,
    num_movies=150,
    num_factors=3,
    ranks=(2, 3),
    penalties=(1.0, 1.5, 2.0),
    num_sweeps=6,
    batch_size=200,
    num_epochs=5,
)
PAGE = Config()
FULL = Config(num_users=6_000, num_movies=4_000, ranks=(8, 16, 32), batch_size=4_000)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Ratings(NamedTuple):
    """Who gave which movie how many stars.

    Attributes:
        users: numbered from 0.
        movies: numbered from 0.
        stars: 1 to 5.
        expected: the stars that such a person gives such a movie on average, or None where
            nobody knows it.
    """

    users: Int[np.ndarray, " ratings"]
    movies: Int[np.ndarray, " ratings"]
    stars: Float[np.ndarray, " ratings"]
    expected: Float[np.ndarray, " ratings"] | None


class Data(NamedTuple):
    """Three sets of ratings that share none, and the genre of each movie where it is known."""

    train: Ratings
    development: Ratings
    test: Ratings
    genres: Int[np.ndarray, " movies"] | None


def load(config: Config, *, seed: int = 0) -> Data:
    """The ratings, divided at random with `seed`: 70, 10 and 20 in a hundred.

    Of MovieLens, the first people and movies are kept where `config` asks for fewer.
    """
    rng = np.random.default_rng(seed)
    if config.source == "real":
        table = movielens.load_movielens()
        kept = (table.users < config.num_users) & (table.movies < config.num_movies)
        users, movies, stars = (column[kept] for column in table[:3])
        ratings, genres = Ratings(users, movies, stars.astype(float), None), None
    else:
        ratings, genres = generate(config, rng)
    order = rng.permutation(len(ratings.stars))
    ends = len(order) * np.array([7, 8]) // 10
    train, development, test = (take(ratings, rows) for rows in np.split(order, ends))
    return Data(train, development, test, genres)


def take(ratings: Ratings, rows: np.ndarray) -> Ratings:
    """The ratings at `rows`, which are numbers or a mask."""
    users, movies, stars, expected = ratings
    known = None if expected is None else expected[rows]
    return Ratings(users[rows], movies[rows], stars[rows], known)


def generate(
    config: Config, rng: np.random.Generator
) -> tuple[Ratings, Int[np.ndarray, " movies"]]:
    """People with tastes, movies of six genres, and the genre of each movie.

    A rating is a mean, what the person adds, what the movie adds, how well the two fit each
    other, and chance, rounded to a whole number of stars. Who rates what is not random: people
    choose popular movies, and movies that suit them.
    """
    taste = rng.normal(size=(len(GENRES), _NUM_TASTES))
    genres = rng.integers(0, len(GENRES), config.num_movies)
    movies = 0.8 * taste[genres] + rng.normal(0, 0.6, (config.num_movies, _NUM_TASTES))
    users = 0.5 * taste[rng.integers(0, len(GENRES), config.num_users)]
    users += rng.normal(0, 0.6, users.shape)
    affinity = users @ movies.T
    affinity *= _SPREAD_AFFINITY / affinity.std()
    of_movies = rng.normal(0, _SPREAD_MOVIES, config.num_movies)
    expected = _MEAN + rng.normal(0, _SPREAD_USERS, (config.num_users, 1)) + of_movies + affinity
    popularity = -0.9 * np.log(rng.permutation(config.num_movies) + 10.0) + 0.5 * of_movies
    i, j = _choose(popularity + 1.3 * affinity, rng)
    stars = np.clip(np.rint(expected[i, j] + rng.normal(0, _NOISE, len(i))), 1, 5)
    return Ratings(i, j, stars, expected_stars(expected[i, j])), genres


def _choose(
    appeal: Float[np.ndarray, "users movies"], rng: np.random.Generator
) -> tuple[Int[np.ndarray, " ratings"], Int[np.ndarray, " ratings"]]:
    """Who rates what: each person draws movies without replacement, in proportion to exp(appeal).

    The largest of appeal plus Gumbel noise are such a draw (Kool et al. 2019).
    """
    num_users, num_movies = appeal.shape
    most = 700 * num_movies // movielens.NUM_MOVIES
    activity = np.clip(np.exp(rng.normal(4.2, 0.95, num_users)).astype(int), 20, most)
    order = np.argsort(-(appeal + rng.gumbel(size=appeal.shape)), axis=1)
    users = np.repeat(np.arange(num_users), activity)
    return users, order[np.arange(num_movies) < activity[:, None]]


def expected_stars(mean: Float[np.ndarray, " ratings"]) -> Float[np.ndarray, " ratings"]:
    """The mean of what chance, rounding and the ends of the scale make of `mean`."""
    above = ndtr((mean[:, None] - (STARS[1:] - 0.5)) / _NOISE)
    return 1 + above.sum(axis=1)


# --- What both twins fit ------------------------------------------------------------------------

Params = dict[str, dict[str, Any]]
"""Of `users` and of `movies`: `factors`, a row each, and `bias`, a number each."""


class Cells(NamedTuple):
    """The cells of the table of people and movies that are known, and what they should hold.

    The loss of all cells is a weighted sum of squares. A cell that is not listed should hold 0.

    Attributes:
        users: the row of each listed cell.
        movies: its column.
        targets: what it should hold.
        weights: how much it counts above `unseen`.
        unseen: how much every cell counts: 0, or 1 for implicit feedback.
        user_scale: what each person's penalty is multiplied by: the root of the listed cells.
        movie_scale: the same of each movie.
    """

    users: Any
    movies: Any
    targets: Any
    weights: Any
    unseen: Any
    user_scale: Any
    movie_scale: Any


class Penalties(NamedTuple):
    """How strongly large factors and large biases count against a model."""

    factors: Any
    bias: Any


def explicit(ratings: Ratings, mean: float, config: Config) -> Cells:
    """Stars above the `mean`; what nobody rated does not count."""
    return _cells(ratings, ratings.stars - mean, 1.0, 0.0, config)


def implicit(ratings: Ratings, confidence: float, config: Config) -> Cells:
    """1 in each listed cell and 0 in all others, which count less by `confidence`.

    Hu, Koren and Volinsky (2008), section 4, with every listed cell seen once.
    """
    return _cells(ratings, np.ones(len(ratings.stars)), confidence, 1.0, config)


def _cells(
    ratings: Ratings, targets: np.ndarray, weight: float, unseen: float, config: Config
) -> Cells:
    order = np.lexsort((ratings.movies, ratings.users))
    users, movies = (ids[order].astype(np.int32) for ids in (ratings.users, ratings.movies))
    return Cells(
        users=users,
        movies=movies,
        targets=targets[order].astype(np.float32),
        weights=np.full(len(order), weight, np.float32),
        unseen=np.float32(unseen),
        user_scale=_root_of_counts(users, config.num_users),
        movie_scale=_root_of_counts(movies, config.num_movies),
    )


def _root_of_counts(ids: Int[np.ndarray, " cells"], size: int) -> Float[np.ndarray, " size"]:
    """At least 1, so that somebody without ratings is held to zero."""
    return np.sqrt(np.maximum(np.bincount(ids, minlength=size), 1)).astype(np.float32)


def start(config: Config, *, seed: int = 0) -> Params:
    """Small random factors and no biases."""
    rng = np.random.default_rng((seed, 1))

    def side(size: int) -> dict[str, np.ndarray]:
        factors = rng.normal(0, 0.1, (size, config.num_factors)).astype(np.float32)
        return {"factors": factors, "bias": np.zeros(size, np.float32)}

    return {"users": side(config.num_users), "movies": side(config.num_movies)}


def batches(num_cells: int, config: Config, *, seed: int = 0) -> Int[np.ndarray, "steps batch"]:
    """The cells of each step of gradient descent: every epoch in an order of its own."""
    rng = np.random.default_rng((seed, 2))
    whole = num_cells - num_cells % config.batch_size
    epochs = [rng.permutation(num_cells)[:whole] for _ in range(config.num_epochs)]
    return np.concatenate(epochs).reshape(-1, config.batch_size).astype(np.int32)


def learning_rates(num_steps: int, config: Config) -> Float[np.ndarray, " steps"]:
    """From `config.learning_rate` down to a twentieth of it, along a line."""
    return np.linspace(1, 0.05, num_steps, dtype=np.float32) * np.float32(config.learning_rate)
