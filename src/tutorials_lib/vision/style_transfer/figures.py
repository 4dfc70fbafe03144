"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Float32
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.vision.style_transfer.problem import Params

Curve = tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]
"""What goes across and what goes up."""

_OURS, _THEIRS = figures.COLORS["jax"], figures.COLORS["sklearn"]


def gallery(
    shown: Sequence[Float32[np.ndarray, "_ _ 3"]], captions: Sequence[str], *, columns: int
) -> Figure:
    """Pictures side by side, with words above them."""
    rows = -(-len(shown) // columns)
    lines = 1 + max(caption.count("\n") for caption in captions)
    side = 7.0 / columns
    size = (7.0, rows * (side + 0.18 * lines))
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax in panels.flat:
        ax.axis("off")
    for ax, picture, caption in zip(panels.flat, shown, captions, strict=False):
        ax.imshow(np.clip(picture, 0, 1), interpolation="bicubic")
        ax.set_title(caption, fontsize=9, loc="center")
    return figure


def filters(params: Params, *, num_filters: int = 10) -> Figure:
    """Some filters of every scale, as colours, in the size in which they see the picture."""
    scales = [np.asarray(scale["kernel"]) for scale in params["scales"].values()]
    columns = min(num_filters, scales[0].shape[-1])
    figure, panels = plt.subplots(
        len(scales), columns, figsize=(7.0, 0.75 * len(scales)), squeeze=False
    )
    for i, (kernel, row) in enumerate(zip(scales, panels, strict=True)):
        for j, ax in enumerate(row):
            ax.imshow(0.5 + kernel[..., j] / (2 * np.abs(kernel).max()), interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(visible=True, color=figures.GRID)
        row[0].set_ylabel(f"1 : {2**i}", rotation=0, ha="right", va="center")
    return figure


def trade_off(ours: Curve, weights: Sequence[float], matched: Curve) -> Figure:
    """Style loss against content loss: our results by style weight, and matched colours."""
    figure, ax = plt.subplots(figsize=(7.0, 3.4))
    for (contents, styles), color, marker, name in (
        (matched, _THEIRS, "s", "matched colours"),
        (ours, _OURS, "o", "style transfer"),
    ):
        ax.plot([0, *contents], [1, *styles], color=color, linewidth=1.5)
        ax.plot(contents, styles, marker=marker, linestyle="none", color=color, label=name)
    for weight, content, style in zip(weights, *ours, strict=True):
        ax.annotate(f"{weight:g}", (content, style), xytext=(5, 5), textcoords="offset points")
    ax.plot(0, 1, marker="D", color=figures.INK, linestyle="none", label="the photograph")
    ax.set(xlabel="content loss", ylabel="style loss", ylim=(0, None), xlim=(0, None))
    ax.legend(loc="upper right")
    return figure


def describe_trade_off(ours: Curve, matched: Curve) -> str:
    """Alternative text of `trade_off`."""
    (contents, styles), (others, other_styles) = ours, matched
    return (
        f"Two falling lines from the photograph, at content loss 0 and style loss 1. The one of "
        f"matched colours ends at content {others[-1]:.2f} and style {other_styles[-1]:.2f}. "
        f"Style transfer runs below it and ends at content {contents[-1]:.2f} and style "
        f"{styles[-1]:.2f}."
    )


def race(runs: Mapping[str, Curve]) -> Figure:
    """Loss against seconds, a line for each optimizer."""
    figure, ax = plt.subplots(figsize=(7.0, 3.2))
    for (name, (seconds, losses)), color in zip(runs.items(), figures.CYCLE, strict=False):
        ax.plot(seconds, losses, marker="o", markersize=4, color=color, label=name)
    ax.set(xlabel="seconds", ylabel="loss", yscale="log", xlim=(0, None))
    ax.legend(loc="upper right")
    return figure


def describe_race(runs: Mapping[str, Curve]) -> str:
    """Alternative text of `race`."""
    lines = (
        f"{name} goes from {losses[0]:.2f} to {losses[-1]:.2f} in {seconds[-1]:.1f} seconds"
        for name, (seconds, losses) in runs.items()
    )
    return f"Falling lines of the loss over time: {'; '.join(lines)}."
