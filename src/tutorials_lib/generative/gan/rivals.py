"""Rivals of the GAN that have a density: normal distributions in PCA space, one or several.

Each is fitted to the training digits, and its settings are chosen by the Fréchet distance to the
development digits.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from tutorials_lib.generative.gan.problem import NUM_CLASSES, SIDE, Digits

GAUSSIAN = "Gaussian in PCA space"
MIXTURE = "mixture of Gaussians"
PER_CLASS = "mixture for each digit"

DIMENSIONS = (20, 50, 100)
"""Numbers of principal components among which each rival chooses."""

NUM_COMPONENTS = (10, 30)
"""Numbers of Gaussians among which the mixture chooses."""

NUM_PER_CLASS = (1, 5, 20)
"""Likewise, for each digit."""

MAX_SWEEPS = 40
"""Of the algorithm that fits a mixture (expectation maximization)."""

Coordinates = Float[np.ndarray, "digits dimensions"]


class Setting(NamedTuple):
    """What a rival chooses: principal components, and Gaussians."""

    dimensions: int
    components: int


class Choice(NamedTuple):
    """A rival with the setting that is best on the development digits.

    Attributes:
        setting: that one.
        development: its distance to the development digits.
        images: digits that it drew.
    """

    setting: Setting
    development: float
    images: Float32[np.ndarray, "drawn 28 28 1"]


def choose_all(
    train: Digits,
    labels: Int[np.ndarray, " drawn"],
    distance: Callable[[Float32[np.ndarray, "drawn 28 28 1"]], float],
) -> dict[str, Choice]:
    """Every rival at its best setting by `distance`, with a digit for each of `labels`.

    Only the mixture for each digit can be asked for one; the others draw what comes.
    """
    # In single precision the covariances of rare strokes are not positive definite.
    flat = train.images.reshape(len(train.images), -1).astype(np.float64)
    pca = PCA(min(max(DIMENSIONS), len(flat) - 1), svd_solver="full").fit(flat)
    coordinates = pca.transform(flat)
    dimensions = [each for each in DIMENSIONS if each <= pca.n_components_] or [pca.n_components_]

    def draw(setting: Setting, *, per_class: bool) -> Float32[np.ndarray, "drawn 28 28 1"]:
        leading = coordinates[:, : setting.dimensions]
        drawn = np.empty((len(labels), setting.dimensions))
        if per_class:
            for digit in range(NUM_CLASSES):
                asked = labels == digit
                own = leading[train.labels == digit]
                drawn[asked] = _sample(own, setting.components, int(asked.sum()))
        else:
            drawn[:] = _sample(leading, setting.components, len(labels))
        pixels = drawn @ pca.components_[: setting.dimensions] + pca.mean_
        return pixels.reshape(-1, SIDE, SIDE, 1).clip(0, 1).astype(np.float32)

    def best(components: Sequence[int], *, per_class: bool) -> Choice:
        found = []
        for count in components:
            for dimension in dimensions:
                images = draw(Setting(dimension, count), per_class=per_class)
                found.append(Choice(Setting(dimension, count), distance(images), images))
        return min(found, key=lambda choice: choice.development)

    return {
        GAUSSIAN: best((1,), per_class=False),
        MIXTURE: best(NUM_COMPONENTS, per_class=False),
        PER_CLASS: best(NUM_PER_CLASS, per_class=True),
    }


def _sample(
    points: Coordinates, components: int, count: int
) -> Float[np.ndarray, "drawn dimensions"]:
    """Draws from a mixture that is fitted to `points`, in random order."""
    mixture = GaussianMixture(
        min(components, len(points)), reg_covar=1e-3, random_state=0, max_iter=MAX_SWEEPS
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few sweeps more change little
        mixture.fit(points)
    drawn = mixture.sample(count)[0]  # component by component
    return np.random.default_rng(0).permutation(drawn)
