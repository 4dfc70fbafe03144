"""How training went, beside what is to be beaten."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from tutorials_lib.figures.showing import Shown, show
from tutorials_lib.figures.style import COLORS, CYCLE, MUTED

Curve = Float[np.ndarray, " points"]
_MARKERS_UP_TO = 40
"""A curve of more points has no markers."""

_FONT_SIZE, _LINE_HEIGHT = 9, 1.2
"""Of the names of the baselines: points, and the distance of two lines in font sizes."""


def learning_curve(
    curves: Mapping[str, ArrayLike],
    *,
    y: str,
    baselines: Mapping[str, float] | None = None,
    loss: Mapping[str, ArrayLike] | None = None,
    x: str = "epoch",
    at: Sequence[int] | None = None,
    ylim: tuple[float | None, float | None] = (None, None),
    form: str = ".2f",
) -> Shown:
    """A score after each epoch, one line a model, with baselines as dashed lines.

    Args:
        curves: the scores by the name of the model; those of one length may share `at`.
        y: what the score is, for the axis and the alternative text.
        baselines: scores of methods that do not train along, by name.
        loss: the training loss by the same kind of names; it gets a panel of its own, on the left.
        x: what is counted along the axis.
        at: where on that axis the scores are (default: 1, 2, 3, ...).
        ylim: the ends of the axis of the score; None leaves one to Matplotlib.
        form: how a score is written in the alternative text; losses have three digits.

    Raises:
        ValueError: there is no curve, or one is empty.
    """
    scores = {name: np.asarray(curve) for name, curve in curves.items()}
    losses = {name: np.asarray(curve) for name, curve in (loss or {}).items()}
    if not scores or any(len(curve) == 0 for curve in [*scores.values(), *losses.values()]):
        raise ValueError(
            f"no curve, or an empty one, in {sorted(curves)}: nothing has been trained"
        )
    figure, panels = plt.subplots(ncols=2 if losses else 1, figsize=(7.0, 3.2), squeeze=False)
    *left, ax = panels.flat
    if losses:
        _draw(left[0], losses, at)
        left[0].set(xlabel=x, ylabel="training loss")
    _draw(ax, scores, at)
    for score in (baselines or {}).values():
        ax.axhline(score, color=MUTED, linewidth=1, linestyle="--")
    ax.set(xlabel=x, ylabel=y, ylim=ylim)
    if len(curves) > 1:
        ax.legend()
    _name_baselines(figure, ax, baselines or {})
    return show(figure, alt=_describe(scores, baselines or {}, losses, y, x, form))


def _draw(ax: Axes, curves: Mapping[str, Curve], at: Sequence[int] | None) -> None:
    colors = (COLORS["jax"],) if len(curves) == 1 else CYCLE
    for (name, curve), color in zip(curves.items(), colors, strict=False):
        steps = np.arange(1, len(curve) + 1) if at is None else at
        marker = "o" if len(curve) <= _MARKERS_UP_TO else None
        ax.plot(steps, curve, marker=marker, markersize=4, color=color, label=name)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _name_baselines(figure: Figure, ax: Axes, baselines: Mapping[str, float]) -> None:
    """Write each name over its line at the right, or higher where another name stands.

    Called last: the room that a name needs depends on the limits and the layout of the axes.
    """
    figure.draw_without_rendering()
    low, high = ax.get_ylim()
    line = _FONT_SIZE * _LINE_HEIGHT * figure.dpi / 72 / ax.bbox.height * (high - low)
    names = sorted(baselines, key=lambda name: baselines[name])
    places = spread([baselines[name] for name in names], gap=line, highest=high - line)
    for name, place in zip(names, places, strict=True):
        ax.annotate(
            name,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            fontsize=_FONT_SIZE,
            color=MUTED,
        )


def spread(places: Sequence[float], *, gap: float, highest: float) -> list[float]:
    """Rising `places` moved up until each is `gap` from the next, and down below `highest`."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    ceiling = highest
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return moved


def _describe(
    curves: Mapping[str, Curve],
    baselines: Mapping[str, float],
    loss: Mapping[str, Curve],
    y: str,
    x: str,
    form: str,
) -> str:
    def goes(curves: Mapping[str, Curve], form: str) -> str:
        return "; ".join(
            f"{name} goes from {curve[0]:{form}} to {curve[-1]:{form}}"
            for name, curve in curves.items()
        )

    parts = [f"Line chart of the {y} against the {x}: {goes(curves, form)}."]
    if loss:
        parts.append(f"Beside it the training loss: {goes(loss, '.3g')}.")
    if baselines:
        dashed = ", ".join(f"{name} at {score:{form}}" for name, score in baselines.items())
        parts.append(f"Dashed lines: {dashed}.")
    return " ".join(parts)
