"""Nested dicts of NumPy arrays, such as parameters and gradients: map over them, or flatten them.

JAX has `jax.tree` for this; NumPy has nothing of the kind. A tree's arrays are taken in the order
of the keys of one tree, so that trees whose keys were added in another order fit all the same.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

Tree = dict[Any, Any]
"""A nested dict of arrays; a branch is a dict, everything else is a leaf."""

Vector = Float[np.ndarray, " parameters"]


def tree_map(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """Apply `function` to the leaves in the same place of all trees; the keys are those of `tree`.

    Raises:
        KeyError: one of `others` lacks a key of `tree`.
    """
    return {
        name: tree_map(function, branch, *(other[name] for other in others))
        if isinstance(branch, dict)
        else function(branch, *(other[name] for other in others))
        for name, branch in tree.items()
    }


def leaves(tree: Tree, *, like: Tree | None = None) -> Iterator[Any]:
    """The leaves of `tree`, in the order of the keys of `like` (default: its own)."""
    for name, branch in (tree if like is None else like).items():
        if isinstance(branch, dict):
            yield from leaves(tree[name], like=branch)
        else:
            yield tree[name]


def ravel(tree: Tree, *, like: Tree | None = None) -> Vector:
    """All arrays of `tree` in one vector, in the order of the keys of `like` (default: its own)."""
    return np.concatenate([leaf.ravel() for leaf in leaves(tree, like=like)])


def unravel(vector: Vector, like: Tree) -> Tree:
    """Cut `vector` into a tree with the keys and shapes of `like`; its arrays are views.

    Raises:
        ValueError: `vector` has more or fewer numbers than `like`.
    """
    start = 0

    def take(leaf: np.ndarray) -> np.ndarray:
        nonlocal start
        piece = vector[start : start + leaf.size].reshape(leaf.shape)
        start += leaf.size
        return piece

    expected = sum(leaf.size for leaf in leaves(like))
    if vector.size != expected:
        raise ValueError(f"the vector has {vector.size} numbers, but the tree holds {expected}")
    return tree_map(take, like)
