"""The timeline and the roofline, and its table."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark.tables import MarkdownRows, format_seconds
from tutorials_lib.performance.roofline import traces
from tutorials_lib.performance.roofline.roof import OP_BY_OP, Point, Roof

_MARKERS = {"JAX": ("o", (7, -7)), OP_BY_OP: ("D", (9, 0)), "NumPy": ("s", (-6, 8))}
"""The marker of each way of running, and where its number stands, in points from it."""

CLOSE = 1.4
"""Points of a roofline whose coordinates differ by less than this factor share a label."""


def draw_timeline(events: Sequence[traces.Event]) -> Figure:
    """What Python did, and what XLA ran meanwhile, over time."""
    host = [each for each in events if each.name in (traces.HAND_OVER, traces.WAIT)]
    device = [each for each in events if each.is_kernel]
    begin = min((each.start for each in host), default=0.0)
    colors = {traces.HAND_OVER: figures.INK, traces.WAIT: figures.GRID}
    for name in traces.longest(device):
        colors[name] = figures.CYCLE[(len(colors) - 2) % len(figures.CYCLE)]
    figure, axes = plt.subplots(figsize=(7.0, 2.6))
    for name, color in colors.items():
        bars = [each for each in (*host, *device) if each.name == name]
        spans = [(1e3 * (each.start - begin), 1e3 * each.seconds) for each in bars]
        row = 0 if name in (traces.HAND_OVER, traces.WAIT) else 1
        axes.broken_barh(spans, (row - 0.3, 0.6), color=color, linewidth=0, label=name)
    axes.set_yticks([0, 1], ["Python", "XLA"])
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds")
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=3, fontsize="small")
    return figure


def draw_roofline(roof: Roof, points: Sequence[Point]) -> Figure:
    """The roof, and every kernel under its number, by intensity and speed."""
    figure, axes = plt.subplots(figsize=(7.0, 4.6))
    intensities = [point.intensity for point in points]
    ends = np.geomspace(min(intensities) / 2, max(max(intensities), roof.ridge) * 2, 200)
    axes.loglog(ends, [roof.at(float(end)) / 1e9 for end in ends], color=figures.INK)
    axes.axvline(roof.ridge, color=figures.MUTED, linewidth=0.8, linestyle=":")
    for library, (marker, label_at) in _MARKERS.items():
        mine = [point for point in points if point.library == library]
        color = figures.COLORS["numpy" if library == "NumPy" else "jax"]
        fill = "none" if library == "NumPy" else color  # so that both show where they meet
        axes.plot(
            [point.intensity for point in mine], [point.speed / 1e9 for point in mine],
            marker, color=color, markerfacecolor=fill, markersize=7, markeredgewidth=1.5,
            linestyle="", label=library,
        )  # fmt: skip
        for place, text in _labels(mine, kernel_numbers(points)).items():
            axes.annotate(
                text, place, xytext=label_at, textcoords="offset points", color=color,
                ha="left" if label_at[0] > 0 else "right", va="center",
            )  # fmt: skip
    axes.set_xlabel("operations for each byte")
    axes.set_ylabel("billion operations a second")
    axes.legend(loc="lower right")
    return figure


def _labels(points: Sequence[Point], numbers: dict[str, int]) -> dict[tuple[float, float], str]:
    """The numbers of the points and where they stand; points that lie close share a label."""
    labels: dict[tuple[float, float], str] = {}
    for point in points:
        x, y = point.intensity, point.speed / 1e9
        near = (at for at in labels if max(x / at[0], at[0] / x, y / at[1], at[1] / y) < CLOSE)
        place = next(near, (x, y))
        number = str(numbers[point.kernel])
        labels[place] = f"{labels[place]}, {number}" if place in labels else number
    return labels


def kernel_numbers(points: Sequence[Point]) -> dict[str, int]:
    """The number of each kernel in the roofline, in the order of `points`."""
    names = dict.fromkeys(point.kernel for point in points)
    return {name: number for number, name in enumerate(names, start=1)}


def roofline_table(roof: Roof, points: Sequence[Point]) -> MarkdownRows:
    """Every kernel by its number in the roofline, with what places it there."""
    numbers = kernel_numbers(points)
    rows = [
        [
            str(numbers[point.kernel]),
            point.kernel,
            point.library,
            format_seconds(point.seconds).replace(" ", "\N{NO-BREAK SPACE}"),
            f"{point.intensity:.3g}",
            f"{point.speed / 1e9:.3g}",
            f"{point.speed / roof.at(point.intensity):.0%}",
        ]
        for point in sorted(points, key=lambda point: numbers[point.kernel])
    ]
    header = ["", "Kernel", "library", "takes", "operations a byte", "billion a second"]
    return MarkdownRows([*header, "of the roof"], rows, of_words=(1, 2))
