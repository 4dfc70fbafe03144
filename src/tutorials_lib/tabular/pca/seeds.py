"""The lines to beat over several divisions of the digits.

Run it with `python -m tutorials_lib.tabular.pca.seeds`; `TUTORIALS_PRESET` and
`TUTORIALS_DATA` choose the size and the digits.
"""

import dataclasses
import sys
from collections.abc import Sequence

from tutorials_lib import presets
from tutorials_lib.benchmark.tables import MarkdownRows, table_by_seed
from tutorials_lib.tabular.pca import baselines, in_numpy, problem
from tutorials_lib.tabular.pca.problem import Config


def table(
    config: Config, *, num_seeds: int = 3, counts: Sequence[int] = (2, 8, 32)
) -> MarkdownRows:
    """What PCA and its baselines reach on held-out digits, by seed."""
    seeds = range(num_seeds)
    columns = [_judge(dataclasses.replace(config, seed=seed), counts) for seed in seeds]
    values = {name: [column[name] for column in columns] for name in columns[0]}
    return table_by_seed("held out", values, seeds, digits=4)


def _judge(config: Config, counts: Sequence[int]) -> dict[str, float]:
    """What is lost, and how often the nearest neighbour is right, by number of components."""
    data = problem.load(config)
    params = in_numpy.fit_covariance(data.train, max(counts))
    judgement = baselines.judge(data, params, counts, config.seed)
    shares = {
        f"{what} with {count}: {name}": values[i]
        for what, curves in (("lost", judgement.lost), ("neighbour right", judgement.right))
        for i, count in enumerate(counts)
        for name, values in curves.items()
    }
    return {**shares, "neighbour right: all pixels": problem.neighbour_accuracy(*data)}


if __name__ == "__main__":
    sys.stdout.write(table(presets.choose(problem.PRESETS)).markdown() + "\n")
