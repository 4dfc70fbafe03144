"""Flax NNX networks as functions of nested dicts: the one place that takes them apart.

NNX describes a network by an object that holds its arrays. What trains here hands the arrays
through a compiled function instead, as nested dicts with the attributes of the object as keys. The
object without its arrays, its *graph*, is a constant of the program.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeVar

from flax import nnx

Network = TypeVar("Network", bound=nnx.Module)

Tree = dict[Any, Any]
"""A nested dict of arrays."""


def arrays(network: nnx.Module, kind: type[nnx.Variable[Any]] = nnx.Param) -> Tree:
    """The arrays of one kind that `network` holds: its parameters, or `nnx.BatchStat`."""
    return nnx.to_pure_dict(nnx.state(network, kind))


@cache
def graph(
    network: Callable[..., Network], *settings: Hashable, **choices: Hashable
) -> nnx.GraphDef[Network]:
    """The graph of `network(*settings, **choices, rngs=...)`; nothing is drawn or computed."""
    return nnx.split(nnx.eval_shape(lambda: network(*settings, **choices, rngs=nnx.Rngs(0))))[0]


def assemble(graphdef: nnx.GraphDef[Network], *trees: Tree) -> Network:
    """The network with these arrays, for the inside of a function that JAX traces.

    It is a copy: what it changes, such as its running statistics, is read off it by `arrays`, and
    nothing that is traced leaks out.
    """
    return nnx.merge(graphdef, *trees, copy=True)
