"""A multilayer perceptron in NumPy, with gradients by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

Params = dict[Any, Any]
"""`{"layers": {i: {"kernel", "bias"}}}`"""

Matrix = Float[np.ndarray, "batch features"]


def mlp(
    params: Params, x: Matrix, *, input_gradient: bool = True
) -> tuple[
    Float[np.ndarray, "batch outputs"],
    Callable[[Float[np.ndarray, "batch outputs"]], tuple[Matrix | None, Params]],
]:
    """Linear layers with ReLU between them.

    The first layer of an encoder needs no gradient with respect to `x`, and gets None.
    """
    layers = params["layers"]
    inputs = []
    y = x
    for i, layer in layers.items():
        if i:
            np.maximum(y, 0, out=y)
        inputs.append(y)
        y = y @ layer["kernel"]
        y += layer["bias"]

    def vjp(dy: Float[np.ndarray, "batch outputs"]) -> tuple[Matrix | None, Params]:
        grads = {}
        for i in reversed(range(len(layers))):
            grads[i] = {"kernel": inputs[i].T @ dy, "bias": dy.sum(0)}
            if not i and not input_gradient:
                return None, {"layers": grads}
            dy = dy @ layers[i]["kernel"].T
            if i:
                dy *= inputs[i] > 0
        return dy, {"layers": grads}

    return y, vjp
