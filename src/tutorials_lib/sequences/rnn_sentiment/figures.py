"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures

_POSITIVE, _NEGATIVE = figures.CYCLE[2], figures.CYCLE[3]


def word_by_word(
    reviews: Sequence[Sequence[str]], probs: Sequence[Float[np.ndarray, " words"]]
) -> Figure:
    """The probability of praise after every word, a panel for each review."""
    figure, panels = plt.subplots(len(reviews), figsize=(7.0, 2.35 * len(reviews)), squeeze=False)
    for ax, words, after in zip(panels.flat, reviews, probs, strict=True):
        places = np.arange(len(words))
        above = after >= 0.5
        for rows, color in ((above, _POSITIVE), (~above, _NEGATIVE)):
            ax.bar(places[rows], after[rows] - 0.5, bottom=0.5, color=color, width=0.8)
        ax.axhline(0.5, color=figures.MUTED, linewidth=1)
        ax.set_xticks(places, words, rotation=55, ha="right", rotation_mode="anchor")
        ax.set(ylim=(0, 1), ylabel="probability\nof praise", xlim=(-0.7, len(words) - 0.3))
        ax.tick_params(axis="x", length=0)
    return figure


def describe_word_by_word(
    reviews: Sequence[Sequence[str]], probs: Sequence[Float[np.ndarray, " words"]]
) -> str:
    """Alternative text of `word_by_word`: the text of each review, and where the mind changes."""
    parts = []
    for words, after in zip(reviews, probs, strict=True):
        turns = (np.flatnonzero(np.diff(after >= 0.5)) + 1).tolist()
        changes = ", ".join(f"“{words[turn]}” (word {turn + 1})" for turn in turns)
        parts.append(
            f"“{' '.join(words)}”: the probability of praise crosses one half at "
            f"{changes or 'no word'} and ends at {after[-1]:.2f}."
        )
    return f"{len(reviews)} bar charts with a bar for each word. {' '.join(parts)}"


def gradient_norms(norms: dict[str, Float[np.ndarray, " steps"]], max_norm: float) -> Figure:
    """The length of the gradient before every training step, and where it is clipped."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for name, lengths in norms.items():
        ax.plot(lengths, linewidth=0.8, alpha=0.85, label=name)
    ax.axhline(max_norm, color=figures.INK, linewidth=1, linestyle="--")
    ax.annotate("clipped to this", (0, max_norm), xytext=(0, 3), textcoords="offset points")
    ax.set(yscale="log", xlabel="training step", ylabel="length of the gradient")
    ax.legend(loc="lower left")
    return figure


def describe_gradient_norms(norms: dict[str, Float[np.ndarray, " steps"]], max_norm: float) -> str:
    """Alternative text of `gradient_norms`."""
    parts = "; ".join(
        f"{name}, median {np.median(lengths):.2g}, largest {lengths.max():.2g}, "
        f"{(lengths > max_norm).mean():.1%} of the steps above the line"
        for name, lengths in norms.items()
    )
    return (
        f"The length of the gradient at every training step, on a logarithmic scale, with a "
        f"dashed line at {max_norm:g}: {parts}."
    )


def reach(influence: dict[str, Float[np.ndarray, " words"]]) -> Figure:
    """How far the judgement moves with the word so many places before the end."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for (name, lengths), marker in zip(influence.items(), "os^D", strict=False):
        back = np.arange(len(lengths))
        seen = lengths[::-1] > 0
        ax.plot(back[seen], lengths[::-1][seen], marker=marker, markersize=4, label=name)
    ax.set(yscale="log", xlabel="words before the last", ylabel="length of the gradient")
    ax.invert_xaxis()
    ax.legend()
    return figure


def describe_reach(influence: dict[str, Float[np.ndarray, " words"]]) -> str:
    """Alternative text of `reach`."""
    parts = "; ".join(
        f"{name}: {lengths[-1]:.2g} at the last word, "
        + (
            f"{lengths[0]:.2g} at the first"
            if lengths[0] > 0
            else f"nothing beyond the last {int((lengths > 0).sum())} words"
        )
        for name, lengths in influence.items()
    )
    return f"Gradient of the judgement with respect to each word, logarithmic: {parts}."
