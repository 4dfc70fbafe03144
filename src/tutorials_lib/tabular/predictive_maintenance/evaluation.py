"""The rivals of the selected model, and what it reaches beside them on held-out parts."""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.predictive_maintenance import features, problem, selection
from tutorials_lib.tabular.predictive_maintenance.problem import Config, Data, Parts
from tutorials_lib.tabular.predictive_maintenance.selection import Trained

METRIC = "held-out average precision"

Recipe = Callable[[Parts], features.Columns]
Probs = Float[np.ndarray, " parts"]


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """Average precision on the test parts, beside logistic regressions and boosted trees."""
    data = problem.load(config, seed=seed)
    trained = trained or selection.train(data, config, seed=seed)
    logits = selection.predict(trained, data.test, config)
    return Judgement(
        metric=METRIC,
        value=float(average_precision_score(data.test.failed, logits)),
        baselines=baselines(data, config, seed=seed),
    )


# --- The rivals -------------------------------------------------------------------------------


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Each rival, fitted to the training parts and chosen on the development parts."""
    return {
        name: best_of(data, recipe, models)[0] for name, (recipe, models) in rivals(seed).items()
    }


def rivals(seed: int) -> dict[str, tuple[Recipe, list[Any]]]:
    """The features that a rival gets, and the models that it may be, by its name."""
    linear, trees = list(logistic_regressions()), list(boosted_trees(seed))
    return {
        "logistic regression, measured": (features.measured, linear),
        "logistic regression, engineered": (features.engineered, linear),
        "logistic regression, all products": (features.engineered, list(quadratic())),
        "boosted trees, measured": (features.measured, trees),
        "boosted trees, engineered": (features.engineered, trees),
    }


def best_of(data: Data, recipe: Recipe, models: Iterable[Any]) -> tuple[Score, Probs]:
    """The model that ranks the development parts best: its scores, and its test probabilities."""
    train, development, test = (to_table(recipe(parts)) for parts in data)
    tried = []
    with threadpool_limits(limits=1):  # threads that wait for each other lose on a busy machine
        for model in models:
            model.fit(train, data.train.failed)
            probs = [model.predict_proba(table)[:, 1] for table in (development, test)]
            held_out = data.development.failed, data.test.failed
            scores = map(average_precision_score, held_out, probs)
            tried.append((Score(*map(float, scores)), probs[1]))
    return max(tried, key=lambda each: each[0].development)


def to_table(columns: Mapping[str, Float[np.ndarray, " parts"]]) -> np.ndarray:
    """The columns side by side."""
    return np.stack(list(columns.values()), axis=1)


def logistic_regressions() -> Iterable[Any]:
    """On features in standard scale, from a strong pull towards zero to a weak one."""
    for c in (0.03, 0.3, 3.0, 30.0):
        yield make_pipeline(StandardScaler(), _logistic(c))


def quadratic() -> Iterable[Any]:
    """The same on all squares and products of two features."""
    for c in (0.1, 1.0, 10.0):
        yield make_pipeline(
            StandardScaler(), PolynomialFeatures(include_bias=False), StandardScaler(), _logistic(c)
        )


def _logistic(c: float) -> LogisticRegression:
    return LogisticRegression(C=c, solver="newton-cholesky", max_iter=200)


def boosted_trees(seed: int) -> Iterable[HistGradientBoostingClassifier]:
    """Gradient-boosted trees on histograms, in scikit-learn (Friedman 2001)."""
    for num_trees, num_leaves in product((80, 160), (8, 16)):
        yield HistGradientBoostingClassifier(
            learning_rate=0.08,
            max_iter=num_trees,
            max_leaf_nodes=num_leaves,
            early_stopping=False,
            random_state=seed,
        )


# --- What a threshold costs -------------------------------------------------------------------


def cost(
    probs: Probs, failed: Bool[np.ndarray, " parts"], threshold: float, cost_of_miss: float
) -> float:
    """A check for every part at or above the threshold, and what is missed below it, in checks."""
    checked = probs >= threshold
    return float(checked.sum() + cost_of_miss * (failed & ~checked).sum())


def cheapest_threshold(
    probs: Probs, failed: Bool[np.ndarray, " parts"], cost_of_miss: float
) -> float:
    """The threshold with the least cost, among all that tell the parts apart."""
    order = np.argsort(probs, kind="stable")
    missed = np.concatenate([[0], np.cumsum(failed[order])])  # missed[k]: the k lowest unchecked
    costs = len(probs) - np.arange(len(probs) + 1) + cost_of_miss * missed
    ranked = np.append(probs[order], np.inf)
    apart = np.concatenate([[True], np.diff(ranked) > 0])
    return float(ranked[np.where(apart, costs, np.inf).argmin()])
