"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.reinforcement.a3c.asynchronous import Entry

Curves = Float[np.ndarray, "runs parts"]


def by_steps_and_seconds(
    curves: Mapping[str, Curves], num_steps: int, seconds: Mapping[str, float]
) -> Figure:
    """The mean over the runs, and their range, against steps and against seconds."""
    figure, panels = plt.subplots(ncols=2, figsize=(7.0, 3.2), sharey=True)
    for (name, runs), color in zip(curves.items(), figures.CYCLE, strict=False):
        parts = np.arange(1, runs.shape[1] + 1) / runs.shape[1]
        for ax, end in zip(panels, (num_steps / 1_000, seconds[name]), strict=True):
            ax.fill_between(parts * end, runs.min(0), runs.max(0), color=color, alpha=0.15, lw=0)
            ax.plot(parts * end, runs.mean(0), color=color, label=name)
    panels[0].set(xlabel="thousands of steps, all agents together", ylabel="return of an episode")
    panels[1].set(xlabel="seconds, five runs side by side", xscale="log")
    panels[0].legend(loc="lower right", fontsize=9)
    return figure


def timeline(log: Sequence[Entry]) -> Figure:
    """For each update, from the version that was read to the one that was written."""
    figure, ax = plt.subplots(figsize=(7.0, 2.4))
    for version, entry in enumerate(log):
        color = figures.CYCLE[entry.worker % len(figures.CYCLE)]
        read = version - entry.staleness
        ax.plot([read, version + 1], [entry.worker] * 2, color=color, linewidth=3, alpha=0.5)
        ax.plot(read, entry.worker, marker="|", color=color, markersize=12)
        ax.plot(version + 1, entry.worker, marker="o", color=color, markersize=5)
    workers = sorted({entry.worker for entry in log})
    ax.set(xlabel="version of the parameters", yticks=workers)
    ax.set_yticklabels([f"worker {worker + 1}" for worker in workers])
    ax.set_ylim(workers[-1] + 0.6, -0.6)
    return figure


def staleness(found: Mapping[int, Int[np.ndarray, " updates"]]) -> Figure:
    """How late the gradients came, a panel for each number of workers."""
    figure, panels = plt.subplots(ncols=len(found), figsize=(7.0, 2.4), squeeze=False)
    for ax, (count, late) in zip(panels[0], found.items(), strict=True):
        highest = max(int(np.quantile(late, 0.99)), count) + 1
        shares = np.bincount(np.minimum(late, highest), minlength=highest + 1) / len(late)
        ax.bar(np.arange(highest + 1), shares, width=1.0, color=figures.COLORS["jax"])
        ax.axvline(count - 1, color=figures.MUTED, linestyle="--", linewidth=1)
        ax.set_title(f"{count} workers")
        ax.set_xlabel("updates too late")
    panels[0, 0].set_ylabel("share of the updates")
    return figure


def lateness(found: Mapping[str, Mapping[int, Float[np.ndarray, " runs"]]]) -> Figure:
    """The return while training against the delay, a line a learning rate, a dot a run."""
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    for (name, by_delay), color in zip(found.items(), figures.CYCLE, strict=False):
        places = np.arange(len(by_delay))
        ax.plot(
            places, [runs.mean() for runs in by_delay.values()], color=color, label=f"rate {name}"
        )
        for place, runs in enumerate(by_delay.values()):
            ax.plot([place] * len(runs), runs, "o", color=color, markersize=4)
        ax.set_xticks(places, [f"{delay}" for delay in by_delay])
    ax.set(xlabel="updates too late, on purpose", ylabel="return while training")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=9)
    return figure


def throughput(speeds: Mapping[str, Mapping[int, float]]) -> Figure:
    """Steps a second against the number of agents or workers, both on logarithmic axes."""
    colors = dict(zip(speeds, (*figures.COLORS.values(), *figures.CYCLE), strict=False))
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    for name, by_number in speeds.items():
        ax.plot(list(by_number), list(by_number.values()), "o-", color=colors[name], label=name)
    _count_axis(ax, sorted({number for each in speeds.values() for number in each}))
    ax.set(yscale="log", ylabel="steps in the environment a second")
    ax.legend(fontsize=9)
    return figure


def _count_axis(ax: Axes, counts: Sequence[int]) -> None:
    ax.set_xscale("log")
    ax.set_xticks(counts, [f"{count}" for count in counts])
    ax.minorticks_off()
    ax.set_xlabel("agents or workers")
