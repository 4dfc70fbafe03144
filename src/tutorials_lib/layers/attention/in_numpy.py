r"""The layers of a transformer in NumPy with gradients by hand, in the manner of `jax.vjp`.

As in `tutorials_lib.layers.in_numpy`, `y, vjp = layer(x, **params)` computes the output and a
function that takes the gradient with respect to `y` to those with respect to the inputs, in their
order. Gradients of parameters come as dicts with the names of the parameters.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from tutorials_lib.layers.linear.in_numpy import Linear, linear

Anything = Float[np.ndarray, "*shape"]
Vectors = Float[np.ndarray, "*rest features"]
PerFeature = Float[np.ndarray, " features"]
Sequences = Float[np.ndarray, "batch time width"]
Queries = Float[np.ndarray, "batch heads queries features"]
Keys = Float[np.ndarray, "batch heads keys features"]
Weights = Float[np.ndarray, "batch heads queries keys"]
Mask = Bool[np.ndarray, "*mask"]
"""True where a query may see a key; broadcast to `[batch heads queries keys]`."""

Grads = dict[str, Any]
"""The gradients of a layer's parameters, by their names."""

_GELU_SCALE = float(np.sqrt(2 / np.pi))
_GELU_CUBE = 0.044715


def layer_norm(
    x: Vectors, scale: PerFeature, bias: PerFeature, *, epsilon: float = 1e-5
) -> tuple[Vectors, Callable[[Vectors], tuple[Vectors, Grads]]]:
    r"""Normalize every vector by its own mean and variance (Ba et al. 2016).

    $y = \gamma \, (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$, with scale $\gamma$ and bias
    $\beta$.
    """
    width = x.shape[-1]
    normal = x - np.add.reduce(x, -1, keepdims=True) * (1 / width)
    inverse = 1 / np.sqrt(np.vecdot(normal, normal)[..., None] * (1 / width) + epsilon)
    normal *= inverse
    y = normal * scale
    y += bias

    def vjp(dy: Vectors) -> tuple[Vectors, Grads]:
        rows = dy.reshape(-1, width)
        dscale = np.einsum("nd,nd->d", rows, normal.reshape(-1, width))
        dx = dy * scale
        # Each x moves its own y and, through mean and variance, every other y of its vector.
        along = np.vecdot(dx, normal)[..., None] * (1 / width)
        dx -= np.add.reduce(dx, -1, keepdims=True) * (1 / width)
        dx -= normal * along
        dx *= inverse
        return dx, {"scale": dscale, "bias": rows.sum(0)}

    return y, vjp


def gelu(x: Anything) -> tuple[Anything, Callable[[Anything], Anything]]:
    r"""$\tfrac12 x \, (1 + \tanh(\sqrt{2/\pi} \, (x + 0.044715 \, x^3)))$, as GPT-2 has it.

    The approximation to $x \, \Phi(x)$ by Hendrycks and Gimpel (2016).
    """
    tanh = x * x
    tanh *= _GELU_SCALE * _GELU_CUBE
    tanh += _GELU_SCALE
    tanh *= x
    np.tanh(tanh, out=tanh)
    y = tanh + 1
    y *= x
    y *= 0.5

    def vjp(dy: Anything) -> Anything:
        # dy/dx = (1 + t) / 2 + x (1 - t^2) / 2 * (the derivative of what tanh is taken of)
        inner = x * x
        inner *= 3 * _GELU_SCALE * _GELU_CUBE
        inner += _GELU_SCALE
        inner *= x
        dx = tanh * tanh
        np.subtract(1, dx, out=dx)
        dx *= inner
        dx += tanh
        dx += 1
        dx *= dy
        dx *= 0.5
        return dx

    return y, vjp


# ---------------------------------------------------------------- attention


def causal_mask(num_queries: int, num_keys: int | None = None) -> Bool[np.ndarray, "queries keys"]:
    """What a query may see: its own key and those before it; the last query sees all keys."""
    num_keys = num_queries if num_keys is None else num_keys
    return np.tri(num_queries, num_keys, num_keys - num_queries, dtype=bool)


def attention_weights(queries: Queries, keys: Keys, mask: Mask | None = None) -> Weights:
    r"""$\mathrm{softmax}(q k^\top / \sqrt{d})$ over the keys, for $d$ features.

    Args:
        queries: what is looked for.
        keys: what there is to be found.
        mask: true where a query may see a key; each must see one. Without it all see all.
    """
    weights = queries @ keys.swapaxes(-1, -2)
    weights *= queries.shape[-1] ** -0.5
    if mask is not None:
        np.copyto(weights, -np.inf, where=~mask)
    weights -= np.maximum.reduce(weights, -1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= np.add.reduce(weights, -1, keepdims=True)
    return weights


def attention(
    queries: Queries, keys: Keys, values: Keys, mask: Mask | None = None
) -> tuple[Queries, Callable[[Queries], tuple[Queries, Keys, Keys]]]:
    r"""$\mathrm{softmax}(q k^\top / \sqrt{d})\, v$: every query gets a mixture of the values.

    Equation 1 of Vaswani et al. (2017). See `attention_weights` for the mask.
    """
    weights = attention_weights(queries, keys, mask)

    def vjp(dy: Queries) -> tuple[Queries, Keys, Keys]:
        dvalues = weights.swapaxes(-1, -2) @ dy
        dscores = dy @ values.swapaxes(-1, -2)
        dscores -= np.vecdot(weights, dscores)[..., None]
        dscores *= weights
        dscores *= queries.shape[-1] ** -0.5
        return dscores @ keys, dscores.swapaxes(-1, -2) @ queries, dvalues

    return weights @ values, vjp


def split_heads(x: Sequences, num_heads: int) -> Queries:
    """A view with one axis more: `[batch, time, heads * features]`, the heads in front."""
    batch, time, width = x.shape
    return x.reshape(batch, time, num_heads, width // num_heads).transpose(0, 2, 1, 3)


def merge_heads(x: Queries) -> Sequences:
    """The inverse of `split_heads`."""
    batch, num_heads, time, features = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, time, num_heads * features)


def self_attention(
    x: Sequences,
    project_in: Linear,
    project_out: Linear,
    *,
    num_heads: int,
    mask: Mask | None = None,
) -> tuple[Sequences, Callable[[Sequences], tuple[Sequences, Linear, Linear]]]:
    """Attention of a sequence to itself, in several heads, between two linear layers.

    Args:
        x: the sequences.
        project_in: to queries, keys and values side by side, in this order.
        project_out: from the heads, side by side.
        num_heads: how many patterns of attention there are; they share the width.
        mask: see `attention_weights`.
    """
    projected, in_vjp = linear(x, **project_in)
    queries, keys, values = (
        split_heads(part, num_heads) for part in np.split(projected, 3, axis=-1)
    )
    mixed, attention_vjp = attention(queries, keys, values, mask)
    y, out_vjp = linear(merge_heads(mixed), **project_out)

    def vjp(dy: Sequences) -> tuple[Sequences, Linear, Linear]:
        dmerged, dproject_out = out_vjp(dy)
        dparts = attention_vjp(split_heads(dmerged, num_heads))
        dprojected = np.concatenate([merge_heads(dpart) for dpart in dparts], axis=-1)
        dx, dproject_in = in_vjp(dprojected)
        return dx, dproject_in, dproject_out

    return y, vjp


def causal_self_attention(
    x: Sequences, project_in: Linear, project_out: Linear, *, num_heads: int
) -> tuple[Sequences, Callable[[Sequences], tuple[Sequences, Linear, Linear]]]:
    """`self_attention` in which no token sees a later one."""
    mask = causal_mask(x.shape[1])
    return self_attention(x, project_in, project_out, num_heads=num_heads, mask=mask)
