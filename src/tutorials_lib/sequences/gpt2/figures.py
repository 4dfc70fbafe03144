"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorials_lib import figures

_COLUMNS = 84
_MOST_BITS = 12


def surprise(pieces: Sequence[str], bits: Float[np.ndarray, " time"], *, num_lines: int) -> Figure:
    """A text whose tokens lie on a colour: how many bits each took, given those before it."""
    placed = list(_laid_out(pieces, num_lines))
    lines = 1 + max(line for _, line, _, _ in placed)
    figure, ax = plt.subplots(figsize=(7.0, 0.5 + 0.19 * lines))
    norm, colors = Normalize(0, _MOST_BITS), plt.get_cmap(figures.SEQUENTIAL)
    for index, line, column, text in placed:
        color = colors(norm(bits[index]))
        ax.add_patch(Rectangle((column, line), len(text), 0.94, color=color, linewidth=0))
        dark = norm(bits[index]) < 0.6  # viridis is dark at its lower end
        for offset, character in enumerate(text):
            ax.text(
                column + offset + 0.5,
                line + 0.5,
                character,
                ha="center",
                va="center",
                family="monospace",
                fontsize=7.5,
                color="#ffffff" if dark else "#000000",  # on the cell, in both themes
                parse_math=False,
            )
    ax.set(xlim=(0, _COLUMNS), ylim=(lines, 0))
    ax.axis("off")
    scale = plt.cm.ScalarMappable(norm, colors)
    figure.colorbar(scale, ax=ax, label="bits", pad=0.01, aspect=12)
    return figure


def _laid_out(pieces: Sequence[str], num_lines: int) -> Iterator[tuple[int, int, int, str]]:
    """The number of a token, its line and column, and the part of it that stands there."""
    line = column = 0
    for index, piece in enumerate(pieces):
        for text in piece.splitlines(keepends=True):
            visible = text.rstrip("\n")
            if column + len(visible) > _COLUMNS:
                line, column = line + 1, 0
            if line >= num_lines:
                return
            if visible:
                yield index, line, column, visible
            column += len(visible)
            if text.endswith("\n"):
                line, column = line + 1, 0


def describe_surprise(bits: Float[np.ndarray, " time"]) -> str:
    """Alternative text of `surprise`."""
    return (
        f"A passage of text in coloured pieces. Half of the tokens take at most "
        f"{np.median(bits):.1f} bits, the most surprising one {bits.max():.1f}; first pieces of "
        "a word are bright, their continuations dark."
    )


def learning_curve(
    losses: Float[np.ndarray, " steps"], *, held_out: float, baselines: Mapping[str, float]
) -> Figure:
    """Bits per byte of the training batches, and the held-out values at the end."""
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    size = max(len(losses) // 100, 1)
    whole = len(losses) // size * size
    smooth = losses[:whole].reshape(-1, size).mean(1)
    steps = (np.arange(len(smooth)) + 0.5) * size
    ax.plot(steps, smooth, color=figures.COLORS["jax"])
    ax.plot(
        [len(losses)], [held_out], marker="D", color=figures.COLORS["jax"], label="GPT-2, held out"
    )
    for index, (name, value) in enumerate(sorted(baselines.items(), key=lambda item: item[1])):
        ax.axhline(value, color=figures.MUTED, linewidth=1, linestyle="--")
        ax.annotate(
            name, (0, value), xytext=(2, 2 if index else -3), textcoords="offset points",
            fontsize=8.5, color=figures.MUTED, va="bottom" if index else "top",
        )  # fmt: skip
    ax.set(xlabel="training step", ylabel="bits per byte")
    ax.set_ylim(min(smooth.min(), held_out, *baselines.values()) - 0.2, smooth[:2].mean())
    ax.legend(loc="upper right")
    return figure


def describe_learning_curve(
    losses: Float[np.ndarray, " steps"], *, held_out: float, baselines: Mapping[str, float]
) -> str:
    """Alternative text of `learning_curve`."""
    lines = ", ".join(f"{name} at {value:.2f}" for name, value in baselines.items())
    return (
        f"Line chart over {len(losses)} steps. The bits per byte of the training batches fall from "
        f"{losses[0]:.1f} to {losses[-20:].mean():.2f}; a diamond marks the held-out value, "
        f"{held_out:.2f}. Dashed lines, held out: {lines}."
    )


def next_tokens(
    names: Sequence[str], chances: Mapping[str, Float[np.ndarray, " tokens"]]
) -> Figure:
    """Bars of the probabilities of the same few tokens, a panel for each strategy."""
    figure, panels = plt.subplots(ncols=len(chances), figsize=(7.0, 3.4), sharey=True)
    places = np.arange(len(names))
    for ax, (name, probs) in zip(np.atleast_1d(panels), chances.items(), strict=True):
        ax.barh(places, probs, color=figures.CYCLE[0], height=0.7)
        ax.set_title(name, fontsize=9)
        ax.set_xlim(0, 1.05 * max(probs.max(), 1e-3))
        ax.tick_params(labelsize=8)
    first = np.atleast_1d(panels)[0]
    first.set_yticks(places, [repr(name) for name in names], family="monospace", fontsize=8)
    first.invert_yaxis()
    figure.supxlabel("probability", fontsize=9.5)
    return figure


def describe_next_tokens(
    names: Sequence[str], chances: Mapping[str, Float[np.ndarray, " tokens"]]
) -> str:
    """Alternative text of `next_tokens`."""
    parts = (
        f"{name}: {(probs > 0).sum()} of {len(names)} bars, the longest {probs.max():.2f}"
        for name, probs in chances.items()
    )
    return f"Bar charts of the most probable next tokens. {'; '.join(parts)}."


def describe_attention_maps(maps: Sequence[Float[np.ndarray, "heads queries keys"]]) -> str:
    """Alternative text of `attention_maps`: which heads look at the token before."""
    before = [np.diagonal(one, -1).mean() for weights in maps for one in weights]
    own = [np.diagonal(one).mean() for weights in maps for one in weights]
    return (
        f"{len(before)} triangles, one a head. The weight on the token before is "
        f"{', '.join(f'{weight:.2f}' for weight in before)} on average, on the token itself "
        f"{', '.join(f'{weight:.2f}' for weight in own)}."
    )
