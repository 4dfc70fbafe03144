"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.linalg import orthogonal_procrustes

from tutorials_lib import figures
from tutorials_lib.figures import panels
from tutorials_lib.vision.prototypical_networks.evaluation import OURS, Estimate
from tutorials_lib.vision.prototypical_networks.problem import SETTINGS

_RIGHT, _WRONG, _GIVEN = (np.array(to_rgb(c)) for c in ("#ffffff", "#f2b8cf", "#d9e6ee"))

Drawings = Float[np.ndarray, "rows columns height width"]
Points = Float[np.ndarray, "characters drawers 2"]


def mosaic(
    drawings: Drawings, papers: Float[np.ndarray, "rows columns 3"] | None = None
) -> Float[np.ndarray, "tall wide 3"]:
    """Black ink on papers of given colours (default: white), in rows and columns."""
    rows, columns, *_ = drawings.shape
    papers = np.ones((rows, columns, 3)) if papers is None else papers
    ink = drawings[..., None]
    return panels.sheet((1 - ink) * papers[:, :, None, None], paper=1.0)


def gallery(shown: Mapping[str, Drawings]) -> Figure:
    """Drawings in rows and columns, a panel under each name."""
    figure, axes = plt.subplots(ncols=len(shown), figsize=(7.0, 3.2), squeeze=False)
    for ax, (name, drawings) in zip(axes.flat, shown.items(), strict=True):
        panels.draw(ax, mosaic(drawings), title=name)
    return figure


def answers(
    support: Float[np.ndarray, "ways height width"],
    queries: Float[np.ndarray, "ways queries height width"],
    right: Mapping[str, Bool[np.ndarray, "ways queries"]],
) -> Figure:
    """The examples above the queries, which stand under their own character.

    A panel for each technique; what it takes for another character has coloured paper.
    """
    drawings = np.concatenate([support[None], queries.swapaxes(0, 1)])
    figure, axes = plt.subplots(ncols=len(right), figsize=(7.0, 2.3), squeeze=False)
    for ax, (name, known) in zip(axes.flat, right.items(), strict=True):
        papers = np.where(known.T[..., None], _RIGHT, _WRONG)
        given = np.broadcast_to(_GIVEN, (1, *papers.shape[1:]))
        panels.draw(ax, mosaic(drawings, np.concatenate([given, papers])), title=name)
    return figure


def describe_answers(right: Mapping[str, Bool[np.ndarray, "ways queries"]]) -> str:
    """Alternative text of `answers`."""
    told = "; ".join(f"{name} knows {each.sum()} of {each.size}" for name, each in right.items())
    ways, queries = next(iter(right.values())).shape
    return (
        f"Panels with the same drawings: a row of {ways} invented characters on blue paper, and "
        f"below each {queries} more drawings of it, on white paper where they are recognized and "
        f"on pink where not. {told}."
    )


def question(
    query: Float[np.ndarray, "height width"],
    support: Float[np.ndarray, "ways height width"],
    rows: Mapping[str, Sequence[str]],
) -> Figure:
    """A drawing, and the examples that it may belong to, with a line of text below for each row."""
    figure, axes = plt.subplots(ncols=len(support) + 1, figsize=(7.0, 1.5))
    names = ["?", *(chr(ord("A") + i) for i in range(len(support)))]
    for place, (ax, drawing) in enumerate(zip(axes, [query, *support], strict=True)):
        lines = list(rows) if place == 0 else [texts[place - 1] for texts in rows.values()]
        panels.draw(ax, mosaic(drawing[None, None]), title=names[place])
        ax.set_xlabel("\n".join(lines), fontsize=9)
    return figure


def bars(estimates: Mapping[str, Sequence[Estimate]]) -> Figure:
    """The accuracy of each technique in each setting, with its interval."""
    figure, ax = plt.subplots(figsize=(7.0, 3.6))
    width = 0.84 / len(estimates)
    for place, (name, values) in enumerate(estimates.items()):
        color = figures.COLORS["jax"] if name == OURS else figures.CYCLE[place]
        at = np.arange(len(values)) + (place - (len(estimates) - 1) / 2) * width
        means, margins = zip(*values, strict=True)
        ax.bar(at, means, 0.9 * width, yerr=margins, color=color, ecolor=figures.INK, label=name)
    ax.set(ylabel="accuracy", ylim=(0, 1))
    ax.set_xticks(range(len(SETTINGS)), [f"{ways}-way\n{shots}-shot" for ways, shots in SETTINGS])
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return figure


def describe_bars(estimates: Mapping[str, Sequence[Estimate]]) -> str:
    """Alternative text of `bars`."""
    kinds = [f"{ways}-way {shots}-shot" for ways, shots in SETTINGS]
    told = "; ".join(
        f"{name} " + ", ".join(f"{value.mean:.2f}" for value in values)
        for name, values in estimates.items()
    )
    return f"Bars of accuracy for {', '.join(kinds)}: {told}."


def by_shots(curves: Mapping[str, Sequence[Estimate]], shots: Sequence[int], ways: int) -> Figure:
    """Accuracy against the number of examples of each character."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for number, (name, values) in enumerate(curves.items()):
        color = figures.COLORS["jax"] if name == OURS else figures.CYCLE[number]
        style = "-" if name == OURS else "--"
        means = [value.mean for value in values]
        ax.plot(shots, means, style, marker="o", markersize=4, color=color, label=name)
    ax.set(xlabel="examples of each character", ylabel=f"{ways}-way accuracy", xticks=shots)
    ax.legend()
    return figure


def describe_by_shots(curves: Mapping[str, Sequence[Estimate]], shots: Sequence[int]) -> str:
    """Alternative text of `by_shots`."""
    told = "; ".join(f"{n} from {v[0].mean:.2f} to {v[-1].mean:.2f}" for n, v in curves.items())
    return f"Line chart of accuracy for {shots[0]} to {shots[-1]} examples: {told}."


# ---------------------------------------------------------------- the map of characters


def flat_maps(features: Float[np.ndarray, "rounds characters drawers features"]) -> list[Points]:
    """Each round's features in the plane of their largest spread, turned to fit the last one.

    A map is scaled to a spread of 1, so that it shows how far apart characters are for the
    scatter within them, and not how large the numbers are.
    """
    maps = []
    for each in features:
        rows = each.reshape(-1, each.shape[-1])
        rows = rows - rows.mean(0)
        left, spread, _ = np.linalg.svd(rows, full_matrices=False)
        plane = left[:, :2] * spread[:2]
        maps.append(plane / plane.std())
    turned = [plane @ orthogonal_procrustes(plane, maps[-1])[0] for plane in maps]
    return [plane.reshape(*features.shape[1:3], 2) for plane in turned]


def map_frames(
    maps: Sequence[Points], drawings: Float[np.ndarray, "characters height width"]
) -> Iterator[Figure]:
    """One map at a time: a dot for each drawing, and a character at the mean of its dots."""
    reach = 1.1 * max(float(np.abs(points).max()) for points in maps)
    for points in maps:
        figure, ax = plt.subplots(figsize=(7.0, 3.9))
        _draw_map(ax, points, drawings, reach)
        yield figure


def map_strip(
    maps: Sequence[Points],
    drawings: Float[np.ndarray, "characters height width"],
    names: Sequence[str],
) -> Figure:
    """The first map, one between, and the last side by side."""
    chosen = 0, len(maps) // 2, len(maps) - 1
    reach = 1.1 * max(float(np.abs(points).max()) for points in maps)
    figure, axes = plt.subplots(ncols=len(chosen), figsize=(7.0, 2.5))
    for ax, place in zip(axes, chosen, strict=True):
        _draw_map(ax, maps[place], drawings, reach)
        ax.set_title(names[place], fontsize=9.5)
    return figure


def _draw_map(ax: Axes, points: Points, drawings: np.ndarray, reach: float) -> None:
    for dots, drawing, color in zip(points, drawings, figures.CYCLE, strict=False):
        ax.plot(*dots.T, "o", color=color, markersize=4, alpha=0.75)
        right, up = dots.mean(0)
        size = 0.16 * reach
        stamp = np.ones((*drawing.shape, 4)) * (*to_rgb(color), 1)
        stamp[..., 3] = drawing
        ax.imshow(stamp, extent=(right - size, right + size, up - size, up + size), zorder=3)
    ax.set(
        xlim=(-1.6 * reach, 1.6 * reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal"
    )
    ax.spines[:].set(visible=True, color=figures.GRID)
