"""Translation without a network: a table of phrases, and a trigram model that joins them.

Phrase-based translation (Koehn et al. 2003) without reordering between phrases; inside a phrase,
the order is the one it was learned with.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tutorials_lib.text.alignment import Links, Sentence, align, symmetrize

Words = tuple[str, ...]

_START = "<s>"
_NUM_OPTIONS = 8
_UNSEEN = -5.0  # log-probability of a word for which there is no phrase


class Trigram:
    """The probability of a word after two others, mixed with those after one and after none.

    Each count is mixed with three imagined ones from the shorter context (Witten and Bell 1991,
    with a constant).
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._counts: Counter[Words] = Counter()
        self._contexts: Counter[Words] = Counter()
        self._known: dict[tuple[str, str, str], float] = {}
        for sentence in sentences:
            words = (_START, _START, *sentence)
            for i in range(2, len(words)):
                for n in range(3):
                    self._counts[words[i - n : i + 1]] += 1
                    self._contexts[(str(n), *words[i - n : i])] += 1

    def log_probability(self, before: str, last: str, word: str) -> float:
        """Of `word` after `before` and `last`."""
        key = (before, last, word)
        if key not in self._known:
            probability = 1e-4
            for n, gram in enumerate(((word,), (last, word), key)):
                context = self._contexts[(str(n), *gram[:-1])]
                probability = (self._counts[gram] + 3 * probability) / (context + 3)
            self._known[key] = math.log(probability)
        return self._known[key]


class Weights(NamedTuple):
    """What counts how much: the trigram model, and every phrase that is used."""

    trigram: float
    phrase: float


class PhraseTable:
    """Phrases with their translations, from aligned pairs.

    Attributes:
        dictionary: the most probable translation of each single word.
    """

    def __init__(self, pairs: Sequence[tuple[Sentence, Sentence]], *, longest: int = 6) -> None:
        forward = align(pairs)
        backward = align([(target, source) for source, target in pairs])
        self.dictionary = forward.dictionary
        self._longest = longest
        self._trigram = Trigram([target for _, target in pairs])
        counts: defaultdict[Words, Counter[Words]] = defaultdict(Counter)
        for (source, target), one, other in zip(
            pairs, forward.places, backward.places, strict=True
        ):
            for i, j, k, m in phrases(symmetrize(one, other), len(source), longest):
                counts[tuple(source[i:j])][tuple(target[k:m])] += 1
        self._options = {
            phrase: [
                (target, math.log(count / found.total()))
                for target, count in found.most_common(_NUM_OPTIONS)
            ]
            for phrase, found in counts.items()
        }

    def __len__(self) -> int:
        return len(self._options)

    def word_by_word(self, source: Sentence) -> Words:
        """Each word for itself; one that was never seen stays as it is."""
        return tuple(self.dictionary.get(word, word) for word in source)

    def translate(self, source: Sentence, weights: Weights, *, beam: int = 12) -> Words:
        """The best sequence of phrases that a beam search from left to right finds.

        It maximizes the sum of log-probabilities of the phrases and, weighted, of the words by
        the trigram model; each phrase costs or brings `weights.phrase`.
        """
        reached: list[dict[tuple[str, str], tuple[float, Words]]] = [{} for _ in source]
        reached = [{(_START, _START): (0.0, ())}, *reached]
        for i in range(len(source)):
            best = sorted(reached[i].items(), key=lambda each: -each[1][0])[:beam]
            for j in range(i + 1, min(len(source), i + self._longest) + 1):
                for target, log_probability in self._choices(source, i, j):
                    for context, (score, words) in best:
                        last, value = self._read(context, target, weights.trigram)
                        value += score + log_probability + weights.phrase
                        if last not in reached[j] or value > reached[j][last][0]:
                            reached[j][last] = value, words + target
        return max(reached[-1].values())[1]

    def _choices(self, source: Sentence, start: int, stop: int) -> list[tuple[Words, float]]:
        options = self._options.get(tuple(source[start:stop]), [])
        if not options and stop == start + 1:
            return [(self.word_by_word(source[start:stop]), _UNSEEN)]
        return options

    def _read(
        self, context: tuple[str, str], words: Words, weight: float
    ) -> tuple[tuple[str, str], float]:
        value = 0.0
        for word in words:
            value += weight * self._trigram.log_probability(*context, word)
            context = context[1], word
        return context, value


def phrases(links: Links, length: int, longest: int) -> Iterator[tuple[int, int, int, int]]:
    """Spans of source and target words of which no link leads out (Och and Ney 2004).

    Args:
        links: between the words of a pair.
        length: how many source words there are.
        longest: the most source words of a phrase; target words may be two more.

    Yields:
        Start and stop in the source, start and stop in the target.
    """
    targets: defaultdict[int, list[int]] = defaultdict(list)
    sources: defaultdict[int, list[int]] = defaultdict(list)
    for i, j in links:
        targets[i].append(j)
        sources[j].append(i)
    for start in range(length):
        inside: list[int] = []
        for stop in range(start + 1, min(length, start + longest) + 1):
            inside += targets[stop - 1]
            if not inside:
                continue
            first, last = min(inside), max(inside)
            if last - first >= longest + 2:
                break
            reached = [i for j in range(first, last + 1) for i in sources[j]]
            if start <= min(reached) and max(reached) < stop:
                yield start, stop, first, last + 1
