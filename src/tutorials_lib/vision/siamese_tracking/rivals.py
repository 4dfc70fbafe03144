"""Trackers that have learned nothing beforehand: by pixels, by a filter, by colours (NumPy).

All of them use the scale pyramid and the window of the network's tracker; only what they take for
a template, and how it responds to a search area, is their own.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy import fft

from tutorials_lib.vision.siamese_tracking import pyramid
from tutorials_lib.vision.siamese_tracking.problem import SEARCH, Clips, Settings, locate
from tutorials_lib.vision.siamese_tracking.pyramid import Place

Areas = Float32[np.ndarray, "*clips 64 64 3"]
"""Search areas, from 0 to 1."""

Template = tuple[np.ndarray, ...]
"""Arrays with an axis for clips, of which running means can be kept."""

_MIDDLE = (SEARCH - 1) / 2


class Rival(NamedTuple):
    """A tracker.

    Attributes:
        span: height and width of its search area, in target sizes.
        learn: the templates that areas with the target in the middle give.
        respond: from templates and areas at every scale, a map for each.
        shifts: how far from the middle each place of a map is, in crop pixels.
    """

    span: float
    learn: Callable[[Areas], Template]
    respond: Callable[[Template, Areas], Float[np.ndarray, "clips scales rows columns"]]
    shifts: Float[np.ndarray, " shifts"]


def follow(rival: Rival, clips: Clips, settings: Settings) -> Float32[np.ndarray, "clips frames 4"]:
    """A box for every frame, from the true one for the first; the template follows by and by."""
    first = clips.boxes[:, 0]
    place = Place(*locate(first))
    extent = (first[:, 2:] - first[:, :2]) / place.size[:, None]
    shifts = rival.shifts * (rival.span / SEARCH)

    def learn(frames: np.ndarray, place: Place) -> Template:
        sides = np.float32(rival.span) * place.size[:, None]
        areas = pyramid.crop(frames, place.center[:, None], sides, SEARCH)
        return rival.learn(areas[:, 0] / np.float32(255))

    template = learn(clips.frames[:, 0], place)
    found = [first]
    for frames in clips.frames.swapaxes(0, 1)[1:]:
        areas = pyramid.search_areas(frames, place, span=rival.span, pixels=SEARCH)
        response = rival.respond(template, areas / np.float32(255))
        place = pyramid.move(place, response, shifts, settings, frames.shape[1:3])
        if settings.update:
            template = tuple(
                old + np.float32(settings.update) * (new - old)
                for old, new in zip(template, learn(frames, place), strict=True)
            )
        middle, half = place.center[:, ::-1], extent * (place.size / 2)[:, None]
        found.append(np.concatenate([middle - half, middle + half], axis=1))
    return np.stack(found, axis=1)


# ---------------------------------------------------------------- normalized cross-correlation

_INNER = 18
"""Side of the template in crop pixels: a little more than the target's sixteen."""


def _learn_pixels(areas: Areas) -> Template:
    """The middle of the area, less the mean of each colour, scaled to length one."""
    start = (SEARCH - _INNER) // 2
    inner = areas[:, start : start + _INNER, start : start + _INNER]
    inner = inner - inner.mean((1, 2), keepdims=True)
    return (inner / np.sqrt((inner**2).sum((1, 2, 3), keepdims=True) + 1e-6),)


def _correlate_pixels(template: Template, areas: Areas) -> np.ndarray:
    """The correlation of a template with every part of the area that has its size (Lewis 1995)."""
    (inner,) = template
    spectrum = _spectrum(areas) * np.conj(_spectrum(inner))[:, None]
    shifts = SEARCH - _INNER + 1
    products = _from_spectrum(spectrum.sum(-1))[..., :shifts, :shifts]
    means = _box_sums(areas.transpose(0, 1, 4, 2, 3))  # [clips scales channels shifts shifts]
    squares = _box_sums((areas**2).sum(-1))
    variance = squares - (means**2).sum(2) / _INNER**2
    return products / np.sqrt(variance.clip(1e-3)).astype(np.float32)


def _box_sums(maps: Float[np.ndarray, "*maps rows columns"]) -> np.ndarray:
    """The sums over all squares of the template's size, by running sums."""
    for axis in (-2, -1):
        moved = np.moveaxis(maps, axis, -1)
        sums = np.cumsum(moved, axis=-1, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)
        maps = np.moveaxis(sums[..., _INNER:] - sums[..., :-_INNER], -1, axis)
    return maps


# ---------------------------------------------------------------- correlation filter

_REGULARIZER = 0.1


@cache
def _fade() -> Float32[np.ndarray, "64 64 1"]:
    """A window that fades to zero at the border of an area, which a spectrum would wrap around."""
    bell = np.hanning(SEARCH).astype(np.float32)
    return (bell[:, None] * bell)[..., None]


@cache
def _aim() -> np.ndarray:
    """The spectrum of the response that a filter should give: a narrow peak in the middle."""
    peak = np.exp(-((np.arange(SEARCH) - _MIDDLE) ** 2) / (2 * 2.5**2))
    return _spectrum((peak[:, None] * peak)[..., None].astype(np.float32))


def _faded_spectrum(areas: Areas) -> np.ndarray:
    return _spectrum((areas - areas.mean((-3, -2), keepdims=True)) * _fade())


def _learn_filter(areas: Areas) -> Template:
    """Numerator and denominator of the filter that answers with a peak (Danelljan et al. 2014)."""
    spectrum = _faded_spectrum(areas)
    return _aim() * np.conj(spectrum), (abs(spectrum) ** 2).sum(-1)


def _apply_filter(template: Template, areas: Areas) -> np.ndarray:
    numerator, denominator = template
    response = (numerator[:, None] * _faded_spectrum(areas)).sum(-1)
    return _from_spectrum(response / (denominator[:, None] + np.float32(_REGULARIZER)))


# ---------------------------------------------------------------- colour histogram

_BINS = 14
"""Bins of the share of red, and of that of green."""

_TARGET, _RING = 7.0, (9.0, 13.0)
"""Radius of the target, and of what surely lies around it, in crop pixels."""


@cache
def _distances() -> Float32[np.ndarray, "64 64"]:
    grid = np.arange(SEARCH, dtype=np.float32) - np.float32(_MIDDLE)
    return np.hypot(grid[:, None], grid)


def _bins(areas: Areas) -> Int[np.ndarray, "*clips 64 64"]:
    """The bin of every pixel by the shares of red and green: light and shade divide out."""
    share = areas[..., :2] / (areas.sum(-1, keepdims=True) + np.float32(0.03))
    row, column = np.moveaxis(((share - 0.05) * 18).clip(0, _BINS - 1).astype(np.intp), -1, 0)
    return row * _BINS + column


def _learn_colors(areas: Areas) -> Template:
    """How often each colour is on the target, and how often around it."""
    clips = np.arange(len(areas))[:, None] * _BINS**2
    bins = _bins(areas).reshape(len(areas), -1) + clips
    histograms = []
    for part in (_distances() < _TARGET, _distances() > _RING[0] + 2):
        chosen = bins[:, part.ravel()]
        counts = np.bincount(chosen.ravel(), minlength=len(areas) * _BINS**2)
        histograms.append((counts.reshape(len(areas), -1) / part.sum()).astype(np.float32))
    return tuple(histograms)


def shared_colors(clips: Clips) -> Float[np.ndarray, " clips"]:
    """How much of the target's colours, from 0 to 1, lies around it too in the first frame."""
    place = Place(*locate(clips.boxes[:, 0]))
    areas = pyramid.crop(clips.frames[:, 0], place.center[:, None], 4 * place.size[:, None], SEARCH)
    on, around = _learn_colors(areas[:, 0] / np.float32(255))
    return np.minimum(on, around).sum(1)


@cache
def _inside_less_ring() -> np.ndarray:
    """The spectrum of a disk of the target's size, less a ring around it; both sum to one."""
    disk = _distances() < _TARGET + 1
    ring = (_distances() > _RING[0]) & (_distances() < _RING[1])
    return np.conj(_spectrum((disk / disk.sum() - ring / ring.sum()).astype(np.float32)[..., None]))


def _score_colors(template: Template, areas: Areas) -> np.ndarray:
    """How likely pixels are on the target by their colour: inside, less around (Possegger 2015)."""
    bins = _bins(areas)
    clips = np.arange(len(areas))[:, None, None, None]
    on, around = (histogram[clips, bins] + np.float32(1e-3) for histogram in template)
    likely = (on / (on + around))[..., None]
    response = _from_spectrum((_spectrum(likely) * _inside_less_ring())[..., 0])
    return fft.fftshift(response, axes=(-2, -1))


# ---------------------------------------------------------------- all of them


def _spectrum(areas: np.ndarray) -> np.ndarray:
    return fft.rfft2(areas, (SEARCH, SEARCH), axes=(-3, -2))


def _from_spectrum(spectrum: np.ndarray) -> np.ndarray:
    return fft.irfft2(spectrum, (SEARCH, SEARCH))


_CENTERED = np.arange(SEARCH - _INNER + 1) - (SEARCH - _INNER) / 2
RIVALS = {
    "cross-correlation of pixels": Rival(4.0, _learn_pixels, _correlate_pixels, _CENTERED),
    "correlation filter": Rival(2.5, _learn_filter, _apply_filter, np.arange(SEARCH) - _MIDDLE),
    "colour histogram": Rival(4.0, _learn_colors, _score_colors, np.arange(SEARCH) - SEARCH / 2),
}
"""The trackers by name."""
