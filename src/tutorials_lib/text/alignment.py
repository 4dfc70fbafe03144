"""Which word of a sentence became which word of its translation, found by counting.

IBM's model 1 (Brown et al. 1993) with a preference for words at the same relative place, as in
*fast_align* (Dyer et al. 2013).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

Sentence = Sequence[str]
Links = frozenset[tuple[int, int]]
"""Pairs of the place of a source word and that of a target word."""


class Alignment(NamedTuple):
    """What alignment finds.

    Attributes:
        places: for each pair of sentences the source place of every target word.
        dictionary: the most probable target word of every source word.
    """

    places: tuple[Int[np.ndarray, " target"], ...]
    dictionary: dict[str, str]


def align(
    pairs: Sequence[tuple[Sentence, Sentence]], *, num_rounds: int = 6, tension: float = 4.0
) -> Alignment:
    r"""Expectation maximization of $p(f \mid e)$ over all pairs at once.

    Every target word comes from one source word of its sentence. A round shares each target word
    out among the source words, by the table $p(f \mid e)$ and by $e^{-\lambda \delta}$ for the
    distance $\delta$ of their relative places; the shares, summed up, are the next table.

    Args:
        pairs: source and target sentences, none of them empty.
        num_rounds: how often.
        tension: $\lambda$; 0 is IBM's model 1.

    Raises:
        ValueError: there is no pair, or a sentence has no words.
    """
    if not pairs or not all(source and target for source, target in pairs):
        raise ValueError("alignment needs at least one pair, and words in every sentence")
    source_ids, target_ids = ({}, {})
    cells, near, owners, num_target = [], [], [], 0
    for source, target in pairs:
        e = np.array([source_ids.setdefault(word, len(source_ids)) for word in source])
        f = np.array([target_ids.setdefault(word, len(target_ids)) for word in target])
        cells.append(np.add.outer(f << 32, e).ravel())
        distances = np.subtract.outer(np.arange(len(f)) / len(f), np.arange(len(e)) / len(e))
        near.append(np.exp(-tension * np.abs(distances)).ravel())
        owners.append(np.repeat(np.arange(num_target, num_target + len(f)), len(e)))
        num_target += len(f)
    near, owner = np.concatenate(near), np.concatenate(owners)
    cells, cell = np.unique(np.concatenate(cells), return_inverse=True)
    source_of, target_of = cells & 0xFFFFFFFF, cells >> 32
    table = np.ones(len(cells))
    for _ in range(num_rounds):
        shares = near * table[cell]
        shares /= np.bincount(owner, shares)[owner]
        table = np.bincount(cell, shares)
        table /= np.bincount(source_of, table)[source_of]
    return Alignment(
        _best_places(near * table[cell], pairs),
        _best_words(table, source_of, target_of, list(source_ids), list(target_ids)),
    )


def _best_places(
    shares: np.ndarray, pairs: Sequence[tuple[Sentence, Sentence]]
) -> tuple[Int[np.ndarray, " target"], ...]:
    sizes = [len(source) * len(target) for source, target in pairs]
    parts = np.split(shares, np.cumsum(sizes)[:-1])
    return tuple(
        part.reshape(len(target), len(source)).argmax(1)
        for part, (source, target) in zip(parts, pairs, strict=True)
    )


def _best_words(
    table: np.ndarray,
    source_of: np.ndarray,
    target_of: np.ndarray,
    source_words: list[str],
    target_words: list[str],
) -> dict[str, str]:
    order = np.lexsort((table, source_of))
    last = np.flatnonzero(np.diff(source_of[order], append=-1))  # the largest of each word
    best = order[last]
    return {
        source_words[e]: target_words[f]
        for e, f in zip(source_of[best].tolist(), target_of[best].tolist(), strict=True)
    }


def symmetrize(forward: Int[np.ndarray, " target"], backward: Int[np.ndarray, " source"]) -> Links:
    """Links on which both directions agree, and one-sided ones of words that have none of these.

    Args:
        forward: the source place of every target word.
        backward: the target place of every source word.
    """
    one = {(i, j) for j, i in enumerate(forward.tolist())}
    other = set(enumerate(backward.tolist()))
    both = one & other
    sources, targets = {i for i, _ in both}, {j for _, j in both}
    return frozenset(
        both | {(i, j) for i, j in one | other if i not in sources or j not in targets}
    )
