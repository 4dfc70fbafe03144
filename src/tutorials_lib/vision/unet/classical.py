"""Segmentation without a network: every technique gives each pixel a number, then cuts.

The larger the number, the more the pixel looks like a wall. A threshold makes yes and no of it,
and specks that are too small for a wall are taken away.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy.ndimage import gaussian_filter
from skimage.filters import sato, threshold_otsu
from skimage.morphology import remove_small_objects
from sklearn.ensemble import RandomForestClassifier

from tutorials_lib.vision.unet.problem import Pictures, Sections, Walls

Scores = Float[np.ndarray, "pictures height width"]
Features = Float32[np.ndarray, "pictures height width features"]

_SCALES = (0.7, 1.4, 2.5, 4.5)


def cut(scores: Scores, threshold: float | None, *, max_speck: int) -> Walls:
    """Walls where the score is above the threshold, without specks of up to `max_speck` pixels.

    Without a threshold, each picture gets its own by Otsu's method: the one that leaves the
    least variance on its two sides (Otsu 1979).
    """

    def above(picture: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
        walls = picture > (threshold_otsu(picture) if threshold is None else threshold)
        return remove_small_objects(walls, max_size=max_speck) if walls.any() else walls

    return np.stack([above(picture) for picture in scores])


def darkness(pictures: Pictures, *, blur: float) -> Scores:
    """How dark a pixel is after blurring, where the light that falls off to a side is undone."""
    return -smooth(pictures, blur) / smooth(pictures, 25.0)


def darker_than_around(pictures: Pictures, *, blur: float, reach: float) -> Scores:
    """How much darker a pixel is than the mean around it: an adaptive threshold."""
    return smooth(pictures, reach) - smooth(pictures, blur)


def ridges(pictures: Pictures, *, widths: tuple[float, ...]) -> Scores:
    """How much a pixel lies on a dark line of one of the widths (Sato et al. 1998)."""
    sigmas: Any = widths  # scikit-image annotates its default, which is a range
    return np.stack([sato(picture, sigmas=sigmas) for picture in pictures])


def forest(train: Sections, *, seed: int) -> Callable[[Pictures], Scores]:
    """A random forest on derivatives, as biologists train it by a few strokes (Sommer et al. 2011).

    It learns from 30,000 pixels and says with which probability a pixel is on a wall.
    """
    features = derivatives(train.pictures[:100])
    rng = np.random.default_rng(seed)
    pixels = rng.choice(features[..., 0].size, min(30_000, features[..., 0].size), replace=False)
    model = RandomForestClassifier(60, min_samples_leaf=10, n_jobs=-1, random_state=seed)
    table = features.reshape(-1, features.shape[-1])
    model.fit(table[pixels], train.walls[:100].ravel()[pixels])
    model.n_jobs = 1  # several threads add up the trees in any order, and round differently

    def score(pictures: Pictures) -> Scores:
        table = derivatives(pictures).reshape(pictures.size, -1)
        return model.predict_proba(table)[:, 1].reshape(pictures.shape)

    return score


def derivatives(pictures: Pictures) -> Features:
    """Grey, and at four scales: blurred, the slope, and the two curvatures (of the Hessian)."""
    features = [pictures]
    for scale in _SCALES:
        down, right = smooth(pictures, scale, (1, 0)), smooth(pictures, scale, (0, 1))
        dd, rr, dr = (smooth(pictures, scale, order) for order in ((2, 0), (0, 2), (1, 1)))
        mean, apart = (dd + rr) / 2, np.sqrt((dd - rr) ** 2 / 4 + dr**2)
        slope = np.hypot(down, right)
        features += [smooth(pictures, scale), slope, mean + apart, mean - apart]
    return np.stack(features, axis=-1)


def smooth(pictures: Pictures, blur: float, order: tuple[int, int] = (0, 0)) -> Pictures:
    """Each picture, blurred by a Gaussian over `blur` pixels, or a derivative of it."""
    return gaussian_filter(pictures, (0, blur, blur), order=(0, *order))
