r"""The gated recurrent unit over sequences of different lengths without any padding, in NumPy.

The sequences of a batch stand in falling order of length, so that those which have a step $t$ are
the first `counts[t]`. What belongs to them is *packed*: the rows of the first step, then those of
the second, and so on. A step is one block of memory, and nothing is computed for padding.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

PackedDrive = Float[np.ndarray, "*units rows gates"]
PackedStates = Float[np.ndarray, "*units rows hidden"]
Initial = Float[np.ndarray, "*units batch hidden"]
Kernel = Float[np.ndarray, "*units hidden gates"]


def steps_of(counts: Sequence[int]) -> list[slice]:
    """Where the rows of each step are, for so many of them."""
    stops = np.cumsum(counts).tolist()
    return [slice(stop - count, stop) for stop, count in zip(stops, counts, strict=True)]


def packed_gru(
    drive: PackedDrive, initial: Initial, recurrent_kernel: Kernel, counts: Sequence[int]
) -> tuple[PackedStates, Callable[[PackedStates], tuple[PackedDrive, Initial, Kernel]]]:
    """As `tutorials_lib.layers.recurrent.in_numpy.gru`, for packed rows.

    Arrays may have axes in front of these: so many units then run side by side, each with a
    kernel of its own.

    Args:
        drive: what the inputs contribute, for both gates and the candidate side by side.
        initial: the states before the first step, one for each sequence.
        recurrent_kernel: from the state to the same three.
        counts: how many sequences have each step; all have the first, and they never grow.

    Returns:
        The states after every step, and the function that takes their gradients to those of
        `drive`, `initial` and `recurrent_kernel`.
    """
    *units, batch, hidden = initial.shape
    rows = drive.shape[-2]
    both, last = slice(2 * hidden), slice(2 * hidden, None)
    memory = np.concatenate([initial, np.empty((*units, rows, hidden), drive.dtype)], axis=-2)
    blocks = steps_of([batch, *counts])  # of `memory`, whose first one is `initial`
    recurrent = np.empty_like(drive)
    gates = np.empty((*units, rows, 2 * hidden), drive.dtype)
    reset, update = gates[..., :hidden], gates[..., hidden:]
    candidates = np.empty((*units, rows, hidden), drive.dtype)
    for t, now in enumerate(steps_of(counts)):
        before = memory[..., blocks[t], :][..., : counts[t], :]
        after = memory[..., blocks[t + 1], :]
        product = np.matmul(before, recurrent_kernel, out=recurrent[..., now, :])
        sigmoid(np.add(drive[..., now, both], product[..., both], out=gates[..., now, :]))
        candidate = candidates[..., now, :]
        np.multiply(reset[..., now, :], product[..., last], out=candidate)
        candidate += drive[..., now, last]
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=after)  # h' = n + z (h - n)
        after *= update[..., now, :]
        after += candidate

    def vjp(dstates: PackedStates) -> tuple[PackedDrive, Initial, Kernel]:
        before = states_before(memory, batch, counts)
        by_candidate = (1 - update) * (1 - candidates**2)
        by_update = (before - candidates) * update * (1 - update)
        by_reset = recurrent[..., last] * reset * (1 - reset)
        backward_kernel = np.ascontiguousarray(recurrent_kernel.swapaxes(-1, -2))
        drecurrent = np.empty_like(drive)
        dcandidates = np.empty_like(candidates)
        dstate = np.zeros_like(initial)
        for now in reversed(steps_of(counts)):
            dnow = dstate[..., : now.stop - now.start, :]
            dnow += dstates[..., now, :]
            dcandidate = dcandidates[..., now, :]
            np.multiply(dnow, by_candidate[..., now, :], out=dcandidate)
            dgates = drecurrent[..., now, :]
            np.multiply(dcandidate, by_reset[..., now, :], out=dgates[..., :hidden])
            np.multiply(dnow, by_update[..., now, :], out=dgates[..., hidden : 2 * hidden])
            np.multiply(dcandidate, reset[..., now, :], out=dgates[..., last])
            dnow *= update[..., now, :]
            dnow += dgates @ backward_kernel
        dkernel = before.swapaxes(-1, -2) @ drecurrent
        ddrive = drecurrent
        ddrive[..., last] = dcandidates
        return ddrive, dstate, dkernel

    return memory[..., batch:, :], vjp


def states_before(
    memory: Float[np.ndarray, "*units all_rows hidden"], batch: int, counts: Sequence[int]
) -> PackedStates:
    """Of every packed row the state that it came from; `memory` has the initial ones in front."""
    blocks = zip(steps_of([batch, *counts]), counts, strict=False)
    return np.concatenate([memory[..., block, :][..., :count, :] for block, count in blocks], -2)


def sigmoid(x: np.ndarray) -> None:
    """The logistic function in place, as a hyperbolic tangent, which cannot overflow."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5
