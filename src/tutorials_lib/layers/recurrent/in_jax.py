r"""Recurrent cells for Flax NNX, and the loop that runs one over a padded sequence.

A cell computes one step in two parts. `drive(x)` is what the input alone contributes, and
`step(state, drive)` the rest; Flax's own cells (`nnx.GRUCell`) compute the same.
"""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from tutorials_lib.layers.in_jax import Linear

Inputs = Float[Array, "*leading features"]
Drive = Float[Array, "*leading gates"]
State = Float[Array, "batch hidden"]
States = Float[Array, "time batch hidden"]


@runtime_checkable
class Cell(Protocol):
    """What `run` needs of a cell."""

    def drive(self, x: Inputs) -> Drive:
        """What the inputs contribute to the next state, for one step or for many."""
        ...

    def step(self, state: State, drive: Float[Array, "batch gates"]) -> State:
        """The next state."""
        ...


class Elman(nnx.Module):
    r"""The simplest recurrent cell (Elman 1990): $h_t = \tanh(x_t W + b + h_{t-1} U)$."""

    num_gates = 1

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.input, self.recurrent = _kernels(features, hidden, self.num_gates, rngs)

    def drive(self, x: Inputs) -> Drive:
        """$x_t W + b$."""
        return self.input(x)

    def step(self, state: State, drive: Float[Array, "batch gates"]) -> State:
        """The next state."""
        return jnp.tanh(drive + self.recurrent(state))


class GRU(nnx.Module):
    r"""The gated recurrent unit (Cho et al. 2014), with the reset gate behind the product.

    $r = \sigma(d^r + h_{t-1} U^r)$, $z = \sigma(d^z + h_{t-1} U^z)$,
    $n = \tanh(d^n + r \odot h_{t-1} U^n)$ and $h_t = (1 - z) \odot n + z \odot h_{t-1}$, where
    $(d^r, d^z, d^n) = x_t W + b$.
    """

    num_gates = 3

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.input, self.recurrent = _kernels(features, hidden, self.num_gates, rngs)

    def drive(self, x: Inputs) -> Drive:
        """$x_t W + b$ for both gates and the candidate, side by side."""
        return self.input(x)

    def step(self, state: State, drive: Float[Array, "batch gates"]) -> State:
        """The next state: a mixture of the last one and a candidate."""
        reset_drive, update_drive, candidate_drive = jnp.split(drive, 3, axis=-1)
        to_reset, to_update, to_candidate = jnp.split(self.recurrent(state), 3, axis=-1)
        reset = jax.nn.sigmoid(reset_drive + to_reset)
        update = jax.nn.sigmoid(update_drive + to_update)
        candidate = jnp.tanh(candidate_drive + reset * to_candidate)
        return (1 - update) * candidate + update * state


def run(
    cell: Cell,
    x: Float[Array, "time batch features"],
    initial: State,
    mask: Bool[Array, "time batch"],
    *,
    truncate: int | None = None,
    hoist: bool = False,
) -> tuple[State, States]:
    """The last state, and the states after every step.

    Args:
        cell: computes one step.
        x: the inputs, time first.
        initial: the state before the first step.
        mask: True at real steps; at the others the state stays as it is.
        truncate: if given, no gradient crosses from a step whose place is a multiple of this
            to the step before it.
        hoist: whether the drive of all steps is computed before the loop, as one product.
    """

    def step(state: State, this: tuple[Array, Array, Array]) -> tuple[State, State]:
        t, inputs, is_real = this
        if truncate is not None:
            is_cut = (t > 0) & (t % truncate == 0)
            state = jnp.where(is_cut, jax.lax.stop_gradient(state), state)
        proposed = cell.step(state, inputs if hoist else cell.drive(inputs))
        state = jnp.where(is_real[:, None], proposed, state)
        return state, state

    inputs = cell.drive(x) if hoist else x
    return jax.lax.scan(step, initial, (jnp.arange(len(x)), inputs, mask))


def _kernels(
    features: int, hidden: int, num_gates: int, rngs: nnx.Rngs
) -> tuple[nnx.Linear, nnx.Linear]:
    """The maps from input and state to all gates; rows of the latter are orthogonal."""
    orthogonal = nnx.initializers.orthogonal()
    return (
        Linear(features, num_gates * hidden, rngs=rngs),
        nnx.Linear(hidden, num_gates * hidden, use_bias=False, kernel_init=orthogonal, rngs=rngs),
    )
