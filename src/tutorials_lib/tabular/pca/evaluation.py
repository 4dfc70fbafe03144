"""The rivals of PCA, and what it reaches beside them on held-out rows.

A rival is another way to describe a row by a few numbers. Each is given the best linear way back,
found by least squares on the fitted rows, so that only the numbers that it keeps make the
difference. None has a setting to tune.
"""

from collections.abc import Sequence
from functools import partial
from math import isqrt
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.fft import dctn

from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.pca import in_jax, in_numpy, in_sklearn
from tutorials_lib.tabular.pca.problem import (
    Config,
    Data,
    Features,
    draw,
    lost_share,
    neighbour_accuracy,
    prepare,
)

# --- On held-out rows -------------------------------------------------------------------------


def judge(config: Config, *, seed: int, trained: in_numpy.Params | None = None) -> Judgement:
    """The held-out variation that the components of `config` lose, beside the rivals.

    `trained` is what a fit of the rows of `seed` has returned; by default they are fitted here.
    """
    data = prepare(config, seed=seed)
    params = fit(data, config) if trained is None else trained
    return Judgement(
        metric=f"held-out variation lost, {config.num_components} numbers a row",
        value=lost_by(params, data.test),
        baselines=baselines(data, config, seed=seed),
        higher_is_better=False,
    )


def fit(data: Data, config: Config) -> in_numpy.Params:
    """The components of the rows to fit, by covariance and eigh in JAX."""
    compiled = jax.jit(partial(in_jax.fit_covariance, num_components=config.num_components))
    return jax.tree.map(np.asarray, compiled(data.train))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The held-out variation that each rival loses with as many numbers as `config` keeps."""
    lost = lost_by_rivals(data, config.num_components, seed=seed)
    return {name: Score(None, share) for name, share in lost.items()}


class Curves(NamedTuple):
    """How ways to describe held-out rows by few numbers compare, by their names.

    Attributes:
        lost: the share of the variation that is lost with each number of numbers.
        right: how often the nearest fitted row has the same class, by these numbers alone.
    """

    lost: dict[str, list[float]]
    right: dict[str, list[float]]


def compare(data: Data, params: in_numpy.Params, counts: Sequence[int], *, seed: int) -> Curves:
    """PCA with the first components of `params`, and its rivals, for each of `counts`."""
    curves = Curves(lost={}, right={})
    for count in counts:
        kept = {**params, "components": params["components"][:count]}
        found = {"PCA": lost_by(kept, data.test), **lost_by_rivals(data, count, seed=seed)}
        for name, value in found.items():
            curves.lost.setdefault(name, []).append(value)
        random = random_directions(data.train.shape[1], count, seed=seed)
        for name, directions in {"PCA": kept["components"].T, "random projection": random}.items():
            curves.right.setdefault(name, []).append(right_along(data, directions))
    return curves


def lost_by(params: in_numpy.Params, features: Features) -> float:
    """The share of the variation of `features` that is lost along the components."""
    found = in_numpy.reconstruct(params, in_numpy.project(params, features))
    return lost_share(features, found, params["mean"])


def right_along(data: Data, directions: Float[np.ndarray, "features components"]) -> float:
    """How often the nearest fitted row has the same class, by coordinates along `directions`."""
    fitted, held_out = data.train @ directions, data.test @ directions
    return neighbour_accuracy(fitted, data.train_labels, held_out, data.test_labels)


# --- The rivals -------------------------------------------------------------------------------


def lost_by_rivals(data: Data, num_components: int, *, seed: int) -> dict[str, float]:
    """The share of the held-out variation that each rival loses, by its name."""
    mean = data.train.mean(0)
    train, test = data.train - mean, data.test - mean
    directions = random_directions(train.shape[1], num_components, seed=seed)
    pixels = choose(train, num_components)
    waves, new_waves = cosines(train), cosines(test)
    best = choose(waves, num_components)
    found = {
        "mean picture": np.zeros_like(test),
        "random projection": decode(train @ directions, train, test @ directions),
        "best pixels": decode(train[:, pixels], train, test[:, pixels]),
        "best cosines": decode(waves[:, best], train, new_waves[:, best]),
    }
    return {name: lost_share(test, rows, np.zeros_like(mean)) for name, rows in found.items()}


def random_directions(
    num_features: int, num_components: int, *, seed: int
) -> Float[np.ndarray, "features components"]:
    """Orthogonal directions, uniformly random."""
    rng = np.random.default_rng((seed, 2))
    drawn = rng.standard_normal((num_features, num_components), np.float32)
    return np.linalg.qr(drawn).Q


def choose(features: Features, num_components: int) -> Int[np.ndarray, " components"]:
    """The features that tell most about all others, chosen one by one (forward selection).

    Each is the one whose multiples, added to those of the features before, leave the least of the
    table's variance. What a choice explains is then taken out of the covariance.
    """
    left = np.cov(features.T, dtype=np.float64)
    smallest = 1e-9 * left.trace()  # a feature with less variance is explained but for rounding
    chosen = []
    for _ in range(num_components):
        variances = left.diagonal()
        gains = np.where(variances > smallest, (left**2).sum(0), 0) / np.maximum(
            variances, smallest
        )
        chosen.append(int(gains.argmax()))
        column = left[:, chosen[-1]] / np.sqrt(max(variances[chosen[-1]], smallest))
        left = left - np.outer(column, column)
    return np.array(chosen)


def cosines(pictures: Features) -> Features:
    """The amounts of the waves that each square picture is a sum of (Ahmed et al. 1974)."""
    side = isqrt(pictures.shape[1])
    waves = dctn(pictures.reshape(-1, side, side), axes=(1, 2), norm="ortho")
    return waves.reshape(pictures.shape)


def decode(
    codes: Float[np.ndarray, "rows components"],
    features: Features,
    new_codes: Float[np.ndarray, "new components"],
) -> Float[np.ndarray, "new features"]:
    """The linear map from `codes` to `features` with the least squares, applied to `new_codes`."""
    weights, *_ = np.linalg.lstsq(codes, features, rcond=None)
    return new_codes @ weights


def shares_by_chance(
    features: Features, num_components: int, *, seed: int
) -> Float[np.ndarray, " components"]:
    """The share of each component when every column is shuffled by itself (Horn 1965)."""
    shuffled = np.random.default_rng((seed, 3)).permuted(features, axis=0)
    params = in_numpy.fit_covariance(shuffled, num_components)
    return params["variances"] / params["total"]


# --- What scaling changes ---------------------------------------------------------------------


class Scaling(NamedTuple):
    """What a map of two components is like, as means over several divisions of a table.

    Attributes:
        share: of the first component in the variance.
        largest: value in the table, from the mean of its column.
        right: how often the nearest fitted row on the map has the class of a held-out row.
    """

    share: float
    largest: float
    right: float


def judge_scaling(config: Config, num_divisions: int = 3) -> Scaling:
    """The map of `config`'s table, scaled or not as it says, over seeds from 0."""
    results = []
    for seed in range(num_divisions):
        data = prepare(config, seed=seed)
        params = in_numpy.fit_covariance(data.train, 2)
        largest = np.abs(data.train - params["mean"]).max()
        right = right_along(data, params["components"].T)
        results.append((params["variances"][0] / params["total"], largest, right))
    return Scaling(*(float(mean) for mean in np.mean(results, axis=0)))


def compare_scaling(source: str) -> dict[str, Scaling]:
    """`judge_scaling` for the wines and the digits of `source`, as they are and scaled."""
    return {
        f"{table}, {'scaled' if scale else 'as they are'}": judge_scaling(
            Config(table=table, scale=scale, source=source, num_train=2_000, num_test=500)
        )
        for table in ("wines", "digits")
        for scale in (False, True)
    }


# --- Beside scikit-learn ----------------------------------------------------------------------


def errors_against_sklearn(config: Config, passes: Sequence[int]) -> dict[str, dict[str, float]]:
    """How far each algorithm is from scikit-learn's `covariance_eigh` in float64.

    The randomized algorithm is run with each number of `passes`. The errors of the `variances`
    and of the `components` are relative to the largest magnitude among them.
    """
    features, k = prepare(config).train.astype(np.float64), config.num_components
    draws = draw(config, features.shape[1]).astype(np.float64)
    expected = in_sklearn.fit_covariance(features, k)
    found = {
        "covariance and eigh": in_numpy.fit_covariance(features, k),
        "thin SVD": in_numpy.fit_svd(features, k),
        **{
            f"randomized SVD, passes: {count}": in_numpy.fit_randomized(features, draws, k, count)
            for count in passes
        },
    }
    return {
        name: {
            part: relative_error(expected[part], params[part])
            for part in ("variances", "components")
        }
        for name, params in found.items()
    }
