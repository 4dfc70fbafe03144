r"""Connectionist temporal classification in NumPy, with the gradient by hand.

A *path* says one class for every frame, a label or blank. It stands for the labels that remain
when repetitions are merged and blanks are left out. The loss of a sequence is $-\ln p$, where $p$
is the probability of all paths that stand for its labels.

They are counted along the labels with a blank before, between and behind them, $2 L + 1$ *states*:
a path stays in a state, goes to the next, or skips a blank between two labels that differ.
Everything is a logarithm, since the probability of a path is a product of hundreds of factors.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.layers.bidirectional.in_numpy import Packing, pack
from tutorials_lib.layers.ctc import BLANK
from tutorials_lib.layers.recurrent.packed import steps_of

Logits = Float[np.ndarray, "time batch classes"]
Rows = Float[np.ndarray, "rows classes"]
Labels = Int[np.ndarray, "batch labels"]
Lengths = Int[np.ndarray, " batch"]
Losses = Float[np.ndarray, " batch"]
States = Float[np.ndarray, "rows states"]

_NEVER = -1e30
"""The logarithm of zero, nearly: differences of it are zero, not undefined."""


class Alignment(NamedTuple):
    """Where the labels of a batch are, as far as its logits tell.

    Attributes:
        losses: of every sequence; infinite where its labels do not fit into its frames.
        shares: of the paths of a sequence, how much is in which state at each of its frames.
        log_probs: of all classes at each frame.
        classes: of every state, `BLANK` before, between and behind the labels.
    """

    losses: Losses
    shares: States
    log_probs: Rows
    classes: Int[np.ndarray, "batch states"]


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
    if lengths.min() < 1 or lengths.max() > len(logits):
        raise ValueError(
            f"lengths from {lengths.min()} to {lengths.max()} in {len(logits)} frames; expected 1 "
            "or more frames of each sequence, and no more than there are"
        )
    packing = pack(lengths)
    losses, packed_vjp = packed_ctc_loss(logits[packing.place, packing.sequence], labels, packing)

    def vjp(dlosses: Losses) -> Logits:
        dlogits = np.zeros_like(logits)
        dlogits[packing.place, packing.sequence] = packed_vjp(dlosses)
        return dlogits

    return losses, vjp


def packed_ctc_loss(
    logits: Rows, labels: Labels, packing: Packing
) -> tuple[Losses, Callable[[Losses], Rows]]:
    """As `ctc_loss`, for packed frames, so that nothing is computed for padding."""
    found = align(logits, labels, packing)

    def vjp(dlosses: Losses) -> Rows:
        rows = np.arange(len(logits))
        places = rows[:, None] * logits.shape[1] + found.classes[packing.sequence]
        in_class = np.bincount(places.ravel(), found.shares.ravel(), logits.size)
        dlogits = np.exp(found.log_probs)
        dlogits -= in_class.reshape(logits.shape).astype(logits.dtype)
        weights = np.where(np.isfinite(found.losses), dlosses, 0).astype(logits.dtype)
        dlogits *= weights[packing.sequence, None]
        return dlogits

    return found.losses, vjp


def align(logits: Rows, labels: Labels, packing: Packing) -> Alignment:
    """All paths that stand for the labels, weighed by their probabilities."""
    log_probs = logits - np.maximum.reduce(logits, -1, keepdims=True)
    log_probs -= np.log(np.exp(log_probs).sum(-1, keepdims=True))
    batch, most = labels.shape
    classes = np.full((batch, 2 * most + 1), BLANK, labels.dtype)
    classes[:, 1::2] = labels
    emitted = np.take_along_axis(log_probs, classes[packing.sequence], axis=1)
    last = 2 * (labels != BLANK).sum(1)
    shares, behind = _both_ways(emitted, _skips(labels, emitted.dtype), last, packing)
    end = np.empty(batch, int)
    end[packing.sequence] = np.arange(len(emitted))  # the last row of each sequence stays
    scores = np.logaddexp(
        shares[end, last], np.where(last > 0, shares[end, last - 1], emitted.dtype.type(_NEVER))
    )
    possible = scores > _NEVER / 2
    shares += behind
    shares -= emitted  # both ways have counted the frame itself
    shares -= np.where(possible, scores, -_NEVER)[packing.sequence, None]
    np.exp(shares, out=shares)
    losses = np.where(possible, -scores, np.inf).astype(logits.dtype)
    return Alignment(losses, shares, log_probs, classes)


def _skips(labels: Labels, dtype: np.dtype) -> Float[np.ndarray, "batch states"]:
    """Zero where a path may come from the state but one before, else about minus infinity."""
    batch, most = labels.shape
    skips = np.full((batch, 2 * most + 1), _NEVER, dtype)
    skips[:, 3::2][(labels[:, 1:] != labels[:, :-1]) & (labels[:, 1:] != BLANK)] = 0
    return skips


def _both_ways(
    emitted: States, skips: Float[np.ndarray, "batch states"], last: Lengths, packing: Packing
) -> tuple[States, States]:
    r"""$\ln \alpha$ and $\ln \beta$: of all paths up to a state at a frame, and from it on.

    The way back is the way forth in the mirror, with time and states reversed: one loop does both.
    """
    batch, states = skips.shape
    order = packing.sequence[:batch]  # the longest sequence first
    both = np.stack([emitted, emitted[packing.reverse, ::-1]], axis=1)
    may_skip = np.full((batch, 2, states), _NEVER, emitted.dtype)
    may_skip[:, 0], may_skip[:, 1, 2:] = skips[order], skips[order, :1:-1]
    first = np.zeros((batch, 2), int)
    first[:, 1] = states - 1 - last[order]
    found = _walk(both, may_skip, first, packing)
    return found[:, 0], found[packing.reverse, 1, ::-1]


def _walk(
    emitted: Float[np.ndarray, "rows 2 states"],
    skips: Float[np.ndarray, "batch 2 states"],
    first: Int[np.ndarray, "batch 2"],
    packing: Packing,
) -> Float[np.ndarray, "rows 2 states"]:
    """The logarithm of the sum over all paths up to each state, frame by frame."""
    rows, ways, states = emitted.shape
    room = np.full((rows, ways, states + 2), _NEVER, emitted.dtype)
    batch, steps = len(skips), steps_of(packing.counts)
    for place in (first, first + 1):
        ahead = np.minimum(place, states - 1)[..., None]
        begun = np.take_along_axis(emitted[:batch], ahead, axis=2)
        np.put_along_axis(room[:batch, :, 2:], ahead, begun, axis=2)
    highest, parts = np.empty((2, batch, ways, states), emitted.dtype)
    for before, now in pairwise(steps):
        count = now.stop - now.start
        last, after = room[before][:count], room[now, :, 2:]
        most, part = highest[:count], parts[:count]
        stay, step = last[..., 2:], last[..., 1:-1]
        skip = np.add(last[..., :-2], skips[:count], out=after)
        np.maximum(stay, step, out=most)
        np.maximum(most, skip, out=most)
        after -= most
        np.exp(after, out=after)
        for each in (stay, step):
            np.subtract(each, most, out=part)
            after += np.exp(part, out=part)
        np.log(after, out=after)
        after += most
        after += emitted[now]
    return room[..., 2:]
