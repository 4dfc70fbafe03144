r"""Long short-term memory that goes on from a given state, over packed sequences, in NumPy.

The sequences of a batch stand in falling order of length, and rows are packed as
`tutorials_lib.layers.recurrent.packed` says: nothing is computed for padding. The gates stand side
by side in the order input, forget, output, candidate.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from tutorials_lib.layers.recurrent.packed import states_before, steps_of

PackedDrive = Float[np.ndarray, "rows gates"]
PackedStates = Float[np.ndarray, "rows hidden"]
State = Float[np.ndarray, "batch hidden"]
Memory = tuple[State, State]
"""The state $h$, which is given away, and the cell $c$, which is kept."""

Kernel = Float[np.ndarray, "hidden gates"]


def lstm_step(drive: Float[np.ndarray, "batch gates"], memory: Memory, kernel: Kernel) -> Memory:
    """One step of `packed_lstm`, for who decides by each state what the next step reads."""
    state, cell = memory
    gates = state @ kernel
    gates += drive
    let_in, forget, output, candidate = np.split(_open(gates), 4, axis=1)
    cell = forget * cell + let_in * candidate
    return output * np.tanh(cell), cell


def packed_lstm(
    drive: PackedDrive, initial: Memory, recurrent_kernel: Kernel, counts: Sequence[int]
) -> tuple[PackedStates, Callable[[PackedStates], tuple[PackedDrive, Memory, Kernel]]]:
    r"""The states after every step (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    $i, f, o = \sigma(\cdot)$ and $g = \tanh(\cdot)$ of their quarters of $d_t + h_{t-1} U$,
    $c_t = f \odot c_{t-1} + i \odot g$ and $h_t = o \odot \tanh c_t$.

    Args:
        drive: $d_t$, what the inputs and the bias contribute.
        initial: $h_0$ and $c_0$, one for each sequence.
        recurrent_kernel: $U$.
        counts: how many sequences have each step; all have the first, and they never grow.

    Returns:
        The states, and the function that takes their gradients to those of `drive`, `initial`
        and `recurrent_kernel`.
    """
    batch, hidden = initial[0].shape
    states, cells = (
        np.concatenate([each, np.empty((len(drive), hidden), drive.dtype)]) for each in initial
    )
    blocks = steps_of([batch, *counts])  # of both, whose first one is `initial`
    gates, squashed = np.empty_like(drive), np.empty((len(drive), hidden), drive.dtype)
    let_in, forget, output, candidate = np.split(gates, 4, axis=1)
    for t, now in enumerate(steps_of(counts)):
        before = slice(blocks[t].start, blocks[t].start + counts[t])
        np.matmul(states[before], recurrent_kernel, out=gates[now])
        gates[now] += drive[now]
        _open(gates[now])
        cell = np.multiply(forget[now], cells[before], out=cells[blocks[t + 1]])
        cell += np.multiply(let_in[now], candidate[now], out=squashed[now])
        np.tanh(cell, out=squashed[now])
        np.multiply(output[now], squashed[now], out=states[blocks[t + 1]])

    def vjp(dstates: PackedStates) -> tuple[PackedDrive, Memory, Kernel]:
        # All that no later step changes is computed for all rows at once.
        by_cell = output * (1 - squashed**2)
        slopes = np.concatenate(
            [
                candidate * let_in * (1 - let_in),
                states_before(cells, batch, counts) * forget * (1 - forget),
                squashed * output * (1 - output),
                let_in * (1 - candidate**2),
            ],
            axis=1,
        ).reshape(-1, 4, hidden)
        backward_kernel = np.ascontiguousarray(recurrent_kernel.T)
        dgates = np.empty_like(slopes)
        dstate, dcell = np.zeros((2, batch, hidden), drive.dtype)
        for now in reversed(steps_of(counts)):
            count = now.stop - now.start
            dnow, dcell_now = dstate[:count], dcell[:count]
            dnow += dstates[now]
            dcell_now += dnow * by_cell[now]
            np.multiply(slopes[now], dcell_now[:, None], out=dgates[now])
            np.multiply(slopes[now, 2], dnow, out=dgates[now, 2])
            dcell_now *= forget[now]
            np.matmul(dgates[now].reshape(count, -1), backward_kernel, out=dnow)
        ddrive = dgates.reshape(drive.shape)
        return ddrive, (dstate, dcell), states_before(states, batch, counts).T @ ddrive

    return states[batch:], vjp


def _open(gates: np.ndarray) -> np.ndarray:
    """Logistic functions of three quarters and a tanh of the last, in place: one tanh for all."""
    open_ = gates[:, : gates.shape[1] // 4 * 3]
    open_ *= 0.5  # σ(z) = tanh(z / 2) / 2 + 1/2
    np.tanh(gates, out=gates)
    open_ *= 0.5
    open_ += 0.5
    return gates
