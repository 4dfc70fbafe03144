r"""Recurrent layers in NumPy, with back-propagation through time by hand.

`states, vjp = layer(drive, initial, recurrent_kernel, ...)` runs a layer over a sequence, and
`vjp` takes the gradient with respect to all states back through time. Time comes first, so that a
step is one block of memory.

`drive` is what the inputs alone contribute, $x_t W + b$. It does not depend on the state, and one
product computes it for all steps before the loop begins (`tutorials_lib.layers.linear`). In the
same way the gradients that do not depend on other steps are computed for all steps at once.

A `mask` says which steps are real. At a padded step the state stays as it is, whatever the drive
says there, and no gradient goes to the drive: the last state is that after the last real step.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

Drive = Float[np.ndarray, "time batch gates"]
States = Float[np.ndarray, "time batch hidden"]
State = Float[np.ndarray, "batch hidden"]
RecurrentKernel = Float[np.ndarray, "hidden gates"]
Mask = Bool[np.ndarray, "time batch"]
Vjp = Callable[[States], tuple[Drive, State, RecurrentKernel]]


def elman(
    drive: Drive,
    initial: State,
    recurrent_kernel: RecurrentKernel,
    mask: Mask | None = None,
    *,
    truncate: int | None = None,
) -> tuple[States, Vjp]:
    r"""The simplest recurrent layer (Elman 1990): $h_t = \tanh(d_t + h_{t-1} U)$.

    Args:
        drive: $d_t = x_t W + b$, with as many gates as hidden units.
        initial: $h_0$, the state before the first step.
        recurrent_kernel: $U$.
        mask: True at real steps (default: all are).
        truncate: if given, no gradient crosses from a step whose place is a multiple of this
            to the step before it.

    Returns:
        The states after every step, and the function that takes their gradients to those of
        `drive`, `initial` and `recurrent_kernel`.
    """
    memory = _with_initial(initial, len(drive))
    padded = _padded_rows(mask)
    for t, (before, after) in enumerate(pairwise(memory)):
        np.matmul(before, recurrent_kernel, out=after)
        after += drive[t]
        np.tanh(after, out=after)
        if t in padded:
            np.copyto(after, before, where=padded[t])
    states = memory[1:]

    def vjp(dstates: States) -> tuple[Drive, State, RecurrentKernel]:
        slope = 1 - states**2
        if mask is not None:
            slope *= mask[..., None]
        backward_kernel = np.ascontiguousarray(recurrent_kernel.T)
        ddrive = np.empty_like(states)
        dstate = np.zeros_like(initial)
        dbefore = np.empty_like(initial)
        for t in reversed(range(len(states))):
            dstate += dstates[t]
            np.multiply(dstate, slope[t], out=ddrive[t])
            if _is_cut(t, truncate):
                dstate[...] = 0
                continue
            np.matmul(ddrive[t], backward_kernel, out=dbefore)
            if t in padded:
                np.copyto(dbefore, dstate, where=padded[t])
            dstate, dbefore = dbefore, dstate
        return ddrive, dstate, _kernel_gradient(memory[:-1], ddrive)

    return states, vjp


def gru(
    drive: Drive,
    initial: State,
    recurrent_kernel: RecurrentKernel,
    mask: Mask | None = None,
    *,
    truncate: int | None = None,
) -> tuple[States, Vjp]:
    r"""The gated recurrent unit (Cho et al. 2014), with the reset gate behind the product.

    $r = \sigma(d^r + h_{t-1} U^r)$, $z = \sigma(d^z + h_{t-1} U^z)$,
    $n = \tanh(d^n + r \odot h_{t-1} U^n)$ and $h_t = (1 - z) \odot n + z \odot h_{t-1}$, which is
    what `flax.nnx.GRUCell` computes: one product a step.

    Args:
        drive: $(d^r, d^z, d^n) = x_t W + b$, side by side.
        initial: $h_0$, the state before the first step.
        recurrent_kernel: $(U^r, U^z, U^n)$, side by side.
        mask: True at real steps (default: all are).
        truncate: if given, no gradient crosses from a step whose place is a multiple of this
            to the step before it.

    Returns:
        The states after every step, and the function that takes their gradients to those of
        `drive`, `initial` and `recurrent_kernel`.
    """
    steps, batch, _ = drive.shape
    hidden = len(recurrent_kernel)
    both, last = slice(0, 2 * hidden), slice(2 * hidden, None)
    padded = _padded_rows(mask)
    memory = _with_initial(initial, steps)
    recurrent = np.empty_like(drive)
    gates = np.empty((steps, batch, 2 * hidden), drive.dtype)
    reset, update = gates[..., :hidden], gates[..., hidden:]
    candidates = np.empty((steps, batch, hidden), drive.dtype)
    for t, (before, after) in enumerate(pairwise(memory)):
        np.matmul(before, recurrent_kernel, out=recurrent[t])
        np.add(drive[t, :, both], recurrent[t, :, both], out=gates[t])
        _sigmoid(gates[t])
        candidate = np.multiply(reset[t], recurrent[t, :, last], out=candidates[t])
        candidate += drive[t, :, last]
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=after)  # h' = n + z (h - n)
        after *= update[t]
        after += candidate
        if t in padded:
            np.copyto(after, before, where=padded[t])

    def vjp(dstates: States) -> tuple[Drive, State, RecurrentKernel]:
        if mask is not None:
            update[~mask] = 1  # a padded step keeps all of the state
        by_candidate = (1 - update) * (1 - candidates**2)
        by_update = (memory[:-1] - candidates) * update * (1 - update)
        by_reset = recurrent[..., last] * reset * (1 - reset)
        backward_kernel = np.ascontiguousarray(recurrent_kernel.T)
        drecurrent = np.empty_like(drive)
        dcandidates = np.empty_like(candidates)
        dstate = np.zeros_like(initial)
        through_gates = np.empty_like(initial)
        for t in reversed(range(steps)):
            dstate += dstates[t]
            dcandidate = np.multiply(dstate, by_candidate[t], out=dcandidates[t])
            np.multiply(dcandidate, by_reset[t], out=drecurrent[t, :, :hidden])
            np.multiply(dstate, by_update[t], out=drecurrent[t, :, hidden : 2 * hidden])
            np.multiply(dcandidate, reset[t], out=drecurrent[t, :, last])
            if _is_cut(t, truncate):
                dstate[...] = 0
                continue
            np.matmul(drecurrent[t], backward_kernel, out=through_gates)
            dstate *= update[t]
            dstate += through_gates
        dkernel = _kernel_gradient(memory[:-1], drecurrent)
        ddrive = drecurrent
        ddrive[..., last] = dcandidates
        return ddrive, dstate, dkernel

    return memory[1:], vjp


def _with_initial(initial: State, steps: int) -> Float[np.ndarray, "moments batch hidden"]:
    """Room for the states before and after every step, the first of them filled in."""
    memory = np.empty((steps + 1, *initial.shape), initial.dtype)
    memory[0] = initial
    return memory


def _padded_rows(mask: Mask | None) -> dict[int, Bool[np.ndarray, "batch 1"]]:
    """For each step that has padding, which rows are padded there."""
    if mask is None:
        return {}
    rows = ~mask[..., None]
    return {int(t): rows[t] for t in np.flatnonzero(rows.any((1, 2)))}


def _is_cut(step: int, truncate: int | None) -> bool:
    """Whether no gradient goes from `step` to the one before it."""
    return truncate is not None and step > 0 and step % truncate == 0


def _sigmoid(x: np.ndarray) -> None:
    """The logistic function in place, as a hyperbolic tangent, which cannot overflow."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def _kernel_gradient(before: States, drecurrent: Drive) -> RecurrentKernel:
    """The sum over all steps and rows, as one product."""
    rows, columns = before.shape[-1], drecurrent.shape[-1]
    return before.reshape(-1, rows).T @ drecurrent.reshape(-1, columns)
