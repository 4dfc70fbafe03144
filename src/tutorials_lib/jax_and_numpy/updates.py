"""What it costs to change one number of an array, in place or by a copy."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float, Int
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark import median_seconds

WAYS = (
    "NumPy, in place",
    "NumPy, on a copy",
    "JAX, `.at[]`, op by op",
    "JAX, compiled, donated",
    "JAX, compiled loop",
)
"""The ways that `seconds_per_update` times."""

Numbers = Float[Array, " numbers"]
NumbersInNumpy = Float[np.ndarray, " numbers"]


def add_one(x: Numbers, place: int | Int[Array, ""]) -> Numbers:
    """The array with one more at `place`."""
    return x.at[place].add(1)


add_one_in_place = partial(jax.jit, donate_argnums=0)(add_one)
"""The same, in the memory of its first argument, which is gone afterwards."""


@partial(jax.jit, static_argnames="num_updates")
def add_ones(x: Numbers, num_updates: int) -> Numbers:
    """One more at each of the first `num_updates` places, in one program."""
    return jax.lax.fori_loop(0, num_updates, lambda place, x: add_one(x, place), x)


def seconds_per_update(
    sizes: Sequence[int], *, num_updates: int = 50, repeats: int = 5
) -> dict[str, list[float]]:
    """Median seconds of one update, by way and by the size of the array.

    Raises:
        ArithmeticError: the ways do not change the same numbers.
    """
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for size in sizes:
        for way, update in _updates(num_updates).items():
            start = np.zeros(size, np.float32)
            current = start if way.startswith("NumPy") else jnp.asarray(start)

            def advance(update: Callable = update) -> Numbers | NumbersInNumpy:
                nonlocal current  # what an update has used up is never asked for again
                current = update(current)
                return current

            total = median_seconds(advance, repeats=repeats)
            changed = np.asarray(current)
            if changed[:num_updates].min() != repeats + 1 or changed[num_updates:].any():
                raise ArithmeticError(f"{way}: other numbers were changed than were to be")
            seconds[way].append(total / num_updates)
    return seconds


def _updates(num_updates: int) -> dict[str, Callable]:
    def numpy_in_place(x: NumbersInNumpy) -> NumbersInNumpy:
        for place in range(num_updates):
            x[place] += 1
        return x

    def numpy_on_a_copy(x: NumbersInNumpy) -> NumbersInNumpy:
        for place in range(num_updates):
            x = x.copy()
            x[place] += 1
        return x

    def one_by_one(update: Callable, x: Numbers) -> Numbers:
        for place in range(num_updates):
            x = update(x, place)
        return x

    functions = (
        numpy_in_place,
        numpy_on_a_copy,
        partial(one_by_one, add_one),
        partial(one_by_one, add_one_in_place),
        partial(add_ones, num_updates=num_updates),
    )
    return dict(zip(WAYS, functions, strict=True))


def draw_updates(sizes: Sequence[int], seconds: dict[str, list[float]]) -> Figure:
    """The time of an update against the size of the array, by way."""
    figure, axes = plt.subplots(figsize=(7.0, 3.8))
    dashes = ("-", "--", "--", "-.", "-")
    for (way, each), dash in zip(seconds.items(), dashes, strict=True):
        color = figures.COLORS["numpy" if way.startswith("NumPy") else "jax"]
        label = way.replace("`", "")
        axes.loglog(sizes, each, dash, marker="o", color=color, label=label)
    axes.set_xlabel("numbers in the array")
    axes.set_ylabel("seconds per update")
    figure.legend(loc="outside lower center", ncols=2)
    axes.grid(axis="y")
    return figure
