"""How much each token takes from each other, as tables in colours."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib.figures.style import SEQUENTIAL

Weights = Float[np.ndarray, "queries keys"]
"""A row for each token that looks, a column for each that is looked at; rows sum to one."""


def attention_map(
    weights: Weights, queries: Sequence[str], keys: Sequence[str], *, xlabel: str, ylabel: str
) -> Figure:
    """One table of weights, with a scale beside it."""
    figure, ax = plt.subplots(figsize=(7.0, 1.3 + 0.33 * len(queries)))
    image = ax.imshow(weights, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(keys)), keys, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(queries)), queries)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=ax, label="weight", pad=0.02)
    return figure


def attention_maps(
    blocks: Sequence[Float[np.ndarray, "heads tokens tokens"]],
    names: Sequence[str],
    *,
    causal: bool = False,
) -> Figure:
    """A text that looks at itself: a line of tables for each block, one for each head.

    Args:
        blocks: the weights of every block.
        names: of the tokens, written before the first head and below the last block.
        causal: leave out what lies ahead of a token, where no weight can be.
    """
    heads = len(blocks[0])
    size = (7.0, 0.6 + 6.6 / heads * len(blocks))
    figure, axes = plt.subplots(len(blocks), heads, figsize=size, squeeze=False)
    places = range(len(names))
    for block, (line, weights) in enumerate(zip(axes, blocks, strict=True), start=1):
        below = names if block == len(blocks) else []
        for head, (ax, table) in enumerate(zip(line, weights, strict=True), start=1):
            shown = np.where(np.tri(len(table)) > 0, table, np.nan) if causal else table
            ax.imshow(shown, cmap=SEQUENTIAL, vmin=0, vmax=1)
            ax.set_title(f"block {block}, head {head}", fontsize=9)
            before = names if head == 1 else []
            ax.set_yticks(places[: len(before)], before, family="monospace", fontsize=6.5)
            ax.set_xticks(places[: len(below)], below, family="monospace", fontsize=6.5)
            ax.tick_params(axis="x", length=0, labelrotation=90)
            ax.tick_params(axis="y", length=0)
            ax.spines[:].set_visible(False)
    return figure
