"""The lines to beat over several divisions of the digits.

Run it with `python -m tutorials_lib.tabular.pca.seeds`; `TUTORIALS_PRESET` and
`TUTORIALS_DATA` choose the size and the digits.
"""

import dataclasses
import sys
from collections.abc import Sequence

import numpy as np

from tutorials_lib import presets
from tutorials_lib.benchmark.report import markdown_table
from tutorials_lib.tabular.pca import baselines, in_numpy, problem
from tutorials_lib.tabular.pca.problem import Config


def report(config: Config, *, num_seeds: int = 3, counts: Sequence[int] = (2, 8, 32)) -> str:
    """A table: the mean over the seeds and the value for each, for PCA and for its baselines."""
    columns = [_judge(dataclasses.replace(config, seed=seed), counts) for seed in range(num_seeds)]
    rows = [
        [name, *(f"{value:.4f}" for value in (np.mean(values), *values))]
        for name in columns[0]
        for values in [[column[name] for column in columns]]
    ]
    return markdown_table(["held out", "mean", *(f"seed {i}" for i in range(num_seeds))], rows)


def _judge(config: Config, counts: Sequence[int]) -> dict[str, float]:
    """What is lost, and how often the nearest neighbour is right, by number of components."""
    data = problem.load(config)
    params = in_numpy.fit_covariance(data.train, max(counts))
    train, test = (in_numpy.project(params, rows) for rows in (data.train, data.test))
    shares = {}
    for count in counts:
        kept = {**params, "components": params["components"][:count]}
        found = in_numpy.reconstruct(kept, test[:, :count])
        random = baselines.random_directions(data.train.shape[1], count, config.seed)
        shares[f"lost with {count}: PCA"] = problem.lost_share(data.test, found, params["mean"])
        for name, share in baselines.lost_shares(data, count, config.seed).items():
            shares[f"lost with {count}: {name}"] = share
        shares[f"neighbour right with {count}: PCA"] = problem.neighbour_accuracy(
            train[:, :count], data.train_labels, test[:, :count], data.test_labels
        )
        shares[f"neighbour right with {count}: random projection"] = problem.neighbour_accuracy(
            data.train @ random, data.train_labels, data.test @ random, data.test_labels
        )
    shares["neighbour right: all pixels"] = problem.neighbour_accuracy(*data)
    return shares


if __name__ == "__main__":
    sys.stdout.write(report(presets.choose(problem.PRESETS)) + "\n")
