"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.tabular.matrix_factorization.problem import GENRES, Ratings
from tutorials_lib.tabular.matrix_factorization.reading import Listed, Moment

CORNER = (50, 80)
"""People and movies that are drawn: those with the most ratings."""


def _corner(train: Ratings) -> tuple[np.ndarray, np.ndarray]:
    users, movies = (
        np.argsort(-np.bincount(ids), kind="stable")[:size]
        for ids, size in zip(train[:2], CORNER, strict=True)
    )
    return users, movies


def _known(train: Ratings) -> Float[np.ndarray, "users movies"]:
    users, movies = _corner(train)
    table = np.full((train.users.max() + 1, train.movies.max() + 1), np.nan)
    table[train.users, train.movies] = train.stars
    return table[np.ix_(users, movies)]


def blanks(train: Ratings, predicted: Float[np.ndarray, "users movies"]) -> Figure:
    """The busiest corner of the table: what is known, and what is predicted."""
    figure, panels = plt.subplots(ncols=2, figsize=(7.0, 2.7), sharey=True)
    filled = np.clip(predicted[np.ix_(*_corner(train))], 1, 5)
    for ax, title, table in zip(
        panels, ("known", "predicted"), (_known(train), filled), strict=True
    ):
        ax.imshow(table, vmin=1, vmax=5, aspect="auto", interpolation="nearest")
        ax.set(title=title, xlabel="movies", xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    panels[0].set_ylabel("people")
    figure.colorbar(panels[0].images[0], ax=panels, label="stars", ticks=range(1, 6))
    return figure


def describe_blanks(train: Ratings) -> str:
    """Alternative text of `blanks`."""
    known = _known(train)
    return (
        f"Two tables of {known.shape[0]} people and {known.shape[1]} movies, coloured by stars. "
        f"On the left {np.isfinite(known).mean():.0%} of the cells are known and the others are "
        "blank; on the right every cell is filled with a prediction."
    )


def _map(
    ax: Axes, moment: Moment, shown: Int[np.ndarray, " shown"], genres: np.ndarray | None
) -> None:
    places = moment.places[shown]
    kinds = np.zeros(len(shown), int) if genres is None else genres[shown]
    for kind in range(kinds.max() + 1):
        ax.plot(
            *places[kinds == kind].T,
            ".",
            markersize=5,
            markeredgewidth=0,
            color=figures.CYCLE[kind],
            label=GENRES[kind] if genres is not None else "movies",
            rasterized=True,
        )
    ax.set(xticks=[], yticks=[], title=f"{moment.sweeps} sweeps, error {moment.error:.3f}")


def map_frames(
    moments: Sequence[Moment], shown: Int[np.ndarray, " shown"], genres: np.ndarray | None
) -> Iterator[Figure]:
    """Movies on the first two axes of taste, a frame for each moment, all on one scale."""
    limit = 1.05 * max(np.abs(moment.places[shown]).max() for moment in moments)
    for moment in moments:
        figure, ax = plt.subplots(figsize=(6.4, 4.0))
        _map(ax, moment, shown, genres)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="axis 1", ylabel="axis 2")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=2)
        yield figure


def map_strip(
    moments: Sequence[Moment], shown: Int[np.ndarray, " shown"], genres: np.ndarray | None
) -> Figure:
    """The first, second and last frame side by side, for print."""
    figure, panels = plt.subplots(ncols=3, figsize=(7.0, 2.6))
    for ax, moment in zip(panels, (moments[0], moments[1], moments[-1]), strict=True):
        _map(ax, moment, shown, genres)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def describe_map(moments: Sequence[Moment], shown: Int[np.ndarray, " shown"]) -> str:
    """Alternative text of `map_frames`."""
    first, last = moments[0], moments[-1]
    spread = [float(moment.places[shown].std()) for moment in (first, last)]
    return (
        f"{len(shown)} movies as dots on two axes of taste. After {first.sweeps} sweeps they are "
        f"one cloud of spread {spread[0]:.2f}, with an error of {first.error:.3f} stars; after "
        f"{last.sweeps} sweeps the spread is {spread[1]:.2f} and the "
        f"error {last.error:.3f}."
    )


def by_penalty(
    penalties: Sequence[float], errors: Mapping[int, Float[np.ndarray, " penalties"]]
) -> Figure:
    """Error on development ratings against the penalty, a line for each number of factors."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for (rank, values), color in zip(errors.items(), figures.CYCLE, strict=False):
        ax.plot(penalties, values, "o-", markersize=4, color=color, label=f"{rank} factors")
        best = int(values.argmin())
        ring = {"facecolor": "none", "edgecolor": figures.INK, "linewidth": 1.2}
        ax.scatter(penalties[best], values[best], s=110, **ring)
    ax.set(xlabel="penalty", ylabel="RMSE, development")
    ax.legend()
    return figure


def describe_by_penalty(
    penalties: Sequence[float], errors: Mapping[int, Float[np.ndarray, " penalties"]]
) -> str:
    """Alternative text of `by_penalty`."""
    parts = "; ".join(
        f"{rank} factors do best at {penalties[int(values.argmin())]:g}, with {values.min():.4f}, "
        f"and reach {values[0]:.4f} at the weakest"
        for rank, values in errors.items()
    )
    return f"Lines of the development error against the penalty: {parts}."


def stars_and_lists(errors: Mapping[str, float], listed: Mapping[str, Listed]) -> Figure:
    """Errors of the stars on the left, recall of the lists on the right, a bar each."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.0, 2.6))
    recalls = {name: each.scores.recall for name, each in listed.items()}
    for ax, bars, title, form in (
        (left, errors, "error of the stars", "{:.3f}"),
        (right, recalls, "recall of the lists", "{:.3f}"),
    ):
        colors = [figures.CYCLE[1] if name == _OURS else figures.CYCLE[2] for name in bars]
        drawn = ax.barh(list(bars), list(bars.values()), color=colors, height=0.65)
        ax.bar_label(drawn, [form.format(value) for value in bars.values()], padding=4)
        ax.invert_yaxis()
        ax.margins(x=0.18)
        ax.set_title(title)
        ax.tick_params(axis="y", length=0)
    return figure


_OURS = "predicted stars"
"""The model that has a bar on both sides."""


def describe_stars_and_lists(errors: Mapping[str, float], listed: Mapping[str, Listed]) -> str:
    """Alternative text of `stars_and_lists`."""
    left = ", ".join(f"{name} {value:.3f}" for name, value in errors.items())
    right = ", ".join(f"{name} {each.scores.recall:.3f}" for name, each in listed.items())
    return f"Two bar charts. Error of the stars: {left}. Recall of lists of ten: {right}."
