r"""Long short-term memory for Flax NNX, and the scan that runs it over a sequence."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

Inputs = Float[Array, "time batch features"]
State = Float[Array, "batch hidden"]
States = Float[Array, "time batch hidden"]
Memory = tuple[State, State]
"""The state $h$, which is given away, and the cell $c$, which is kept."""


class LSTM(nnx.Module):
    r"""The cell of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000).

    $i, f, o = \sigma(\cdot)$ and $g = \tanh(\cdot)$ of their quarters of $x_t W + h_{t-1} U + b$,
    $c_t = f \odot c_{t-1} + i \odot g$ and $h_t = o \odot \tanh c_t$, from $h_0 = c_0 = 0$.
    The bias of the forget gate starts at one, so that a fresh cell keeps what it holds.
    """

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.input = nnx.Linear(features, 4 * hidden, bias_init=_remember, rngs=rngs)
        self.recurrent = nnx.Linear(hidden, 4 * hidden, use_bias=False, rngs=rngs)

    def __call__(self, x: Inputs) -> tuple[State, tuple[States, States]]:
        """The state after the last step, and state and cell after every step."""
        initial = jnp.zeros((x.shape[1], self.recurrent.in_features), x.dtype)
        (last, _), memories = jax.lax.scan(self._step, (initial, initial), x)
        return last, memories

    def _step(self, memory: Memory, x_t: Float[Array, "batch features"]) -> tuple[Memory, Memory]:
        state, cell = memory
        gates = self.input(x_t) + self.recurrent(state)
        let_in, forget, output, candidate = jnp.split(gates, 4, axis=-1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(let_in) * jnp.tanh(candidate)
        memory = jax.nn.sigmoid(output) * jnp.tanh(cell), cell
        return memory, memory


def _remember(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """One for the forget gate, zero for the others."""
    return jnp.repeat(jnp.array([0, 1, 0, 0], dtype), shape[0] // 4)
