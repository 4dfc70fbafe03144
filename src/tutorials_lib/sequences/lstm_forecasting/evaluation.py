"""What walking forward with networks reaches, beside rivals that walk the same way."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.forecasting import block_bootstrap_interval
from tutorials_lib.sequences.lstm_forecasting import in_jax, problem, rivals
from tutorials_lib.sequences.lstm_forecasting.problem import (
    ByFold,
    Config,
    Data,
    Scaling,
)
from tutorials_lib.sequences.lstm_forecasting.rivals import Tuned

Errors = Float[np.ndarray, "times horizon"]
"""Forecast minus truth, the origins of all folds in order."""

ForecastsByFold = Sequence[Float[np.ndarray, "_ horizon"]]

METRIC = "RMSE, all origins and all values ahead"
MODEL = "LSTM"


class Trained(NamedTuple):
    """Networks of every fold, and what they forecast.

    Attributes:
        config: of the series that they learned from.
        data: that series and its folds.
        scalings: of each fold.
        params: of all networks.
        losses: before every step, of every network.
        forecasts: the mean of the members, for the test origins of each fold.
        seconds: of the training, without compilation.
        rivals: what the rivals forecast, where they have been tuned.
    """

    config: Config
    data: Data
    scalings: tuple[Scaling, ...]
    params: in_jax.Params
    losses: Float[np.ndarray, "steps networks"]
    forecasts: ForecastsByFold
    seconds: float
    rivals: Mapping[str, Tuned] | None = None


def train(config: Config, *, seed: int) -> Trained:
    """Train all networks of all folds together, each on what is known before its test begins."""
    config = problem.for_source(config)
    data = problem.load(config, seed=seed)
    examples, scalings = problem.to_examples(data, data.known, config)
    batches = problem.draw_batches(data.known, config, rng=np.random.default_rng([seed, 1]))
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    inputs = jax.device_put((state, examples, batches))
    fit = in_jax.compiled_fit.lower(*inputs, config).compile()  # ahead, so as not to time that
    (state, losses), seconds = timed(fit, *inputs)
    forecasts = forecast(state.params, data, data.test, scalings, config)
    return Trained(config, data, scalings, state.params, np.asarray(losses), forecasts, seconds)


def forecast(
    params: in_jax.Params,
    data: Data,
    origins: ByFold,
    scalings: Sequence[Scaling],
    config: Config,
) -> ForecastsByFold:
    """The mean of the members of each fold, for origins of that fold."""
    windows = problem.to_windows(data.values, origins, scalings, config)
    outputs = in_jax.compiled_predict(params, windows[problem.fold_of(config)], config)
    members = np.asarray(outputs).reshape(config.num_folds, config.num_members, *outputs.shape[1:])
    return [
        problem.to_forecasts(mean[: len(each)], data.values, each, scaling, config)
        for mean, each, scaling in zip(members.mean(1), origins, scalings, strict=True)
    ]


# ---------------------------------------------------------------- judgement


def errors_of(forecasts: ForecastsByFold, origins: ByFold, data: Data, config: Config) -> Errors:
    """Forecast minus truth, the origins of all folds in order."""
    folds = zip(forecasts, origins, strict=True)
    return np.concatenate([f - problem.truth_of(data.values, o, config) for f, o in folds])


def rmse(errors: Errors) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(np.square(errors).mean()))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The error of every rival, tuned on the development part of each fold."""
    config = problem.for_source(config)
    return _scores(rivals.tune_all(data, config), data, config)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same walk.

    The details are errors by how far ahead, and how much larger the squared error is than that of
    the last value, with its interval by blocks of time.
    """
    trained = train(config, seed=seed) if trained is None else trained
    config, data = trained.config, trained.data
    tuned = trained.rivals or rivals.tune_all(data, config)
    scores = _scores(tuned, data, config)
    errors = errors_by_method(trained, tuned)
    return Judgement(
        metric=METRIC,
        value=rmse(errors[MODEL]),
        baselines=scores,
        higher_is_better=False,
        training_seconds=trained.seconds,
        details={
            name: _details(each, errors[rivals.LAST], config) for name, each in errors.items()
        },
    )


def errors_by_method(
    trained: Trained, tuned: Mapping[str, Tuned] | None = None
) -> dict[str, Errors]:
    """Test errors of the networks and of every rival, by name."""
    tuned = tuned or trained.rivals or {}
    found = {MODEL: trained.forecasts} | {name: each.test for name, each in tuned.items()}
    data, config = trained.data, trained.config
    return {name: errors_of(each, data.test, data, config) for name, each in found.items()}


class Difference(NamedTuple):
    """How much larger one squared error is than another, and the interval of the mean."""

    mean: float
    low: float
    high: float

    @property
    def is_settled(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def difference(errors: Errors, others: Errors, config: Config) -> Difference:
    """The mean over all origins; positive where `others` are smaller."""
    by_origin = (np.square(errors) - np.square(others)).mean(1)
    block = min(config.block, len(by_origin))
    return Difference(float(by_origin.mean()), *block_bootstrap_interval(by_origin, block=block))


def _scores(tuned: Mapping[str, Tuned], data: Data, config: Config) -> dict[str, Score]:
    def score(forecasts: ForecastsByFold, origins: ByFold) -> float:
        return rmse(errors_of(forecasts, origins, data, config))

    return {
        name: Score(
            None if name == rivals.LAST else score(each.development, data.development),
            score(each.test, data.test),
        )
        for name, each in tuned.items()
    }


def _details(errors: Errors, last: Errors, config: Config) -> dict[str, float]:
    compared = difference(errors, last, config)
    return {
        "1 ahead": rmse(errors[:, :1]),
        f"{config.horizon} ahead": rmse(errors[:, -1:]),
        "mean absolute error": float(np.abs(errors).mean()),
        "squared error minus that of the last value": compared.mean,
        "95 % from": compared.low,
        "to": compared.high,
    }
