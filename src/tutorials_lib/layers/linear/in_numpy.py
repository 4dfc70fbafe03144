"""Linear layers and embeddings in NumPy, with gradients by hand.

`y, vjp = layer(...)` as in `tutorials_lib.layers.in_numpy`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

Vectors = Float[np.ndarray, "*rest features"]

Linear = dict[str, Any]
"""`{"kernel": [features, outputs], "bias": [outputs]}`."""


def linear(
    x: Vectors, kernel: Float[np.ndarray, "features outputs"], bias: Float[np.ndarray, " outputs"]
) -> tuple[
    Float[np.ndarray, "*rest outputs"],
    Callable[[Float[np.ndarray, "*rest outputs"]], tuple[Vectors, Linear]],
]:
    """$y = x W + b$ for every vector, as one product of matrices.

    The gradients of kernel and bias come second, as a dict.
    """
    rows = x.reshape(-1, x.shape[-1])
    y = rows @ kernel
    y += bias

    def vjp(dy: Float[np.ndarray, "*rest outputs"]) -> tuple[Vectors, Linear]:
        drows = dy.reshape(y.shape)
        grads = {"kernel": rows.T @ drows, "bias": drows.sum(0)}
        return (drows @ kernel.T).reshape(x.shape), grads

    return y.reshape(*x.shape[:-1], -1), vjp


def embed(
    table: Float[np.ndarray, "vocab width"], tokens: Int[np.ndarray, "*rest"]
) -> tuple[
    Float[np.ndarray, "*rest width"],
    Callable[[Float[np.ndarray, "*rest width"]], Float[np.ndarray, "vocab width"]],
]:
    """The row of the table for each token; only the table has a gradient."""

    def vjp(dy: Float[np.ndarray, "*rest width"]) -> Float[np.ndarray, "vocab width"]:
        # Equal tokens side by side, so that their gradients are added in one pass.
        order = tokens.ravel().argsort(kind="stable")
        present, first = np.unique(tokens.ravel()[order], return_index=True)
        dtable = np.zeros_like(table)
        dtable[present] = np.add.reduceat(dy.reshape(-1, table.shape[1])[order], first)
        return dtable

    return table[tokens], vjp
