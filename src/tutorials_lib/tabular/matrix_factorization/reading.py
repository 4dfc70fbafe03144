"""What the page reads off a fit: one prediction, the axes of taste, and lists beside each other."""

import dataclasses
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import orthogonal_procrustes

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics import ranking
from tutorials_lib.tabular.matrix_factorization import evaluation, in_jax, problem, rivals
from tutorials_lib.tabular.matrix_factorization.evaluation import Lists, Trained
from tutorials_lib.tabular.matrix_factorization.problem import (
    Config,
    Data,
    Params,
    Penalties,
    Ratings,
)

ENOUGH = 20
"""Ratings from which a movie is drawn on the map."""


def names(data: Data, config: Config) -> list[str]:
    """Of the movies: the genre where it is known, and a number by popularity within it."""
    counts = np.bincount(data.train.movies, minlength=config.num_movies)
    genres = np.zeros(len(counts), int) if data.genres is None else data.genres
    words = ("movie",) if data.genres is None else problem.GENRES
    found = [""] * len(counts)
    for genre, word in enumerate(words):
        members = np.flatnonzero(genres == genre)
        for place, movie in enumerate(members[np.argsort(-counts[members], kind="stable")], 1):
            found[movie] = f"{word} {place}"
    return found


def telling(trained: Trained, test: Ratings) -> int:
    """Of the test ratings in the middle fifth by error, the one where taste adds most."""
    errors = np.abs(evaluation.predict(trained, test) - test.stars)
    low, high = np.quantile(errors, [0.4, 0.6])
    p, q = (trained.params[side]["factors"] for side in ("users", "movies"))
    taste = (p[test.users] * q[test.movies]).sum(axis=1)
    return int(np.where((errors >= low) & (errors <= high), taste, -np.inf).argmax())


def favourites(trained: Trained, data: Data, user: int, config: Config) -> MarkdownRows:
    """The three movies that a person rated highest above what the biases say, and the lowest."""
    mine = np.flatnonzero(data.train.users == user)
    movies, stars = data.train.movies[mine], data.train.stars[mine]
    side = trained.params["users"]["bias"][user] + trained.params["movies"]["bias"][movies]
    above = stars - trained.mean - side
    order = np.argsort(-above)
    named = names(data, config)
    rows = [
        [named[movies[i]], f"{stars[i]:.0f}", f"{above[i]:+.2f}"] for i in [*order[:3], *order[-3:]]
    ]
    return MarkdownRows(["Rated by this person", "stars", "above the biases"], rows)


def sum_up(trained: Trained, rating: tuple[int, int], name: str) -> MarkdownRows:
    """One prediction as a sum: the mean, both biases, and each factor's product."""
    user, movie = (
        {key: value[i] for key, value in side.items()}
        for side, i in zip(canonical(trained.params).values(), rating, strict=True)
    )
    rows = [
        ["mean of all ratings", "", "", trained.mean],
        ["this person's bias", "", "", user["bias"]],
        [f"bias of {name}", "", "", movie["bias"]],
    ]
    products = user["factors"] * movie["factors"]
    for i, added in enumerate(products):
        pair = (f"{side['factors'][i]:+.2f}" for side in (user, movie))
        rows.append([f"factor {i + 1}", *pair, added])
    rows.append(["prediction", "", "", sum(float(row[-1]) for row in rows)])
    shown = [[*row[:3], f"{row[3]:.2f}"] for row in rows]
    return MarkdownRows(["", "of this person", f"of {name}", "stars"], shown)


# --- What a factor means ------------------------------------------------------------------------


def canonical(params: Params) -> Params:
    """The same model with its axes turned: uncorrelated, the one that explains most first."""
    users, movies = params["users"], params["movies"]
    left, of_left = np.linalg.qr(users["factors"])
    right, of_right = np.linalg.qr(movies["factors"])
    u, strengths, vt = np.linalg.svd(of_left @ of_right.T)
    root = np.sqrt(strengths)
    return {
        "users": users | {"factors": left @ u * root},
        "movies": movies | {"factors": right @ vt.T * root},
    }


def popular(data: Data, config: Config) -> Int[np.ndarray, " popular"]:
    """The movies with `ENOUGH` training ratings, or the upper half where few have."""
    counts = np.bincount(data.train.movies, minlength=config.num_movies)
    return np.flatnonzero(counts >= min(ENOUGH, np.median(counts)))


def share_of_same_genre(
    factors: Float[np.ndarray, "movies factors"], genres: Int[np.ndarray, " movies"]
) -> tuple[float, float]:
    """How often the nearest movie by angle has the same genre, and how often any other has."""
    unit = factors / np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), 1e-9)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    same = genres[:, None] == genres
    others = (same.sum() - len(genres)) / (len(genres) * (len(genres) - 1))
    return float(same[np.arange(len(genres)), cosine.argmax(axis=1)].mean()), float(others)


class Moment(NamedTuple):
    """Movies on the first two axes after some sweeps, and the error on the development ratings."""

    sweeps: int
    places: Float[np.ndarray, "movies 2"]
    error: float


def unfold(trained: Trained, data: Data, config: Config, moments: tuple[int, ...]) -> list[Moment]:
    """Alternating least squares from its random start, looked at after some of its sweeps.

    Factors have no axes of their own, so those of each moment are turned toward the last.
    """
    sized = dataclasses.replace(config, num_factors=trained.num_factors)
    table = in_jax.to_table(problem.explicit(data.train, trained.mean, sized))
    penalties = Penalties(trained.penalty, config.bias_penalty)
    sweep = jax.jit(in_jax.sweep)
    params, states = problem.start(sized), {}
    for number in range(max(moments) + 1):
        states[number] = jax.tree.map(np.asarray, params)
        params = sweep(params, table, penalties)
    last = canonical(states[max(moments)])["movies"]["factors"]
    found = []
    for number in moments:
        factors = states[number]["movies"]["factors"]
        places = factors @ orthogonal_procrustes(factors, last)[0]
        predicted = evaluation.predict(trained._replace(params=states[number]), data.development)
        error = rivals.rmse(predicted, data.development.stars)
        found.append(Moment(number, places[:, :2], error))
    return found


# --- Lists --------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """How good the lists of one model are, and how many ratings their movies have, mostly."""

    scores: Lists
    ratings: float


def compare_lists(
    trained: Trained, listed: Params, data: Data, config: Config
) -> dict[str, Listed]:
    """Lists of ten by each model, on the test ratings."""

    def on_development(shrinkage: float) -> float:
        scores = rivals.liked_neighbours(data.train, shrinkage, config)
        return evaluation.score_lists(scores, data.train, data.development, config).recall

    shrinkage = max(evaluation.SHRINKAGES, key=on_development)
    models = {
        "predicted stars": evaluation.everywhere(trained.params),
        "popularity": rivals.popularity(data.train, config),
        "movie neighbours": rivals.liked_neighbours(data.train, shrinkage, config),
        "implicit feedback": evaluation.everywhere(listed),
    }
    seen = rivals.marked(data.train, config)
    counts = seen.sum(axis=0)
    found = {}
    for name, scores in models.items():
        lists = ranking.recommend(scores, seen, length=evaluation.LIST_LENGTH)
        judged = evaluation.score_lists(scores, data.train, data.test, config)
        found[name] = Listed(judged, float(np.median(counts[lists])))
    return found


# --- Sentences that hold whatever is found ------------------------------------------------------


def say_whether_met(judgement: Judgement) -> str:
    """The line to beat, and whether it is."""
    name, line = judgement.strongest
    beside = f"{judgement.value:.4f} beside the {line:.4f} of {name}"
    if judgement.met:
        return f"{beside}: the line is met."
    return f"{beside}: the line is not met."


def say_who_lists_best(listed: dict[str, Listed]) -> str:
    """Which model makes the best lists, and where the one with the best stars comes."""
    order = sorted(listed, key=lambda name: listed[name].scores.recall, reverse=True)
    place = order.index("predicted stars") + 1
    met = "is met" if order[0] == "implicit feedback" else "is not met"
    lesson = "" if place == 1 else " A small error of the stars does not make a good list."
    return (
        f"The best lists are those of {order[0]}: the line for implicit feedback {met}. "
        f"The model that predicts stars comes in place {place} of {len(order)}.{lesson}"
    )
