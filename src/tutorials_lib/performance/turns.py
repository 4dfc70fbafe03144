"""Functions timed in turns by the book's one clock, for the chapters that compare no tutorials."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.agreement import place
from tutorials_lib.benchmark.comparison import Variant
from tutorials_lib.benchmark.timing import REPEATS, Contestant, enter, race


def enter_function(name: str, function: Callable, args: Sequence[Any]) -> list[Contestant]:
    """Who races for `function(*args)`: JAX once, NumPy with one thread and with one a core.

    Args:
        name: begins with NumPy or JAX, whose arrays the function gets.
        function: what is timed; in JAX compiled already, if it is to be.
        args: arrays of either library.
    """
    twin = np if name.startswith("NumPy") else jnp
    variant = Variant(name=name, run=lambda twin, args, config: function(*args), twin=twin)
    return enter(variant, place(tuple(args), variant.backend), None)


def seconds_in_turns(
    functions: Mapping[str, Callable], *args: Any, repeats: int = REPEATS
) -> dict[str, float]:
    """Median seconds of each function of `args`, by name, sampled in rounds.

    NumPy is timed at the better number of threads, and a pause after several of them keeps those
    that still spin from slowing down JAX.
    """
    contestants = [
        contestant
        for name, function in functions.items()
        for contestant in enter_function(name, function, args)
    ]
    return {each.variant.name: each.median for each in race(contestants, repeats=repeats)}
