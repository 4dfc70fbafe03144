"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures.filters import filter_pictures

Filters = Float[np.ndarray, "pixels features"]

_MARKERS = ("o", "s", "^", "D", "v", "P", "o")


def filters(before: Filters, after: Filters, *, count: int = 16) -> Figure:
    """The first filters of an encoder before training, and below them what they have become."""
    side = round(len(before) ** 0.5)
    kernels = np.concatenate([before.T[:count], after.T[:count]]).reshape(-1, side, side)
    return filter_pictures(kernels, per_row=count, names=("before", "after"))


def by_sigma(scores: Mapping[str, Sequence[float]], sigmas: Sequence[int], line: str) -> Figure:
    """PSNR against the noise, and the same above that of the technique `line`."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.2, 3.6))
    for number, (name, values) in enumerate(scores.items()):
        is_last = number == len(scores) - 1
        look = {
            "marker": _MARKERS[number],
            "color": figures.COLORS["jax"] if is_last else figures.CYCLE[number],
            "label": name,
            "linewidth": 2.2 if is_last else 1.2,
        }
        left.plot(sigmas, values, **look)
        right.plot(sigmas, np.subtract(values, scores[line]), **look)
    left.set(xlabel="noise (grey levels)", ylabel="PSNR (dB)", xticks=sigmas)
    right.set(xlabel="noise (grey levels)", ylabel=f"PSNR above {line} (dB)", xticks=sigmas)
    low = min(np.subtract(values, scores[line]).min() for values in scores.values())
    right.set_ylim(max(low, -1.5) - 0.1, None)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def describe_by_sigma(scores: Mapping[str, Sequence[float]], sigmas: Sequence[int]) -> str:
    """Alternative text of `by_sigma`."""
    told = "; ".join(
        f"{name} from {values[0]:.2f} to {values[-1]:.2f} dB" for name, values in scores.items()
    )
    return (
        f"Lines fall with the noise, from {sigmas[0]} to {sigmas[-1]} grey levels: {told}. "
        "Beside it the same as a difference from one of them."
    )


def two_levels(
    seen: Float[np.ndarray, " points"],
    density: Float[np.ndarray, " points"],
    mean: Float[np.ndarray, " points"],
    levels: tuple[float, float],
) -> Figure:
    """How often a noisy level is seen, and the mean of the true level where it is seen."""
    figure, (left, right) = plt.subplots(ncols=2, figsize=(7.0, 2.7))
    left.fill_between(seen, density, color=figures.GRID)
    left.plot(seen, density, color=figures.INK)
    left.set(xlabel="noisy level", ylabel="how often", yticks=[])
    right.plot(seen, seen, color=figures.MUTED, linestyle="--", label="believe what is seen")
    right.plot(seen, mean, color=figures.COLORS["jax"], label="posterior mean")
    right.set(xlabel="noisy level", ylabel="best guess", yticks=levels)
    right.legend(fontsize=9)
    return figure
