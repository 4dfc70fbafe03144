"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Float32
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures.filters import filter_pictures
from tutorials_lib.vision.style_transfer.problem import Params

Curve = tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]
"""What goes across and what goes up."""


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
        ax.imshow(np.clip(picture, 0, 1), interpolation="none")  # the page draws it larger
        ax.set_title(caption, fontsize=9, loc="center")
    return figure


LARGEST_FRAME = 128
"""Pixels along a side of a frame: noise does not compress, and a stepper has to stay light."""


def forming(shown: Iterable[Float32[np.ndarray, "side side 3"]]) -> Iterator[Figure]:
    """One picture a figure, all of one size; large ones are made small by means of blocks."""
    for picture in shown:
        factor = -(-len(picture) // LARGEST_FRAME)
        side = len(picture) // factor
        blocks = picture[: side * factor, : side * factor].reshape(side, factor, side, factor, 3)
        figure, ax = plt.subplots(figsize=(4.0, 4.0))
        ax.axis("off")
        ax.imshow(np.clip(blocks.mean((1, 3)), 0, 1), interpolation="none")
        yield figure


def corners(picture: Float32[np.ndarray, "height width 3"], *, side: int) -> Figure:
    """The four corners of a picture and its middle, enlarged."""
    height, width, _ = picture.shape
    places = {
        "top left": (0, 0),
        "top right": (0, width - side),
        "the middle": ((height - side) // 2, (width - side) // 2),
        "bottom left": (height - side, 0),
        "bottom right": (height - side, width - side),
    }
    cut = [picture[y : y + side, x : x + side] for y, x in places.values()]
    return gallery(cut, list(places), columns=len(places))


def filters(params: Params, *, num_filters: int = 10) -> Figure:
    """Some filters of every scale, as colours, in the size in which they see the picture."""
    scales = [np.asarray(scale["kernel"]) for scale in params["scales"].values()]
    columns = min(num_filters, scales[0].shape[-1])
    kernels = np.concatenate([np.moveaxis(scale, -1, 0)[:columns] for scale in scales])
    names = [f"1 : {2**i}" for i in range(len(scales))]
    return filter_pictures(kernels, per_row=columns, names=names)


def trade_off(curves: Mapping[str, Curve], weights: Sequence[float], content: float) -> Figure:
    """Style loss against content loss: first our results, by style weight, then each rival's.

    A dashed line stands at the content loss at which all are compared.
    """
    figure, ax = plt.subplots(figsize=(7.0, 3.6))
    looks = zip(figures.CYCLE, "os^v*", strict=False)
    for (name, (contents, styles)), (color, marker) in zip(curves.items(), looks, strict=False):
        ax.plot(
            [0, *contents], [1, *styles], marker=marker, markersize=4.5, color=color, label=name
        )
    ours = next(iter(curves.values()))
    for weight, x, y in zip(weights, *ours, strict=True):
        ax.annotate(f"{weight:g}", (x, y), xytext=(-4, -11), textcoords="offset points")
    ax.plot(0, 1, marker="D", color=figures.INK, linestyle="none", label="the photograph")
    ax.axvline(content, color=figures.MUTED, linestyle="--", linewidth=1)
    widest = 1.1 * max(content, *ours[0])  # the ways to some rivals go on much further
    ax.set(xlabel="content loss", ylabel="style loss", xlim=(0, widest), ylim=(0, None))
    ax.legend(loc="upper right")
    return figure


def describe_trade_off(curves: Mapping[str, Curve], content: float) -> str:
    """Alternative text of `trade_off`."""
    ends = "; ".join(
        f"{name} ends at content {contents[-1]:.2f} and style {styles[-1]:.2f}"
        for name, (contents, styles) in curves.items()
    )
    return (
        f"{len(curves)} lines that fall from the photograph, at content loss 0 and style loss 1. "
        f"{ends}. All are compared at content {content:.2f}."
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
