"""The pictures of the page; each function returns a figure, and the page describes it."""

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib import figures


def result(values: Float[np.ndarray, " steps"]) -> Figure:
    """TO WRITE: the picture at the top of the page."""
    figure, axes = plt.subplots()
    axes.plot(values, color=figures.COLORS["jax"])
    return figure
