"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tutorials_lib.figures.panels import picture_rows
from tutorials_lib.generative.vae.problem import Images, to_pictures


def gallery(rows: Mapping[str, Images]) -> Figure:
    """Grey pictures side by side, a row for each name, which stands before it."""
    return picture_rows({name: to_pictures(images) for name, images in rows.items()})


def kl_by_dimension(
    runs: Mapping[str, Float[np.ndarray, "epochs latents"]], *, steps_per_row: int
) -> Figure:
    """How much each dimension tells while training goes on, a panel for each run.

    The dimensions are sorted by what they tell at the end; the colours end at 1 nat.
    """
    figure, panels = plt.subplots(ncols=len(runs), figsize=(7.0, 3.2), sharey=True, squeeze=False)
    for ax, (name, kl) in zip(panels.flat, runs.items(), strict=True):
        ordered = kl[:, np.argsort(kl[-1])[::-1]]
        steps = steps_per_row * len(kl)
        ax.imshow(
            ordered.T,
            aspect="auto",
            vmin=0,
            vmax=1,
            interpolation="nearest",
            extent=(0, steps, kl.shape[1] + 0.5, 0.5),
        )
        ax.set_title(name)
        ax.set(xlabel="training steps")
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    panels.flat[0].set_ylabel("dimension, the most used first")
    image = panels.flat[0].images[0]
    figure.colorbar(image, ax=panels, label="KL part (nats)", extend="max", pad=0.02)
    return figure


def describe_kl_by_dimension(runs: Mapping[str, Float[np.ndarray, "epochs latents"]]) -> str:
    """Alternative text of `kl_by_dimension`."""
    parts = "; ".join(
        f"{name}, {(kl[-1] > 0.1).sum()} of {kl.shape[1]} dimensions end above a tenth of a nat"
        for name, kl in runs.items()
    )
    return f"Heat maps of the KL part of each dimension against training steps: {parts}."


def factor_scores(
    alone: Float[np.ndarray, "latents factors"],
    together: Float[np.ndarray, " factors"],
    names: Sequence[str],
) -> Figure:
    """What each latent tells of each factor, and in the last row all of them together.

    The latents are sorted by the factor of which they tell most.
    """
    order = np.lexsort((-alone.max(1), alone.argmax(1)))
    figure, (upper, lower) = plt.subplots(
        2, figsize=(7.0, 0.6 + 0.26 * (len(alone) + 6)), height_ratios=(len(alone), 1), sharex=True
    )
    image = upper.imshow(alone[order], aspect="auto", vmin=0, vmax=1)
    lower.imshow(together[None], aspect="auto", vmin=0, vmax=1)
    upper.set_yticks(range(len(order)), [str(i + 1) for i in order])
    upper.set_ylabel("latent")
    lower.set_yticks([0], ["all"])
    lower.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    for ax in (upper, lower):
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=(upper, lower), label="R2 on held-out faces", pad=0.02)
    return figure


def describe_factor_scores(
    alone: Float[np.ndarray, "latents factors"],
    together: Float[np.ndarray, " factors"],
    names: Sequence[str],
) -> str:
    """Alternative text of `factor_scores`: its brightest cell, and the ends of its last row."""
    latent, factor = map(int, np.unravel_index(alone.argmax(), alone.shape))
    best, worst = int(together.argmax()), int(together.argmin())
    return (
        f"Heat map of {len(alone)} latents by {len(names)} factors. The brightest cell is latent "
        f"{latent + 1} and {names[factor]}, {alone[latent, factor]:.2f}. All latents together "
        f"tell most of {names[best]} ({together[best]:.2f}) and least of {names[worst]} "
        f"({together[worst]:.2f})."
    )
