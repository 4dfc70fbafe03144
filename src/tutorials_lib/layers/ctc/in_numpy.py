r"""Connectionist temporal classification in NumPy, with the gradient by hand.

A *path* says one class for every frame, a label or blank. It stands for the labels that remain
when repetitions are merged and blanks are left out. The loss of a sequence is $-\ln p$, where $p$
is the probability of all paths that stand for its labels.

They are counted along the labels with a blank before, between and behind them, $2 L + 1$ *states*:
a path stays in a state, goes to the next, or skips a blank between two labels that differ.
Everything is a logarithm, since the probability of a path is a product of hundreds of factors.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.layers.ctc import BLANK

Logits = Float[np.ndarray, "time batch classes"]
Labels = Int[np.ndarray, "batch labels"]
Lengths = Int[np.ndarray, " batch"]
Losses = Float[np.ndarray, " batch"]
States = Float[np.ndarray, "time batch states"]

_NEVER = -1e30
"""The logarithm of zero, nearly: differences of it are zero, not undefined."""


class Lattice(NamedTuple):
    """Which states a sequence goes through, and between which it may skip one.

    Attributes:
        classes: of every state, `BLANK` before, between and behind the labels.
        skips: 0 where a path may come from the state but one before, else about minus infinity.
        last: the place of the last state, a blank.
    """

    classes: Int[np.ndarray, "batch states"]
    skips: Float[np.ndarray, "batch states"]
    last: Lengths


def ctc_loss(
    logits: Logits, labels: Labels, lengths: Lengths
) -> tuple[Losses, Callable[[Losses], Logits]]:
    r"""$-\ln p$ of the labels of every sequence (Graves et al. 2006, equations 6 to 16).

    Args:
        logits: of every class at every frame, the first of them that of blank.
        labels: numbers of classes, filled up with `BLANK`.
        lengths: how many frames of each sequence are real, at least one; the others count nothing.

    Returns:
        The losses, and the function that takes their gradient to that of the logits: at each
        frame the softmax minus the share of paths that are in each class there. Where there are
        fewer frames than labels and the blanks between equal ones, the loss is infinite, and the
        gradient zero.

    Raises:
        ValueError: a length is not between one and the number of frames.
    """
    time, batch, num_classes = logits.shape
    if len(lengths) and not 1 <= lengths.min() <= lengths.max() <= time:
        raise ValueError(
            f"lengths from {lengths.min()} to {lengths.max()} in {time} frames; expected 1 or "
            "more frames of each sequence, and no more than there are"
        )
    log_probs = logits - np.maximum.reduce(logits, -1, keepdims=True)
    log_probs -= np.log(np.exp(log_probs).sum(-1, keepdims=True))
    lattice = make_lattice(labels, log_probs.dtype)
    places = np.arange(batch)[:, None] * num_classes + lattice.classes
    emitted = log_probs.reshape(time, -1)[:, places]
    ahead, behind = _both_ways(emitted, lattice, lengths)
    ends = ahead[lengths - 1, np.arange(batch)]
    ends = np.take_along_axis(ends, np.maximum(lattice.last[:, None] - [0, 1], 0), 1)
    ends[lattice.last == 0, 1] = _NEVER  # no label: the only blank is first and last
    scores = np.logaddexp(*ends.T)
    possible = scores > _NEVER / 2

    def vjp(dlosses: Losses) -> Logits:
        shares = ahead + behind
        shares -= emitted  # both ways have counted the frame itself
        shares -= np.where(possible, scores, -_NEVER)[:, None]
        np.exp(shares, out=shares)
        of_class = (lattice.classes[..., None] == np.arange(num_classes)).astype(logits.dtype)
        dlogits = np.exp(log_probs)
        dlogits -= np.matmul(shares.swapaxes(0, 1), of_class).swapaxes(0, 1)
        is_real = (np.arange(time)[:, None] < lengths) & possible
        dlogits *= np.where(is_real, dlosses, 0)[..., None].astype(logits.dtype)
        return dlogits

    return np.where(possible, -scores, np.inf).astype(logits.dtype), vjp


def make_lattice(labels: Labels, dtype: np.dtype) -> Lattice:
    """The states of every sequence."""
    batch, most = labels.shape
    classes = np.full((batch, 2 * most + 1), BLANK, labels.dtype)
    classes[:, 1::2] = labels
    may_skip = np.zeros(classes.shape, bool)
    may_skip[:, 3::2] = (labels[:, 1:] != labels[:, :-1]) & (labels[:, 1:] != BLANK)
    skips = np.where(may_skip, 0, _NEVER).astype(dtype)
    return Lattice(classes, skips, 2 * (labels != BLANK).sum(1))


def _both_ways(emitted: States, lattice: Lattice, lengths: Lengths) -> tuple[States, States]:
    r"""$\ln \alpha$ and $\ln \beta$: of all paths up to a state at a frame, and from it on.

    The way back is the way forth through the mirror image, so that one loop does both.
    """
    time, batch, states = emitted.shape
    frames, sequences, places = np.ogrid[:time, :batch, :states]
    mirrored = (lengths[:, None] - 1 - frames).clip(0), sequences, _mirror(lattice, places)
    within = (places <= lattice.last[:, None]) & (frames < lengths[:, None])
    both = np.stack([emitted, np.where(within, emitted[mirrored], 0)], axis=2)
    skips = np.stack([lattice.skips, _mirrored_skips(lattice)], axis=1)
    found = _walk(both, skips, lengths)
    behind = np.where(within, found[:, :, 1][mirrored], _NEVER)
    return found[:, :, 0], behind


def _mirror(lattice: Lattice, places: Int[np.ndarray, "*one states"]) -> np.ndarray:
    """Which state stands in the place of each, when the last becomes the first."""
    return (lattice.last[:, None] - places).clip(0)


def _mirrored_skips(lattice: Lattice) -> Float[np.ndarray, "batch states"]:
    """A skip from `s - 2` to `s` becomes one from `last - s` to `last - s + 2`."""
    places = np.arange(lattice.skips.shape[1])
    source = lattice.last[:, None] + 2 - places
    inside = (source >= 2) & (source < len(places))
    taken = np.take_along_axis(lattice.skips, np.where(inside, source, 0), 1)
    return np.where(inside, taken, lattice.skips.dtype.type(_NEVER))


def _walk(
    emitted: Float[np.ndarray, "time batch ways states"],
    skips: Float[np.ndarray, "batch ways states"],
    lengths: Lengths,
) -> Float[np.ndarray, "time batch ways states"]:
    """The logarithm of the sum over all paths up to each state, frame by frame."""
    time, batch, ways, states = emitted.shape
    room = np.full((time, batch, ways, states + 2), _NEVER, emitted.dtype)
    room[0, ..., 2:4] = emitted[0, ..., :2]
    most, part = np.empty((2, batch, ways, states), emitted.dtype)
    for t in range(1, time):
        before, after = room[t - 1], room[t, ..., 2:]
        stay, step = before[..., 2:], before[..., 1:-1]
        skip = np.add(before[..., :-2], skips, out=after)
        np.maximum(stay, step, out=most)
        np.maximum(most, skip, out=most)
        after -= most
        np.exp(after, out=after)
        for each in (stay, step):
            np.subtract(each, most, out=part)
            after += np.exp(part, out=part)
        np.log(after, out=after)
        after += most
        after += emitted[t]
    return room[..., 2:]
