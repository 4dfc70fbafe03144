"""The pictures of the chapter that carries one problem through the four optimizations."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from tutorials_lib import figures
from tutorials_lib.benchmark.tables import format_seconds
from tutorials_lib.figures.bars import bars_by_library
from tutorials_lib.jax_and_numpy.why_jax import receivers

MOST_DOTS = 1_500
"""More positions are not drawn: each is a part of the vector picture."""


def draw_problem(survey: receivers.Survey, found: receivers.NumpyPositions) -> Figure:
    """One receiver between its circles, and the positions found for the others."""
    figure, (one, all_of_them) = plt.subplots(1, 2, figsize=(6.4, 3.4))
    _draw_one(one, survey)
    all_of_them.plot(*found[:MOST_DOTS].T, ".", markersize=2, color=figures.CYCLE[1])
    order = np.argsort(np.arctan2(*survey.places.T[::-1]))
    closed = survey.places[np.append(order, order[0])]
    all_of_them.plot(*closed.T, color=figures.INK, linewidth=1)
    all_of_them.set_title("all receivers")
    for axes in (one, all_of_them):
        axes.plot(*survey.beacons.T, "^", markersize=9, color=figures.CYCLE[0])
        axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
        axes.set_axis_off()
    return figure


def _draw_one(axes: Axes, survey: receivers.Survey) -> None:
    """Circles of the distances that the first receiver measured, and its way downhill."""
    for beacon, distance in zip(survey.beacons, survey.distances[0], strict=True):
        x, y = float(beacon[0]), float(beacon[1])
        axes.add_patch(Circle((x, y), float(distance), fill=False, color=figures.GRID))
    position = survey.beacons.mean(axis=0)
    path = [position]
    for _ in range(receivers.NUM_STEPS):
        gradient = receivers.gradient_by_hand(position, survey.beacons, survey.distances[0])
        position = position - gradient
        path.append(position)
    axes.plot(*np.transpose(path), ".-", color=figures.CYCLE[1], markersize=5, linewidth=1)
    axes.plot(*survey.places[0], "x", markersize=9, markeredgewidth=2, color=figures.INK)
    axes.set_title("one receiver")


def draw_stages(measured: Mapping[str, receivers.Measured]) -> Figure:
    """The time of every stage for one receiver, on a logarithmic axis."""
    figure, axes = plt.subplots(figsize=(5.6, 0.9 + 0.4 * len(measured)))
    seconds = {name: each.seconds for name, each in measured.items()}
    bars = bars_by_library(axes, seconds)
    axes.bar_label(bars, [format_seconds(each) for each in seconds.values()], padding=6)
    axes.set_xscale("log")
    axes.set_xlim(min(seconds.values()) / 3, max(seconds.values()) * 40)
    figure.supxlabel("seconds for one receiver, every tick ten times the last", fontsize="medium")
    return figure
