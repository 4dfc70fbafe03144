"""What k-means reaches beside scikit-learn, which minimises the same objective.

Two programs that take the same steps from the same starts can but end in the same place. What is
judged is therefore parity: the best inertia must not lie above scikit-learn's by more than
`PARITY` of it, and the line to beat has that tolerance in its name and in its value.
"""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.tabular.kmeans import in_jax, in_numpy, in_sklearn
from tutorials_lib.tabular.kmeans.problem import Config, draw, fit_scaling, load, to_points

Starts = Float[np.ndarray, "restarts clusters features"]

PARITY = 1e-4
"""How far above scikit-learn's the inertia may lie, as a share of it."""


class Data(NamedTuple):
    """Prepared customers, and the centers from which all begin."""

    points: Float32[np.ndarray, "points features"]
    starts: Starts


def prepare(config: Config, *, seed: int) -> Data:
    """The customers of `seed`, and the starts that k-means++ chooses by its draws."""
    customers, _ = load(config, seed=seed)
    points = to_points(customers.features, fit_scaling(customers.features))
    return Data(points, in_numpy.choose_all_starts(points, draw(config, seed=seed)))


def judge(config: Config, *, seed: int, trained: Starts | None = None) -> Judgement:
    """The best inertia of all restarts, beside scikit-learn's from the same starts.

    `trained` are the centers that every restart has arrived at; by default they are fitted here.
    """
    data = prepare(config, seed=seed)
    ends = in_jax.fit_restarts(*jax.device_put(data), config)[0] if trained is None else trained
    return Judgement(
        metric="inertia of the best restart",
        value=best_inertia(data.points, np.asarray(ends)),
        baselines=baselines(data, config, seed=seed),
        higher_is_better=False,
    )


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The best inertia of scikit-learn from the same starts, with the tolerance of parity."""
    found = np.stack([in_sklearn.fit(data.points, start, config).centers for start in data.starts])
    line = (1 + PARITY) * best_inertia(data.points, found)
    return {f"scikit-learn from the same starts, and {PARITY:.2%} more": Score(None, line)}


def best_inertia(points: Float[np.ndarray, "points features"], centers: Starts) -> float:
    """The least inertia of the restarts, in float64."""
    exact = points.astype(np.float64)
    return float(min(in_numpy.inertia(exact, each) for each in np.asarray(centers, np.float64)))
