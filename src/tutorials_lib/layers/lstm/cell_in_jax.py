"""The cell of `tutorials_lib.layers.lstm.in_jax`, for who drives it step by step."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from tutorials_lib.layers.in_jax import Linear

State = Float[Array, "batch hidden"]
Memory = tuple[State, State]
"""The state $h$, which is given away, and the cell $c$, which is kept."""


class Cell(nnx.Module):
    r"""Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    $i, f, o = \sigma(\cdot)$ and $g = \tanh(\cdot)$ of their quarters of $x W + b + h U$,
    $c' = f \odot c + i \odot g$ and $h' = o \odot \tanh c'$. The bias of the forget gate starts at
    one, so that a fresh cell keeps what it holds.
    """

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.input = Linear(features, 4 * hidden, bias_init=_remember, rngs=rngs)
        self.recurrent = nnx.Linear(hidden, 4 * hidden, use_bias=False, rngs=rngs)

    def drive(self, x: Float[Array, "*leading features"]) -> Float[Array, "*leading gates"]:
        """$x W + b$, for one step or for many."""
        return self.input(x)

    def step(self, memory: Memory, drive: Float[Array, "batch gates"]) -> Memory:
        """The next state and cell."""
        state, cell = memory
        let_in, forget, output, candidate = jnp.split(drive + self.recurrent(state), 4, axis=-1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(let_in) * jnp.tanh(candidate)
        return jax.nn.sigmoid(output) * jnp.tanh(cell), cell


def _remember(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """One for the forget gate, zero for the others."""
    return jnp.repeat(jnp.array([0, 1, 0, 0], dtype), shape[0] // 4)
