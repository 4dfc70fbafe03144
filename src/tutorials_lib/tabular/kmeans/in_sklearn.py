"""k-means by scikit-learn: the same starts, the same number of iterations."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from tutorials_lib.tabular.kmeans.problem import Config

Points = Float[np.ndarray, "points features"]
Centers = Float[np.ndarray, "clusters features"]


class Fit(NamedTuple):
    """What `fit` returns: the centers only, since scikit-learn does not say how far they moved."""

    centers: Centers


def fit(points: Points, centers: Centers, config: Config) -> Fit:
    """Lloyd iterations from `centers`; scikit-learn stops early when no label changes."""
    model = KMeans(
        n_clusters=len(centers),
        init=centers,
        n_init=1,
        max_iter=config.num_steps,
        tol=0.0,
        algorithm="lloyd",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last step is the agreed one
        return Fit(model.fit(points).cluster_centers_)
