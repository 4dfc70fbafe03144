"""What the page reads off a fit: the sum of one home, the map, and intervals beside the truth."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets import houses
from tutorials_lib.judge import Judgement
from tutorials_lib.tabular.linear_regression import evaluation, features, in_jax, problem
from tutorials_lib.tabular.linear_regression.evaluation import Trained
from tutorials_lib.tabular.linear_regression.problem import Config, Data, Homes

SIDE = 100
"""Points of the map along each side."""

NUM_SAMPLES = 20
"""Fresh samples of homes on which intervals are counted."""

SMALL = 0.005
"""Features that add less than half a percent each are one row of the sum that is shown."""

REST = "all else"
"""The name of that row."""

TREES = "boosted trees"
"""The rival that adds up no features."""


def ordinary(homes: Homes, predicted: Float[np.ndarray, " homes"]) -> int:
    """A home without gaps whose relative error is the median one."""
    errors = np.abs(predicted / homes.price - 1)
    complete = np.isfinite(np.stack(list(homes.numbers.values()))).all(axis=0)
    away = np.where(complete, np.abs(errors - np.median(errors)), np.inf)
    return int(away.argmin())


def contributions(trained: Trained, homes: Homes, home: int) -> dict[str, float]:
    """What each feature of one home adds to its log price, in all the whole prediction.

    Those of the place are one sum, and so are those that are smaller than `SMALL`.
    """
    preparation, weights = trained
    added = features.to_features(homes, preparation)[home, 1:] * weights[1:]
    of_place = features.is_of_place(homes, preparation.names)
    named = zip(preparation.names, added, of_place, strict=True)
    adds = {name: float(value) for name, value, placed in named if not placed}
    adds |= {"place": float(added[of_place].sum())}
    large = {name: value for name, value in adds.items() if abs(value) >= SMALL}
    return large | {REST: sum(adds.values()) - sum(large.values())}


def sum_up(trained: Trained, homes: Homes, home: int) -> MarkdownRows:
    """The sum of one home as a table, from the average home to the logarithm of its price.

    A row for each feature has its value here and in the average home, the weight of one unit, and
    the product of difference and weight.
    """
    preparation, weights = trained
    scaled = features.to_features(homes, preparation)[home, 1:]
    values = scaled * preparation.std + preparation.mean
    units = features.per_unit(weights, preparation)
    cells = {
        name: [f"{round(value, 6):.4g}", f"{mean:.4g}", f"{unit:+.4g}"]
        for name, value, mean, unit in zip(
            preparation.names, values, preparation.mean, units, strict=True
        )
    }
    adds = contributions(trained, homes, home)
    blank = ["", "", ""]
    rows = [
        ["the average home", *blank, f"{weights[0]:.4f}"],
        *([name, *cells.get(name, blank), f"{added:+.4f}"] for name, added in adds.items()),
        ["this home", *blank, f"{weights[0] + sum(adds.values()):.4f}"],
    ]
    header = ["Feature", "this home", "average home", "weight of one unit", "adds to the log price"]
    return MarkdownRows(header, rows)


def maps(
    trained: Trained, train: Homes
) -> tuple[dict[str, Float[np.ndarray, "side side"]], tuple[float, ...]]:
    """The effect of the place on the log price, north in the first axis, and the map's edges.

    Where the homes are generated, the true effect is there as well, beside its average over the
    training homes like the fitted one.
    """
    homes_at = np.stack([train.numbers[name] for name in train.map_columns], axis=1)
    (west, south), (east, north) = homes_at.min(0), homes_at.max(0)
    eastings, northings = np.meshgrid(
        np.linspace(west, east, SIDE), np.linspace(south, north, SIDE)
    )
    place = np.stack([eastings.ravel(), northings.ravel()], axis=1)
    fitted = features.place_effect(place, trained.weights, trained.preparation, train)
    effects = {"as fitted": fitted}
    if train.expected_log_price is not None:
        true = houses.location_effect(place) - houses.location_effect(homes_at).mean()
        effects["as it is"] = np.where(np.isnan(fitted), np.nan, true)
    grids = {name: effect.reshape(SIDE, SIDE) for name, effect in effects.items()}
    return grids, (west, east, south, north)


def score_recipes(
    data: Data, recipes: Mapping[str, tuple[features.Recipe, str]]
) -> dict[str, dict[str, float]]:
    """Least squares on the features of each recipe, scored on the development homes.

    A recipe comes with what is predicted, a key of `evaluation.SCALES`.
    """
    found = {}
    for name, (recipe, target) in recipes.items():
        preparation = features.fit_preparation(data.train, recipe)
        train, development, _ = (features.to_features(homes, preparation) for homes in data)
        to_scale, to_price = evaluation.SCALES[target]
        predict = evaluation.least_squares(train, to_scale(data.train.price))
        found[name] = evaluation.scores(data.development.price, to_price(predict(development)))
    return found


def predictions(data: Data, trained: Trained) -> dict[str, Float[np.ndarray, " homes"]]:
    """Prices of the test homes by model, from the mean to the rule itself where it is known."""
    plain = features.fit_preparation(data.train, features.numbers)
    table = features.to_features(data.train, plain)
    straight = evaluation.least_squares(table, data.train.price)
    found = {
        "mean price": np.full(len(data.test), data.train.price.mean()),
        "numbers as recorded": straight(features.to_features(data.test, plain)),
        "engineered, Huber": evaluation.predict(trained, data.test),
    }
    if data.test.expected_log_price is not None:
        found["knows the rule"] = np.exp(data.test.expected_log_price)
    return found


class Descent(NamedTuple):
    """How a walk down the gradient went, in float64.

    Attributes:
        losses: before each step.
        least: of the solution of the normal equations.
        condition: the largest curvature of the loss over the smallest.
    """

    losses: Float[np.ndarray, " steps"]
    least: float
    condition: float

    @property
    def excess(self) -> Float[np.ndarray, " steps"]:
        """The losses above the least one, down to what rounding leaves."""
        return np.maximum(self.losses - self.least, 1e-15)


def descend(train: Homes, recipe: features.Recipe, config: Config) -> Descent:
    """Gradient descent from zero, on the logarithm of the price."""
    table = features.to_features(train, features.fit_preparation(train, recipe))
    with jax.enable_x64(True):
        start, x, y = map(jnp.asarray, (np.zeros(table.shape[1]), table, np.log(train.price)))
        walk = jax.jit(in_jax.fit, static_argnames="config")
        losses = walk(start, x, y, problem.step_size(table), config).losses
        solved = in_jax.ridge(in_jax.system(x, y, jnp.ones(len(y))), jnp.asarray(1e-9))
        least = float(in_jax.loss(solved, x, y))
    curvatures = np.linalg.eigvalsh(table.T @ table / len(table))
    return Descent(np.asarray(losses), least, curvatures[-1] / curvatures[0])


Intervals = Float[np.ndarray, "2 names"]


def relative_intervals(
    data: Data, trained: Trained, penalty: float, threshold: float, config: Config
) -> dict[str, Intervals]:
    """Bootstrapped intervals by method, as multiples of the coefficients of `reference`."""
    squares = dataclasses.replace(config, num_reweightings=0)
    return {
        "least squares": _intervals(data, trained, penalty, threshold, squares),
        "Huber": _intervals(data, trained, penalty, threshold, config),
    }


def _intervals(
    data: Data, trained: Trained, penalty: float, threshold: float, config: Config
) -> Intervals:
    """The middle 95 % of the weights that the resamples give, as multiples of `reference`."""
    preparation, known = trained.preparation, reference(trained, config)
    table, targets = features.to_features(data.train, preparation), np.log(data.train.price)
    counts = problem.resample(len(table), config)
    with jax.enable_x64(True):
        weights = in_jax.bootstrap(table, targets, counts, penalty, threshold, config)
    columns = [preparation.names.index(name) for name in known]
    units = features.per_unit(np.asarray(weights), preparation)[:, columns]
    return np.quantile(units / np.array(list(known.values())), [0.025, 0.975], axis=0)


def num_covered(relative: Intervals) -> int:
    """How many of the intervals hold the reference."""
    low, high = relative
    return int(((low <= 1) & (high >= 1)).sum())


def say_coverage(relative: Mapping[str, Intervals], config: Config) -> str:
    """What the intervals cover, here and over fresh samples, where the truth is known."""
    widths = {name: float((high - low).mean()) for name, (low, high) in relative.items()}
    narrower = 1 - widths["Huber"] / widths["least squares"]
    word = "narrower" if narrower >= 0 else "wider"
    text = (
        f"Huber's intervals are {word} than those of least squares by {abs(narrower):.0%} on "
        "average."
    )
    if config.source == "real":
        return text
    covered, asked = coverage(config)
    here = " and ".join(f"{num_covered(both)} ({name})" for name, both in relative.items())
    return (
        f"Of {len(houses.COEFFICIENTS)} known coefficients, {here} are covered. An interval of "
        f"this kind may miss one time in twenty; over {NUM_SAMPLES} further samples of homes, "
        f"{covered} of {asked} intervals of least squares cover what they should. {text}"
    )


def reference(trained: Trained, config: Config) -> dict[str, float]:
    """The known coefficients, where the homes are generated; else five fitted ones."""
    if config.source == "offline":
        return dict(houses.COEFFICIENTS)
    units = features.per_unit(trained.weights, trained.preparation)
    return dict(zip(trained.preparation.names[:5], map(float, units), strict=False))


def coverage(config: Config) -> tuple[int, int]:
    """How many intervals cover the known coefficient, and how many there are, over fresh samples.

    Each sample is a training set of its own; the fits are least squares with few resamples.
    """
    quick = dataclasses.replace(config, num_resamples=100, num_reweightings=0)
    covered = asked = 0
    for seed in range(1, NUM_SAMPLES + 1):
        data = problem.load(quick, seed=seed)
        preparation = features.fit_preparation(data.train, features.engineered)
        trained = Trained(preparation, np.zeros(len(preparation.names) + 1))
        found = _intervals(data, trained, 1e-5, 1.0, quick)
        covered, asked = covered + num_covered(found), asked + found.shape[1]
    return covered, asked


def say_whether_met(judgement: Judgement) -> str:
    """The line to beat, whether it is, and what that says."""
    name, line = judgement.strongest
    beside = f"{judgement.value:.3f} beside the {line:.3f} of {name}"
    if not judgement.met:
        short = line - judgement.value
        return f"{beside}: the line is not met. The weighted sum is short of it by {short:.3f}."
    if name == TREES:
        return (
            f"{beside}: the line is met. A weighted sum of well-chosen features stands up to a "
            "method that is far harder to read."
        )
    return (
        f"{beside}: the line is met. That rival is itself a linear model, without the engineered "
        f"features; the {TREES} reach {judgement.baselines[TREES].held_out:.3f}."
    )


def strongest_within_error(errors: Float[np.ndarray, "folds penalties"]) -> int:
    """The strongest penalty whose error is within one standard error of the least one.

    The errors of one fold share its hard homes, so the standard error is that of the difference.
    """
    excess = errors - errors[:, [errors.mean(axis=0).argmin()]]
    within = excess.mean(axis=0) <= excess.std(axis=0, ddof=1) / np.sqrt(len(errors))
    return int(np.flatnonzero(within)[-1])
