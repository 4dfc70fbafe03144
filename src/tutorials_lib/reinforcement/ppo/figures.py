"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorials_lib import figures
from tutorials_lib.environments.heist import in_numpy as heist
from tutorials_lib.environments.heist.levels import Levels
from tutorials_lib.environments.heist.rules import NUM_CELLS, SIDE, WALL

_THIEF, _COIN, _GUARD = figures.COLORS["numpy"], figures.CYCLE[1], figures.COLORS["jax"]
_EXIT, _WALL = figures.COLORS["sklearn"], figures.MUTED

Board = Float[np.ndarray, "9 9"]


def _place(cell: int | np.int32) -> tuple[int, int]:
    """Column and row of a cell, as a drawing wants them."""
    row, column = divmod(int(cell), SIDE)
    return column, row


def draw_game(ax: Axes, game: heist.State) -> None:
    """One game as it stands: a blue thief, guards with the way they walk, and what is left."""
    level = game.level
    _draw_floor(ax, level, is_open=bool(game.has_key[0]))
    for cell, is_taken in zip(level.coin[0], game.has_coin[0], strict=True):
        if not is_taken:
            ax.scatter(*_place(cell), s=60, color=_COIN, zorder=2)
    if not game.has_key[0]:
        _write(ax, level.key[0], "key", _COIN)
    _write(ax, level.exit[0], "exit", _EXIT)
    now, soon = heist.guards(level, game.age)[:, 0], heist.guards(level, game.age + 1)[:, 0]
    for cell, after in zip(now, soon, strict=True):
        marker = "v" if after > cell else "^"
        ax.scatter(*_place(cell), s=75, marker=marker, color=_GUARD, zorder=3)
    ax.scatter(*_place(game.cell[0]), s=110, marker="o", color=_THIEF, zorder=4)
    ax.scatter(*_place(game.cell[0]), s=25, marker="x", color="white", zorder=5)


def _draw_floor(ax: Axes, level: Levels, *, is_open: bool) -> None:
    ax.set(xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    for line in np.arange(SIDE + 1) - 0.5:
        ax.axhline(line, color=figures.GRID, linewidth=0.6, zorder=0)
        ax.axvline(line, color=figures.GRID, linewidth=0.6, zorder=0)
    for row in range(SIDE):
        if row != level.door[0]:
            ax.add_patch(Rectangle((WALL - 0.5, row - 0.5), 1, 1, color=_WALL, linewidth=0))
        elif not is_open:
            ax.add_patch(
                Rectangle((WALL - 0.5, row - 0.5), 1, 1, color=_COIN, alpha=0.45, linewidth=0)
            )


def _write(ax: Axes, cell: int | np.int32, text: str, color: str) -> None:
    ax.text(*_place(cell), text, color=color, ha="center", va="center", fontsize=8, weight="bold")


def game_frames(states: Sequence[heist.State], notes: Sequence[str]) -> Iterator[Figure]:
    """The game at each step, with a note beside it."""
    for state, note in zip(states, notes, strict=True):
        figure = plt.figure(figsize=(6.0, 3.4), layout="none")
        draw_game(figure.add_axes((0.02, 0.02, 0.55, 0.96)), state)
        figure.text(0.62, 0.94, note, va="top", fontsize=10, linespacing=1.6)
        yield figure


def game_strip(states: Sequence[heist.State], labels: Sequence[str], *, count: int = 4) -> Figure:
    """A few moments of the game side by side."""
    chosen = np.unique(np.linspace(0, len(states) - 1, count).astype(int))
    figure, panels = plt.subplots(ncols=len(chosen), figsize=(7.0, 2.0), squeeze=False)
    for ax, place in zip(panels[0], chosen, strict=True):
        draw_game(ax, states[place])
        ax.set_title(f"step {labels[place]}", fontsize=9, loc="center")
    return figure


def clipping(clip: float) -> Figure:
    """What a step adds to the objective against the ratio, for a good and for a bad action."""
    ratio = np.linspace(0.5, 1.5, 201)
    figure, panels = plt.subplots(ncols=2, figsize=(7.0, 2.6), sharey=True)
    for ax, advantage in zip(panels, (1, -1), strict=True):
        gain = ratio * advantage
        counted = np.minimum(gain, np.clip(ratio, 1 - clip, 1 + clip) * advantage)
        ax.plot(ratio, gain, color=figures.MUTED, linestyle="--", label="without the clip")
        ax.plot(ratio, counted, color=figures.COLORS["jax"], label="what counts")
        for edge in (1 - clip, 1 + clip):
            ax.axvline(edge, color=figures.GRID, linewidth=1, zorder=0)
        ax.set_title("better than average" if advantage > 0 else "worse than average")
        ax.set_xlabel("new probability ÷ old one")
    panels[0].set_ylabel("gain")
    panels[0].legend(loc="upper left", fontsize=9)
    return figure


def values(boards: Mapping[str, Board], state: heist.State) -> Figure:
    """What a thief in each cell can expect, one panel a board; the guards stand where they do."""
    figure, panels = plt.subplots(ncols=len(boards), figsize=(7.0, 3.2))
    highest = max(np.nanmax(board) for board in boards.values())
    for ax, (name, board) in zip(panels, boards.items(), strict=True):
        ax.imshow(board, cmap=figures.SEQUENTIAL, vmin=0, vmax=highest)
        ax.set(title=name, xticks=[], yticks=[])
        for cell in heist.guards(state.level, state.age)[:, 0]:
            column, row = _place(cell)
            ax.scatter(column, row, s=60, marker="v", color="white", edgecolor="black")
        _write(ax, state.level.exit[0], "exit", "white")
    figure.colorbar(panels[0].images[0], ax=panels, label="discounted score to come", shrink=0.8)
    return figure


def board(values: Float[np.ndarray, " cells"], level: Levels) -> Board:
    """Numbers of all cells as a picture; the wall has none."""
    cell = np.arange(NUM_CELLS)
    is_wall = (cell % SIDE == WALL) & (cell // SIDE != level.door[0])
    return np.where(is_wall, np.nan, values).reshape(SIDE, SIDE)
