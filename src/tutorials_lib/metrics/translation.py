"""Scores of translations: BLEU of a corpus, exact match, and both by the length of the sentence."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Words = Sequence[str]
Corpus = Sequence[Words]

_LONGEST = 4


def bleu(hypotheses: Corpus, references: Corpus) -> float:
    r"""BLEU of a corpus with one reference a sentence (Papineni et al. 2002), from 0 to 100.

    The geometric mean of the shares of n-grams ($n$ up to 4) that also occur in the reference,
    each as often as there at most, counted over the whole corpus; where the translations are
    shorter than the references together, times $e^{1 - r / c}$ for lengths $r$ and $c$. A share
    without any match counts as half, a quarter, ... of one match, as sacrebleu has it.

    Raises:
        ValueError: the numbers of sentences differ.
    """
    _check_pairs(hypotheses, references)
    matches, totals = [0] * _LONGEST, [0] * _LONGEST
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        for n in range(_LONGEST):
            ours, theirs = _ngrams(hypothesis, n + 1), _ngrams(reference, n + 1)
            matches[n] += (ours & theirs).total()
            totals[n] += ours.total()
    if not any(matches) or not all(totals):
        return 0.0
    logs, zeros = 0.0, 0
    for match, total in zip(matches, totals, strict=True):
        zeros += not match
        logs += math.log((match or 2.0**-zeros) / total)
    length = sum(map(len, hypotheses))
    brevity = min(1.0, math.exp(1 - sum(map(len, references)) / length))
    return 100 * brevity * math.exp(logs / _LONGEST)


def exact_match(hypotheses: Corpus, references: Corpus) -> float:
    """The share of sentences that are equal to their reference, word for word.

    Raises:
        ValueError: the numbers of sentences differ, or there is none.
    """
    _check_pairs(hypotheses, references)
    if not references:
        raise ValueError("there is no sentence to match")
    same = [
        tuple(ours) == tuple(theirs) for ours, theirs in zip(hypotheses, references, strict=True)
    ]
    return sum(same) / len(same)


def by_split(
    translations: Mapping[str, Corpus], references: Mapping[str, Corpus]
) -> dict[str, float]:
    """BLEU and exact match of each split of `references`, as *BLEU, test* and *exact, test*."""
    return {
        f"{metric}, {name}": score(translations[name], theirs)
        for name, theirs in references.items()
        for metric, score in (("BLEU", bleu), ("exact", exact_match))
    }


class LengthScore(NamedTuple):
    """A score of the sentences of `shortest` to `longest` words; NaN where there is none."""

    shortest: int
    longest: int
    sentences: int
    score: float


def by_length(
    score: Callable[[Corpus, Corpus], float],
    hypotheses: Corpus,
    references: Corpus,
    lengths: Sequence[int],
    bounds: Sequence[int],
) -> tuple[LengthScore, ...]:
    """The score of the sentences in each class of lengths.

    Args:
        score: such as `bleu` or `exact_match`.
        hypotheses: translations.
        references: what they should be.
        lengths: the number of words of each source sentence.
        bounds: the most words of each class, in growing order; longer ones are left out.
    """
    classes, shortest = [], 1
    for longest in bounds:
        places = [i for i, length in enumerate(lengths) if shortest <= length <= longest]
        chosen = [[corpus[i] for i in places] for corpus in (hypotheses, references)]
        value = score(chosen[0], chosen[1]) if places else math.nan
        classes.append(LengthScore(shortest, longest, len(places), value))
        shortest = longest + 1
    return tuple(classes)


def _ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))


def _check_pairs(hypotheses: Corpus, references: Corpus) -> None:
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{len(hypotheses)} translations for {len(references)} references; "
            "each sentence needs one of both"
        )
