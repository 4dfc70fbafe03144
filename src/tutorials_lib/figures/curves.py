"""How training went, beside what is to be beaten."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from tutorials_lib.figures.showing import Shown, show
from tutorials_lib.figures.style import COLORS, CYCLE, MUTED

Curve = Float[np.ndarray, " points"]
_MARKERS_UP_TO = 40
"""A curve of more points has no markers."""


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
        form: how a number is written in the alternative text.

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
    for name, score in (baselines or {}).items():
        _draw_baseline(ax, name, score)
    ax.set(xlabel=x, ylabel=y, ylim=ylim)
    if len(curves) > 1:
        ax.legend()
    return show(figure, alt=_describe(scores, baselines or {}, losses, y, x, form))


def _draw(ax: Axes, curves: Mapping[str, Curve], at: Sequence[int] | None) -> None:
    colors = (COLORS["jax"],) if len(curves) == 1 else CYCLE
    for (name, curve), color in zip(curves.items(), colors, strict=False):
        steps = np.arange(1, len(curve) + 1) if at is None else at
        marker = "o" if len(curve) <= _MARKERS_UP_TO else None
        ax.plot(steps, curve, marker=marker, markersize=4, color=color, label=name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_baseline(ax: Axes, name: str, score: float) -> None:
    ax.axhline(score, color=MUTED, linewidth=1, linestyle="--")
    ax.annotate(
        name,
        (1, score),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color=MUTED,
    )


def _describe(
    curves: Mapping[str, Curve],
    baselines: Mapping[str, float],
    loss: Mapping[str, Curve],
    y: str,
    x: str,
    form: str,
) -> str:
    def goes(curves: Mapping[str, Curve]) -> str:
        return "; ".join(
            f"{name} goes from {curve[0]:{form}} to {curve[-1]:{form}}"
            for name, curve in curves.items()
        )

    parts = [f"Line chart of the {y} against the {x}: {goes(curves)}."]
    if loss:
        parts.append(f"Beside it the training loss: {goes(loss)}.")
    if baselines:
        dashed = ", ".join(f"{name} at {score:{form}}" for name, score in baselines.items())
        parts.append(f"Dashed lines: {dashed}.")
    return " ".join(parts)
