r"""Optimizers in NumPy: what Optax does on the JAX side.

All parameters are updated as one vector. A network has many small arrays, and a dozen NumPy calls
for each of them would cost more than the arithmetic; with one vector it is a dozen calls in all.
"""

from typing import NamedTuple

import numpy as np

from tutorials_lib.trees import Tree, Vector, ravel, tree_map, unravel


class AdamState(NamedTuple):
    """What Adam remembers.

    Attributes:
        steps: how many have been taken.
        mean: the running mean of the gradients, before its correction for starting at zero.
        square: the running mean of their squares, likewise.
    """

    steps: int
    mean: Vector
    square: Vector


def adam_start(params: Tree) -> AdamState:
    """The state before the first step."""
    zeros = np.zeros_like(ravel(params))
    return AdamState(steps=0, mean=zeros, square=zeros)


def adam_update(
    params: Tree,
    grads: Tree,
    state: AdamState,
    *,
    learning_rate: float,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Tree, AdamState]:
    r"""One step of Adam (Kingma and Ba 2015, algorithm 1), as `optax.adam` takes it.

    $m \leftarrow \beta_1 m + (1 - \beta_1) g$, $v \leftarrow \beta_2 v + (1 - \beta_2) g^2$ and
    $\theta \leftarrow \theta - \eta \, \hat m / (\sqrt{\hat v} + \epsilon)$, where $\hat m$ and
    $\hat v$ are divided by $1 - \beta_1^t$ and $1 - \beta_2^t$.

    Returns:
        The new parameters, which are views of one vector, and the new state. Neither `params`
        nor `state` is changed.
    """
    gradient = ravel(grads, like=params)
    steps = state.steps + 1
    mean = b1 * state.mean
    mean += (1 - b1) * gradient
    np.square(gradient, out=gradient)
    gradient *= 1 - b2
    square = b2 * state.square
    square += gradient
    scale = np.sqrt(square, out=gradient)
    scale *= 1 / np.sqrt(1 - b2**steps)
    scale += eps
    np.divide(mean, scale, out=scale)
    scale *= -learning_rate / (1 - b1**steps)
    scale += ravel(params)
    return unravel(scale, params), AdamState(steps, mean, square)


def clip_by_global_norm(grads: Tree, max_norm: float) -> Tree:
    """Shorten the gradients to `max_norm` where all together are longer (Pascanu et al. 2013).

    The same as `optax.clip_by_global_norm`.
    """
    norm = np.linalg.norm(ravel(grads))
    return grads if norm < max_norm else tree_map(lambda g: g * (max_norm / norm), grads)
