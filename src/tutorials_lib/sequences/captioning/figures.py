"""The pictures of the page; each function returns a figure, and the page describes it."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.datasets.scenes import NOTHING, PICTURE_SIZE, SIZES
from tutorials_lib.figures.panels import draw
from tutorials_lib.sequences.captioning.evaluation import MODEL
from tutorials_lib.sequences.captioning.problem import GRID
from tutorials_lib.sequences.captioning.reading import Looked, name_of
from tutorials_lib.sequences.captioning.rivals import BLOBS, CLASSIFIERS, NEAREST

SHOWN = (MODEL, BLOBS, CLASSIFIERS, NEAREST)
"""The methods that are drawn, in this order."""

_COLORS = {
    MODEL: figures.COLORS["jax"],
    BLOBS: figures.CYCLE[0],
    CLASSIFIERS: figures.CYCLE[2],
    NEAREST: figures.CYCLE[5],
}


def captioned(looked: Sequence[Looked]) -> Figure:
    """Scenes with what the network writes below; what is false is in colour."""
    figure, axes = plt.subplots(2, (len(looked) + 1) // 2, figsize=(7.2, 5.6), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, each in zip(axes.flat, looked, strict=False):
        ax.set_axis_on()
        draw(ax, each.picture / 255)
        color = figures.INK if each.true else figures.COLORS["jax"]
        text = "\n".join(textwrap.wrap(" ".join(each.words[:-1]), 27))
        ax.set_xlabel(text, fontsize=8.5, color=color)
    return figure


def describe_captioned(looked: Sequence[Looked]) -> str:
    """Alternative text of `captioned`."""
    told = "; ".join(
        f"{' '.join(each.words[:-1])} ({'true' if each.true else 'false'})" for each in looked
    )
    return f"Pictures of coloured shapes before blurred backgrounds, with captions: {told}."


def attention(rows: Mapping[str, Looked]) -> Figure:
    """A row for each caption: its scene, and where the network looks before six of its words.

    These are the first words about objects; a cell is as bright as its weight, next to that of the
    brightest one.
    """
    figure, axes = plt.subplots(len(rows), 7, figsize=(7.2, 1.42 * len(rows)), squeeze=False)
    for (name, each), line in zip(rows.items(), axes, strict=True):
        draw(line[0], each.picture / 255)
        line[0].set_title(name, fontsize=8)
        for ax in line[1:]:
            ax.set_axis_off()
        for ax, step in zip(line[1:], _named(each), strict=False):
            weights = each.weights[step].reshape(GRID, GRID)
            block = np.ones((PICTURE_SIZE // GRID, PICTURE_SIZE // GRID))
            light = 0.2 + 0.8 * np.kron(weights / weights.max(), block)
            ax.set_axis_on()
            draw(ax, each.picture / 255 * light[..., None])
            ax.set_xlabel(each.words[step], fontsize=8.5)
    return figure


def _named(looked: Looked) -> list[int]:
    """The places of the first six words about objects."""
    sizes = [step for step, word in enumerate(looked.words) if word in SIZES]
    return [step + more for step in sizes[:2] for more in range(3)]


def describe_attention(rows: Mapping[str, Looked]) -> str:
    """Alternative text of `attention`."""
    told = []
    for name, each in rows.items():
        places = []
        for step in _named(each):
            most = int(each.weights[step].argmax())
            here = each.cells[most]
            what = "the background" if here == NOTHING else f"the {name_of(each.objects[here])}"
            places.append(f"before {each.words[step]} at {what}")
        told.append(f"{name}, {' '.join(each.words[:-1])}: {', '.join(places)}")
    return (
        f"Rows of a picture and darkened copies, bright where the network looks. {'. '.join(told)}."
    )


def by_count(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """True captions against the number of objects: a panel for each split, a line each method."""
    splits = list(next(iter(scores.values())))
    figure, axes = plt.subplots(1, len(splits), figsize=(7.2, 3.1), sharey=True)
    for ax, split in zip(axes, splits, strict=True):
        for name, of_split in scores.items():
            width = 2.4 if name == MODEL else 1.5
            ax.plot([1, 2, 3], of_split[split], color=_COLORS[name], linewidth=width, marker="o",
                    label=name)  # fmt: skip
        ax.set(title=split, xlabel="objects in the scene", ylim=(-0.03, 1.03), xticks=[1, 2, 3])
    axes[0].set_ylabel("captions that are true")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2,
                  fontsize=8.5)  # fmt: skip
    return figure


def describe_by_count(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Alternative text of `by_count`."""
    told = "; ".join(
        f"{name} on {split} " + ", ".join(f"{value:.2f}" for value in values)
        for name, of_split in scores.items()
        for split, values in of_split.items()
    )
    return f"Lines of the share of true captions of one, two and three objects: {told}."


def turned(pictures: Sequence[np.ndarray]) -> Figure:
    """The same scene as it is and with its colours turned in some ways."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(7.2, 1.7))
    for place, (ax, picture) in enumerate(zip(axes, pictures, strict=True)):
        draw(ax, picture)
        ax.set_xlabel("as it is" if place == 0 else f"turned, {place}", fontsize=8.5)
    return figure
