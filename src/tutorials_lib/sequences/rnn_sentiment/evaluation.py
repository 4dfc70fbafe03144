"""What the network reaches on held-out reviews, beside logistic regression on counted words."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.sequences.rnn_sentiment import in_jax, problem
from tutorials_lib.sequences.rnn_sentiment.problem import Config, Data, Split
from tutorials_lib.text.vocabulary import Vocabulary

LONGEST = (1, 2, 3, 6)
"""The numbers of words in a row that are counted at most."""

PENALTIES = (0.1, 1.0, 10.0)
"""The strengths that are tried, as scikit-learn's `C`: a larger one allows larger weights."""

DEVELOPMENT_SHARE = 0.2


class Trained(NamedTuple):
    """The parameters after training on `data`, and the seconds that it took, where it was timed."""

    data: Data
    vocabulary: Vocabulary
    params: in_jax.Params
    seconds: float | None = None


def train(config: Config, *, seed: int) -> Trained:
    """Train on the reviews of the source that `config` names, drawn or divided with `seed`."""
    data = problem.load(config, seed=seed)
    vocabulary = problem.learn_vocabulary(data.train, config)
    buckets = problem.to_buckets(data.train, vocabulary, config)
    test = problem.to_examples(data.test, vocabulary, config)
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    start = in_jax.start(in_jax.create(config, len(vocabulary), create_key), config)
    inputs = jax.device_put((start, buckets, test, fit_key))
    fit = in_jax.fit.lower(*inputs, config).compile()  # ahead of time, so as not to time it
    (state, _), seconds = timed(fit, *inputs)
    return Trained(data, vocabulary, state.params, seconds)


def accuracy(params: in_jax.Params, split: Split, vocabulary: Vocabulary, config: Config) -> float:
    """The share of the reviews of `split` that the network judges rightly."""
    ids, lengths, labels = map(jnp.asarray, problem.to_examples(split, vocabulary, config))
    logits = jax.jit(in_jax.predict, static_argnames="config")(params, ids, lengths, config)
    return float((logits.argmax(-1) == labels).mean())


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Held-out accuracy of logistic regression on counts of words and of words in a row.

    The published sentences are also counted by tf-idf: words and pairs, the rare ones weighted up.
    """
    kinds = {
        f"{longest}-grams": CountVectorizer(ngram_range=(1, longest), token_pattern=r"\S+")
        for longest in LONGEST
    }
    if config.source == "real":
        kinds["tf-idf"] = TfidfVectorizer(
            ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True
        )
    return {name: regression(data, features) for name, features in kinds.items()}


def regression(data: Data, features: CountVectorizer) -> Score:
    """The accuracy of logistic regression on `features`.

    The penalty is the one that does best on the last fifth of the training reviews; with it
    the model is fitted to all of them.
    """
    texts, labels = data.train
    fitted = round((1 - DEVELOPMENT_SHARE) * len(texts))
    scores = {}
    for penalty in PENALTIES:
        model = make_pipeline(features, LogisticRegression(C=penalty, solver="liblinear"))
        model.fit(texts[:fitted], labels[:fitted])
        scores[penalty] = float(model.score(texts[fitted:], labels[fitted:]))
    best = max(scores, key=scores.__getitem__)
    model = make_pipeline(features, LogisticRegression(C=best, solver="liblinear"))
    model.fit(texts, labels)
    return Score(scores[best], float(model.score(*data.test)))


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the regressions on the same reviews."""
    trained = train(config, seed=seed) if trained is None else trained
    return Judgement(
        metric="held-out accuracy",
        value=accuracy(trained.params, trained.data.test, trained.vocabulary, config),
        baselines=baselines(trained.data, config, seed=seed),
        training_seconds=trained.seconds,
    )
