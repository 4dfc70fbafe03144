"""When work happens in JAX: dispatched now, traced once, compiled for each shape."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark import median_seconds


def polish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """A chain of cheap operations on every number of an array."""
    for _ in range(4):
        x = jnp.tanh(x) * jnp.exp(-x * x) + x
    return x


def polish_in_numpy(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The same in NumPy."""
    for _ in range(4):
        x = np.tanh(x) * np.exp(-x * x) + x
    return x


class Unwaited:
    """Holds a result that is not to be waited for: for JAX it is no array."""

    def __init__(self, result: Any) -> None:
        self.result = result


def return_and_result(num_rows: int, *, repeats: int = 7) -> dict[str, tuple[float, float]]:
    """Median seconds until a call returns, and until its result is there, by way of running.

    The work is `polish` on an array of `num_rows` times 1,000 numbers.
    """
    x = np.random.default_rng(0).standard_normal((num_rows, 1_000)).astype(np.float32)
    on_device = jnp.asarray(x)
    ways: dict[str, tuple[Callable, Any]] = {
        "NumPy": (polish_in_numpy, x),
        "JAX, op by op": (polish, on_device),
        "JAX, compiled": (jax.jit(polish), on_device),
    }
    return {
        name: (
            median_seconds(lambda f=function, x=argument: Unwaited(f(x)), repeats=repeats),
            median_seconds(function, argument, repeats=repeats),
        )
        for name, (function, argument) in ways.items()
    }


def finishes_unasked(num_rows: int) -> bool:
    """Whether operations outside of `jit` get done although nobody asks for their result.

    A lazy library would wait for a use of the result. Here the only question, asked again and
    again, is whether it is there.
    """
    result: Any = polish(jnp.ones((num_rows, 1_000)))
    pause = threading.Event()
    for _ in range(6_000):  # a minute at most
        if result.is_ready():
            return True
        pause.wait(0.01)
    return False


class CountTraces:
    """Wraps a function and counts how often Python runs it: once for each trace, if compiled."""

    def __init__(self, function: Callable) -> None:
        self.function = function
        self.count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, and count it."""
        self.count += 1
        return self.function(*args, **kwargs)


def traces_by_call(
    function: Callable, calls: Sequence[tuple], *, static_argnums: tuple[int, ...] = ()
) -> list[int]:
    """How often Python has run a compiled `function` after each of `calls`."""
    counted = CountTraces(function)
    compiled = jax.jit(counted, static_argnums=static_argnums)
    totals = []
    for arguments in calls:
        compiled(*arguments)
        totals.append(counted.count)
    return totals


def draw_return_and_result(seconds: dict[str, tuple[float, float]]) -> Figure:
    """Two bars a way of running: until the call returns, and until the result is there."""
    figure, axes = plt.subplots(figsize=(7.0, 2.4))
    for row, (name, (returned, ready)) in enumerate(seconds.items()):
        color = figures.COLORS["numpy" if name == "NumPy" else "jax"]
        axes.barh(row, ready, color=figures.GRID, height=0.6)
        axes.barh(row, min(returned, ready), color=color, height=0.6)
    axes.set_yticks(range(len(seconds)), list(seconds))
    axes.invert_yaxis()
    axes.set_xlabel("seconds: coloured until the call returns, grey until the result is there")
    axes.tick_params(axis="y", length=0)
    return figure
