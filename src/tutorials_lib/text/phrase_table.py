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

_START, _END = "<s>", "</s>"
_NUM_OPTIONS = 8
_UNSEEN = -5.0  # log-probability of a word for which there is no phrase


class Trigram:
    """The probability of a word after two others, mixed with those after one and after none.

    The end of a sentence is a word, too. Each count is mixed with three imagined ones from the
    shorter context (Witten and Bell 1991, with a constant).
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._counts: Counter[Words] = Counter()
        self._contexts: Counter[Words] = Counter()
        self._known: dict[tuple[str, str, str], float] = {}
        for sentence in sentences:
            words = (_START, _START, *sentence, _END)
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
    r"""What counts how much beside $\log p(f \mid e)$ of the phrases.

    Attributes:
        trigram: log-probability of the words by the trigram model.
        phrase: every phrase that is used.
        inverse: $\log p(e \mid f)$ of the phrases.
    """

    trigram: float
    phrase: float
    inverse: float


class _Option(NamedTuple):
    target: Words
    forward: float
    inverse: float


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
        self._read_before: dict[tuple[tuple[str, str], Words], tuple[tuple[str, str], float]] = {}
        counts: defaultdict[Words, Counter[Words]] = defaultdict(Counter)
        for (source, target), one, other in zip(
            pairs, forward.places, backward.places, strict=True
        ):
            for i, j, k, m in phrases(symmetrize(one, other), len(source), longest):
                counts[tuple(source[i:j])][tuple(target[k:m])] += 1
        totals: Counter[Words] = Counter()
        for found in counts.values():
            totals.update(found)
        self._options = {
            phrase: [
                _Option(target, math.log(count / found.total()), math.log(count / totals[target]))
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

        It maximizes the weighted sum of the log-probabilities of its phrases, in both directions,
        and of its words and the end by the trigram model; see `Weights`.
        """
        reached: list[dict[tuple[str, str], tuple[float, Words]]] = [{} for _ in source]
        reached = [{(_START, _START): (0.0, ())}, *reached]
        for i in range(len(source)):
            best = sorted(reached[i].items(), key=lambda each: -each[1][0])[:beam]
            for j in range(i + 1, min(len(source), i + self._longest) + 1):
                there = reached[j]
                for target, forward, inverse in self._choices(source, i, j):
                    cost = forward + weights.inverse * inverse + weights.phrase
                    for context, (score, words) in best:
                        last, fluency = self._read(context, target)
                        value = score + cost + weights.trigram * fluency
                        if last not in there or value > there[last][0]:
                            there[last] = value, words + target
        return max(
            (score + weights.trigram * self._trigram.log_probability(*context, _END), words)
            for context, (score, words) in reached[-1].items()
        )[1]

    def _choices(self, source: Sentence, start: int, stop: int) -> list[_Option]:
        options = self._options.get(tuple(source[start:stop]), [])
        if not options and stop == start + 1:
            return [_Option(self.word_by_word(source[start:stop]), _UNSEEN, _UNSEEN)]
        return options

    def _read(self, context: tuple[str, str], words: Words) -> tuple[tuple[str, str], float]:
        """The last two words behind `context` and `words`, and the latter's log-probability."""
        key = context, words
        if key not in self._read_before:
            value = 0.0
            for word in words:
                value += self._trigram.log_probability(*context, word)
                context = context[1], word
            self._read_before[key] = context, value
        return self._read_before[key]


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
