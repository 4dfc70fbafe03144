"""Forecasting: the configuration, the series, what is known when, and scaling (NumPy only)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import mackey_glass, stock_prices, sunspots

SUNSPOTS, CHAOS, GOOGLE, SP500 = "sunspots", "chaos", "google", "sp500"

_TEST_SHARE = 0.4
"""Of the series, at its end, so much is forecast."""

_DEVELOPMENT_SHARE = 0.15
"""Of what is known in a fold, at its end, so much chooses settings."""

_NUM_CHAOS, _NOISE = 2400, 0.15
"""Length of the generated series, and how inexactly it is measured."""

Values = Float64[np.ndarray, " times"]
Origins = Int[np.ndarray, " origins"]
Windows = Float[np.ndarray, "origins time"]
Forecasts = Float[np.ndarray, "origins horizon"]
ByFold = Sequence[Int[np.ndarray, " _"]]
"""Origins of every fold; folds may have different numbers of them."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One series, what is asked of it, and the networks that answer.

    An *origin* is the time at which a forecast begins: what lies before it is known.

    Attributes:
        series: which one; `of_series` has the settings of the others.
        horizon: values to forecast from each origin.
        window: steps that a network reads.
        pooling: values whose mean is a step.
        num_lags: values before the origin that rivals may look at.
        is_relative: whether windows and forecasts are differences from the last known value.
        periods: seasons that the seasonal rivals try, in values.
        block: values that hang together, for intervals.
        num_folds: parts of the test, each forecast with all that is known before it begins.
        num_members: networks of each fold, whose forecasts are averaged.
        hidden_size: numbers that an LSTM remembers.
        num_steps: training steps.
        batch_size: windows in a step, for each network.
        learning_rate: of the first step; it falls to zero along half a cosine.
        source: `offline` for sunspots, `real` for the S&P 500.

    Raises:
        ValueError: series or source is unknown, or a count is not positive.
    """

    series: str = SUNSPOTS
    horizon: int = 36
    window: int = 64
    pooling: int = 3
    num_lags: int = 264
    is_relative: bool = False
    periods: tuple[int, ...] = tuple(range(120, 141, 2))
    block: int = 132
    num_folds: int = 4
    num_members: int = 4
    hidden_size: int = 16
    num_steps: int = 200
    batch_size: int = 64
    learning_rate: float = 5e-3
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)
        if self.series not in (SUNSPOTS, *_SETTINGS):
            known = ", ".join((SUNSPOTS, *_SETTINGS))
            raise ValueError(f"series is {self.series!r}; expected one of: {known}")
        counts = (self.horizon, self.window, self.pooling, self.num_folds, self.num_members)
        if min(counts) < 1:
            raise ValueError(
                "horizon, window, pooling, num_folds and num_members are "
                f"{', '.join(map(str, counts))}; each must be at least 1"
            )

    @property
    def num_networks(self) -> int:
        """Networks that are trained together."""
        return self.num_folds * self.num_members

    @property
    def lookback(self) -> int:
        """Values that have to lie before an origin."""
        return max(self.num_lags, self.window * self.pooling, *self.periods)


_PRICES = {
    "horizon": 5,
    "window": 40,
    "pooling": 1,
    "num_lags": 40,
    "is_relative": True,
    "periods": (),
    "block": 20,
    "num_steps": 50,  # with more of them, the networks learn the noise of the past by heart
}
_SETTINGS = {
    CHAOS: {
        "horizon": 12,
        "window": 48,
        "pooling": 1,
        "num_lags": 48,
        "is_relative": False,
        "periods": tuple(range(40, 61, 2)),
        "block": 50,
        "num_steps": 400,
        "learning_rate": 1e-2,
    },
    GOOGLE: _PRICES,
    SP500: _PRICES,
}


def of_series(config: Config, series: str) -> Config:
    """The same networks for another series, with its own windows and horizon."""
    return dataclasses.replace(config, series=series, **_SETTINGS[series])


def for_source(config: Config) -> Config:
    """What the source asks for: the S&P 500 where it is `real`, else `config` as it is."""
    return of_series(config, SP500) if config.source == "real" else config


PAGE = Config()
TINY = Config(
    horizon=12,
    window=16,
    num_lags=48,
    num_folds=2,
    num_members=2,
    hidden_size=8,
    num_steps=100,
    batch_size=16,
    learning_rate=2e-2,
)
FULL = Config(num_members=16, num_steps=1000)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# ---------------------------------------------------------------- what is known when


class Data(NamedTuple):
    """A series, and for each fold the origins of which part of it may be used for what.

    A forecast of the parts `train` and `development` ends before the test of the fold begins,
    and one of `train` before the development part begins.

    Attributes:
        values: square roots of sunspot numbers, logarithms of prices, or what was generated.
        train: origins to learn from, by fold.
        development: origins that choose settings, by fold.
        test: origins of which forecasts are judged, by fold.
    """

    values: Values
    train: tuple[Origins, ...]
    development: tuple[Origins, ...]
    test: tuple[Origins, ...]

    @property
    def known(self) -> tuple[Origins, ...]:
        """All origins, by fold, whose forecasts end before the test begins."""
        return tuple(
            np.arange(train[0], development[-1] + 1)
            for train, development in zip(self.train, self.development, strict=True)
        )


def load(config: Config, *, seed: int = 0) -> Data:
    """The series of `config`, and its walk forward; `seed` matters to the generated one alone.

    Raises:
        DatasetError: the published prices were asked for and cannot be had.
    """
    config = for_source(config)
    return walk_forward(_values(config.series, seed), config)


def _values(series: str, seed: int) -> Values:
    if series == SUNSPOTS:
        return np.sqrt(sunspots.load_sunspots().numbers)
    if series == CHAOS:
        return mackey_glass.mackey_glass(_NUM_CHAOS, noise=_NOISE, seed=seed)
    found = stock_prices.load_google() if series == GOOGLE else stock_prices.load_sp500()
    return np.log(found.prices)


def walk_forward(values: Values, config: Config) -> Data:
    """Cut the end of the series into folds, each with all that is known before it.

    Raises:
        ValueError: the series is too short for a window and a forecast in every part.
    """
    count, horizon = len(values), config.horizon
    cuts = (count * np.linspace(1 - _TEST_SHARE, 1, config.num_folds + 1)).astype(int)
    parts = []
    for cut, end in pairwise(cuts):
        inner = int((1 - _DEVELOPMENT_SHARE) * cut)
        train = np.arange(config.lookback, inner - horizon + 1)
        development = np.arange(inner, cut - horizon + 1)
        test = np.arange(cut, min(end, count - horizon + 1))
        parts.append((train, development, test))
        if not all(map(len, parts[-1])):
            raise ValueError(
                f"a series of {count} values is too short for windows of {config.lookback} and "
                f"forecasts of {horizon} in {config.num_folds} folds; ask for less of one of them"
            )
    return Data(values, *zip(*parts, strict=True))


# ---------------------------------------------------------------- windows and scaling


def means_before(
    values: Values, origins: Origins, count: int, pooling: int
) -> Float[np.ndarray, "origins count"]:
    """Means of `pooling` values each, `count` of them before each origin, the latest last."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = origins[:, None] - pooling * np.arange(count)[::-1]
    return (sums[ends] - sums[ends - pooling]) / pooling


def windows_of(values: Values, origins: Origins, config: Config) -> Windows:
    """What can be read at each origin."""
    means = means_before(values, origins, config.window, config.pooling)
    return means - level(values, origins, config)


def truth_of(values: Values, origins: Origins, config: Config) -> Forecasts:
    """What came after each origin."""
    return values[origins[:, None] + np.arange(config.horizon)]


def targets_of(values: Values, origins: Origins, config: Config) -> Forecasts:
    """The same, relative to the last known value where the windows are."""
    return truth_of(values, origins, config) - level(values, origins, config)


def level(values: Values, origins: Origins, config: Config) -> Float[np.ndarray, "origins 1"]:
    """What windows and targets are relative to: the last known value, or nothing."""
    return config.is_relative * values[origins - 1, None]


class Scaling(NamedTuple):
    """How numbers are brought to a mean of zero and a spread of one, and back.

    It is learned from what is known before a fold begins, and from nothing else.

    Attributes:
        window_center: mean of each step of the windows.
        window_spread: standard deviation of all steps around theirs.
        target_center: mean of each value of what came after.
        target_spread: standard deviation of all values around theirs.
    """

    window_center: Float[np.ndarray, " time"]
    window_spread: float
    target_center: Float[np.ndarray, " horizon"]
    target_spread: float


def learn_scaling(values: Values, origins: Origins, config: Config) -> Scaling:
    """The scaling of these origins."""
    parts = (part(values, origins, config) for part in (windows_of, targets_of))
    centered = [(part.mean(0), float((part - part.mean(0)).std())) for part in parts]
    return Scaling(*centered[0], *centered[1])


class Examples(NamedTuple):
    """Scaled windows and targets of every origin, as each fold sees them."""

    windows: Float32[np.ndarray, "folds origins time"]
    targets: Float32[np.ndarray, "folds origins horizon"]


def scaled_windows(
    values: Values, origins: Origins, scaling: Scaling, config: Config
) -> Float32[np.ndarray, "origins time"]:
    """What a network reads."""
    windows = windows_of(values, origins, config) - scaling.window_center
    return (windows / scaling.window_spread).astype(np.float32)


def to_windows(
    values: Values, origins: ByFold, scalings: Sequence[Scaling], config: Config
) -> Float32[np.ndarray, "folds origins time"]:
    """What the networks of each fold read at its origins.

    A fold that has fewer origins than another is filled up with its own ones again.
    """
    longest = max(map(len, origins))
    return np.stack(
        [
            scaled_windows(values, np.resize(each, longest), scaling, config)
            for each, scaling in zip(origins, scalings, strict=True)
        ]
    )


def to_examples(
    data: Data, origins: ByFold, config: Config
) -> tuple[Examples, tuple[Scaling, ...]]:
    """Windows and targets of the origins of every fold, and the scaling that they taught.

    What a fold is filled up with is never drawn by `draw_batches`.
    """
    scalings = tuple(learn_scaling(data.values, each, config) for each in origins)
    longest = max(map(len, origins))
    targets = [
        (targets_of(data.values, np.resize(each, longest), config) - scaling.target_center)
        / scaling.target_spread
        for each, scaling in zip(origins, scalings, strict=True)
    ]
    windows = to_windows(data.values, origins, scalings, config)
    return Examples(windows, np.stack(targets).astype(np.float32)), scalings


def to_forecasts(
    outputs: Float[np.ndarray, "origins horizon"],
    values: Values,
    origins: Origins,
    scaling: Scaling,
    config: Config,
) -> Forecasts:
    """What networks say, in the scale of the series."""
    scaled_back = outputs * scaling.target_spread + scaling.target_center
    return scaled_back + level(values, origins, config)


# ---------------------------------------------------------------- training


def fold_of(config: Config) -> Int[np.ndarray, " networks"]:
    """The fold of each network: the members of a fold stand side by side."""
    return np.arange(config.num_folds).repeat(config.num_members)


def draw_batches(
    origins: ByFold, config: Config, *, rng: np.random.Generator
) -> Int[np.ndarray, "steps networks batch"]:
    """Places among the origins of a network's fold, drawn anew for every step and network."""
    counts = np.array([len(each) for each in origins])[fold_of(config)]
    shape = config.num_steps, config.num_networks, config.batch_size
    return rng.integers(0, counts[:, None], shape, dtype=np.int32)


def learning_rates(config: Config) -> schedules.Schedule:
    """The learning rate of every step (Loshchilov and Hutter 2017)."""
    return schedules.cosine(config.num_steps, config.learning_rate)
