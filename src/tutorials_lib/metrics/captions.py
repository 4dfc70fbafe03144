"""BLEU of captions, where several sentences are right."""

import math
from collections import Counter
from collections.abc import Sequence

Words = Sequence[str]

_LONGEST = 4


def bleu(captions: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    r"""BLEU of a corpus with several references a caption (Papineni et al. 2002), from 0 to 100.

    The geometric mean of the shares of n-grams ($n$ up to 4) that also occur in a reference, each
    as often as in that which has it most often at most, counted over the whole corpus; where the
    captions are shorter together than their references of nearest length, times $e^{1 - r / c}$
    for lengths $r$ and $c$. A share without any match counts as half, a quarter, ... of one match,
    as sacrebleu has it.

    Raises:
        ValueError: the numbers of captions and of lists of references differ, or a list is empty.
    """
    if len(captions) != len(references):
        raise ValueError(
            f"{len(captions)} captions for {len(references)} lists of references; each caption "
            "needs one"
        )
    if not all(references):
        raise ValueError("a caption has no reference; each needs one or more")
    matches, totals = [0] * _LONGEST, [0] * _LONGEST
    nearest_lengths = 0
    for caption, right in zip(captions, references, strict=True):
        lengths = sorted(map(len, right))  # of two that are equally near, the shorter one
        nearest_lengths += min(lengths, key=lambda length: abs(length - len(caption)))
        for n in range(_LONGEST):
            ours, theirs = _ngrams(caption, n + 1), Counter()
            for each in right:
                theirs |= _ngrams(each, n + 1)
            matches[n] += (ours & theirs).total()
            totals[n] += ours.total()
    if not any(matches) or not all(totals):
        return 0.0
    logs, zeros = 0.0, 0
    for match, total in zip(matches, totals, strict=True):
        zeros += not match
        logs += math.log((match or 2.0**-zeros) / total)
    brevity = min(1.0, math.exp(1 - nearest_lengths / totals[0]))
    return 100 * brevity * math.exp(logs / _LONGEST)


def _ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))
