"""The rivals of the engineered features, and what training reaches beside them, held out."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.linear_regression import features, in_jax, problem
from tutorials_lib.tabular.linear_regression.problem import Config, Data, Homes

Prices = Float[np.ndarray, " homes"]

METRIC = "R² of the price"
COLUMNS = ("RMSE (thousands)", "MAE (thousands)", "median relative error", "R²")
"""The headers over `in_words`."""

SCALES: dict[str, tuple[Callable, Callable]] = {
    "price": (np.copy, np.copy),
    "log price": (np.log, np.exp),
}
"""What a rival may be fitted to, and the way back to a price."""


class Trained(NamedTuple):
    """What the page trains: how features are made, and the weights of the log price."""

    preparation: features.Preparation
    weights: Float[np.ndarray, " features"]


def scores(price: Prices, predicted: Prices) -> dict[str, float]:
    """What is usually said of predicted prices, by name."""
    return {
        "RMSE": metrics.root_mean_squared_error(price, predicted),
        "MAE": metrics.mean_absolute_error(price, predicted),
        "median relative error": float(np.median(np.abs(predicted / price - 1))),
        "R²": metrics.r2_score(price, predicted),
    }


def in_words(scores: dict[str, float]) -> list[str]:
    """The scores as a table shows them: prices in thousands, and R² without a unit."""
    rmse, mae, relative, r2 = scores.values()
    return [f"{rmse / 1_000:,.1f}", f"{mae / 1_000:,.1f}", f"{relative:.1%}", f"{r2:.3f}"]


def train(data: Data, config: Config, *, seed: int) -> Trained:
    """Engineered features, a penalty chosen by cross-validation, and Huber's loss.

    In 64 bits: the features are nearly collinear, and the normal equations square that.
    """
    preparation = features.fit_preparation(data.train, features.engineered)
    table, targets = features.to_features(data.train, preparation), np.log(data.train.price)
    with jax.enable_x64(True):
        held_back = problem.folds(len(table), config, seed=seed)
        penalties = np.array(config.penalties)
        path = in_jax.cross_validate(in_jax.ridge, table, targets, held_back, penalties)
        best = int(path.errors.mean(axis=0).argmin())
        residuals = targets - table @ np.asarray(path.weights[best])
        threshold = problem.huber_threshold(residuals)
        everybody = np.ones(len(table))
        weights = in_jax.huber(table, targets, everybody, penalties[best], threshold, config)
    return Trained(preparation, np.asarray(weights))


def predict(trained: Trained, homes: Homes) -> Prices:
    """The price of each home."""
    return np.exp(features.to_features(homes, trained.preparation) @ trained.weights)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """R² of the price on the test homes, beside plain features and boosted trees."""
    data = problem.load(config, seed=seed)
    trained = trained or train(data, config, seed=seed)
    return Judgement(
        metric=METRIC,
        value=metrics.r2_score(data.test.price, predict(trained, data.test)),
        baselines=baselines(data, config, seed=seed),
    )


# --- The rivals -------------------------------------------------------------------------------


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Each rival, fitted to the training homes and chosen on the development homes."""
    mean = np.full(len(data.test), data.train.price.mean())
    return {
        "mean price": Score(None, metrics.r2_score(data.test.price, mean)),
        "numbers as recorded": best_of(data, features.numbers, [least_squares]),
        "numbers and categories": best_of(data, features.numbers_and_categories, [least_squares]),
        "boosted trees": best_of(
            data,
            features.numbers_and_categories,
            [
                partial(boosted_trees, loss=loss, seed=seed)
                for loss in ("squared_error", "absolute_error")
            ],
        ),
    }


def best_of(data: Data, recipe: features.Recipe, fits: list[Callable]) -> Score:
    """The best fit of the development homes, to the price or to its logarithm, and its test."""
    preparation = features.fit_preparation(data.train, recipe)
    table, development, test = (features.to_features(homes, preparation) for homes in data)
    tried = []
    for fit in fits:
        for to_scale, to_price in SCALES.values():
            predict = fit(table, to_scale(data.train.price))
            tried.append(
                Score(
                    metrics.r2_score(data.development.price, to_price(predict(development))),
                    metrics.r2_score(data.test.price, to_price(predict(test))),
                )
            )
    return max(tried, key=lambda score: score.development)


def least_squares(table: np.ndarray, targets: np.ndarray) -> Callable:
    """The prediction of a linear model fitted by least squares."""
    weights = np.linalg.lstsq(table, targets, rcond=None)[0]
    return lambda features: features @ weights


def boosted_trees(table: np.ndarray, targets: np.ndarray, *, loss: str, seed: int) -> Callable:
    """The prediction of gradient-boosted trees on histograms, in scikit-learn (Friedman 2001)."""
    model = HistGradientBoostingRegressor(
        loss=loss, max_iter=100, early_stopping=False, random_state=seed
    )
    with threadpool_limits(limits=1):  # threads that wait for each other lose on a busy machine
        model.fit(table, targets)
    return model.predict
