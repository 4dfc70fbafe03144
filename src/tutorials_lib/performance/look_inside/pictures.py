"""The picture of the stages that a function goes through."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tutorials_lib.figures.bars import bars_by_library


def draw_stages(counts: dict[str, int]) -> Figure:
    """How many operations each stage has; the names begin with the library."""
    figure, axes = plt.subplots(figsize=(7.0, 2.3))
    axes.bar_label(bars_by_library(axes, counts), padding=4)
    axes.set_xlabel("operations")
    return figure
