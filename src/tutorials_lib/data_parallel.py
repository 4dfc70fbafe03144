"""Data-parallel training beside training on one device: are the results equal?

`compare` is for a function in a fresh process with simulated devices (`tutorials_lib.devices`),
so what it returns survives JSON.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from tutorials_lib.runtime import RUN_ONCE

Tree = Any
"""Nested containers of arrays."""

Step = Callable[..., tuple[Tree, Any]]
"""`(state, *batch) -> (new state, value)`, where the arrays of a batch begin with its axis."""


def compare(
    alone: Step, shared: Step, state: Tree, batches: Sequence[tuple[Any, ...]], *specs: P
) -> dict[str, Any]:
    """Train from `state` on one device, and on all of them; how far are they apart?

    Args:
        alone: a step as it is.
        shared: a step for inputs that are spread over the mesh of all devices; `alone` itself
            where the compiler shall find out what they have to tell each other.
        state: before the first step; every device gets a copy.
        batches: of each step, the arrays that a step takes besides the state.
        specs: how each of these arrays is spread over the axis `batch` of the mesh.

    Returns:
        How many devices there are and how often they add up between them in a step, the values of
        the last step, how far training has moved the state, and how far the two results are
        apart.
    """
    mesh = jax.make_mesh((jax.device_count(),), ("batch",), axis_types=(AxisType.Auto,))

    def spread(batch: tuple[Any, ...]) -> tuple[Any, ...]:
        pairs = zip(batch, specs, strict=True)
        return tuple(jax.device_put(each, NamedSharding(mesh, spec)) for each, spec in pairs)

    everywhere = jax.device_put(state, NamedSharding(mesh, P()))
    one = _train(alone, state, batches)
    all_of_them = _train(shared, everywhere, [spread(batch) for batch in batches])
    return {
        "devices": jax.device_count(),
        "values": [np.asarray(each.value).tolist() for each in (one, all_of_them)],
        "moved": largest_difference(state, one.state),
        "difference": largest_difference(one.state, all_of_them.state),
        "all-reduces": len(re.findall(r" all-reduce(?:-start)?\(", all_of_them.program)),
    }


class _Result(NamedTuple):
    state: Tree
    value: Any
    program: str


def _train(step: Step, state: Tree, batches: Sequence[tuple[Any, ...]]) -> _Result:
    like = jax.tree.map(lambda leaf: leaf.sharding, jax.tree.map(jax.numpy.asarray, state))
    # The new state lies where the old one did, so that the program fits every step.
    lowered = jax.jit(step, out_shardings=(like, None)).lower(state, *batches[0])
    program = lowered.compile(compiler_options=RUN_ONCE)  # pyright: ignore[reportArgumentType]
    value = None
    for batch in batches:
        # A second step must not start before the devices have finished the first.
        state, value = jax.block_until_ready(program(state, *batch))
    return _Result(state, value, program.as_text() or "")


def largest_difference(one: Tree, other: Tree) -> float:
    """The largest difference between two numbers in the same place; counters are left out."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(
        float(np.abs(np.asarray(a) - np.asarray(b)).max())
        for a, b in pairs
        if np.issubdtype(a.dtype, np.inexact)
    )
