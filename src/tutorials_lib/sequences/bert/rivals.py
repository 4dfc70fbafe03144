"""Rivals that count words: tuned regressions, alone and with what unlabelled posts teach."""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tutorials_lib.datasets.posts import MOODS
from tutorials_lib.sequences.bert.problem import Config, Data, Split

TFIDF = "tf-idf of words in a row"
EMOJI = "tf-idf and emoji probabilities"
LSA = "latent semantic analysis"

PENALTIES = (1.0, 10.0, 100.0)
"""The strengths that are tried, as scikit-learn's `C`: a larger one allows larger weights."""

LONGEST = (1, 2, 3)
"""The numbers of words in a row that are counted at most."""

NUM_COMPONENTS = 150
"""Numbers that latent semantic analysis makes of a post."""

EMOJI_WEIGHT = 3.0
"""What the probabilities of the moods are multiplied by beside the counts."""

Matrix = Any
"""A dense or sparse matrix, a row for each post."""


class Labelled(NamedTuple):
    """What one method makes of the posts after some number of labels.

    Attributes:
        development: its accuracy on the development posts, which chose its settings.
        predicted: the labels that it gives to the test posts.
    """

    development: float
    predicted: Int[np.ndarray, " posts"]


Results = dict[str, dict[int, Labelled]]
"""For every method, and every number of labels."""


def fit_all(data: Data, config: Config) -> Results:
    """Every rival with every number of labels, each tuned on the development posts.

    Where the posts have too few emoji to learn moods from, that rival is left out.
    """
    kinds = {TFIDF: _counts(data)}
    if moods := _moods(data.unlabelled):
        kinds[EMOJI] = _counts(data, moods)
    kinds[LSA] = [_components(data, config)]
    return {
        name: {num: _best([each(num) for each in kind], data, num) for num in config.num_labelled}
        for name, kind in kinds.items()
    }


def accuracy(predicted: Int[np.ndarray, " posts"], labels: Int[np.ndarray, " posts"]) -> float:
    """The share of posts that are labelled rightly."""
    return float(np.mean(predicted == labels))


def first(split: Split, num: int) -> Split:
    """The posts whose labels are known when there are `num`."""
    return Split(split.texts[:num], split.labels[:num])


def _best(features: Sequence[tuple[Matrix, Matrix, Matrix]], data: Data, num: int) -> Labelled:
    """Regression on the features and with the penalty that the development posts prefer."""
    labels = data.train.labels[:num]
    found = []
    for (train, development, test), penalty in product(features, PENALTIES):
        model = LogisticRegression(C=penalty, max_iter=1_000).fit(train, labels)
        score = accuracy(model.predict(development), data.development.labels)
        found.append(Labelled(score, model.predict(test)))
    return max(found, key=lambda each: each.development)


def _counts(data: Data, moods: Any = None) -> list[Any]:
    """Weighted counts of words and of words in a row, beside the probabilities of the moods."""

    def features(longest: int, num: int) -> tuple[Matrix, ...]:
        vectorizer = _vectorizer(longest).fit(data.train.texts[:num])
        parts = first(data.train, num).texts, data.development.texts, data.test.texts
        counts = [vectorizer.transform(texts) for texts in parts]
        if moods is None:
            return tuple(counts)
        return tuple(
            scipy.sparse.hstack([each, EMOJI_WEIGHT * moods.predict_proba(texts)]).tocsr()
            for each, texts in zip(counts, parts, strict=True)
        )

    return [lambda num, longest=longest: features(longest, num) for longest in LONGEST]


def _vectorizer(longest: int, *, min_count: int = 1) -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, longest), min_df=min_count, sublinear_tf=True, token_pattern=r"\S+"
    )


def _moods(texts: Sequence[str]) -> Any:
    """A model of the emoji that ends a post, from the words; None without enough emoji."""
    mood_of = {emoji: mood for mood, group in enumerate(MOODS) for emoji in group}
    pairs = [
        (" ".join(word for word in words if word not in mood_of), mood_of[emoji])
        for words in (text.split() for text in texts)
        if (emoji := next((word for word in words if word in mood_of), None))
    ]
    if len({mood for _, mood in pairs}) < 2:
        return None
    model = make_pipeline(_vectorizer(3, min_count=2), LogisticRegression(max_iter=1_000))
    return model.fit(*zip(*pairs, strict=True))


def _components(data: Data, config: Config) -> Any:
    """The main components of the counts of the unlabelled posts (Deerwester et al. 1990)."""
    vectorizer = _vectorizer(2, min_count=min(5, 1 + len(data.unlabelled) // 100))
    counts = vectorizer.fit_transform(data.unlabelled)
    size = min(NUM_COMPONENTS, counts.shape[1] - 1)
    components = TruncatedSVD(size, random_state=0).fit(counts)

    def scaled(texts: Sequence[str]) -> Float[np.ndarray, "posts components"]:
        return components.transform(vectorizer.transform(texts)) * size**0.5

    parts = [scaled(each.texts) for each in (data.train, data.development, data.test)]
    return lambda num: (parts[0][:num], parts[1], parts[2])
