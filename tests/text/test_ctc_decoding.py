"""Decoding by CTC: exact where all paths can be tried, and bound to words where it is told so."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from tutorials_lib.text.ctc_decoding import collapse, greedy, lexicon, prefix_beam

SEPARATOR = 3
WORDS = ((1, 2), (1,), (2, 2))


def draw(seed: int, *, time: int = 5, classes: int = 4) -> np.ndarray:
    logits = 1.5 * np.random.default_rng(seed).standard_normal((time, classes))
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def by_brute_force(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """The logarithm of the probability of all labels."""
    time, classes = log_probs.shape
    totals = defaultdict[tuple[int, ...], float](float)
    for path in itertools.product(range(classes), repeat=time):
        totals[collapse(path)] += math.exp(log_probs[np.arange(time), list(path)].sum())
    return {labels: math.log(total) for labels, total in totals.items()}


def is_spoken(labels: tuple[int, ...]) -> bool:
    parts = [
        tuple(group) for is_word, group in itertools.groupby(labels, SEPARATOR.__ne__) if is_word
    ]
    joined = tuple(itertools.chain(*((*part, SEPARATOR) for part in parts)))[:-1]
    return bool(parts) and joined == labels and all(part in WORDS for part in parts)


def test_repetitions_are_merged_and_blanks_left_out():
    assert collapse([0, 1, 1, 0, 1, 2, 2, 0, 0]) == (1, 1, 2)
    assert collapse([0, 0]) == ()
    assert greedy(np.log(np.eye(3)[[0, 1, 1, 0, 1]] + 1e-9)) == (1, 1)


@pytest.mark.parametrize("seed", range(4))
def test_as_many_beams_as_beginnings_find_all_labels_and_all_their_paths(seed: int):
    log_probs = draw(seed)
    expected = by_brute_force(log_probs)
    found = prefix_beam(log_probs, num_beams=10_000)
    assert {heard.labels for heard in found} == set(expected)
    for heard in found:
        assert heard.score == pytest.approx(expected[heard.labels], rel=1e-9)
    assert found[0].labels == max(expected, key=lambda labels: expected[labels])


@pytest.mark.parametrize("seed", range(4))
def test_a_lexicon_leaves_the_labels_of_words_and_their_probabilities(seed: int):
    log_probs = draw(seed)
    expected = {
        labels: score for labels, score in by_brute_force(log_probs).items() if is_spoken(labels)
    }
    words = lexicon(WORDS, separator=SEPARATOR)
    found = prefix_beam(log_probs, num_beams=10_000, words=words)
    assert {heard.labels for heard in found} == set(expected)
    assert found[0].labels == max(expected, key=lambda labels: expected[labels])
    assert found[0].score == pytest.approx(expected[found[0].labels], rel=1e-9)


def test_labels_of_many_paths_beat_the_single_best_path():
    """The best path is all blanks, but 1 has more probability in all."""
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert greedy(log_probs) == ()
    best = prefix_beam(log_probs, num_beams=2)[0]
    assert best.labels == (1,)
    assert best.score == pytest.approx(math.log(1 - 0.36))


def test_an_unfinished_word_is_dropped_where_nothing_is_complete():
    log_probs = np.log(np.eye(4)[[1, 2, 3, 2]] + 1e-6)
    words = lexicon([(1, 2), (2, 2)], separator=SEPARATOR)
    assert prefix_beam(log_probs, num_beams=1, words=words)[0].labels == (1, 2)
    assert prefix_beam(log_probs[:1], num_beams=1, words=words)[0].labels == ()


def test_what_cannot_be_searched_is_named():
    with pytest.raises(ValueError, match="num_beams is 0"):
        prefix_beam(draw(0), num_beams=0)
    for word in ((), (1, 0), (1, SEPARATOR)):
        with pytest.raises(ValueError, match="is empty, or holds a blank"):
            lexicon([word], separator=SEPARATOR)
