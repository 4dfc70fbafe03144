"""The pictures of the chapter on porting."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark.tables import format_seconds
from tutorials_lib.jax_and_numpy.porting.problem import Plate
from tutorials_lib.jax_and_numpy.porting.steps import MEASURED, STEPS, Measured, Step


def draw_steps(measured: dict[Step, Measured]) -> Figure:
    """The time of one simulation, a bar for every version; what raises has a word instead."""
    figure, axes = plt.subplots(figsize=(7.0, 4.2))
    shortest = min(each.seconds for each in measured.values()) / 3
    in_numpy = measured[STEPS[0]].seconds
    for row, step in enumerate(MEASURED):
        if step not in measured:
            axes.text(1.2 * shortest, row, "raises an error", va="center", color=figures.MUTED)
            continue
        seconds = measured[step].seconds
        color = figures.COLORS["jax" if step.number else "numpy"]
        axes.barh(row, seconds - shortest, left=shortest, color=color, height=0.62)
        axes.text(1.2 * max(seconds, in_numpy), row, format_seconds(seconds), va="center")
    axes.axvline(in_numpy, color=figures.COLORS["numpy"], linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(shortest, 8 * max(each.seconds for each in measured.values()))
    axes.set_yticks(range(len(MEASURED)), [step.label for step in MEASURED])
    axes.invert_yaxis()
    axes.set_xlabel("seconds for one simulation")
    axes.tick_params(axis="y", length=0)
    return figure


def draw_plate(
    temperature: Float[np.ndarray, "rows columns"], means: Float[np.ndarray, " steps"], plate: Plate
) -> Figure:
    """The plate at the end, and its mean temperature on the way there."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.0, 2.9), width_ratios=(1, 1.2))
    image = left.imshow(temperature)
    left.set_axis_off()
    left.set_title("at the end")
    figure.colorbar(image, ax=left, label="degrees", shrink=0.85)
    right.plot(means, color=figures.CYCLE[0])
    right.axhline(plate.goal, color=figures.MUTED, linewidth=0.8)
    right.annotate(
        "goal", (len(means), plate.goal), xytext=(0, -12),
        textcoords="offset points", ha="right", color=figures.MUTED,
    )  # fmt: skip
    right.set_title("mean of the plate, in degrees")
    right.set_xlabel("time step")
    return figure


def draw_heaters(
    heats: Sequence[float] | Float[np.ndarray, " heaters"], counts: Int[np.ndarray, " heaters"]
) -> Figure:
    """How many time steps each heater needs."""
    figure, axes = plt.subplots(figsize=(7.0, 2.6))
    axes.plot(heats, counts, marker=".", color=figures.COLORS["jax"])
    axes.set_ylim(0)
    axes.set_xlabel("degrees that the heater adds in a step")
    axes.set_ylabel("time steps")
    axes.grid(axis="y")
    return figure
