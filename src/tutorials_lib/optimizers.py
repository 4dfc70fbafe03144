r"""Optimizers in NumPy: what Optax does on the JAX side.

All parameters are updated as one vector. A network has many small arrays, and a dozen NumPy calls
for each of them would cost more than the arithmetic; with one vector it is a dozen calls in all.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.trees import Tree, Vector, ravel, tree_map, unravel


class AdamState(NamedTuple):
    """What Adam remembers.

    Attributes:
        steps: how many have been taken.
        mu: the running mean of the gradients, before its correction for starting at zero.
        nu: the running mean of their squares, likewise.
    """

    steps: np.int32
    mu: Vector
    nu: Vector


def adam_start(params: Tree) -> AdamState:
    """The state before the first step."""
    zeros = np.zeros_like(ravel(params))
    return AdamState(steps=np.int32(0), mu=zeros, nu=zeros)


def adam_update(
    params: Tree,
    grads: Tree,
    state: AdamState,
    *,
    learning_rate: Any,
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
    steps = int(state.steps) + 1
    mean = b1 * state.mu
    mean += (1 - b1) * gradient
    np.square(gradient, out=gradient)
    gradient *= 1 - b2
    square = b2 * state.nu
    square += gradient
    scale = np.sqrt(square, out=gradient)
    scale *= 1 / math.sqrt(1 - b2**steps)  # a number of NumPy's would make all of it float64
    scale += eps
    np.divide(mean, scale, out=scale)
    scale *= -float(learning_rate) / (1 - b1**steps)
    scale += ravel(params)
    return unravel(scale, params), AdamState(np.int32(steps), mean, square)


class MomentumState(NamedTuple):
    """What gradient descent with momentum remembers.

    Attributes:
        steps: how many have been taken.
        trace: the decaying sum of the gradients, a tree with the keys of the parameters.
    """

    steps: np.int32
    trace: Tree


def nesterov_start(params: Tree) -> MomentumState:
    """The state before the first step."""
    return MomentumState(steps=np.int32(0), trace=tree_map(np.zeros_like, params))


def nesterov_update(
    params: Tree, grads: Tree, state: MomentumState, *, learning_rate: Any, momentum: float
) -> tuple[Tree, MomentumState]:
    r"""One step of gradient descent with Nesterov's momentum, as `optax.sgd` takes it.

    $v \leftarrow \mu v + g$ and $\theta \leftarrow \theta - \eta (g + \mu v)$ (Sutskever et al.
    2013, section 2, in the form of Bengio et al. 2013).

    Returns:
        The new parameters and the new state. Neither `params` nor `state` is changed.
    """
    trace = tree_map(lambda v, g: momentum * v + g, state.trace, grads)
    params = tree_map(lambda p, v, g: p - learning_rate * (g + momentum * v), params, trace, grads)
    return params, MomentumState(np.int32(state.steps + 1), trace)


def clip_by_global_norm(grads: Tree, max_norm: float) -> Tree:
    """Shorten the gradients to `max_norm` where all together are longer (Pascanu et al. 2013).

    The same as `optax.clip_by_global_norm`.
    """
    norm = np.linalg.norm(ravel(grads))
    return grads if norm < max_norm else tree_map(lambda g: g * (max_norm / norm), grads)
