"""Ways to compare two drawings that have never been trained on episodes."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tutorials_lib.vision.prototypical_networks import in_numpy
from tutorials_lib.vision.prototypical_networks.problem import Data, Episodes, Pictures

Score = Callable[[Episodes], Float[np.ndarray, " episodes"]]
"""The accuracy of each of some episodes."""

Setting = Any
"""What a technique can be tuned by; None where there is nothing."""

Technique = Callable[[Pictures, Sequence[Setting]], dict[Setting, Score]]
"""Looks at drawings, and can then score episodes of them with each of some settings."""

Closeness = Float[np.ndarray, "pictures pictures"]

NUM_COMPONENTS = 120
"""Principal components of a picture, of which the linear metric is made."""


class Chosen(NamedTuple):
    """A technique with the setting that is best on the development characters.

    Attributes:
        setting: the one that was chosen.
        development: its accuracy there.
        score: what it does with the test characters.
    """

    setting: Setting
    development: float
    score: Score


def choose(
    technique: Technique, settings: Sequence[Setting], data: Data, episodes: Episodes
) -> Chosen:
    """The best of some settings, by the mean accuracy of development episodes."""
    accuracies = {
        setting: float(score(episodes).mean())
        for setting, score in technique(data.development, settings).items()
    }
    best = max(accuracies, key=lambda setting: accuracies[setting])
    return Chosen(best, accuracies[best], technique(data.test, [best])[best])


def with_each(score: Callable[[Pictures, Setting], Score]) -> Technique:
    """A technique whose settings have nothing in common."""
    return lambda pictures, settings: {each: score(pictures, each) for each in settings}


# ---------------------------------------------------------------- two ways to score


def nearest(closeness: Closeness, episodes: Episodes) -> Float[np.ndarray, " episodes"]:
    """Each query is taken for the character of the example that it is closest to."""
    count, ways, shots = episodes.support.shape
    support = episodes.support.reshape(count, 1, 1, -1)
    found = closeness[episodes.queries[..., None], support].argmax(-1) // shots
    return (found == np.arange(ways)[:, None]).mean((1, 2))


def by_prototypes(features: Float[np.ndarray, "pictures features"]) -> Score:
    """Each query is taken for the character whose mean example it is closest to."""
    return partial(in_numpy.accuracies, features)


# ---------------------------------------------------------------- techniques


def blurred(pictures: Pictures, blur: float) -> Float32[np.ndarray, "pictures height width"]:
    """Every drawing blurred, and scaled to length 1."""
    soft = gaussian_filter(pictures, (0, 0, blur, blur)).reshape(-1, *pictures.shape[2:])
    return soft / np.linalg.norm(soft, axis=(1, 2), keepdims=True)


def as_rows(
    images: Float32[np.ndarray, "pictures height width"],
) -> Float32[np.ndarray, "pictures pixels"]:
    """One row a picture."""
    return images.reshape(len(images), -1)


def nearest_features(features: Float[np.ndarray, "pictures features"]) -> Score:
    """The nearest example, by the distance between features."""
    half = (features**2).sum(1) / 2
    return partial(nearest, features @ features.T - half)


def pixels(pictures: Pictures, setting: None = None) -> Score:
    """The nearest example, pixel by pixel."""
    return nearest_features(pictures.reshape(-1, pictures[0, 0].size))


def blurred_prototypes(pictures: Pictures, blur: float) -> Score:
    """The nearest mean of blurred examples."""
    return by_prototypes(as_rows(blurred(pictures, blur)))


def shift_tolerant(
    pictures: Pictures, settings: Sequence[tuple[float, int]]
) -> dict[tuple[float, int], Score]:
    """The nearest example, where an example may be moved by up to some pixels each way.

    A setting is the blur and how far an example may be moved; a longer reach goes on from a
    shorter one. Moving one drawing against the other by as much to the other side is the same,
    so half of the moves are enough.
    """
    scores = {}
    for blur in {blur for blur, _ in settings}:
        reaches = {reach for each, reach in settings if each == blur}
        images = blurred(pictures, blur)
        rows = as_rows(images)
        best = np.full((len(rows), len(rows)), -np.inf, np.float32)
        for reach in range(max(reaches) + 1):
            for move in product(range(-reach, reach + 1), repeat=2):
                if move >= (0, 0) and max(map(abs, move)) == reach:
                    moved = as_rows(np.roll(images, move, axis=(1, 2)))
                    np.maximum(best, moved @ rows.T, out=best)
            if reach in reaches:
                scores[blur, reach] = partial(nearest, np.maximum(best, best.T))
    return scores


class LinearMetric:
    """Directions in which drawings of one character differ little, and characters differ much.

    Linear discriminant analysis (Fisher 1936, Rao 1948) of the training characters, on principal
    components of blurred drawings.
    """

    def __init__(self, train: Pictures, *, blur: float) -> None:
        rows = as_rows(blurred(train, blur))
        components = min(NUM_COMPONENTS, len(rows) - 1)
        self._blur = blur
        self._pca = PCA(components, svd_solver="covariance_eigh").fit(rows)
        self._lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1)
        self._lda.fit(self._pca.transform(rows), np.arange(len(train)).repeat(train.shape[1]))

    def prototypes(self, pictures: Pictures, num_features: int) -> Score:
        """The nearest mean of examples, by the first `num_features` directions."""
        rows = self._pca.transform(as_rows(blurred(pictures, self._blur)))
        return by_prototypes(self._lda.transform(rows)[:, :num_features].astype(np.float32))


def techniques(train: Pictures) -> dict[str, tuple[Technique, Sequence[Setting]]]:
    """The rivals by name, each with its settings; one of them learns from `train`."""
    blurs = (0.7, 1.0, 1.5)
    metrics = {blur: LinearMetric(train, blur=blur) for blur in blurs}
    by_metric = with_each(lambda pictures, each: metrics[each[0]].prototypes(pictures, each[1]))
    return {
        "pixels, nearest example": (with_each(pixels), [None]),
        "blurred prototypes": (with_each(blurred_prototypes), (0.8, 1.2, 1.6, 2.0, 2.5)),
        "LDA prototypes": (by_metric, list(product(blurs, (5, 10, 20, 40)))),
        "shift-tolerant, nearest example": (
            shift_tolerant,
            list(product((1.0, 1.4, 2.0), (2, 3, 4, 6, 8))),
        ),
    }
