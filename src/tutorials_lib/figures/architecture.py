"""A network as its stages, each with the shape that one input really has there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from tutorials_lib.figures.showing import Shown, show
from tutorials_lib.figures.style import CYCLE, INK, MUTED

Shape = tuple[int, ...]
_GAP = 0.55
"""Between two boxes, in the height of one."""


def trace(stages: Callable[..., Mapping[str, Any]], *inputs: Any) -> dict[str, Shape]:
    """The shape of every array that `stages(*inputs)` names, without computing any of them.

    Args:
        stages: the forward pass of a network, returning what it passes through by name, in order.
        *inputs: arrays, or what `jax.eval_shape` takes in their place.
    """
    names: list[str] = []

    def in_order(*inputs: Any) -> list[Any]:
        named = stages(*inputs)
        names.extend(named)  # JAX would sort the names of a dict
        return list(named.values())

    arrays = jax.eval_shape(in_order, *inputs)
    return {name: tuple(array.shape) for name, array in zip(names, arrays, strict=True)}


def architecture(
    shapes: Mapping[str, Shape],
    *,
    operations: Sequence[str],
    skips: Sequence[tuple[str, str]] = (),
    batch: bool = True,
) -> Shown:
    """Boxes from top to bottom, one a stage, with the operation on the arrow between two.

    Args:
        shapes: from `trace`, the input first.
        operations: what leads from each stage to the next, a few words each.
        skips: pairs of stages that another arrow joins, drawn on the right.
        batch: whether the first axis counts examples; it is not shown then.

    Raises:
        ValueError: there are not as many operations as arrows, or a skip names no stage.
    """
    names = list(shapes)
    if len(operations) != len(names) - 1:
        raise ValueError(
            f"{len(names)} stages have {len(names) - 1} arrows between them, not the "
            f"{len(operations)} of operations={list(operations)}"
        )
    unknown = sorted({name for skip in skips for name in skip} - set(names))
    if unknown:
        raise ValueError(f"no stage is named {', '.join(unknown)}; there are {', '.join(names)}")
    height = len(names) + (len(names) - 1) * _GAP
    figure, ax = plt.subplots(figsize=(7.0, 0.42 * height))
    ax.set(xlim=(0, 10), ylim=(height, 0))
    ax.axis("off")
    written = [_write(shape[1:] if batch else shape) for shape in shapes.values()]
    for place, (name, shape) in enumerate(zip(names, written, strict=True)):
        _draw_stage(ax, _top(place), name, shape)
    for place, operation in enumerate(operations):
        _draw_arrow(ax, _top(place) + 1, operation)
    for lane, (start, end) in enumerate(skips):
        _draw_skip(ax, _top(names.index(start)), _top(names.index(end)), lane)
    steps = "; ".join(
        f"{operation} gives {name}, {shape}"
        for operation, name, shape in zip(operations, names[1:], written[1:], strict=True)
    )
    joined = "".join(f" {start} is also joined to {end}." for start, end in skips)
    return show(figure, alt=f"Boxes from top to bottom: {names[0]}, {written[0]}; {steps}.{joined}")


def _top(place: int) -> float:
    return place * (1 + _GAP)


def _write(shape: Shape) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _draw_stage(ax: Axes, top: float, name: str, shape: str) -> None:
    box = FancyBboxPatch(
        (1.0, top + 0.05), 6.0, 0.9, boxstyle="round,pad=0,rounding_size=0.15",
        facecolor="none", edgecolor=INK, linewidth=1.2,
    )  # fmt: skip
    ax.add_patch(box)
    ax.text(1.25, top + 0.5, name, va="center")
    ax.text(6.75, top + 0.5, shape, va="center", ha="right", color=CYCLE[0], weight="bold")


def _draw_arrow(ax: Axes, start: float, operation: str) -> None:
    style = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (1.6, start + _GAP + 0.04), (1.6, start - 0.04), arrowprops=style)
    ax.text(1.85, start + _GAP / 2, operation, va="center", fontsize=9, color=MUTED)


def _draw_skip(ax: Axes, start: float, end: float, lane: int) -> None:
    right = 7.5 + 0.5 * lane
    ax.plot([7.0, right, right], [start + 0.5, start + 0.5, end + 0.5], color=CYCLE[1], linewidth=1)
    style = {"arrowstyle": "-|>", "color": CYCLE[1], "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (7.0, end + 0.5), (right, end + 0.5), arrowprops=style)
