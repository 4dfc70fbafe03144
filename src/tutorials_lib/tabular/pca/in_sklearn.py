"""PCA by scikit-learn, with the same algorithms as the first two of ours."""

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA

Features = Float[np.ndarray, "rows features"]


def fit_covariance(features: Features, num_components: int) -> dict[str, Any]:
    """Eigenvectors of the covariance matrix."""
    return _fit(features, num_components, "covariance_eigh")


def fit_svd(features: Features, num_components: int) -> dict[str, Any]:
    """Singular vectors of the centred table."""
    return _fit(features, num_components, "full")


def _fit(features: Features, num_components: int, solver: str) -> dict[str, Any]:
    model = PCA(n_components=num_components, svd_solver=solver).fit(features)
    return {
        "mean": model.mean_,
        "components": model.components_,
        "variances": model.explained_variance_,
        "total": model.explained_variance_.sum() / model.explained_variance_ratio_.sum(),
    }
