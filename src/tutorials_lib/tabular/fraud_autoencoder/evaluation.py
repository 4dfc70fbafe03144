"""How well fraud is ranked above normal payments, beside rivals that learn from the same rows."""

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.metrics import average_precision_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import OneClassSVM
from threadpoolctl import threadpool_limits

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.fraud_autoencoder import in_jax, problem
from tutorials_lib.tabular.fraud_autoencoder.problem import Config, Data, Rows

Scores = Float[np.ndarray, " rows"]
Features = Float[np.ndarray, "rows features"]
Ranker = Callable[[Features], Scores]
"""How unusual each row is: the higher, the more so."""

ALERT_SHARE = 0.01
"""How many of all payments somebody has the time to look at."""

MAX_HELD_OUT = 8_000
"""Normal development payments in the learning curve."""

_CHUNK = 500  # rows whose arrays stay in a processor's cache while they are scored
_COUNTS = 1, 3, 10  # of nearest neighbours
_SVM_ROWS, _MIXTURE_ROWS = 5_000, 20_000  # both cost more than in proportion to their rows


class Reading(NamedTuple):
    """How one method scores both sets.

    Attributes:
        name: which setting of it: one of `readings`, or the table that a rival reads.
        development: the scores of the development payments ...
        test: ... and of the test payments.
    """

    name: str
    development: Scores
    test: Scores


class Trained(NamedTuple):
    """What a page trains, and what it has made of it already, so that `judge` need not.

    Attributes:
        params: of the model.
        history: of its training.
        own: how it scores both sets.
        baselines: the scores of the rivals.
    """

    params: in_jax.Params
    history: in_jax.History
    own: Reading | None = None
    baselines: dict[str, Score] | None = None


class Found(NamedTuple):
    """How surprising each field of some payments was, and was expected to be, in nats."""

    actual: Float[np.ndarray, "rows fields"]
    expected: Float[np.ndarray, "rows fields"]

    @property
    def surplus(self) -> Float[np.ndarray, "rows fields"]:
        """By how much each field was more surprising than expected."""
        return self.actual - self.expected


def train(data: Data, config: Config, *, seed: int) -> Trained:
    """Learn what is normal from the training payments."""
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    state = in_jax.start(in_jax.create(config, create_key), config)
    normal = np.flatnonzero(~data.development.is_fraud)[:MAX_HELD_OUT]
    hidden = problem.draw_hidden(len(normal), config, rng=np.random.default_rng(seed))
    held_out = data.development.answers[normal], data.development.context[normal], hidden
    rows: Any = jax.device_put((data.train.answers, data.train.context, *held_out))
    state, history = in_jax.fit(state, *rows, fit_key, config)
    return Trained(state.params, jax.tree.map(np.asarray, history))


def find(params: in_jax.Params, rows: Rows, config: Config) -> Found:
    """The surprises of every field of every row."""
    num_rows = len(rows.kind)
    num_chunks = -(-num_rows // _CHUNK)
    padding = (0, num_chunks * _CHUNK - num_rows), (0, 0)
    chunks = [
        jnp.asarray(np.pad(part, padding).reshape(num_chunks, _CHUNK, part.shape[1]))
        for part in (rows.answers, rows.context)
    ]
    found = _find(params, *chunks, problem.draw_orders(config), config)
    return Found(*(np.concatenate(part)[:num_rows] for part in found))


@partial(jax.jit, static_argnames="config")
def _find(
    params: in_jax.Params,
    answers: jax.Array,
    context: jax.Array,
    orders: jax.Array,
    config: Config,
) -> in_jax.Surprise:
    def of_chunk(chunk: tuple[jax.Array, jax.Array]) -> in_jax.Surprise:
        return in_jax.surprise(params, chunk[0], chunk[1], orders, config)

    return jax.lax.map(of_chunk, (answers, context))


# --- From surprises to a score ----------------------------------------------------------------


def readings(found: Found) -> dict[str, Scores]:
    """Two ways to make one number of the surprises of a payment, its reconstruction error.

    The *surprise* of the whole payment, and the *surplus*, which is how far that is above
    expectation: a field that is hard to predict anyway is forgiven more.
    """
    return {"surprise": found.actual.sum(1), "surplus": found.surplus.sum(1)}


def read(params: in_jax.Params, data: Data, config: Config) -> Reading:
    """Score both sets, in the reading that the development frauds choose."""
    development, test = (readings(find(params, rows, config)) for rows in data[1:])
    return strongest(data, (Reading(name, development[name], test[name]) for name in test))


class Alerts(NamedTuple):
    """What a threshold does to test payments.

    Attributes:
        threshold: the score that `ALERT_SHARE` of the development payments exceed.
        number: test payments above it.
        precision: how many of these are fraud, as a share.
        recall: how many of the frauds are among these, as a share.
    """

    threshold: float
    number: int
    precision: float
    recall: float


def alerts(
    development: Float[np.ndarray, " development"],
    test: Scores,
    is_fraud: Bool[np.ndarray, " rows"],
) -> Alerts:
    """Spend the budget: the threshold comes from the development scores, the rest from the test."""
    threshold = float(np.quantile(development, 1 - ALERT_SHARE))
    raised = test > threshold
    caught = int((raised & is_fraud).sum())
    number = int(raised.sum())
    return Alerts(threshold, number, caught / max(number, 1), caught / is_fraud.sum())


def by_kind(scores: Scores, kind: Int[np.ndarray, " rows"]) -> dict[int, float]:
    """The average precision for one kind of fraud at a time, the others left out."""
    found = {}
    for each in range(1, kind.max() + 1):
        rows = (kind == 0) | (kind == each)
        found[each] = float(average_precision_score(kind[rows] == each, scores[rows]))
    return found


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """Average precision on the test payments, beside the rivals."""
    data = problem.load(config, seed=seed)
    trained = train(data, config, seed=seed) if trained is None else trained
    own = trained.own or read(trained.params, data, config)
    return Judgement(
        metric="average precision",
        value=score(data, own).held_out,
        baselines=trained.baselines or baselines(data, config, seed=seed),
    )


# --- The rivals -------------------------------------------------------------------------------


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Each rival, fitted to the normal payments, its settings chosen by the development frauds."""
    return {name: score(data, reading) for name, reading in rivals(data, config, seed=seed).items()}


def score(data: Data, reading: Reading) -> Score:
    """The average precision on both sets."""
    development = precision(reading.development, data.development)
    return Score(development, precision(reading.test, data.test))


def precision(scores: Scores, rows: Rows) -> float:
    """The average precision with which `scores` rank the frauds of `rows`."""
    return float(average_precision_score(rows.is_fraud, scores))


def rivals(
    data: Data, config: Config, *, seed: int, heads: Trained | None = None
) -> dict[str, Reading]:
    """How each rival scores both sets; `heads` are linear heads that are trained already."""
    tables = list(data.train.features)
    narrow = min(tables, key=lambda name: data.train.features[name].shape[1])  # for distances
    choose = partial(best_of, data)
    found = {
        "PCA reconstruction": choose(
            (table, partial(pca, num_components=count))
            for table, count in product(tables, (2, 4, 8, 12, 16))
        ),
        "Gaussian": choose((table, mahalanobis) for table in tables),
        "isolation forest": choose(
            (table, partial(isolation_forest, max_samples=size, seed=seed))
            for table, size in product(tables, (256, 2_048))
        ),
        "one-class SVM": choose(
            (narrow, partial(one_class_svm, nu=nu, gamma=gamma))
            for nu, gamma in ((0.01, 0.02), (0.01, 0.06), (0.05, 0.06))
        ),
        "Gaussian mixture": choose(
            (narrow, partial(mixture, num_parts=count, seed=seed)) for count in (10, 20)
        ),
        "nearest neighbours": neighbours(data, narrow),
    }
    heads = train_heads(data, config, seed=seed) if heads is None else heads
    return found | {"linear heads": read(heads.params, data, heads_config(config))}


def train_heads(data: Data, config: Config, *, seed: int) -> Trained:
    """Each field predicted from the others by logistic regression, all else as it is."""
    return train(data, heads_config(config), seed=seed)


def heads_config(config: Config) -> Config:
    """Linear heads learn at a higher rate, and need half the epochs."""
    epochs = max(1, config.num_epochs // 2)
    return dataclasses.replace(config, model="linear heads", learning_rate=1e-2, num_epochs=epochs)


def best_of(data: Data, candidates: Iterable[tuple[str, Callable[[Features], Ranker]]]) -> Reading:
    """The candidate, a table and what is fitted to it, that ranks the development frauds best."""
    tried = []
    for table, fit in candidates:
        with threadpool_limits(limits=1):  # threads that wait for each other lose when it is busy
            rank = fit(data.train.features[table])
            scores = (rank(rows.features[table]) for rows in data[1:])
            tried.append(Reading(table, *scores))
    return strongest(data, tried)


def pca(train: Features, *, num_components: int) -> Ranker:
    """The squared error that the leading principal components leave."""
    leading = np.linalg.eigh(train.T @ train)[1][:, -num_components:]
    return lambda rows: ((rows - rows @ leading @ leading.T) ** 2).sum(1)


def mahalanobis(train: Features) -> Ranker:
    """The distance from the mean, by the scale of one normal distribution."""
    covariance = np.cov(train.T) + 1e-2 * np.eye(train.shape[1])
    inverse = np.linalg.inv(covariance).astype(train.dtype)
    return lambda rows: np.einsum("ij,ij->i", rows @ inverse, rows)


def isolation_forest(train: Features, *, max_samples: int, seed: int) -> Ranker:
    """How few random cuts separate a row from the others (Liu et al. 2008)."""
    size = min(max_samples, len(train))
    forest = IsolationForest(n_estimators=100, max_samples=size, random_state=seed).fit(train)
    return lambda rows: -forest.score_samples(rows)


def one_class_svm(train: Features, *, nu: float, gamma: float) -> Ranker:
    """How far a row is outside the region that holds most others (Schölkopf et al. 2001)."""
    svm = OneClassSVM(nu=nu, gamma=gamma).fit(train[:_SVM_ROWS])
    return lambda rows: -svm.score_samples(rows)


def mixture(train: Features, *, num_parts: int, seed: int) -> Ranker:
    """Minus the log-density of a sum of normal distributions."""
    density = GaussianMixture(num_parts, reg_covar=1e-2, max_iter=40, tol=1e-2, random_state=seed)
    density.fit(train[:_MIXTURE_ROWS])
    return lambda rows: -density.score_samples(rows)


def neighbours(data: Data, table: str) -> Reading:
    """The mean distance to the nearest training rows, so many of them (Ramaswamy et al. 2000)."""
    nearest = NearestNeighbors(n_neighbors=max(_COUNTS), algorithm="brute")
    nearest.fit(data.train.features[table])
    near = [nearest.kneighbors(rows.features[table])[0] for rows in data[1:]]
    tried = (Reading(table, *(each[:, :count].mean(1) for each in near)) for count in _COUNTS)
    return strongest(data, tried)


def strongest(data: Data, tried: Iterable[Reading]) -> Reading:
    """What ranks the development frauds best."""
    is_fraud = data.development.is_fraud
    return max(tried, key=lambda each: average_precision_score(is_fraud, each.development))


# --- What labels would buy --------------------------------------------------------------------


def with_labels(data: Data, num_labels: int, *, seed: int) -> float:
    """Average precision of boosted trees that learn from labelled development payments."""
    table = max(data.test.features, key=lambda name: data.test.features[name].shape[1])
    trees = HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
    with threadpool_limits(limits=1):
        rows = slice(num_labels)
        trees.fit(data.development.features[table][rows], data.development.is_fraud[rows])
        scores = trees.predict_proba(data.test.features[table])[:, 1]
    return float(average_precision_score(data.test.is_fraud, scores))
