"""The bidirectional gated recurrent unit in NumPy, without any padding.

What belongs to the sequences of a batch is *packed*, as `tutorials_lib.layers.recurrent.packed`
says: the longest sequence first, and the rows of the first step before those of the second. Both
directions are at the same step of their loop, so that one loop and one product serve both.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.layers.recurrent.packed import packed_gru

Rows = Float[np.ndarray, "rows features"]
States = Float[np.ndarray, "rows states"]
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
    hidden, counts = kernels.shape[1], packing.counts
    initial = np.zeros((2, counts[0], hidden), ahead.dtype)
    drives = np.stack([ahead, behind[reverse]])
    states, states_vjp = packed_gru(drives, initial, kernels, counts)

    def vjp(dy: States) -> tuple[Rows, Cell, Cell]:
        dstates = np.stack([dy[:, :hidden], dy[reverse, hidden:]])
        ddrives, _, dkernels = states_vjp(dstates)
        dx, dforward = ahead_vjp(ddrives[0])
        dalso, dbackward = behind_vjp(ddrives[1][reverse])
        dx += dalso
        return (
            dx,
            {"input": dforward, "recurrent": {"kernel": dkernels[0]}},
            {"input": dbackward, "recurrent": {"kernel": dkernels[1]}},
        )

    return np.concatenate([states[0], states[1][reverse]], axis=1), vjp
