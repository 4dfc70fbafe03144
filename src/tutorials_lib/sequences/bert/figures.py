"""The pictures of the page; each function returns a figure, and the page describes it."""

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.datasets.posts import CLASS_NAMES
from tutorials_lib.figures.attention import attention_maps
from tutorials_lib.figures.confusion import confusion_matrix, largest_mistake
from tutorials_lib.sequences.bert.evaluation import MODEL
from tutorials_lib.sequences.bert.reading import Guess

Scores = Mapping[str, Mapping[int, float]]
"""The accuracy of every method, by the number of labels."""


def by_labels(scores: Scores) -> Figure:
    """A group of bars for each number of labels, a bar for each method."""
    numbers = list(next(iter(scores.values())))
    figure, panels = plt.subplots(ncols=len(numbers), sharey=True, sharex=True, figsize=(7.0, 2.6))
    for ax, num in zip(np.atleast_1d(panels), numbers, strict=True):
        values = [each[num] for each in scores.values()]
        colors = [figures.COLORS["jax"] if n == MODEL else figures.GRID for n in scores]
        bars = ax.barh(list(scores), values, color=colors, edgecolor=figures.MUTED, linewidth=0.5)
        ax.bar_label(bars, [f"{value:.3f}" for value in values], padding=3, fontsize=9)
        ax.set(title=f"{num:,} labels", xlabel="accuracy", xlim=(0, 1.18), xticks=(0, 0.5, 1))
        ax.tick_params(axis="y", length=0)
    np.atleast_1d(panels)[0].invert_yaxis()
    return figure


def describe_by_labels(scores: Scores) -> str:
    """Alternative text of `by_labels`."""
    told = "; ".join(
        f"{name} {', '.join(f'{value:.3f} with {num:,} labels' for num, value in each.items())}"
        for name, each in scores.items()
    )
    return f"Bars of the accuracy on held-out posts: {told}."


def spelled(piece: str) -> str:
    """`piece`, or the name of the emoji that it is: the book's fonts draw none."""
    return "".join(c if c.isascii() else f":{unicodedata.name(c, 'sign').lower()}:" for c in piece)


def guesses(found: Sequence[tuple[Guess, Sequence[tuple[str, float]]]]) -> Figure:
    """For each text with a gap, bars of its most probable pieces."""
    figure, panels = plt.subplots(ncols=len(found), figsize=(7.0, 2.8), sharex=True)
    for ax, (guess, best) in zip(np.atleast_1d(panels), found, strict=True):
        names, probs = zip(*best, strict=True)
        names = [spelled(name) for name in names]
        ax.barh(range(len(best)), probs, color=figures.CYCLE[0], height=0.7)
        ax.set_yticks(range(len(best)), names, fontsize=9)
        ax.set_title(textwrap.fill(guess.text, 22), fontsize=8.5, loc="left")
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
    figure.supxlabel("probability", fontsize=9.5)
    return figure


def describe_guesses(found: Sequence[tuple[Guess, Sequence[tuple[str, float]]]]) -> str:
    """Alternative text of `guesses`."""
    told = "; ".join(
        f"'{guess.text}': {', '.join(f'{name} {prob:.2f}' for name, prob in best)}"
        for guess, best in found
    )
    return f"Bars of the most probable words for the gap in each text. {told}."


def confusion(shares: Float[np.ndarray, "classes classes"]) -> Figure:
    """The shares of each true label that get each label."""
    return confusion_matrix(
        shares, CLASS_NAMES, size=(4.4, 3.4), xlabel="label given", ylabel="true label"
    )


def describe_confusion(shares: Float[np.ndarray, "classes classes"]) -> str:
    """Alternative text of `confusion`: the diagonal, and the largest share beside it."""
    told = ", ".join(
        f"{name} {share:.2f}" for name, share in zip(CLASS_NAMES, np.diag(shares), strict=True)
    )
    true, given, share = largest_mistake(shares)
    return (
        f"A square table; on its diagonal, the shares that are labelled rightly: {told}. The "
        f"largest share beside it, {share:.2f}, is that of the {CLASS_NAMES[true]} "
        f"posts that are labelled {CLASS_NAMES[given]}."
    )


def attention(
    maps: Sequence[Float[np.ndarray, "heads queries keys"]], names: Sequence[str]
) -> Figure:
    """How much each piece (rows) takes from each (columns): a row of panels for every block."""
    return attention_maps(maps, [spelled(name) for name in names])


def describe_attention(
    maps: Sequence[Float[np.ndarray, "heads queries keys"]], names: Sequence[str]
) -> str:
    """Alternative text of `attention`: where each head looks most."""
    told = "; ".join(
        f"block {block}, head {head}: most to {names[int(one.mean(0).argmax())]}, "
        f"{one.mean(0).max():.2f}"
        for block, weights in enumerate(maps, start=1)
        for head, one in enumerate(weights, start=1)
    )
    return f"A square of weights for each head, whose rows sum to one. On average {told}."
