"""k-means by scikit-learn: the same starts, the same number of iterations."""

import warnings

import numpy as np
from jaxtyping import Float
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from tutorials_lib.tabular.kmeans.problem import Config

Points = Float[np.ndarray, "points features"]
Centers = Float[np.ndarray, "clusters features"]


def fit(points: Points, centers: Centers, config: Config) -> Centers:
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
        return model.fit(points).cluster_centers_
