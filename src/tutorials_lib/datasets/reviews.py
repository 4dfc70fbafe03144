"""Film reviews from a small grammar: which words occur says nothing, their order says it all.

Every review has one judgement, such as *the plot was not very clumsy*. Four clauses in ten are
negated, so that a word alone says little. A second clause can be set against the judgement: in
*X but Y* and in *although X , Y* it is Y that counts. After *people said X* another sentence
decides: *i agree* or *i disagree*. Up to six sentences that say nothing stand before, between and
after, so that what decides can lie dozens of words back. And some who write give the wrong
judgement by mistake, so that nobody can be right about every review.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int32

ASPECTS = ("plot", "acting", "music", "ending", "dialogue", "pacing", "casting", "humour")
"""What a clause judges."""

POSITIVE = ("clever", "fresh", "gripping", "charming", "warm", "bold", "moving", "brilliant")
"""Words of praise, unless they are negated."""

NEGATIVE = ("clumsy", "stale", "boring", "shallow", "cold", "weak", "tedious", "awful")
"""Words of blame, unless they are negated."""

CLASS_NAMES = ("negative", "positive")
"""The judgements; a label is an index into this tuple."""

MISTAKEN_SHARE = 0.04
"""The share of reviews whose judgement is the opposite of what they say."""

Pairs = Literal["seen", "new"]

_NEGATIONS = ("not", "never", "hardly", "far from")
_DEGREES = ("very", "really", "quite", "so very", "really very", "really quite")
_FORMS = ("plain", "but", "although", "agree", "disagree")
_FILLERS = (
    "we saw it on a rainy sunday evening in november",
    "it runs for more than two hours",
    "some friends of mine came along",
    "it opened in our town last week",
    "the cinema was half full and the seats were fine",
    "i had read the book a year before",
    "the trains were late again and we had to run the last part of the way",
    "a man behind us kept talking on his phone",
    "my sister had bought the tickets",
    "we had dinner at a small place around the corner afterwards",
    "it rained when we came out",
    "the row in front of us was empty",
)
_MAX_FILLERS = 6
_NEGATED_SHARE = 0.4
_DEGREE_SHARE = 2 / 3
_NEW_PAIRS_STEP = 4  # one pair of an aspect and a word in four is kept for the second test


class Reviews(NamedTuple):
    """Texts whose words are separated by single spaces; labels index `CLASS_NAMES`."""

    texts: tuple[str, ...]
    labels: Int32[np.ndarray, " reviews"]


def reviews(
    num_reviews: int, seed: int, *, pairs: Pairs = "seen", mistaken: float = MISTAKEN_SHARE
) -> Reviews:
    """Write `num_reviews` labelled reviews; the same `seed` gives the same ones.

    Give each split a seed of its own. The labels are balanced: their counts differ by one at
    most. A share of `mistaken` of them, as many of either kind, is not what the review says.
    One pair of an aspect and a word in four (such as *the plot was clumsy*) occurs only in
    reviews with `pairs="new"`, which have no others: whoever learned from the seen pairs has met
    each word and each aspect, but not these together.

    Raises:
        ValueError: `num_reviews` is negative, or `mistaken` no share.
    """
    if num_reviews < 0:
        raise ValueError(f"num_reviews is {num_reviews}; it must be zero or more")
    if not 0 <= mistaken <= 1:
        raise ValueError(f"mistaken is {mistaken}; it must lie between 0 and 1")
    rng = np.random.default_rng(seed)
    said = rng.permutation(np.arange(num_reviews, dtype=np.int32) % 2)
    texts = tuple(_review(label == 1, rng, pairs) for label in said.tolist())
    labels = said.copy()
    for kind in range(len(CLASS_NAMES)):
        of_kind = rng.permutation(np.flatnonzero(said == kind))
        labels[of_kind[: round(mistaken * num_reviews / 2)]] = 1 - kind
    return Reviews(texts, labels)


def is_new(aspect: str, word: str) -> bool:
    """Whether the grammar keeps this pair for the reviews with `pairs="new"`."""
    words = POSITIVE if word in POSITIVE else NEGATIVE
    return (ASPECTS.index(aspect) + words.index(word)) % _NEW_PAIRS_STEP == 0


def _review(is_positive: bool, rng: np.random.Generator, pairs: Pairs) -> str:
    form = _choose(_FORMS, rng)
    one, other = rng.permutation(ASPECTS)[:2].tolist()
    agreeing = _clause(is_positive, one, rng, pairs)
    opposing = _clause(not is_positive, other, rng, pairs)
    sentences = {
        "plain": [agreeing],
        "but": [f"{opposing} but {agreeing}"],
        "although": [f"although {opposing} , {agreeing}"],
        "agree": [f"people said {agreeing}", "i agree"],
        "disagree": [f"people said {opposing}", "i disagree"],
    }[form]
    for filler in rng.permutation(_FILLERS)[: rng.integers(_MAX_FILLERS + 1)].tolist():
        sentences.insert(rng.integers(len(sentences) + 1), filler)
    return " . ".join(sentences) + " ."


def _clause(is_positive: bool, aspect: str, rng: np.random.Generator, pairs: Pairs) -> str:
    """A judgement of one aspect, negated or not; `is_positive` says what it amounts to."""
    negated = rng.random() < _NEGATED_SHARE
    words = POSITIVE if is_positive != negated else NEGATIVE
    allowed = [word for word in words if is_new(aspect, word) == (pairs == "new")]
    parts = ["the", aspect, "was"]
    if negated:
        parts.append(_choose(_NEGATIONS, rng))
    if rng.random() < _DEGREE_SHARE:
        parts.append(_choose(_DEGREES, rng))
    return " ".join([*parts, _choose(allowed, rng)])


def _choose(items: tuple[str, ...] | list[str], rng: np.random.Generator) -> str:
    return items[rng.integers(len(items))]
