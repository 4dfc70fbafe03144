"""What forecasts without a network: each rival is tuned on the development part of every fold."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from tutorials_lib.sequences.lstm_forecasting.problem import (
    Config,
    Data,
    Forecasts,
    Origins,
    Values,
    means_before,
    truth_of,
)

LAST, SEASONAL, HOLT_WINTERS = "last value", "seasonal naive", "Holt-Winters"
ANALOGUES, RIDGE = "analogues", "ridge on lags"

_ALPHAS, _BETAS, _DAMPINGS = (0.1, 0.3, 0.6, 1.0), (0.02, 0.1), (0.8, 0.95, 1.0)
_PENALTIES = (1e-2, 1.0, 1e1, 1e2, 1e3, 1e4)

Known = Int[np.ndarray, " known"]
"""Origins to learn from."""

Rival = Callable[[Values, Known, Origins, Any, Config], Forecasts]
"""From a series, the origins to learn from, those to forecast, a setting and the configuration."""


class Tuned(NamedTuple):
    """Forecasts of a rival, by fold.

    Attributes:
        development: of the development part, with the best setting, which learned from `train`.
        test: with the same setting, learned from all that is known.
    """

    development: list[Forecasts]
    test: list[Forecasts]


def tune(rival: Rival, settings: Sequence[Any], data: Data, config: Config) -> Tuned:
    """The best setting of every fold, by the squared error on its development part."""
    found = Tuned([], [])
    for train, development, known, test in zip(
        data.train, data.development, data.known, data.test, strict=True
    ):
        truth = truth_of(data.values, development, config)
        tried = [rival(data.values, train, development, each, config) for each in settings]
        best = int(np.argmin([np.square(forecasts - truth).mean() for forecasts in tried]))
        found.development.append(tried[best])
        found.test.append(rival(data.values, known, test, settings[best], config))
    return found


def tune_all(data: Data, config: Config) -> dict[str, Tuned]:
    """Every rival that the series has; those with seasons only where there is one."""
    return {
        name: tune(rival, settings, data, config)
        for name, (rival, settings) in choices(data.values, config).items()
    }


def choices(values: Values, config: Config) -> dict[str, tuple[Rival, list[Any]]]:
    """The rivals and the settings that each may choose from."""
    own = pasts(config, is_relative=config.is_relative)
    either = [*pasts(config, is_relative=False), *pasts(config, is_relative=True)]
    smoothing = product((1, *config.periods[5:6]), _ALPHAS, _BETAS, _DAMPINGS)
    found: dict[str, tuple[Rival, list[Any]]] = {LAST: (last_value, [None])}
    if config.periods:
        found[SEASONAL] = (seasonal_naive, list(config.periods))
    found[HOLT_WINTERS] = (holt_winters, [smooth(values, *each) for each in smoothing])
    found[ANALOGUES] = (analogues, list(product(own, (5, 20, 60))))
    found[RIDGE] = (ridge, list(product(either, _PENALTIES)))
    return found


def last_value(
    values: Values, known: Known, origins: Origins, setting: None, config: Config
) -> Forecasts:
    """Nothing will change."""
    return np.repeat(values[origins - 1, None], config.horizon, axis=1)


def seasonal_naive(
    values: Values, known: Known, origins: Origins, period: int, config: Config
) -> Forecasts:
    """What came one period earlier."""
    ahead = np.arange(config.horizon)
    return values[origins[:, None] + ahead % period - period]


class Smoothed(NamedTuple):
    """Level, trend and season before every time, by one pass over a series.

    A season of a time is what the pass held of it at that time; with a period of one all are zero.
    """

    period: int
    damping: float
    levels: Values
    trends: Values
    seasons: Values


def smooth(
    values: Values, period: int, alpha: float, beta: float, damping: float, *, gamma: float = 0.1
) -> Smoothed:
    """Exponential smoothing of level, damped trend and season (Winters 1960; Gardner 1985).

    Args:
        values: the series.
        period: of the season; 1 for none.
        alpha: how fast the level follows.
        beta: how fast the trend follows the level.
        damping: of the trend, for each value ahead.
        gamma: how fast the season follows.
    """
    level, trend = float(values[:period].mean()), 0.0
    seasons = (values[:period] - level).tolist() if period > 1 else [0.0]
    levels, trends = [level] * (period + 1), [trend] * (period + 1)
    for i, value in enumerate(values[period:].tolist(), start=period):
        ahead = level + damping * trend
        season = seasons[i - period]
        before, level = level, alpha * (value - season) + (1 - alpha) * ahead
        trend = beta * (level - before) + (1 - beta) * damping * trend
        seasons.append(gamma * (value - ahead) + (1 - gamma) * season if period > 1 else 0.0)
        levels.append(level)
        trends.append(trend)
    return Smoothed(period, damping, np.array(levels), np.array(trends), np.array(seasons))


def holt_winters(
    values: Values, known: Known, origins: Origins, setting: Smoothed, config: Config
) -> Forecasts:
    """Go on from level, trend and season as they stand at each origin."""
    ahead = np.arange(config.horizon)
    growth = np.cumsum(setting.damping ** (1 + ahead))
    season = setting.seasons[origins[:, None] - setting.period + ahead % setting.period]
    return setting.levels[origins, None] + growth * setting.trends[origins, None] + season


class Past(NamedTuple):
    """What a rival looks at before each origin.

    Attributes:
        length: how many numbers.
        pooling: values whose mean each of them is.
        is_relative: whether they are differences from the last value.
    """

    length: int
    pooling: int
    is_relative: bool

    def before(
        self, values: Values, origins: Origins
    ) -> tuple[Float[np.ndarray, "origins length"], Float[np.ndarray, "origins 1"]]:
        """The numbers, and what they and the forecasts are relative to."""
        level = self.is_relative * values[origins - 1, None]
        return means_before(values, origins, self.length, self.pooling) - level, level


def pasts(config: Config, *, is_relative: bool) -> list[Past]:
    """The last values, fewer or more of them, and what the networks read."""
    counts = sorted({max(config.num_lags // part, 1) for part in (1, 2, 4, 12)})
    lags = [Past(count, 1, is_relative) for count in counts]
    return list(dict.fromkeys([*lags, Past(config.window, config.pooling, is_relative)]))


def analogues(
    values: Values, known: Known, origins: Origins, setting: tuple[Past, int], config: Config
) -> Forecasts:
    """The mean of what came after the most similar pasts (Lorenz 1969): of which, and how many."""
    past, count = setting
    (then, then_level), (now, level) = past.before(values, known), past.before(values, origins)
    nearest = NearestNeighbors(n_neighbors=count).fit(then).kneighbors(now, return_distance=False)
    after = truth_of(values, known, config) - then_level
    return after[nearest].mean(1) + level


def ridge(
    values: Values, known: Known, origins: Origins, setting: tuple[Past, float], config: Config
) -> Forecasts:
    """A linear map from the past to all values ahead, with a penalty (Hoerl and Kennard 1970)."""
    past, penalty = setting
    (then, then_level), (now, level) = past.before(values, known), past.before(values, origins)
    model = Ridge(alpha=penalty).fit(then, truth_of(values, known, config) - then_level)
    return model.predict(now) + level
