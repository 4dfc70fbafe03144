r"""From the probabilities of a network that was trained by CTC to what it has heard.

A path says one class for every frame; labels are what remains of it when repetitions are merged
and blanks are left out. *Greedy* decoding takes the labels of the most probable path. But the
probability of labels is that of all their paths, and a *prefix beam search* adds them up on the
way (Hannun et al. 2014, algorithm 1); a lexicon tells it which labels may come next.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib.layers.ctc import BLANK

LogProbs = Float[np.ndarray, "time classes"]
Labels = tuple[int, ...]

_NEVER = -math.inf


class Heard(NamedTuple):
    """Labels, and the logarithm of the probability of all their paths that were kept."""

    labels: Labels
    score: float


class Node:
    """A place in a lexicon: which labels may come next, and whether a word may end here."""

    __slots__ = ("is_end", "next")

    def __init__(self) -> None:
        self.next: dict[int, Node] = {}
        self.is_end = False


def lexicon(words: Iterable[Sequence[int]], *, separator: int) -> Node:
    """The root of a tree of words; behind each a separator leads back to the root.

    Raises:
        ValueError: a word is empty, or holds a blank or a separator.
    """
    root = Node()
    for word in words:
        if not word or BLANK in word or separator in word:
            raise ValueError(
                f"the word {tuple(word)} is empty, or holds a blank ({BLANK}) or a separator "
                f"({separator}); words are made of other labels"
            )
        node = root
        for label in word:
            node = node.next.setdefault(label, Node())
        node.is_end = True
        node.next[separator] = root
    return root


def collapse(path: Iterable[int]) -> Labels:
    """The labels that a path stands for."""
    return tuple(label for label, _ in groupby(path) if label != BLANK)


def greedy(log_probs: LogProbs) -> Labels:
    """The labels of the most probable path."""
    return collapse(log_probs.argmax(-1).tolist())


def prefix_beam(log_probs: LogProbs, *, num_beams: int, words: Node | None = None) -> list[Heard]:
    """The most probable labels that were kept, the best first.

    Args:
        log_probs: of every class at every frame.
        num_beams: how many beginnings are kept from frame to frame.
        words: if given, the labels are words of this lexicon with separators between them.

    Returns:
        The labels that are complete. Where none is, the best one without its last, unfinished
        word, and the score of what was kept.

    Raises:
        ValueError: there is no beam.
    """
    if num_beams < 1:
        raise ValueError(f"num_beams is {num_beams}; at least one beginning must be kept")
    everything = _everything(log_probs.shape[1]) if words is None else words
    beams: dict[Labels, _Beam] = {(): _Beam(everything, 0.0, _NEVER)}
    for frame in log_probs.tolist():
        grown: dict[Labels, _Beam] = {}
        for labels, beam in beams.items():
            _grow(grown, labels, beam, frame)
        kept = sorted(grown.items(), key=lambda each: -each[1].score)
        beams = dict(kept[:num_beams])
    ordered = sorted(beams.items(), key=lambda each: -each[1].score)
    complete = [Heard(labels, beam.score) for labels, beam in ordered if beam.node.is_end]
    if complete or words is None:
        return complete
    (labels, beam), separators = ordered[0], _separators(words, ordered[0][0])
    return [Heard(labels[: separators[-1]] if separators else (), beam.score)]


class _Beam:
    """A beginning: where it stands in the lexicon, and how probable it is.

    `blank` is the logarithm of the probability of its paths that end in a blank, and `label` of
    those that end in its last label.
    """

    __slots__ = ("blank", "label", "node")

    def __init__(self, node: Node, blank: float, label: float) -> None:
        self.node, self.blank, self.label = node, blank, label

    @property
    def score(self) -> float:
        return _add(self.blank, self.label)


def _grow(grown: dict[Labels, _Beam], labels: Labels, beam: _Beam, frame: list[float]) -> None:
    """One frame more: a blank, the last label once more, or a label that may come next."""
    score, last = beam.score, labels[-1] if labels else BLANK
    same = grown.get(labels)
    if same is None:
        same = grown[labels] = _Beam(beam.node, _NEVER, _NEVER)
    same.blank = _add(same.blank, score + frame[BLANK])
    if labels:
        same.label = _add(same.label, beam.label + frame[last])
    for label, node in beam.node.next.items():
        # The same label again is a new one only behind a blank.
        came = beam.blank if label == last else score
        if came == _NEVER:
            continue
        longer = (*labels, label)
        there = grown.get(longer)
        if there is None:
            grown[longer] = _Beam(node, _NEVER, came + frame[label])
        else:
            there.label = _add(there.label, came + frame[label])


def _add(a: float, b: float) -> float:
    """The logarithm of the sum of what these are the logarithms of."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))


def _everything(num_classes: int) -> Node:
    """Any label may come next, and all may end."""
    node = Node()
    node.next = {label: node for label in range(num_classes) if label != BLANK}
    node.is_end = True
    return node


def _separators(words: Node, labels: Labels) -> list[int]:
    """The places of the separators in labels of a lexicon."""
    node, places = words, []
    for place, label in enumerate(labels):
        node = node.next[label]
        if node is words:
            places.append(place)
    return places
