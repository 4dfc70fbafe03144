"""What PCA has to beat: other ways to describe a row by a few numbers.

Each is given the best linear way back, found by least squares on the fitted rows, so that only
the numbers that it keeps make the difference.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.tabular.pca import in_numpy
from tutorials_lib.tabular.pca.problem import (
    Config,
    Data,
    Features,
    lost_share,
    neighbour_accuracy,
    prepare,
)


class Judgement(NamedTuple):
    """How ways to describe held-out rows by few numbers compare, by their names.

    Attributes:
        lost: the share of the variation that is lost with each number of numbers.
        right: how often the nearest fitted row has the same class, by these numbers alone.
    """

    lost: dict[str, list[float]]
    right: dict[str, list[float]]


def judge(data: Data, params: in_numpy.Params, counts: Sequence[int], seed: int) -> Judgement:
    """PCA with the first components of `params`, and its baselines, for each of `counts`."""
    judgement = Judgement(lost={}, right={})
    for count in counts:
        kept = {**params, "components": params["components"][:count]}
        codes = in_numpy.project(kept, data.test)
        share = lost_share(data.test, in_numpy.reconstruct(kept, codes), params["mean"])
        for name, value in {"PCA": share, **lost_shares(data, count, seed)}.items():
            judgement.lost.setdefault(name, []).append(value)
        random = random_directions(data.train.shape[1], count, seed)
        for name, directions in {"PCA": kept["components"].T, "random projection": random}.items():
            fitted, held_out = data.train @ directions, data.test @ directions
            share = neighbour_accuracy(fitted, data.train_labels, held_out, data.test_labels)
            judgement.right.setdefault(name, []).append(share)
    return judgement


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
        data = prepare(dataclasses.replace(config, seed=seed))
        params = in_numpy.fit_covariance(data.train, 2)
        largest = np.abs(data.train - params["mean"]).max()
        right = judge(data, params, [2], seed).right["PCA"][0]
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


def shares_by_chance(
    features: Features, num_components: int, seed: int
) -> Float[np.ndarray, " components"]:
    """The share of each component when every column is shuffled by itself (Horn 1965)."""
    shuffled = np.random.default_rng((seed, 3)).permuted(features, axis=0)
    params = in_numpy.fit_covariance(shuffled, num_components)
    return params["variances"] / params["total"]


def lost_shares(data: Data, num_components: int, seed: int) -> dict[str, float]:
    """The share of the held-out variation that each baseline loses, by its name."""
    mean = data.train.mean(0)
    train, test = data.train - mean, data.test - mean
    directions = random_directions(train.shape[1], num_components, seed)
    pixels = most_variable(train, num_components)
    found = {
        "mean picture": np.zeros_like(test),
        "random projection": decode(train @ directions, train, test @ directions),
        "most variable pixels": decode(train[:, pixels], train, test[:, pixels]),
    }
    return {name: lost_share(test, rows, np.zeros_like(mean)) for name, rows in found.items()}


def random_directions(
    num_features: int, num_components: int, seed: int
) -> Float[np.ndarray, "features components"]:
    """Orthogonal directions, uniformly random."""
    rng = np.random.default_rng((seed, 2))
    drawn = rng.standard_normal((num_features, num_components), np.float32)
    return np.linalg.qr(drawn).Q


def most_variable(features: Features, num_components: int) -> Int[np.ndarray, " components"]:
    """The indices of the features with the largest variance."""
    return np.argsort(-features.var(0), kind="stable")[:num_components]


def decode(
    codes: Float[np.ndarray, "rows components"],
    features: Features,
    new_codes: Float[np.ndarray, "new components"],
) -> Float[np.ndarray, "new features"]:
    """The linear map from `codes` to `features` with the least squares, applied to `new_codes`."""
    weights, *_ = np.linalg.lstsq(codes, features, rcond=None)
    return new_codes @ weights
