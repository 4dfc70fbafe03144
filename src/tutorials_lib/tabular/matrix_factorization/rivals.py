"""What matrix factorization has to beat: averages, neighbours and popularity (NumPy only)."""

import itertools
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from tutorials_lib.judge import Score
from tutorials_lib.tabular.matrix_factorization.problem import Config, Data, Ratings

Full = Float[np.ndarray, "users movies"]

BIAS_PENALTIES = (1.0, 2.0, 4.0, 8.0, 12.0)
"""Each for people and for movies, in every pair."""

NEIGHBOURS = (20, 40, 80)
SHRINKAGES = (25.0, 50.0, 100.0, 200.0)
DAMPINGS = (0.0, 0.5, 1.0)
LIKED = 4.0
"""Stars from which a movie counts as liked."""

_NUM_BIAS_SWEEPS = 10
_CHUNK = 4_000


def rmse(predicted: Float[np.ndarray, " ratings"], stars: Float[np.ndarray, " ratings"]) -> float:
    """The root of the mean squared error, with predictions cut to 1 to 5 stars."""
    return float(np.sqrt(np.mean((np.clip(predicted, 1, 5) - stars) ** 2)))


def marked(ratings: Ratings, config: Config, *, stars: float = 0.0) -> np.ndarray:
    """A table of people and movies that is true where somebody gave at least `stars`."""
    table = np.zeros((config.num_users, config.num_movies), bool)
    enough = ratings.stars >= stars
    table[ratings.users[enough], ratings.movies[enough]] = True
    return table


# --- Of the number of stars ---------------------------------------------------------------------


def predict_stars(data: Data, config: Config) -> dict[str, Score]:
    """The errors of each rival, with settings that the development ratings choose."""
    mean = data.train.stars.mean()
    everywhere = np.full((config.num_users, config.num_movies), mean)
    tried = [
        biases(data.train, of_users, of_movies, config)
        for of_users, of_movies in itertools.product(BIAS_PENALTIES, BIAS_PENALTIES)
    ]
    best = min(tried, key=lambda table: _error(table, data.development))
    return {
        "mean": Score(None, _error(everywhere, data.test)),
        "biases": Score(_error(best, data.development), _error(best, data.test)),
        "movie neighbours": _neighbours(data, best, config),
    }


def _error(table: Full, ratings: Ratings) -> float:
    return rmse(table[ratings.users, ratings.movies], ratings.stars)


def biases(train: Ratings, of_users: float, of_movies: float, config: Config) -> Full:
    """Mean, person and movie, by alternating least squares with a penalty for each side."""
    users, movies, stars, _ = train
    mean = stars.mean()
    by_user, by_movie = np.zeros(config.num_users), np.zeros(config.num_movies)
    num_by_user = np.bincount(users, minlength=config.num_users)
    num_by_movie = np.bincount(movies, minlength=config.num_movies)
    for _ in range(_NUM_BIAS_SWEEPS):
        left = np.bincount(movies, stars - mean - by_user[users], config.num_movies)
        by_movie = left / (num_by_movie + of_movies)
        left = np.bincount(users, stars - mean - by_movie[movies], config.num_users)
        by_user = left / (num_by_user + of_users)
    return mean + by_user[:, None] + by_movie


def _neighbours(data: Data, base: Full, config: Config) -> Score:
    settings = list(itertools.product(SHRINKAGES, NEIGHBOURS, DAMPINGS))
    parts = [data.development, data.test]
    found = [dict(_predict_by_neighbours(data.train, base, part, config)) for part in parts]
    errors = [
        {setting: rmse(found[i][setting], part.stars) for setting in settings}
        for i, part in enumerate(parts)
    ]
    best = min(settings, key=errors[0].__getitem__)
    return Score(errors[0][best], errors[1][best])


def _predict_by_neighbours(
    train: Ratings, base: Full, asked: Ratings, config: Config
) -> Iterable[tuple[tuple[float, int, float], np.ndarray]]:
    """Stars by the movies most similar to the asked one that the same person has rated.

    What a person gave above `base` is averaged over the neighbours, weighted by a similarity that
    is shrunk where few people rated both movies (Koren 2010, section 2.2). Every setting of
    shrinkage, number of neighbours and damping comes with its predictions.
    """
    rated = marked(train, config).astype(np.float32)
    left = np.zeros_like(rated)
    left[train.users, train.movies] = train.stars - base[train.users, train.movies]
    both = rated.T @ rated
    norms = np.sqrt((left**2).T @ rated * (rated.T @ left**2)) + 1e-9
    correlation = left.T @ left / norms
    np.fill_diagonal(correlation, 0)
    for shrinkage in SHRINKAGES:
        similarity = np.maximum(correlation, 0) * both / (both + shrinkage)
        weights, values = _nearest(similarity, rated, left, asked, max(NEIGHBOURS))
        for count, damping in itertools.product(NEIGHBOURS, DAMPINGS):
            near = weights[:, :count]
            added = (near * values[:, :count]).sum(axis=1) / (near.sum(axis=1) + damping + 1e-9)
            yield (shrinkage, count, damping), base[asked.users, asked.movies] + added


def _nearest(
    similarity: np.ndarray, rated: np.ndarray, left: np.ndarray, asked: Ratings, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and values of the `count` nearest rated movies, nearest first."""
    weights, values = [], []
    for begin in range(0, len(asked.users), _CHUNK):  # all at once would take gigabytes
        users = asked.users[begin : begin + _CHUNK]
        near = similarity[asked.movies[begin : begin + _CHUNK]] * rated[users]
        best = np.argpartition(-near, count, axis=1)[:, :count]
        found = np.take_along_axis(near, best, axis=1)
        best = np.take_along_axis(best, np.argsort(-found, axis=1), axis=1)
        weights.append(np.take_along_axis(near, best, axis=1))
        values.append(left[users[:, None], best])
    return np.concatenate(weights), np.concatenate(values)


# --- Of a short list ----------------------------------------------------------------------------


def popularity(train: Ratings, config: Config) -> Full:
    """The number of people who liked each movie, the same for everybody."""
    likes = marked(train, config, stars=LIKED).sum(axis=0).astype(float)
    return np.broadcast_to(likes, (config.num_users, config.num_movies))


def liked_neighbours(train: Ratings, shrinkage: float, config: Config) -> Full:
    """The summed similarity of each movie to those that a person liked (Sarwar et al. 2001).

    Two movies are similar by the cosine of who liked them, shrunk where few liked both.
    """
    liked = marked(train, config, stars=LIKED).astype(np.float32)
    both = liked.T @ liked
    counts = np.maximum(np.diag(both), 1)
    cosine = both / np.sqrt(counts[:, None] * counts) * both / (both + shrinkage + 1e-9)
    np.fill_diagonal(cosine, 0)
    return liked @ cosine
