"""What the network has to beat, on the same split: logistic regression on counts of n-grams."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from tutorials_lib.sequences.rnn_sentiment.problem import Split

Labels = Int[np.ndarray, " reviews"]

PENALTIES = (0.1, 1.0, 10.0)
"""The strengths that are tried, as scikit-learn's `C`: a larger one allows larger weights."""

_VALIDATION_SHARE = 0.2


def fit_all(train: Split, source: str) -> dict[str, Pipeline]:
    """The baselines of a data source, by name: n-grams for `offline`, tf-idf for `real`."""
    if source == "real":
        return {"tf-idf": tf_idf_regression(train)}
    return {f"{longest}-grams": ngram_regression(train, longest) for longest in (1, 2, 3)}


def ngram_regression(train: Split, longest: int) -> Pipeline:
    """Logistic regression on how often each sequence of up to `longest` words occurs.

    The penalty is the one that does best on the last fifth of the training reviews; with it
    the model is fitted to all of them.
    """
    return _tuned(train, CountVectorizer(ngram_range=(1, longest), token_pattern=r"\S+"))


def tf_idf_regression(train: Split) -> Pipeline:
    """Logistic regression on words and pairs of words, the rare ones weighted up.

    The penalty is chosen as in `ngram_regression`.
    """
    weights = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True)
    return _tuned(train, weights)


def accuracy(model: Pipeline, texts: Sequence[str], labels: Labels) -> float:
    """The share of the reviews that `model` judges rightly."""
    return float(model.score(texts, labels))


def _tuned(train: Split, features: CountVectorizer) -> Pipeline:
    texts, labels = train
    num_fitted = round((1 - _VALIDATION_SHARE) * len(texts))

    def score(penalty: float) -> float:
        model = _regression(features, penalty).fit(texts[:num_fitted], labels[:num_fitted])
        return accuracy(model, texts[num_fitted:], labels[num_fitted:])

    best = max(PENALTIES, key=score)
    return _regression(features, best).fit(texts, labels)


def _regression(features: CountVectorizer, penalty: float) -> Pipeline:
    return make_pipeline(features, LogisticRegression(C=penalty, solver="liblinear"))
