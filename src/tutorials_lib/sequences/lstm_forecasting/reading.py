"""What the page reads off forecasts: one of them with its numbers, tables, and sentences."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets import sunspots
from tutorials_lib.judge import Judgement
from tutorials_lib.sequences.lstm_forecasting import evaluation, in_jax, problem, rivals
from tutorials_lib.sequences.lstm_forecasting.evaluation import (
    MODEL,
    Difference,
    Errors,
    ForecastsByFold,
    Trained,
    rmse,
)
from tutorials_lib.sequences.lstm_forecasting.problem import Values

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def years_of(values: Values) -> Float[np.ndarray, " times"]:
    """The time of each month of sunspots, in years."""
    return sunspots.load_sunspots().first_year + np.arange(len(values)) / 12


def month_of(place: int) -> str:
    """Month and year of a place in the series of sunspots."""
    year, month = divmod(place, 12)
    return f"{_MONTHS[month]} {sunspots.load_sunspots().first_year + year}"


# ---------------------------------------------------------------- one forecast


class OneForecast(NamedTuple):
    """The way from the numbers before an origin to those after it.

    Attributes:
        origin: the first month that is forecast.
        numbers: sunspot numbers before it.
        window: what the networks read, scaled.
        cells: what one network holds after every step of the window.
        members: what each network of the fold says, scaled.
        forecast: their mean, as sunspot numbers.
        truth: the sunspot numbers that came.
    """

    origin: int
    numbers: Values
    window: Float[np.ndarray, " time"]
    cells: Float[np.ndarray, "time hidden"]
    members: Float[np.ndarray, "members horizon"]
    forecast: Float[np.ndarray, " horizon"]
    truth: Float[np.ndarray, " horizon"]


def one_forecast(trained: Trained, fold: int) -> OneForecast:
    """The first forecast of the test of a fold."""
    config, data, scaling = trained.config, trained.data, trained.scalings[fold]
    origins = data.test[fold][:1]
    window = problem.scaled_windows(data.values, origins, scaling, config)[0]
    networks = np.flatnonzero(problem.fold_of(config) == fold)
    stages = [
        in_jax.compiled_stages(jax.tree.map(lambda a, n=n: a[n], trained.params), window, config)
        for n in networks
    ]
    origin = int(origins[0])
    truth = problem.truth_of(data.values, origins, config)[0]
    return OneForecast(
        origin,
        data.values[origin - config.lookback : origin] ** 2,
        window,
        np.asarray(stages[0]["cells"]),
        np.stack([each["forecast"] for each in stages]),
        trained.forecasts[fold][0] ** 2,
        truth**2,
    )


def forecast_table(one: OneForecast, trained: Trained) -> MarkdownRows:
    """The stages of one forecast, from the last numbers that are known to those that came."""
    ahead = sorted({0, 5, 11, len(one.forecast) - 1} & set(range(len(one.forecast))))
    pooling = trained.config.pooling
    rows = [
        ["the last six sunspot numbers", _list(one.numbers[-6:], ".0f")],
        ["their square roots", _list(np.sqrt(one.numbers[-6:]), ".2f")],
        [
            f"the last steps of the window: means of {pooling} months, scaled",
            _list(one.window[-3:]),
        ],
        ["four cells of the first network, at the end", _list(one.cells[-1, :4])],
        [f"what it says for {_list(np.array(ahead) + 1, 'd')} months ahead", _of(one, ahead, 0)],
        [f"the mean of {len(one.members)} networks", _list(one.members.mean(0)[ahead])],
        ["the same as sunspot numbers", _list(one.forecast[ahead], ".0f")],
        ["what came", _list(one.truth[ahead], ".0f")],
    ]
    return MarkdownRows([f"Forecast of {month_of(one.origin)}", ""], rows)


def _of(one: OneForecast, ahead: list[int], member: int) -> str:
    return _list(one.members[member][ahead])


def _list(numbers: np.ndarray, form: str = ".2f") -> str:
    return ", ".join(f"{number:{form}}" for number in numbers)


# ---------------------------------------------------------------- no leak


def scaling_table(trained: Trained) -> MarkdownRows:
    """Mean and spread of each fold by its own past, and by the whole series."""
    values = trained.data.values
    rows = [
        [f"fold {fold + 1}, known before its test", *_mean_and_spread(values[: test[0]])]
        for fold, test in enumerate(trained.data.test)
    ]
    rows.append(["the whole series, with what was still to come", *_mean_and_spread(values)])
    return MarkdownRows(["Scaling learned from", "mean", "spread"], rows)


def _mean_and_spread(values: Values) -> tuple[str, str]:
    return f"{values.mean():.3f}", f"{values.std():.3f}"


def first_forecasts(trained: Trained, values: Values) -> ForecastsByFold:
    """The first test forecast of every fold, if the series had been `values`; scaled anew."""
    config, data = trained.config, trained.data._replace(values=values)
    scalings = tuple(problem.learn_scaling(values, known, config) for known in data.known)
    first = [test[:1] for test in data.test]
    return evaluation.forecast(trained.params, data, first, scalings, config)


# ---------------------------------------------------------------- tables


def metrics_table(errors: Mapping[str, Errors]) -> MarkdownRows:
    """Errors of every method, and by how much each is better than the last value."""
    last = np.square(errors[rivals.LAST]).mean()
    rows = [
        [
            name,
            f"{rmse(each):.3f}",
            f"{np.abs(each).mean():.3f}",
            f"{each.mean():+.3f}",
            f"{1 - np.square(each).mean() / last:+.1%}",
        ]
        for name, each in errors.items()
    ]
    return MarkdownRows(["", "RMSE", "MAE", "bias", "skill over the last value"], rows)


def differences_from(
    errors: Mapping[str, Errors], name: str, config: problem.Config
) -> dict[str, Difference]:
    """How much larger the squared error of every other method is than that of `name`."""
    return {
        other: evaluation.difference(each, errors[name], config)
        for other, each in errors.items()
        if other != name
    }


def thousandfold_differences(trained: Trained) -> dict[str, Difference]:
    """Those from the last value, of errors whose squares are a thousand times as large."""
    errors = evaluation.errors_by_method(trained)
    larger = {name: 1000**0.5 * each for name, each in errors.items()}
    return differences_from(larger, rivals.LAST, trained.config)


def losses_by_fold(
    trained: Trained, *, steps: int = 10
) -> tuple[dict[str, Float[np.ndarray, " points"]], list[int]]:
    """Mean training loss of the members of each fold over some steps, and the last step of each."""
    config = trained.config
    whole = trained.losses[: len(trained.losses) // steps * steps]
    by_fold = whole.reshape(-1, steps, config.num_folds, config.num_members).mean((1, 3))
    curves = {f"fold {fold}": each for fold, each in enumerate(by_fold.T, start=1)}
    return curves, list(range(steps, len(whole) + 1, steps))


# ---------------------------------------------------------------- sentences


def say_whether_met(judgement: Judgement, compared: Difference) -> str:
    """The verdict, and whether time has settled it."""
    name, line = judgement.strongest
    verdict = "Met" if judgement.met else "Not met"
    settled = "leaves zero out" if compared.is_settled else "holds zero, so that the two are level"
    return (
        f"{verdict}: the networks reach {judgement.value:.3f}, the strongest rival ({name}) "
        f"{line:.3f}. The squared errors differ by {compared.mean:+.3f}, and the interval from "
        f"{compared.low:+.3f} to {compared.high:+.3f} {settled}."
    )


def say_ahead(errors: Mapping[str, Errors]) -> str:
    """Which method is best for the next month, and how far ahead the networks are."""
    curves = {name: np.square(each).mean(0) for name, each in errors.items()}
    nearest = min(curves, key=lambda name: curves[name][0])
    ours = curves.pop(MODEL)
    wins = np.flatnonzero(ours < np.min(list(curves.values()), axis=0))
    told = f"For the next month, the smallest error is that of {nearest}."
    if not len(wins):
        return f"{told} The networks have it nowhere."
    return (
        f"{told} The networks have it at {len(wins)} of {len(ours)} distances, between "
        f"{wins[0] + 1} and {wins[-1] + 1} months ahead."
    )


def say_chaos(errors: Mapping[str, Errors]) -> str:
    """What a linear map leaves on the table where the rule is not linear."""
    ratio = rmse(errors[rivals.RIDGE]) / rmse(errors[MODEL])
    compared = rmse(errors[rivals.ANALOGUES]) / rmse(errors[MODEL])
    third = "behind" if compared > 1 else "ahead of"
    return (
        f"Here the error of ridge is {ratio:.1f} times that of the networks. Analogues, which are "
        f"not linear either, are {third} them: their error is {compared:.2f} times as large."
    )


def say_prices(differences: Mapping[str, Difference]) -> str:
    """Whether any method is better than the last value beyond doubt."""
    better = [name for name, each in differences.items() if each.high < 0]
    worse = [name for name, each in differences.items() if each.low > 0]
    if better:
        return f"Better than the last value, beyond the interval: {', '.join(better)}."
    told = f" ({', '.join(worse)} is surely worse)" if len(worse) == 1 else ""
    return (
        "No method has an interval that lies wholly below zero: nothing here beats the last "
        f"value{told}."
    )
