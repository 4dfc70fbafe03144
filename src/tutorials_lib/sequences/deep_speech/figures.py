"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.judge import Judgement
from tutorials_lib.layers.ctc import BLANK
from tutorials_lib.sequences.deep_speech.evaluation import GREEDY, MODEL
from tutorials_lib.sequences.deep_speech.problem import decode
from tutorials_lib.sequences.deep_speech.reading import FRAME_MS, Followed, SnrScore, name_of
from tutorials_lib.sequences.deep_speech.rivals import DTW, HMM

METHODS = (MODEL, GREEDY, HMM, DTW)
"""In the order in which they are drawn."""

_COLORS = {
    MODEL: figures.COLORS["jax"],
    GREEDY: figures.CYCLE[3],
    HMM: figures.CYCLE[0],
    DTW: figures.CYCLE[5],
}


def alignment(followed: Followed) -> Figure:
    """The log-mel energies, and below them where the letters are, on one axis of time."""
    figure, (sound, letters) = plt.subplots(
        2, 1, figsize=(7.2, 4.4), sharex=True, height_ratios=(1.25, 1)
    )
    end = FRAME_MS * len(followed.log_probs) / 1000
    sound.imshow(
        followed.looks.T,
        origin="lower",
        aspect="auto",
        extent=(0, end, 0, followed.looks.shape[1]),
        cmap=figures.SEQUENTIAL,
    )
    sound.set_ylabel("band, low to high")
    times = (np.arange(len(followed.log_probs)) + 0.5) * FRAME_MS / 1000
    letters.plot(
        times,
        np.exp(followed.log_probs[:, BLANK]),
        color=figures.MUTED,
        linewidth=0.8,
        label="blank",
    )
    for state in range(1, followed.shares.shape[1], 2):
        share = followed.shares[:, state]
        color = figures.CYCLE[(state // 2) % 3]
        letters.fill_between(times, share, color=color, alpha=0.55, linewidth=0)
        place = int(share.argmax())
        letter = decode([int(followed.states[state])])
        if letter == " ":
            sound.axvline(times[place], color="white", linewidth=0.8, linestyle=":")
            continue
        letters.text(times[place], 1.04, letter, ha="center", fontsize=9, color=figures.INK)
        sound.axvline(times[place], color="white", linewidth=0.5, alpha=0.8)
    letters.set(xlabel="seconds", ylabel="share of the paths", ylim=(0, 1.2), xlim=(0, end))
    letters.legend(loc="center right", fontsize=8)
    return figure


def describe_alignment(followed: Followed) -> str:
    """Alternative text of `alignment`."""
    told = ", ".join(
        f"{name_of(int(followed.states[state]))} at "
        f"{(int(followed.shares[:, state].argmax()) + 0.5) * FRAME_MS / 1000:.2f} s"
        for state in range(1, followed.shares.shape[1], 2)
    )
    return (
        f"Above, the energy of each band over time; below, spikes where the letters are: {told}. "
        "Between the spikes it is blank."
    )


def paths(followed: Followed, *, letters: int) -> Figure:
    """The shares of all paths in the states of the first letters, as a grid of squares."""
    states = 2 * letters + 1
    stop = int(followed.shares[:, states - 1].argmax()) + 3
    shares = followed.shares[:stop, :states].T
    figure, ax = plt.subplots(figsize=(7.0, 0.9 + 0.26 * states))
    image = ax.imshow(shares, cmap=figures.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    names = [name_of(int(label)) for label in followed.states[:states]]
    ax.set_yticks(range(states), names, fontsize=8)
    ax.set(xlabel=f"frame, of {FRAME_MS} ms", ylabel="state")
    figure.colorbar(image, ax=ax, label="share of the paths")
    return figure


def describe_paths(followed: Followed, *, letters: int) -> str:
    """Alternative text of `paths`."""
    told = ", ".join(
        f"{name_of(int(followed.states[state]))} in frame {int(followed.shares[:, state].argmax())}"
        for state in range(1, 2 * letters, 2)
    )
    return (
        "A staircase of squares from the top left to the bottom right, a row for each state and a "
        f"column for each frame. Most paths are in {told}."
    )


def rates(judgement: Judgement) -> Figure:
    """The word error rate of every method on every split, as bars."""
    splits = [each for each in judgement.details[MODEL] if each.startswith("WER")]
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    width = 0.8 / len(METHODS)
    for i, name in enumerate(METHODS):
        heights = [judgement.details[name][split] for split in splits]
        at = np.arange(len(splits)) + (i - (len(METHODS) - 1) / 2) * width
        bars = ax.bar(at, heights, 0.92 * width, color=_COLORS[name], label=name)
        ax.bar_label(bars, fmt="%.3f", fontsize=7.5, padding=2, color=figures.INK)
    ax.set_xticks(range(len(splits)), [split.removeprefix("WER, ") for split in splits])
    ax.set_ylabel("word error rate")
    ax.margins(y=0.12)
    ax.legend(fontsize=8.5)
    return figure


def describe_rates(judgement: Judgement) -> str:
    """Alternative text of `rates`."""
    splits = [each for each in judgement.details[MODEL] if each.startswith("WER")]
    told = "; ".join(
        f"{name} "
        + ", ".join(
            f"{judgement.details[name][split]:.3f} on {split.removeprefix('WER, ')}"
            for split in splits
        )
        for name in METHODS
    )
    return f"Bars of the word error rates of four methods: {told}."


def by_snr(scores: Mapping[str, Sequence[SnrScore]]) -> Figure:
    """The word error rate against how loud the speech is, a line each method."""
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    for name in METHODS[:3]:
        width = 2.4 if name == MODEL else 1.5
        rates = [each.rate for each in scores[name]]
        ax.plot(rates, color=_COLORS[name], linewidth=width, marker="o", label=name)
    names = [f"{each.low:.0f} to {each.high:.0f}" for each in scores[MODEL]]
    ax.set_xticks(range(len(names)), names)
    ax.set(xlabel="decibels by which speech is louder than noise", ylabel="word error rate")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=9)
    return figure


def describe_by_snr(scores: Mapping[str, Sequence[SnrScore]]) -> str:
    """Alternative text of `by_snr`."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{each.rate:.3f}" for each in scores[name] if each.utterances)
        for name in METHODS[:3]
    )
    return f"Lines of the word error rate, from loud noise to little: {told}."
