"""The bidirectional gated recurrent unit in NumPy, without any padding.

What belongs to the sequences of a batch is *packed*, as `tutorials_lib.layers.recurrent.packed`
says: the longest sequence first, and the rows of the first step before those of the second. Both
directions are at the same step of their loop, so that one loop and one product serve both.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.layers.attention.in_numpy import linear
from tutorials_lib.layers.recurrent.packed import sigmoid, steps_of

Rows = Float[np.ndarray, "rows features"]
States = Float[np.ndarray, "rows states"]
Drives = Float[np.ndarray, "2 rows gates"]
Cell = dict[str, Any]
"""`{"input": {"kernel", "bias"}, "recurrent": {"kernel"}}`; reset, update and candidate."""


class Packing(NamedTuple):
    """Where the rows of a batch come from.

    Attributes:
        sequence: of each row, counted in the batch as it came.
        place: of each row in its sequence.
        reverse: which row stands in the place of each when its sequence is read backwards.
        counts: how many sequences have each step.
    """

    sequence: Int[np.ndarray, " rows"]
    place: Int[np.ndarray, " rows"]
    reverse: Int[np.ndarray, " rows"]
    counts: list[int]


def pack(lengths: Int[np.ndarray, " batch"]) -> Packing:
    """The packing of sequences of these lengths.

    Raises:
        ValueError: a length is below one.
    """
    if lengths.min() < 1:
        raise ValueError(f"a sequence of length {lengths.min()}; each has one element at least")
    order = np.argsort(-lengths, kind="stable")
    place, rank = np.nonzero(np.arange(lengths.max())[:, None] < lengths[order])
    sequence = order[rank]
    rows = np.zeros((len(lengths), lengths.max()), int)
    rows[sequence, place] = np.arange(len(place))
    reverse = rows[sequence, lengths[sequence] - 1 - place]
    return Packing(sequence, place, reverse, np.bincount(place).tolist())


def bidirectional_gru(
    x: Rows, packing: Packing, forward: Cell, backward: Cell
) -> tuple[States, Callable[[States], tuple[Rows, Cell, Cell]]]:
    """The states of both directions at every row, side by side, from states of zero.

    Args:
        x: packed rows.
        packing: how they are packed.
        forward: reads each sequence from its first element to its last.
        backward: reads it from its last element to its first.

    Returns:
        The states, those of `forward` before those of `backward`, and the function that takes
        their gradients to those of `x`, `forward` and `backward`.
    """
    reverse = packing.reverse
    ahead, ahead_vjp = linear(x, **forward["input"])
    behind, behind_vjp = linear(x, **backward["input"])
    kernels = np.stack([cell["recurrent"]["kernel"] for cell in (forward, backward)])
    states, states_vjp = _two_grus(np.stack([ahead, behind[reverse]]), kernels, packing.counts)
    hidden = kernels.shape[1]

    def vjp(dy: States) -> tuple[Rows, Cell, Cell]:
        dstates = np.stack([dy[:, :hidden], dy[reverse, hidden:]])
        ddrives, dkernels = states_vjp(dstates)
        dx, dforward = ahead_vjp(ddrives[0])
        dalso, dbackward = behind_vjp(ddrives[1][reverse])
        dx += dalso
        return (
            dx,
            {"input": dforward, "recurrent": {"kernel": dkernels[0]}},
            {"input": dbackward, "recurrent": {"kernel": dkernels[1]}},
        )

    return np.concatenate([states[0], states[1][reverse]], axis=1), vjp


def _two_grus(
    drives: Drives, kernels: Float[np.ndarray, "2 hidden gates"], counts: Sequence[int]
) -> tuple[
    Float[np.ndarray, "2 rows hidden"],
    Callable[
        [Float[np.ndarray, "2 rows hidden"]],
        tuple[Drives, Float[np.ndarray, "2 hidden gates"]],
    ],
]:
    """`tutorials_lib.layers.recurrent.packed.packed_gru` for two at once."""
    rows, hidden, batch = drives.shape[1], kernels.shape[1], counts[0]
    both, last = slice(2 * hidden), slice(2 * hidden, None)
    blocks, steps = steps_of([batch, *counts]), steps_of(counts)
    memory = np.zeros((2, batch + rows, hidden), drives.dtype)
    recurrent = np.empty_like(drives)
    gates = np.empty((2, rows, 2 * hidden), drives.dtype)
    reset, update = gates[..., :hidden], gates[..., hidden:]
    candidates = np.empty((2, rows, hidden), drives.dtype)
    for t, now in enumerate(steps):
        before = memory[:, blocks[t]][:, : counts[t]]
        after = memory[:, blocks[t + 1]]
        np.matmul(before, kernels, out=recurrent[:, now])
        opened = np.add(drives[:, now, both], recurrent[:, now, both], out=gates[:, now])
        sigmoid(opened)
        candidate = np.multiply(reset[:, now], recurrent[:, now, last], out=candidates[:, now])
        candidate += drives[:, now, last]
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=after)  # h' = n + z (h - n)
        after *= update[:, now]
        after += candidate

    def vjp(
        dstates: Float[np.ndarray, "2 rows hidden"],
    ) -> tuple[Drives, Float[np.ndarray, "2 hidden gates"]]:
        before = np.concatenate(
            [memory[:, block][:, :count] for block, count in zip(blocks, counts, strict=False)], 1
        )
        by_candidate = (1 - update) * (1 - candidates**2)
        by_update = (before - candidates) * update * (1 - update)
        by_reset = recurrent[..., last] * reset * (1 - reset)
        back = np.ascontiguousarray(kernels.swapaxes(1, 2))
        drecurrent, dcandidates = np.empty_like(drives), np.empty_like(candidates)
        dstate = np.zeros((2, batch, hidden), drives.dtype)
        for now in reversed(steps):
            dnow = dstate[:, : now.stop - now.start]
            dnow += dstates[:, now]
            dcandidate = np.multiply(dnow, by_candidate[:, now], out=dcandidates[:, now])
            dgates = drecurrent[:, now]
            np.multiply(dcandidate, by_reset[:, now], out=dgates[..., :hidden])
            np.multiply(dnow, by_update[:, now], out=dgates[..., hidden : 2 * hidden])
            np.multiply(dcandidate, reset[:, now], out=dgates[..., last])
            dnow *= update[:, now]
            dnow += np.matmul(dgates, back)
        dkernels = np.matmul(before.swapaxes(1, 2), drecurrent)
        drecurrent[..., last] = dcandidates
        return drecurrent, dkernels

    return memory[:, batch:], vjp
