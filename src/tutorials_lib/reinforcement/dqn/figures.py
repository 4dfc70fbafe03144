"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from tutorials_lib import figures
from tutorials_lib.environments.cartpole.in_numpy import Episodes
from tutorials_lib.environments.cartpole.physics import HALF_LENGTH, MAX_ANGLE, MAX_POSITION
from tutorials_lib.reinforcement.dqn.problem import SOLVED

_LIVE, _FALLEN = figures.COLORS["jax"], figures.MUTED
_ROW_HEIGHT = 1.9
"""Metres from one track to the next."""

PerEpoch = Float[np.ndarray, "runs epochs"]


# ---------------------------------------------------------------- the pole


def _draw_cart(ax: Axes, observation: np.ndarray, *, y: float, color: str) -> None:
    """A cart on its track at height `y`, with the pole as long as it is."""
    position, _, angle, _ = observation
    ax.plot([-MAX_POSITION, MAX_POSITION], [y, y], color=figures.GRID, linewidth=1.5, zorder=0)
    ax.add_patch(Rectangle((position - 0.25, y), 0.5, 0.22, color=figures.INK, linewidth=0))
    length = 2 * HALF_LENGTH
    tip = position + length * np.sin(angle), y + 0.2 + length * np.cos(angle)
    ax.plot([position, tip[0]], [y + 0.2, tip[1]], color=color, linewidth=4)


def _draw_all(ax: Axes, episodes: Mapping[str, Episodes], step: int) -> None:
    """Every policy's cart at the same step; those that have fallen stay as they fell."""
    for row, episode in enumerate(episodes.values()):
        lasted = int(episode.is_running.sum())
        y = -_ROW_HEIGHT * row
        color = _LIVE if step < lasted else _FALLEN
        _draw_cart(ax, episode.observation[min(step, lasted - 1), 0], y=y, color=color)
    ax.set_xlim(-MAX_POSITION - 0.1, MAX_POSITION + 0.1)
    ax.set_ylim(-_ROW_HEIGHT * (len(episodes) - 1) - 0.15, 1.45)
    ax.set_aspect("equal")
    ax.axis("off")


def film(episodes: Mapping[str, Episodes], steps: Sequence[int]) -> Iterator[Figure]:
    """One frame for each of `steps`: the carts of all policies, one track a policy."""
    for step in steps:
        figure = plt.figure(figsize=(7.0, 1.3 * len(episodes)), layout="none")
        ax = figure.add_axes((0.32, 0.0, 0.68, 1.0))
        _draw_all(ax, episodes, step)
        for row, (name, episode) in enumerate(episodes.items()):
            lasted = int(episode.is_running.sum())
            state = f"{step} steps" if step < lasted else f"over after {lasted} steps"
            ax.text(
                -MAX_POSITION - 0.3, 0.5 - _ROW_HEIGHT * row, f"{name}\n{state}", ha="right",
                va="center", color=figures.INK if step < lasted else figures.MUTED,
            )  # fmt: skip
        yield figure


def strip(episodes: Mapping[str, Episodes], steps: Sequence[int]) -> Figure:
    """A few frames of the film side by side, for print."""
    figure, panels = plt.subplots(ncols=len(steps), figsize=(7.0, 0.55 * len(episodes) + 0.5))
    for ax, step in zip(panels, steps, strict=True):
        _draw_all(ax, episodes, step)
        ax.set_title(f"step {step}", fontsize=9, loc="center")
    for row, name in enumerate(episodes):
        panels[0].text(
            -MAX_POSITION - 0.3, 0.5 - _ROW_HEIGHT * row, name.replace(" ", "\n"), ha="right",
            va="center", fontsize=8,
        )  # fmt: skip
    return figure


def describe_film(episodes: Mapping[str, Episodes]) -> str:
    """Alternative text of `film` and `strip`: how long each policy lasts."""
    lasted = "; ".join(
        f"{name}, {int(episode.is_running.sum())} steps" for name, episode in episodes.items()
    )
    return f"Carts on a track, each balancing a pole, from the same start. They last: {lasted}."


# ---------------------------------------------------------------- learning


def learning_curve(
    steps: Int[np.ndarray, " epochs"],
    total: PerEpoch,
    chosen: Int[np.ndarray, " runs"],
    baselines: dict[str, float],
) -> Figure:
    """The mean return of the greedy policy after each epoch, a line a run, and what was kept."""
    figure, ax = plt.subplots(figsize=(7.0, 3.8))
    for run, (line, epoch) in enumerate(zip(total, chosen, strict=True)):
        color = figures.CYCLE[run]
        ax.plot(steps, line, color=color, linewidth=1.3, label=f"run {run + 1}")
        ax.plot(steps[epoch], line[epoch], marker="o", markersize=7, color=color)
    for name, value in {"solved": SOLVED, **baselines}.items():
        ax.axhline(value, color=figures.MUTED, linewidth=1, linestyle="--")
        ax.annotate(
            name, (1, value), xycoords=("axes fraction", "data"), xytext=(5, 0),
            textcoords="offset points", va="center" if value > 30 else "top",
            color=figures.MUTED, annotation_clip=False,
        )  # fmt: skip
    ax.set(
        xlabel="steps in the environment", ylabel="mean return", ylim=(0, 515), xlim=(0, steps[-1])
    )
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(total))
    return figure


def describe_learning_curve(total: PerEpoch, chosen: Int[np.ndarray, " runs"]) -> str:
    """Alternative text of `learning_curve`."""
    best = total[np.arange(len(total)), chosen]
    return (
        f"Line chart of the mean return of {len(total)} training runs over {total.shape[1]} "
        f"epochs. After the first epoch the runs are between {total[:, 0].min():.0f} and "
        f"{total[:, 0].max():.0f}; the marked networks reach {best.min():.0f} to "
        f"{best.max():.0f}. The lines jump up and down: at the end they are between "
        f"{total[:, -1].min():.0f} and {total[:, -1].max():.0f}."
    )


def promises(epochs: Mapping[str, tuple[PerEpoch, PerEpoch]], bound: float) -> Figure:
    """What networks promise for the start, and what their policies keep; thick lines are medians.

    Args:
        epochs: for each way to train, the promised and the kept discounted returns.
        bound: the most that any policy can have.
    """
    figure, panels = plt.subplots(ncols=len(epochs), figsize=(7.0, 3.2), sharey=True)
    for ax, (name, (promised, kept)) in zip(panels, epochs.items(), strict=True):
        steps = np.arange(1, promised.shape[1] + 1)
        for values, color in ((promised, figures.CYCLE[3]), (kept, figures.CYCLE[2])):
            ax.plot(steps, values.T, color=color, linewidth=0.8, alpha=0.6)
            ax.plot(steps, np.median(values, axis=0), color=color, linewidth=2.5)
        ax.axhline(bound, color=figures.INK, linewidth=1, linestyle="--")
        ax.set_title(name)
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_yscale("log")
    panels[0].set_ylabel("discounted return")
    for text, color, place in (("promised", 3, 0.93), ("kept", 2, 0.85)):
        panels[-1].text(
            0.97, place, text, color=figures.CYCLE[color], ha="right", va="top",
            transform=panels[-1].transAxes,
        )  # fmt: skip
    return figure


def describe_promises(epochs: Mapping[str, tuple[PerEpoch, PerEpoch]], bound: float) -> str:
    """Alternative text of `promises`: the medians at the end."""
    ends = "; ".join(
        f"{name}: promised {np.median(promised[:, -1]):.0f}, kept {np.median(kept[:, -1]):.0f}"
        for name, (promised, kept) in epochs.items()
    )
    return (
        f"Line charts of the discounted return from the start, on a logarithmic scale; a dashed "
        f"line is at {bound:.0f}. Medians of the runs after the last epoch: {ends}."
    )


# ---------------------------------------------------------------- the Q-function


def grid(position: float, points: int = 61) -> Float[np.ndarray, "points 4"]:
    """Resting carts at `position`, with poles at all angles (columns) and spins (rows)."""
    angles = np.linspace(-MAX_ANGLE, MAX_ANGLE, points, dtype=np.float32)
    spins = np.linspace(-2, 2, points, dtype=np.float32)
    angle, spin = np.meshgrid(angles, spins)
    zeros = np.zeros_like(angle)
    return np.stack([zeros + np.float32(position), zeros, angle, spin], axis=-1).reshape(-1, 4)


def q_function(values: Mapping[float, Float[np.ndarray, "points actions"]]) -> Figure:
    """The larger value and the preference for the right, for each position of the cart.

    Args:
        values: of the points of `grid(position)`, for each position in metres.
    """
    figure, panels = plt.subplots(
        nrows=2, ncols=len(values), figsize=(7.0, 4.6), sharex=True, sharey=True
    )
    side = round(np.sqrt(len(next(iter(values.values())))))
    squares = np.stack([value.reshape(side, side, -1) for value in values.values()])
    largest, preference = squares.max(-1), squares[..., 1] - squares[..., 0]
    reach = np.abs(preference).max()
    _draw_maps(figure, list(panels[0]), largest, preference, Normalize(), "value of the state")
    _draw_maps(
        figure, list(panels[1]), preference, preference, Normalize(-reach, reach), "right − left"
    )
    for ax, position in zip(panels[0], values, strict=True):
        ax.set_title(f"cart at {position:g} m".replace("-", "−"), fontsize=10, loc="center")
    figure.supxlabel("angle of the pole in degrees", fontsize=10)
    figure.supylabel("angular velocity in radians per second", fontsize=10)
    return figure


def _draw_maps(
    figure: Figure,
    panels: Sequence[Axes],
    maps: Float[np.ndarray, "maps side side"],
    preference: Float[np.ndarray, "maps side side"],
    scale: Normalize,
    label: str,
) -> None:
    """Maps in one colour scale, each with the line where both actions are worth the same."""
    scale.autoscale_None(maps)
    colors = figures.SEQUENTIAL if maps is not preference else figures.DIVERGING
    degrees = np.rad2deg(MAX_ANGLE)
    place: Any = {"origin": "lower", "extent": (-degrees, degrees, -2.0, 2.0)}
    for ax, one, split in zip(panels, maps, preference, strict=True):
        ax.imshow(one, cmap=colors, norm=scale, aspect="auto", **place)
        if split.min() < 0 < split.max():
            ax.contour(split, levels=[0], colors="#000000", linewidths=1.5, **place)
    shades = ScalarMappable(scale, colors)
    figure.colorbar(shades, ax=list(panels), label=label, pad=0.02)


def describe_q_function(values: Mapping[float, Float[np.ndarray, "points actions"]]) -> str:
    """Alternative text of `q_function`: where the values are high, and who pushes right."""
    right = "; ".join(
        f"{(value[:, 1] > value[:, 0]).mean():.0%} of the map at {position:g} metres"
        for position, value in values.items()
    )
    return (
        "Coloured maps over the angle and the angular velocity of the pole, for several places of "
        "the cart. The value is high along a falling diagonal, where the pole swings back "
        f"upright. A black line divides pushing left from pushing right, which covers {right}."
    )
