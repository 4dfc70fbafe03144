"""Probabilistic PCA, which the autoencoder has to beat."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib.generative.vae.problem import Images, Latents


class PPCA(NamedTuple):
    r"""Probabilistic PCA: $z \sim N(0, I)$ and $x | z \sim N(W z + \mu, \sigma^2 I)$.

    The prior and the noise are those of the autoencoder; only the decoder is a straight line.
    Everything is at its maximum likelihood, which has a closed form (Tipping and Bishop 1999).

    Attributes:
        mean: $\mu$, the mean face.
        components: orthonormal columns, the leading eigenvectors of the covariance.
        variances: the eigenvalues that belong to them.
        noise_variance: $\sigma^2$, the mean of the other eigenvalues.
    """

    mean: Float[np.ndarray, " pixels"]
    components: Float[np.ndarray, "pixels latents"]
    variances: Float[np.ndarray, " latents"]
    noise_variance: float


class Spectrum(NamedTuple):
    """The mean of pictures, and their covariance as eigenvalues from the largest down."""

    mean: Float[np.ndarray, " pixels"]
    eigenvalues: Float[np.ndarray, " pixels"]
    eigenvectors: Float[np.ndarray, "pixels pixels"]


def spectrum(images: Images) -> Spectrum:
    """What the fits of every number of latents have in common."""
    mean = images.mean(0, dtype=np.float64)
    centered = images - mean
    eigenvalues, eigenvectors = np.linalg.eigh(centered.T @ centered / len(images))
    return Spectrum(mean, eigenvalues[::-1], eigenvectors[:, ::-1])


def fit_ppca(images: Images, num_latents: int) -> PPCA:
    """The most likely parameters for `images` (equations 7 and 8); raises as `cut` does."""
    return cut(spectrum(images), num_latents)


def cut(whole: Spectrum, num_latents: int) -> PPCA:
    """The most likely parameters with `num_latents`.

    Raises:
        ValueError: fewer pixels than latents, so that nothing is left for the noise.
    """
    if not 0 < num_latents < len(whole.mean):
        raise ValueError(f"{num_latents} latents; expected 1 to {len(whole.mean) - 1}")
    return PPCA(
        mean=whole.mean,
        components=whole.eigenvectors[:, :num_latents],
        variances=whole.eigenvalues[:num_latents],
        noise_variance=float(whole.eigenvalues[num_latents:].mean()),
    )


def project(model: PPCA, images: Images) -> Latents:
    """The coordinates of each image along the components."""
    return (images - model.mean) @ model.components


def reconstruct(model: PPCA, images: Images) -> Images:
    """The nearest pictures to `images` that the components reach."""
    return project(model, images) @ model.components.T + model.mean


def log_likelihood(model: PPCA, images: Images) -> Float[np.ndarray, " batch"]:
    r"""$\log p(x)$ of each image in nats, exactly.

    It is a normal density, whose covariance $W W^\top + \sigma^2 I$ has the eigenvalues
    `variances` and, in all other directions, `noise_variance`.
    """
    num_pixels, num_latents = model.components.shape
    centered = images - model.mean
    along = centered @ model.components
    outside = np.square(centered).sum(1) - np.square(along).sum(1)
    log_determinant = np.log(model.variances).sum()
    log_determinant += (num_pixels - num_latents) * math.log(model.noise_variance)
    distance = np.square(along) @ (1 / model.variances) + outside / model.noise_variance
    return -0.5 * (num_pixels * math.log(2 * math.pi) + log_determinant + distance)
