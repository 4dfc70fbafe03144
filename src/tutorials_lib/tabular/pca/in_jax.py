"""PCA in JAX by three algorithms that return the same parameters.

Whoever calls a fit compiles it, with the numbers among its arguments as static ones.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from tutorials_lib.tabular.pca.problem import check_components

Params = dict[str, Any]
"""`mean` [features], `components` [components, features] with rows of length one, `variances`
[components] along them from the largest to the smallest, and the `total` variance []."""

Features = Float[Array, "rows features"]
Scores = Float[Array, "rows components"]
Components = Float[Array, "components features"]


def fit_covariance(features: Features, num_components: int) -> Params:
    """Eigenvectors of the covariance matrix with the largest eigenvalues (Hotelling 1933).

    Raises:
        ValueError: the table has no such number of components.
    """
    check_components(num_components, features.shape)
    mean = features.mean(0)
    matrix = covariance(features, mean)
    variances, vectors = jnp.linalg.eigh(matrix, symmetrize_input=False)  # in growing order
    largest = slice(None, -num_components - 1, -1)
    return {
        "mean": mean,
        "components": orient(vectors[:, largest].T),
        "variances": jnp.maximum(variances[largest], 0),  # rounding may leave them below zero
        "total": matrix.trace(),
    }


def fit_svd(features: Features, num_components: int) -> Params:
    """Right singular vectors of the centred table, which is never squared.

    With X = QR and R = USV', the columns of V are those of X as well, and neither Q nor U is
    needed (Chan 1982).

    Raises:
        ValueError: the table has no such number of components.
    """
    check_components(num_components, features.shape)
    mean, centred = centre(features)
    triangle = jnp.linalg.qr(centred, mode="r")
    _, singular, vectors = jnp.linalg.svd(triangle, full_matrices=False)
    variances = singular**2 / (len(features) - 1)
    return {
        "mean": mean,
        "components": orient(vectors[:num_components]),
        "variances": variances[:num_components],
        "total": variances.sum(),
    }


def fit_randomized(
    features: Features,
    draws: Float[Array, "features sampled"],
    num_components: int,
    num_passes: int,
) -> Params:
    """The same from a small subspace that random directions find (Halko et al. 2011).

    Every pass over the table and back turns the subspace towards the largest components
    (section 4.5, with an orthonormal basis after each pass); a small SVD then finds them in it.

    Raises:
        ValueError: the table has no such number of components.
    """
    check_components(num_components, features.shape)
    mean, centred = centre(features)
    basis = jnp.linalg.qr(draws).Q
    for _ in range(num_passes):
        basis = jnp.linalg.qr(centred.T @ (centred @ basis)).Q
    triangle = jnp.linalg.qr(centred @ basis, mode="r")
    _, singular, vectors = jnp.linalg.svd(triangle, full_matrices=False)
    return {
        "mean": mean,
        "components": orient(vectors[:num_components] @ basis.T),
        "variances": singular[:num_components] ** 2 / (len(features) - 1),
        "total": (centred**2).sum() / (len(features) - 1),
    }


def covariance(
    features: Features, mean: Float[Array, " features"]
) -> Float[Array, "features features"]:
    """How the features vary together around `mean`: sum (x - m)(x - m)' / (n - 1).

    XLA does not notice that the result is symmetric; of its four blocks,
    three are multiplied.
    """
    left, right = jnp.split(features - mean, [features.shape[1] // 2], axis=1)
    across = left.T @ right
    products = jnp.block([[left.T @ left, across], [across.T, right.T @ right]])
    return products / (len(features) - 1)


def centre(features: Features) -> tuple[Float[Array, " features"], Features]:
    """The mean of each feature, and the table around it."""
    mean = features.mean(0)
    return mean, features - mean


def orient(components: Components) -> Components:
    """The same directions, each with the sign that makes its largest entry positive.

    A direction and its opposite are equally good, and an algorithm returns
    either. Of two entries equally large, the first counts.
    """
    largest = jnp.abs(components).argmax(1)
    signs = jnp.sign(components[jnp.arange(len(components)), largest])
    return components * signs[:, None]


def project(params: Params, features: Features) -> Scores:
    """Coordinates of the rows along the components, from the mean."""
    return (features - params["mean"]) @ params["components"].T


def reconstruct(params: Params, scores: Scores) -> Features:
    """The rows that have these coordinates, and none along any other direction."""
    return scores @ params["components"] + params["mean"]
