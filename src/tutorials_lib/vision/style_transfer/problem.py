"""Style transfer: the configuration, the pictures and the random filters (NumPy only)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib import presets
from tutorials_lib.datasets import paintings, photos, style_pair
from tutorials_lib.pretrained.squeezenet import weights

Picture = Float32[np.ndarray, "height width 3"]
Params = dict[Any, Any]
"""`{"scales": {i: {"kernel": [rows, columns, 3, features]}}}`, the filters of each scale."""

PAINTING = "whirls"
"""The name of the picture that `paintings.paint_whirls` draws."""

EPSILON = 1e-6
"""Keeps the relative losses finite where a filter sees nothing in the photograph."""

SHORTEST_WAVE = 2.5
"""The shortest wavelength of a filter, in pixels of its scale; two pixels are the least."""

BRIGHTNESS = 0.7
"""How far the random colours of filters lean towards grey, since most edges are of brightness."""

Square = tuple[float, float, float]
"""Where the centre of a square lies (down, across) and its side, in shares of a picture."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One pair of pictures, one network that looks at them, and one optimization.

    Attributes:
        content: the photograph to be painted, a name in `photos.PHOTOS`.
        content_square: the part of it to take.
        style: the picture whose style it gets: `PAINTING`, or a name in `photos.PHOTOS`.
        style_square: the part of it to take; `PAINTING` is taken whole.
        size: height and width of both, in pixels.
        num_scales: how often the network looks; each time at half the size of the time before.
        num_filters: filters of each scale.
        kernel_size: height and width of a filter, in pixels of its scale; odd.
        content_scale: the first scale whose patterns must stay where they are. Finer ones, and
            the colours, are free to follow the style.
        color_scale: the scale at which colours are compared.
        style_weight: what style counts, where content counts 1.
        smoothness: what differences between neighbouring pixels count.
        noise: standard deviation of the grey noise that the optimization starts with.
        num_steps: optimization steps of a whole run.
        learning_rate: of Adam; a step moves a pixel by about this much.
        source: `offline` for bundled pictures and random filters, `real` for the pictures of the
            first paper and a network trained on photographs.

    Raises:
        ValueError: the picture does not halve that often, is then smaller than a filter, or a
            scale that is named does not exist.
    """

    content: str = "china"
    content_square: Square = (0.5, 0.4, 0.95)
    style: str = PAINTING
    style_square: Square = (0.5, 0.5, 1.0)
    size: int = 128
    num_scales: int = 4
    num_filters: int = 32
    kernel_size: int = 7
    content_scale: int = 2
    color_scale: int = 2
    style_weight: float = 10.0
    smoothness: float = 2.0
    noise: float = 0.02
    num_steps: int = 100
    learning_rate: float = 0.02
    source: str = "offline"

    def __post_init__(self) -> None:
        smallest, rest = divmod(self.size, 2 ** (self.num_scales - 1))
        if rest or smallest < self.kernel_size:
            raise ValueError(
                f"a picture of {self.size} pixels does not halve {self.num_scales - 1} times to "
                f"at least the {self.kernel_size} pixels of a filter"
            )
        for name in ("content_scale", "color_scale"):
            if not 0 <= getattr(self, name) < self.num_scales:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; the scales are 0 to {self.num_scales - 1}"
                )
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}; it must be odd")
        presets.check_source(self.source)


TINY = Config(
    size=32, num_scales=3, num_filters=4, kernel_size=5, content_scale=1, color_scale=1, num_steps=3
)
PAGE = Config()
FULL = Config(size=256, num_scales=5, content_scale=3, color_scale=3, num_steps=400)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}

STYLE_WEIGHTS = (0.3, 3.0, 10.0, 100.0)
"""The weights of the strip on the page; the third is that of the presets."""


class Pair(NamedTuple):
    """The photograph to be painted and the picture that lends its style, from 0 to 1."""

    content: Picture
    style: Picture


def load(config: Config) -> Pair:
    """The two pictures of the source that `config` names.

    Raises:
        DatasetError: the published pictures were asked for and cannot be had.
    """
    if config.source == "real":
        return Pair(*style_pair.load_style_pair(size=config.size))
    content = _load(config.content, config.content_square, config.size)
    return Pair(content, _load(config.style, config.style_square, config.size))


def _load(name: str, square: Square, size: int) -> Picture:
    if name == PAINTING:
        return photos.resize(paintings.paint_whirls(), size)
    picture = photos.load_photo(name, size=size, crop=square)
    return np.repeat(picture, 3, -1) if picture.shape[-1] == 1 else picture


class Source(NamedTuple):
    """What a picture shows, and who allows that it is used."""

    shows: str
    licence: str


def sources(config: Config) -> Sequence[Source]:
    """Of the photograph, and of the picture that lends its style."""
    if config.source == "real":
        return [
            Source("houses along a river", f"licence: {style_pair.CONTENT.licence}"),
            Source("van Gogh's Starry Night", style_pair.STYLE.licence),
        ]
    drawn = Source(paintings.SHOWS, "our own")
    names = config.content, config.style
    return [drawn if name == PAINTING else _source_of(name) for name in names]


def _source_of(name: str) -> Source:
    photo = photos.PHOTOS[name]
    return Source(photo.shows, photo.licence)


def load_params(config: Config, *, seed: int = 0) -> Params:
    """The network of the source that `config` names: random filters, or the trained SqueezeNet.

    Raises:
        DatasetError: the published weights were asked for and cannot be had.
    """
    if config.source == "real":
        return {"network": weights.load_squeezenet()}
    return draw_filters(config, seed=seed)


def draw_filters(config: Config, *, seed: int = 0) -> Params:
    """Random waves for every scale, of length 1 and blind to a uniform colour.

    Each filter is a wave that fades out towards its border (a Gabor filter): direction, wavelength,
    phase and colour are drawn. It answers to strokes of one width that run one way, which filters
    of independent random weights hardly tell from noise.

    Ustyuzhaninov et al. (2017) draw filters of many sizes. Here the size is the same and the
    picture shrinks, which costs less and means the same: a filter sees `2**i` times as much of
    the picture at scale `i`.
    """
    rng = np.random.default_rng(seed)
    size, count = config.kernel_size, config.num_filters
    places = np.arange(size) - size // 2
    down, across = places[:, None, None], places[:, None]
    fading = np.exp(-(down**2 + across**2) / (2 * (size / 4) ** 2))
    scales = {}
    for i in range(config.num_scales):
        direction, phase = rng.uniform(0, 2 * np.pi, (2, count))
        wavelength = rng.uniform(SHORTEST_WAVE, size + 1, count)
        along = across * np.cos(direction) + down * np.sin(direction)
        wave = fading * np.cos(2 * np.pi * along / wavelength + phase)
        wave -= fading * (wave.sum((0, 1)) / fading.sum())
        colors = rng.normal(size=(3, count))
        colors += BRIGHTNESS * np.sign(colors.sum(0))
        kernel = wave[:, :, None] * colors
        kernel /= np.sqrt((kernel**2).sum((0, 1, 2)))
        scales[i] = {"kernel": kernel.astype(np.float32)}
    return {"scales": scales}


def first_picture(content: Picture, config: Config, *, seed: int = 0) -> Picture:
    """Where the optimization starts: the photograph with a little grey noise, drawn with `seed`."""
    rng = np.random.default_rng(seed)
    noise = config.noise * rng.normal(size=(*content.shape[:2], 1))
    return content + noise.astype(np.float32)


def halving(size: int) -> Float[np.ndarray, "half size"]:
    """The matrix that blurs a column of `size` pixels by 1, 3, 3, 1 (over 8) and takes every other.

    Applied from both sides it halves a picture; averages of 2 by 2 pixels would leave blocks in
    the gradient. Beyond the border the last pixel is repeated.
    """
    matrix = np.zeros((size // 2, size), np.float32)
    rows = np.arange(size // 2)
    for offset, weight in zip((-1, 0, 1, 2), (1, 3, 3, 1), strict=True):
        columns = (2 * rows + offset).clip(0, size - 1)
        matrix[rows, columns] += weight / 8
    return matrix
