"""MovieLens 100k: ratings of 1,682 movies by 943 people (Harper and Konstan 2015)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

MOVIELENS_100K = RemoteFile(
    name="movielens-100k-u.data",
    url="https://files.grouplens.org/datasets/movielens/ml-100k/u.data",
    sha256="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    num_bytes=1_979_173,
    mirror_path="ml-100k/u.data",
    licence="research use only, no redistribution",
    citation="F. M. Harper and J. A. Konstan (2015), The MovieLens Datasets: History and "
    "Context, ACM Transactions on Interactive Intelligent Systems 5(4), "
    "https://grouplens.org/datasets/movielens/100k/",
)
"""The ratings alone. Their licence allows no copy of them: pages show scores only."""

NUM_USERS, NUM_MOVIES = 943, 1_682
STARS = (1, 2, 3, 4, 5)


class MovieLens(NamedTuple):
    """One row for each rating, in the published order.

    Attributes:
        users: numbered from 0.
        movies: numbered from 0.
        stars: 1 to 5.
        seconds: when it was given, since 1970.
    """

    users: Int32[np.ndarray, " ratings"]
    movies: Int32[np.ndarray, " ratings"]
    stars: Int32[np.ndarray, " ratings"]
    seconds: Int32[np.ndarray, " ratings"]


def load_movielens(*, remote: RemoteFile = MOVIELENS_100K) -> MovieLens:
    """The 100,000 ratings.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such table
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return parse_ratings(path.read_text("ascii", errors="replace"), str(path))


def parse_ratings(text: str, file: str) -> MovieLens:
    """The ratings in `text`, a line each: user, movie, stars and time, with tabs between them.

    Raises:
        MalformedDataError: a number of fields or a value is not as it should be, a movie is
            rated twice by one person, or there is no rating; the message names the line of `file`.
    """
    rows = [
        _parse_row(line, f"{file}, line {number}")
        for number, line in enumerate(text.splitlines(), start=1)
    ]
    if not rows:
        raise _malformed(file, expected="a rating in each line", found="none")
    users, movies, stars, seconds = np.array(rows, np.int32).T
    cells = users * NUM_MOVIES + movies
    if len(np.unique(cells)) < len(cells):
        raise _malformed(file, expected="one rating of a movie by a person", found="several")
    return MovieLens(users - 1, movies - 1, stars, seconds)


def _parse_row(line: str, place: str) -> list[int]:
    fields = line.split("\t")
    if len(fields) != 4:
        raise _malformed(place, expected="4 fields with tabs between", found=str(len(fields)))
    names = ("a user", "a movie", "stars", "a time in seconds")
    limits = (NUM_USERS, NUM_MOVIES, STARS[-1], 2**31 - 1)
    return [
        _parse_number(field, name, limit, place)
        for field, name, limit in zip(fields, names, limits, strict=True)
    ]


def _parse_number(field: str, name: str, limit: int, place: str) -> int:
    plain = field.isascii() and field.isdigit() and len(field) <= 10
    value = int(field) if plain else 0
    if not 1 <= value <= limit:
        raise _malformed(place, expected=f"{name} from 1 to {limit}", found=repr(field[:40]))
    return value


def _malformed(place: str, *, expected: str, found: str) -> MalformedDataError:
    way_out = "Check that this is the file u.data of MovieLens 100k."
    return MalformedDataError(place, expected=expected, found=found, way_out=way_out)
