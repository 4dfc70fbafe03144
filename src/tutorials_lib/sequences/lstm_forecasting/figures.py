"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.sequences.lstm_forecasting import rivals
from tutorials_lib.sequences.lstm_forecasting.evaluation import (
    MODEL,
    Difference,
    Errors,
    ForecastsByFold,
    rmse,
)
from tutorials_lib.sequences.lstm_forecasting.problem import (
    ByFold,
    Data,
    Forecasts,
    Origins,
    Values,
)

_PARTS = {"train": figures.CYCLE[2], "development": figures.CYCLE[1], "test": figures.COLORS["jax"]}


def paths(
    times: Float[np.ndarray, " times"],
    values: Values,
    origins: Origins,
    forecasts: Mapping[str, Forecasts],
    *,
    x: str,
    y: str,
) -> Figure:
    """A piece of a series, and what was forecast from some origins in it, a line each.

    Args:
        times: of all values, for the axis.
        values: the whole series.
        origins: at which forecasts begin.
        forecasts: a row for each origin, by name.
        x: what the horizontal axis counts.
        y: what a value is.
    """
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    horizon = next(iter(forecasts.values())).shape[1]
    shown = slice(max(origins[0] - 2 * horizon, 0), origins[-1] + horizon)
    ax.plot(times[shown], values[shown], color=figures.MUTED, linewidth=0.8, label="observed")
    for name, each in forecasts.items():
        color = _color(name)
        for row, origin in enumerate(origins):
            label = name if row == 0 else None
            span = times[origin : origin + horizon]
            ax.plot(span, each[row], color=color, linewidth=1.8, label=label)
            ax.plot(span[:1], each[row, :1], color=color, marker="o", markersize=4)
    ax.set(xlabel=x, ylabel=y)
    figure.legend(loc="outside upper right", ncols=len(forecasts) + 1, fontsize=9)
    return figure


def describe_paths(
    values: Values, origins: Origins, forecasts: Mapping[str, Forecasts], *, y: str
) -> str:
    """Alternative text of `paths`."""
    horizon = next(iter(forecasts.values())).shape[1]
    truth = values[origins[:, None] + np.arange(horizon)]
    told = "; ".join(
        f"{name} is off by {np.abs(each - truth).mean():.2g} on average"
        for name, each in forecasts.items()
    )
    return (
        f"A line of the observed {y}, and from each of {len(origins)} origins the forecast of the "
        f"next {horizon} values: {told}."
    )


def walk(data: Data, times: Float[np.ndarray, " times"], *, x: str) -> Figure:
    """What each fold learns from, chooses by, and is tested on, from left to right."""
    figure, ax = plt.subplots(figsize=(7.0, 0.7 + 0.36 * len(data.test)))
    for fold in range(len(data.test)):
        for name, color in _PARTS.items():
            origins = getattr(data, name)[fold]
            start, width = times[origins[0]], times[origins[-1]] - times[origins[0]]
            label = name if fold == 0 else None
            ax.barh(fold + 1, width, left=start, height=0.6, color=color, label=label)
    ax.set(xlabel=x, ylabel="fold", yticks=range(1, len(data.test) + 1))
    ax.invert_yaxis()
    figure.legend(loc="outside upper right", ncols=3, fontsize=9)
    return figure


def describe_walk(data: Data, times: Float[np.ndarray, " times"]) -> str:
    """Alternative text of `walk`."""
    told = "; ".join(f"{times[test[0]]:.0f} to {times[test[-1]]:.0f}" for test in data.test)
    return (
        "A row of bars for each fold: training, then development, then test, each further right "
        f"than in the row above. The tests are {told}."
    )


def memory(window: Float[np.ndarray, " time"], cells: Float[np.ndarray, "time hidden"]) -> Figure:
    """What a network reads, above what each of its cells holds after every step."""
    figure, (above, below) = plt.subplots(
        nrows=2, sharex=True, figsize=(7.0, 3.6), height_ratios=(1, 1.6)
    )
    above.plot(window, color=figures.INK, linewidth=1.2)
    above.set_ylabel("scaled value")
    largest = np.abs(cells).max()
    image = below.imshow(
        cells.T, aspect="auto", cmap=figures.DIVERGING, vmin=-largest, vmax=largest,
        interpolation="nearest",
    )  # fmt: skip
    below.set(xlabel="step of the window", ylabel="cell")
    figure.colorbar(image, ax=below, label="content")
    return figure


def describe_memory(cells: Float[np.ndarray, "time hidden"]) -> str:
    """Alternative text of `memory`."""
    steady = np.abs(np.diff(cells, axis=0)).mean(0)
    return (
        f"Above, a window of {len(cells)} steps; below, a row for each of {cells.shape[1]} cells, "
        f"coloured by content. From step to step the calmest cell changes by {steady.min():.2f} "
        f"on average, the liveliest by {steady.max():.2f}."
    )


def errors_ahead(errors: Mapping[str, Errors], *, y: str) -> Figure:
    """The root mean squared error of each method against how far it looks ahead."""
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    for name, each in errors.items():
        ahead = np.arange(1, each.shape[1] + 1)
        width = 2.2 if name == MODEL else 1.3
        curve = np.sqrt(np.square(each).mean(0))
        ax.plot(ahead, curve, color=_color(name), linewidth=width, label=name)
    ax.set(xlabel="months ahead", ylabel=y, ylim=(0, None))
    ax.legend(fontsize=9, ncols=2)
    return figure


def describe_errors_ahead(errors: Mapping[str, Errors]) -> str:
    """Alternative text of `errors_ahead`."""
    told = "; ".join(
        f"{name} from {rmse(each[:, :1]):.2f} to {rmse(each[:, -1:]):.2f}"
        for name, each in errors.items()
    )
    return f"Lines of the error against the months ahead: {told}."


def intervals(differences: Mapping[str, Difference], *, x: str) -> Figure:
    """A point and its interval for each method, beside a line at zero."""
    figure, ax = plt.subplots(figsize=(7.0, 0.8 + 0.42 * len(differences)))
    for place, (name, each) in enumerate(differences.items()):
        color = _color(name)
        ax.plot([each.low, each.high], [place, place], color=color, linewidth=2)
        ax.plot([each.mean], [place], color=color, marker="o")
    ax.axvline(0, color=figures.MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(range(len(differences)), list(differences))
    ax.set(xlabel=x, ylim=(-0.6, len(differences) - 0.4))
    ax.invert_yaxis()
    return figure


def describe_intervals(differences: Mapping[str, Difference], *, form: str) -> str:
    """Alternative text of `intervals`."""
    told = "; ".join(
        f"{name} {each.mean:{form}}, from {each.low:{form}} to {each.high:{form}}"
        for name, each in differences.items()
    )
    return f"A point with its interval for each method, beside a line at zero: {told}."


def every(
    origins: ByFold, forecasts: Mapping[str, ForecastsByFold], step: int, count: int
) -> tuple[Origins, dict[str, Forecasts]]:
    """The last `count` origins that are `step` apart, and what was forecast from them, by name."""
    places = np.concatenate(origins)
    rows = np.arange(len(places) - 1, -1, -step)[:count][::-1]
    return places[rows], {name: np.concatenate(each)[rows] for name, each in forecasts.items()}


_METHODS = (rivals.RIDGE, rivals.ANALOGUES, rivals.HOLT_WINTERS, rivals.SEASONAL, rivals.LAST)


def _color(name: str) -> str:
    """One colour for each method, in every picture."""
    return figures.COLORS["jax"] if name == MODEL else figures.CYCLE[_METHODS.index(name)]
