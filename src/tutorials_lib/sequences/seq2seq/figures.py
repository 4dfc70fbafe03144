"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures.attention import attention_map
from tutorials_lib.metrics.translation import LengthScore
from tutorials_lib.sequences.seq2seq.evaluation import DICTIONARY, MODEL, PLAIN, TABLE
from tutorials_lib.sequences.seq2seq.reading import Aligned, Node

SHOWN = (MODEL, PLAIN, TABLE, DICTIONARY)
"""The methods that are drawn, in this order."""

_COLORS = {
    MODEL: figures.COLORS["jax"],
    PLAIN: figures.CYCLE[0],
    TABLE: figures.CYCLE[2],
    DICTIONARY: figures.CYCLE[5],
}


def exact_by_length(scores: Mapping[str, Sequence[LengthScore]]) -> Figure:
    """The share of exact translations against the length of the sentence, a line each method."""
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    for name, each in scores.items():
        width = 2.4 if name == MODEL else 1.5
        values = [score.score for score in each]
        ax.plot(values, color=_COLORS[name], linewidth=width, marker="o", label=name)
    classes = next(iter(scores.values()))
    names = [f"{each.shortest} to {each.longest}" for each in classes]
    ax.set_xticks(range(len(names)), names)
    ax.set(xlabel="English words", ylabel="exact translations", ylim=(-0.03, 1.03))
    ax.legend(fontsize=9)
    return figure


def describe_exact_by_length(scores: Mapping[str, Sequence[LengthScore]]) -> str:
    """Alternative text of `exact_by_length`."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{each.score:.2f}" for each in line if each.sentences)
        for name, line in scores.items()
    )
    return f"Lines of the share of exact translations, from short to long sentences: {told}."


def _aloud(word: str) -> str:
    """`word` as it is read out; the sign that ends a sentence has no sound."""
    return "(end)" if word == "</s>" else word


def alignment(aligned: Aligned) -> Figure:
    """How much each English word counts before each French one, as a grid of squares."""
    return attention_map(
        aligned.weights,
        aligned.french,
        aligned.english,
        xlabel="English, which is read",
        ylabel="French, which is written",
    )


def describe_alignment(aligned: Aligned) -> str:
    """Alternative text of `alignment`."""
    most = aligned.weights.argmax(1)
    told = ", ".join(
        f"{_aloud(word)} at {aligned.english[place]} ({row[place]:.2f})"
        for word, row, place in zip(aligned.french, aligned.weights, most, strict=True)
    )
    return (
        f"A grid with a row for each French word and a column for each English one. Most: {told}."
    )


def beam_tree(nodes: Sequence[Node]) -> Figure:
    """The words that beam search keeps, from left to right, the best at the top."""
    figure, ax = plt.subplots(figsize=(7.0, 2.6))
    depths, ranks = (
        max(each) + 1 for each in zip(*((n.depth, n.rank) for n in nodes), strict=True)
    )
    for node in nodes:
        color = figures.COLORS["jax"] if node.is_best else figures.MUTED
        start = node.parent if node.depth else (ranks - 1) / 2
        width = 2 if node.is_best else 0.8
        ends = [node.depth - 0.62, node.depth - 0.36]
        ax.plot(ends, [start, node.rank], color=color, linewidth=width)
        ax.text(
            node.depth, node.rank - 0.02, f"{node.word}\n{node.score:.2f}", color=color,
            ha="center", va="center", fontsize=6.8, fontweight="bold" if node.is_best else "normal",
        )  # fmt: skip
    ax.set(xlim=(-0.8, depths - 0.4), ylim=(ranks - 0.4, -0.6))
    ax.axis("off")
    return figure


def describe_beam_tree(nodes: Sequence[Node]) -> str:
    """Alternative text of `beam_tree`."""
    best = [node for node in nodes if node.is_best]
    ranks = np.array([node.rank for node in best])
    path = " ".join(_aloud(node.word) for node in best)
    return (
        f"A tree from left to right with {len(nodes)} words that were kept. The chosen path is "
        f"{path}, with a log-probability of {best[-1].score:.2f}; "
        f"on the way its beginning was the best one {np.sum(ranks == 0)} of {len(best)} times."
    )
