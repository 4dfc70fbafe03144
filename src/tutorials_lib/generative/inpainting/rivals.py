"""What fills a hole without a network; every setting is chosen on the development pictures."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from skimage.restoration import inpaint_biharmonic

from tutorials_lib.generative.inpainting import gaussian as gaussians
from tutorials_lib.generative.inpainting.problem import Data, Part, Pictures

MEAN, BIHARMONIC, NEIGHBOURS, KERNEL, GAUSSIAN = RIVALS = (
    "mean picture",
    "biharmonic",
    "nearest neighbours",
    "kernel regression",
    "Gaussian, its mean",
)
Known = Float32[np.ndarray, "known pixels"]

DRAW, PASTED = "Gaussian, one draw", "nearest neighbour, pasted"
"""What is judged by its looks: a possible fill is farther from the truth than the mean of all."""

NUM_COORDS = (100, 192, 300)
"""Coordinates of the Gaussian that are tried."""

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Squared distances at which a picture counts 1/e of the nearest one that are tried."""

NUM_NEIGHBOURS = (1, 3, 10, 30)
"""Neighbours whose mean is tried."""


class Fills(NamedTuple):
    """The test pictures with their holes filled.

    Attributes:
        setting: the best on the development pictures; None where there is none to choose.
        development: PSNR inside the holes there; None likewise.
        pictures: as they were outside the holes.
    """

    setting: float | None
    development: float | None
    pictures: Pictures


def psnr(found: Pictures, part: Part, chosen: Any = slice(None)) -> float:
    """Peak signal-to-noise ratio in dB over all missing pixels of the `chosen` pictures.

    Raises:
        ValueError: none of their pixels is missing.
    """
    missing = part.missing[chosen]
    if not missing.any():
        raise ValueError("no pixel is missing, so none can be judged")
    squares = ((found[chosen] - part.pictures[chosen]) ** 2)[missing]
    return float(-10 * np.log10(max(squares.mean(dtype=np.float64), 1e-12)))


def paste(found: Pictures, part: Part) -> Pictures:
    """What was found, inside the holes only, and no darker than black or lighter than white."""
    return np.where(part.missing, found.clip(0, 1), part.pictures)


def fill_all(data: Data) -> dict[str, Fills]:
    """The test pictures, filled by every rival; and by a draw of the Gaussian."""
    mean = data.train.pictures.mean(0)
    gaussian, setting, development = _choose_gaussian(data)
    guess, draw = _by_gaussian(gaussian, data.test)
    known = data.train.pictures
    return {
        PASTED: _untuned(lambda part: neighbours(part, known, 1), data),
        DRAW: Fills(setting, None, paste(draw, data.test)),
        MEAN: _untuned(lambda part: np.broadcast_to(mean, part.pictures.shape), data),
        BIHARMONIC: _untuned(biharmonic, data),
        NEIGHBOURS: _tuned(
            lambda part, count: neighbours(part, known, count), NUM_NEIGHBOURS, data
        ),
        KERNEL: _tuned(lambda part, width: kernel_regression(part, known, width), WIDTHS, data),
        GAUSSIAN: Fills(setting, development, paste(guess, data.test)),
    }


def _untuned(fill: Callable[[Part], Pictures], data: Data) -> Fills:
    return Fills(None, None, paste(fill(data.test), data.test))


def _tuned(fill: Callable[[Part, Any], Pictures], settings: Sequence[Any], data: Data) -> Fills:
    def score(setting: Any) -> float:
        return psnr(paste(fill(data.development, setting), data.development), data.development)

    scores = {setting: score(setting) for setting in settings}
    best = max(scores, key=lambda setting: scores[setting])
    return Fills(best, scores[best], paste(fill(data.test, best), data.test))


# ---------------------------------------------------------------- the techniques


def biharmonic(part: Part) -> Pictures:
    """The smoothest surface through the rim of the hole (Damelin and Hoang 2018).

    Pictures with the same hole are passed as the channels of one, so that its equations are
    solved once.
    """
    side = round(part.pictures.shape[1] ** 0.5)
    found = np.empty_like(part.pictures)
    for mask, hole in enumerate(part.holes):
        chosen = part.which == mask
        if chosen.any():
            stack = part.pictures[chosen].T.reshape(side, side, -1) * ~hole.reshape(side, side, 1)
            filled = inpaint_biharmonic(stack, hole.reshape(side, side), channel_axis=-1)
            found[chosen] = filled.reshape(side * side, -1).T
    return found


def _distances(part: Part, known: Known) -> Float32[np.ndarray, "holed known"]:
    """Squared distances to known pictures over what is seen, above that to the nearest."""
    seen = (~part.missing).astype(np.float32)
    visible = part.pictures * seen
    squares = seen @ (known**2).T - 2 * visible @ known.T
    return squares - squares.min(1, keepdims=True)


def neighbours(part: Part, known: Known, count: int) -> Pictures:
    """The mean of the known pictures that are most alike in what is seen."""
    count = min(count, len(known))
    order = np.argpartition(_distances(part, known), count - 1, axis=1)[:, :count]
    return known[order].mean(1)


def kernel_regression(part: Part, known: Known, width: float) -> Pictures:
    """All known pictures, the more alike in what is seen the more they count (Nadaraya 1964)."""
    weights = np.exp(-_distances(part, known) / np.float32(width))
    weights /= weights.sum(1, keepdims=True)
    return weights @ known


def _choose_gaussian(data: Data) -> tuple[gaussians.Gaussian, float, float]:
    """The Gaussian whose number of coordinates suits the development pictures, and its score."""
    most = min(len(data.train.pictures), data.train.pictures.shape[1]) - 1
    tried = [
        gaussians.fit(data.train.pictures, count)
        for count in sorted({min(count, most) for count in NUM_COORDS})
    ]
    part = data.development
    scores = [psnr(paste(_by_gaussian(each, part)[0], part), part) for each in tried]
    best = int(np.argmax(scores))
    return tried[best], float(len(tried[best].variances)), scores[best]


def _by_gaussian(gaussian: gaussians.Gaussian, part: Part) -> tuple[Pictures, Pictures]:
    """The mean of all fills, and one draw."""
    conditionals = gaussians.condition(gaussian, part.holes)
    guess = gaussians.guess(gaussian, conditionals, part.pictures, part.holes, part.which)
    noise = np.random.default_rng(0).standard_normal(guess.shape, np.float32)
    moved = gaussians.draw(conditionals, noise, part.which)
    return gaussians.pictures_of(gaussian, guess), gaussians.pictures_of(gaussian, guess + moved)
