"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.datasets.translation import MAX_TRAIN_WORDS
from tutorials_lib.figures.attention import attention_map
from tutorials_lib.metrics.translation import LengthScore

Map = Float[np.ndarray, "target source"]


def by_length(scores: Mapping[str, Sequence[LengthScore]]) -> Figure:
    """Exact match of each method against the length of the English sentence."""
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    for (name, classes), color in zip(scores.items(), _colors(len(scores)), strict=True):
        places = np.arange(len(classes))
        ax.plot(places, [each.score for each in classes], marker="o", color=color, label=name)
    classes = next(iter(scores.values()))
    known = sum(each.longest <= MAX_TRAIN_WORDS for each in classes)
    ax.axvline(known - 0.5, color=figures.MUTED, linestyle="--", linewidth=1)
    ax.annotate(
        "longer than all training sentences",
        (known - 0.42, 1.0),
        va="top",
        fontsize=9,
        color=figures.MUTED,
    )
    labels = [f"{each.shortest}-{each.longest}" for each in classes]
    ax.set(xlabel="English words", ylabel="exactly right", ylim=(-0.03, 1.04))
    ax.set_xticks(np.arange(len(classes)), labels)
    figure.legend(loc="outside upper right", ncols=len(scores), fontsize=9)
    return figure


def describe_by_length(scores: Mapping[str, Sequence[LengthScore]]) -> str:
    """Alternative text of `by_length`: every point of every line, and the largest gap."""
    names = list(scores)
    classes = scores[names[0]]
    lengths = [f"{each.shortest} to {each.longest}" for each in classes]
    told = "; ".join(
        f"{name} {', '.join(f'{s.score:.2f}' for s in scores[name])}" for name in names
    )
    table = np.array([[each.score for each in scores[name]] for name in names])
    gaps = np.nan_to_num(table.max(0) - table.min(0), nan=-1.0)  # a class without sentences
    place = int(gaps.argmax())
    best, worst = (names[row] for row in (table[:, place].argmax(), table[:, place].argmin()))
    return (
        f"The share of sentences that are exactly right, for {', '.join(lengths)} words: {told}. "
        f"The largest gap, {gaps[place]:.2f}, is between {best} and {worst} at {lengths[place]} "
        "words."
    )


def _colors(count: int) -> list[str]:
    return [figures.COLORS["jax"], *figures.CYCLE][:count]


def attention(weights: Map, english: Sequence[str], french: Sequence[str]) -> Figure:
    """How much each French word took from each English one, a row for each French word."""
    return attention_map(weights, french, english, xlabel="looks at", ylabel="writes")


def describe_attention(weights: Map, english: Sequence[str], french: Sequence[str]) -> str:
    """Alternative text of `attention`."""
    told = "; ".join(
        f"{word} looks most at {english[place]}"
        for word, place in zip(french, weights.argmax(1).tolist(), strict=True)
    )
    return f"A grid of weights, a row for each French word and a column for each English: {told}."
