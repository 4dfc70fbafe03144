"""Beam search: of all sentences begun, keep the few that are most probable (Graves 2012).

A step is a pure function of arrays, so that NumPy's loop and JAX's scan use the same one; like
`tutorials_lib.text.decoding` it asks the array for its namespace and imports neither. Who decodes
keeps what belongs to each beam (its words, a cache) and puts it in the order of `parents`.
"""

from typing import Any, NamedTuple

from tutorials_lib.text.vocabulary import PADDING

Array = Any
"""A NumPy or a JAX array."""


class Beams(NamedTuple):
    """The sentences that a step keeps, the best first.

    Attributes:
        scores: log-probabilities, `[batch, beams]`.
        parents: which of the sentences before it each one continues, `[batch, beams]`.
        tokens: with which word; `PADDING` for one that has ended, `[batch, beams]`.
        finished: whether it has ended, `[batch, beams]`.
    """

    scores: Array
    parents: Array
    tokens: Array
    finished: Array


def start_beams(batch: int, num_beams: int, *, start: int, like: Array) -> Beams:
    """One sentence of no words but `start`, and no other, for the first call of `next_beams`.

    Args:
        batch: how many sentences are searched for.
        num_beams: how many are kept of each.
        start: the word before the first one.
        like: an array of the library and the dtype that the scores shall have.

    Raises:
        ValueError: there is no beam.
    """
    if num_beams < 1:
        raise ValueError(f"num_beams is {num_beams}; at least one sentence must be kept")
    xp = like.__array_namespace__()
    one = xp.where(xp.arange(num_beams) == 0, 0.0, -xp.inf).astype(like.dtype)
    tokens = xp.full((batch, num_beams), start, dtype=xp.int32)
    scores = xp.broadcast_to(one, tokens.shape)
    return Beams(scores, xp.zeros_like(tokens), tokens, tokens != start)


def next_beams(logits: Array, beams: Beams, *, end: int) -> Beams:
    """The best continuations of all beams by one word; one that has ended stays as it is.

    Args:
        logits: of the next word of each beam, `[batch, beams, vocab]`.
        beams: what has been kept up to now.
        end: the word that ends a sentence.
    """
    xp = logits.__array_namespace__()
    batch, num_beams, vocab = logits.shape
    ended = beams.finished[:, :, None]
    stays = xp.where(xp.arange(vocab) == PADDING, 0.0, -xp.inf).astype(logits.dtype)
    steps = xp.where(ended, stays, _log_softmax(logits))
    totals = (beams.scores[:, :, None] + steps).reshape(batch, num_beams * vocab)
    scores, places = _largest(totals, num_beams)
    parents, tokens = places // vocab, places % vocab
    finished = xp.take_along_axis(beams.finished, parents, axis=1) | (tokens == end)
    return Beams(scores, parents, tokens, finished)


def best_beam(scores: Array, lengths: Array, finished: Array, *, alpha: float) -> Array:
    r"""The place of the best sentence of each batch: the largest score over length$^\alpha$.

    A longer sentence has more factors below one; $\alpha$ from 0 to 1 makes up for it. One that
    has not ended is taken only where none has.

    Args:
        scores: log-probabilities, `[batch, beams]`.
        lengths: in words, with the end, `[batch, beams]`.
        finished: whether it has ended, `[batch, beams]`.
        alpha: how much of the length is made up for.
    """
    xp = scores.__array_namespace__()
    values = scores / xp.maximum(lengths, 1).astype(scores.dtype) ** alpha
    passed_over = xp.any(finished, axis=-1, keepdims=True) & ~finished
    return xp.argmax(xp.where(passed_over, -xp.inf, values), axis=-1)


def _log_softmax(logits: Array) -> Array:
    xp = logits.__array_namespace__()
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def _largest(values: Array, k: int) -> tuple[Array, Array]:
    """The `k` largest of the last axis and their places, largest first; ties by place.

    For a handful of them, finding the largest again and again is faster than sorting all.
    """
    xp = values.__array_namespace__()
    found, places = [], []
    for _ in range(k):
        place = xp.argmax(values, axis=-1).astype(xp.int32)
        found.append(xp.take_along_axis(values, place[..., None], axis=-1))
        places.append(place[..., None])
        values = xp.where(xp.arange(values.shape[-1]) == place[..., None], -xp.inf, values)
    return xp.concat(found, axis=-1), xp.concat(places, axis=-1)
