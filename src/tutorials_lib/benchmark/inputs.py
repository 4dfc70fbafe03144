"""Parameters to compare and to time with, drawn without a compiled program."""

import math
from typing import Any

import jax
import numpy as np
from jax.stages import Wrapped

from tutorials_lib.benchmark.comparison import Tree

_SPREAD = 0.1
"""How far biases, scales and running statistics lie from the numbers that they start from."""

_AROUND_ONE = frozenset({"scale", "var"})


def draw_params(create: Wrapped, *args: Any, rng: np.random.Generator) -> Tree:
    """Random numbers in the shapes of what `create(*args, key)` would return, which is not run.

    To make them with `create` would take a program whose compilation lasts longer than all that
    is compared; and the biases of fresh parameters are zero, so that one which a twin forgot
    would not be noticed.

    Args:
        create: a function made by `jax.jit` that makes a tree of arrays by Flax NNX: its leaves
            are named `scale` and `var` where they start from one, and have two axes or more
            where they are weights.
        args: what it takes before the key.
        rng: where the numbers come from.

    Returns:
        A tree of NumPy arrays: weights with the spread that keeps the variance of their input,
        everything else within a few tenths of zero or one.
    """

    def draw(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        numbers = rng.standard_normal(leaf.shape, np.float32)
        spread = math.prod(leaf.shape[:-1]) ** -0.5 if leaf.ndim > 1 else _SPREAD
        center = float(path[-1].key in _AROUND_ONE)
        return np.asarray(center + spread * numbers, np.float32)

    return jax.tree.map_with_path(draw, create.trace(*args, jax.random.key(0)).out_info)
