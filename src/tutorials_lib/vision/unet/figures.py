"""The pictures of the page; each function returns a figure, and the page describes it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from scipy.ndimage import label

from tutorials_lib import figures
from tutorials_lib.figures.panels import draw, sheet
from tutorials_lib.vision.unet.problem import Pictures, Walls

_FOUND, _MISSED, _INVENTED = (np.array(to_rgb(figures.CYCLE[i])) for i in (2, 1, 3))
_NOTHING = np.array([0.96, 0.96, 0.96])
_GOLDEN = 0.618034
"""Hues that are this share of the circle apart differ, whatever their number."""

_NARROW = 1.3
"""Columns of so many inches have titles of two lines."""

Picture = Float[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]


def as_cells(walls: Mask) -> Float[np.ndarray, "height width 3"]:
    """A colour for each cell, black for the walls: two cells of one colour have merged."""
    cells = label(~walls)[0]
    numbers = np.arange(cells.max() + 1)
    hues = np.stack([numbers * _GOLDEN % 1, 0.35 + 0.2 * (numbers % 3), 0.95 - 0.1 * (numbers % 2)])
    return np.where(walls[..., None], 0, hsv_to_rgb(hues.T)[cells])


def as_mistakes(walls: Mask, true_walls: Mask) -> Float[np.ndarray, "height width 3"]:
    """Blue where a wall is found, brown where it is missed, pink where one is invented."""
    colours = np.broadcast_to(_NOTHING, (*walls.shape, 3)).copy()
    colours[walls & true_walls] = _FOUND
    colours[~walls & true_walls] = _MISSED
    colours[walls & ~true_walls] = _INVENTED
    return colours


def gallery(columns: Mapping[str, Sequence[np.ndarray]], *, size: float = 1.4) -> Figure:
    """A column of pictures under each name; grey from 0 to 1 where they have no colours."""
    rows = len(next(iter(columns.values())))
    width = size * len(columns)
    figure, panels = plt.subplots(
        rows, len(columns), figsize=(width, rows * size + 0.4), squeeze=False
    )
    for place, (name, pictures) in enumerate(columns.items()):
        title = name.replace(" ", "\n", 1) if size < _NARROW else name
        panels[0, place].set_title(title, fontsize=9.5, loc="center")
        for ax, picture in zip(panels[:, place], pictures, strict=True):
            draw(ax, picture)
    return figure


def cells(pictures: Pictures, walls: Mapping[str, Walls]) -> Figure:
    """Sections, and in a column for each set of walls the cells that it leaves between them."""
    return gallery(
        {"section": list(pictures)}
        | {name: [as_cells(mask) for mask in masks] for name, masks in walls.items()},
        size=1.75,
    )


def mistakes(pictures: Pictures, found: Mapping[str, Walls], true: Walls) -> Figure:
    """Sections, and what each method finds, misses and invents in them."""
    columns = {
        name: [as_mistakes(*pair) for pair in zip(masks, true, strict=True)]
        for name, masks in found.items()
    }
    return gallery({"section": list(pictures)} | columns, size=1.17)


def windows(picture: Picture, pixel: tuple[int, int], sides: Mapping[str, int]) -> Figure:
    """The picture, and what windows of growing size around one pixel show of it, enlarged.

    A window of an odd side has the pixel in its middle, one of an even side half a pixel beside.
    """
    figure, panels = plt.subplots(ncols=len(sides) + 1, figsize=(7.0, 2.0))
    row, column = pixel
    draw(panels[0], picture, title="the section")
    panels[0].plot(column, row, "s", markersize=5, markerfacecolor="none", color=figures.CYCLE[3])
    for ax, (name, side) in zip(panels[1:], sides.items(), strict=True):
        corner = [max(0, center - side // 2) for center in pixel]
        window = picture[corner[0] : corner[0] + side, corner[1] : corner[1] + side]
        draw(ax, window, title=f"{name}\n{side} × {side}", limits=(0.1, 0.9))
        place = column - corner[1], row - corner[0]
        ax.plot(*place, "s", markersize=5, markerfacecolor="none", color=figures.CYCLE[3])
    return figure


def describe_windows(sides: Mapping[str, int], pixel: tuple[int, int]) -> str:
    """Alternative text of `windows`."""
    shown = ", ".join(f"{side} pixels ({name})" for name, side in sides.items())
    return (
        f"A grey section with a mark at row {pixel[0]}, column {pixel[1]}, and windows around the "
        f"mark that are {shown} wide. The wider the window, the more of the lines it shows."
    )


def the_u(
    stages: Mapping[str, Float[np.ndarray, "height width channels"]], fields: Mapping[str, int]
) -> Figure:
    """The picture at each stage, in the form that gave the network its name.

    Each stage shows four of its feature maps; below stand its shape, and how wide a window of
    the picture one of its numbers sees.
    """
    names = [name for name in stages if name not in ("image", "logits")]
    levels = len(names) // 2
    figure = plt.figure(figsize=(7.0, 2.1 * (levels + 1)))
    figure.set_layout_engine("constrained", h_pad=0.2)
    grid = figure.add_gridspec(levels + 1, 4, width_ratios=(1, 1.25, 1.25, 1))
    places = {"image": (0, 0), "logits": (0, 3), "bottom": (levels, slice(1, 3))}
    for level in range(1, levels + 1):
        places |= {f"down {level}": (level - 1, 1), f"up {level}": (level - 1, 2)}
    axes = {name: figure.add_subplot(grid[place]) for name, place in places.items()}
    for name, ax in axes.items():
        maps = stages[name]
        height, width, channels = maps.shape
        draw(ax, _mosaic(maps), limits=None)
        ax.set_title(name, fontsize=9.5, loc="center")
        seen = f", sees {fields[name]}" if fields.get(name, 1) > 1 else ""
        ax.set_xlabel(f"{height} × {width} × {channels}{seen}", fontsize=8.5)
    down, up = names[: levels + 1], names[levels:]
    left, right, below, above = (-0.02, 0.5), (1.02, 0.5), (0.5, -0.17), (0.5, 1.17)
    for before, after in pairwise(down):
        _arrow(axes[before], below, axes[after], (0.25, 1.17) if after == "bottom" else above)
    for before, after in pairwise(up):
        _arrow(axes[before], (0.75, 1.17) if before == "bottom" else above, axes[after], below)
    _arrow(axes["image"], right, axes["down 1"], left)
    _arrow(axes["up 1"], right, axes["logits"], left)
    for level in range(1, levels + 1):
        _arrow(axes[f"down {level}"], right, axes[f"up {level}"], left, color=figures.CYCLE[1])
    return figure


def describe_the_u(
    stages: Mapping[str, Float[np.ndarray, "height width channels"]], fields: Mapping[str, int]
) -> str:
    """Alternative text of `the_u`."""
    shapes = ", ".join(f"{n} {' × '.join(map(str, maps.shape))}" for n, maps in stages.items())
    seen = ", ".join(f"{side} in {name}" for name, side in fields.items() if side > 1)
    return (
        f"Small grey pictures in the form of a U, joined by arrows: {shapes}. An arrow leads "
        "across from each level on the left to the same on the right. One number sees a window "
        f"of the picture that is so many pixels wide: {seen}."
    )


def training_frames(
    picture: Picture, true_walls: Mask, watched: Float[np.ndarray, "rounds height width"]
) -> Iterator[Figure]:
    """One section after each part of the training: the probability of a wall, and the mistakes."""
    for probs in watched:
        yield gallery(
            {
                "the section": [picture],
                "probability of a wall": [probs],
                "found, missed, invented": [as_mistakes(probs > 0.5, true_walls)],
            },
            size=2.3,
        )


def strip(
    watched: Float[np.ndarray, "rounds height width"], names: Sequence[str], *, count: int = 5
) -> Figure:
    """A few of the probabilities side by side, from the first to the last."""
    chosen = np.linspace(0, len(watched) - 1, count).astype(int).tolist()
    return gallery({names[i]: [watched[i]] for i in map(int, chosen)})


def tolerances(scores: Mapping[str, Sequence[float]], pixels: Sequence[float]) -> Figure:
    """Boundary F1 against the distance that still counts as found."""
    figure, ax = plt.subplots(figsize=(7.0, 3.0))
    for number, (name, values) in enumerate(scores.items()):
        last = number == len(scores) - 1
        color = figures.COLORS["jax"] if last else figures.CYCLE[number]
        style = "-" if last else "--"  # its colour is close to that of a rival
        ax.plot(pixels, values, style, marker="o", markersize=4, color=color, label=name)
    ax.set(xlabel="tolerance (pixels)", ylabel="boundary F1", ylim=(None, 1))
    ax.legend()
    return figure


def describe_tolerances(scores: Mapping[str, Sequence[float]], pixels: Sequence[float]) -> str:
    """Alternative text of `tolerances`."""
    lines = "; ".join(f"{n} from {v[0]:.2f} to {v[-1]:.2f}" for n, v in scores.items())
    return (
        f"Line chart of the boundary F1 for tolerances from {pixels[0]:g} to {pixels[-1]:g} "
        f"pixels: {lines}."
    )


def _mosaic(maps: Float[np.ndarray, "height width channels"], *, count: int = 4) -> np.ndarray:
    """The feature maps that vary most, side by side, each from its darkest to its lightest."""
    spread = maps.std((0, 1))
    chosen = maps[..., spread.argsort()[::-1][:count]]
    low, high = chosen.min((0, 1)), chosen.max((0, 1))
    scaled = (chosen - low) / np.maximum(high - low, 1e-9)
    height, width, shown = scaled.shape
    columns = 2 if shown > 1 else 1
    return sheet(scaled.reshape(height, width, -1, columns).transpose(2, 3, 0, 1), gap=0)


def _arrow(
    start: Axes,
    out: tuple[float, float],
    end: Axes,
    into: tuple[float, float],
    *,
    color: str = figures.INK,
) -> None:
    """From a place beside one panel to a place beside another, in fractions of the panels."""
    patch = ConnectionPatch(
        out,
        into,
        "axes fraction",
        "axes fraction",
        axesA=start,
        axesB=end,
        arrowstyle="-|>",
        color=color,
    )
    start.figure.add_artist(patch)
