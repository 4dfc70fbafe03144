"""Removing noise from photographs: the configuration, the pictures and their noise (NumPy only)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from scipy.fft import dct

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import denoising_sets, photos

Picture = Float32[np.ndarray, "height width"]
"""The brightness of every pixel, from 0 to 1; with noise, also below and above."""

AnyPicture = Float32[np.ndarray, "_ _"]
"""The same; in a collection, sizes differ."""

Pictures = Mapping[str, AnyPicture]
"""Pictures by name."""

SIGMAS = (15, 25, 50)
"""Standard deviations of the noise that are judged, in grey levels of 255."""

MIDDLE_SIGMA = 25 / 255
"""The level of noise to which others are compared."""

ERROR_GROWTH = 1.3
"""The squared error that remains grows about like this power of sigma."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        patch_size: side of a patch in pixels.
        stride: pixels from one patch to the next.
        num_passes: how often the picture is looked at; each time with the last answer as guide.
        num_crops: squares that are cut out of the training pictures once; steps draw from them.
        crop_size: their side in pixels.
        batch_size: squares in one training step.
        num_rounds: parts of the training, after each of which it is looked at.
        steps_per_round: training steps of one part.
        peak_learning_rate: of the schedule that rises to it and falls again.
        least_sigma, most_sigma: range of the noise in training, in grey levels of 255.
        test_size: side of the squares out of the middle of the held-out bundled photographs.
        source: `offline` for bundled photographs, `real` for Set12 and BSD68 held out.

    Raises:
        ValueError: a patch is no number of strides, or a square no number of them beyond a patch;
            there is no pass; or the range of the noise is empty.
    """

    patch_size: int = 8
    stride: int = 2
    num_passes: int = 2
    num_crops: int = 4_096
    crop_size: int = 40
    batch_size: int = 4
    num_rounds: int = 8
    steps_per_round: int = 300
    peak_learning_rate: float = 4e-3
    least_sigma: float = 5.0
    most_sigma: float = 55.0
    test_size: int = 256
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.patch_size % self.stride or (self.crop_size - self.patch_size) % self.stride:
            raise ValueError(
                f"patch_size is {self.patch_size}, crop_size {self.crop_size} and stride "
                f"{self.stride}; the stride must divide both, so that patches cover every pixel"
            )
        if self.crop_size < self.patch_size:
            raise ValueError(
                f"crop_size is {self.crop_size}; a square must hold a patch of {self.patch_size}"
            )
        if self.num_passes < 1:
            raise ValueError(f"num_passes is {self.num_passes}; at least one is needed")
        if not 0 < self.least_sigma <= self.most_sigma:
            raise ValueError(
                f"the noise goes from {self.least_sigma} to {self.most_sigma}; it must start above "
                "zero and not end below its start"
            )
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_rounds * self.steps_per_round


TINY = Config(
    patch_size=4,
    num_crops=64,
    crop_size=12,
    batch_size=2,
    num_rounds=2,
    steps_per_round=5,
    test_size=48,
)
PAGE = Config()
FULL = Config(patch_size=12, num_crops=32_768, batch_size=16, num_rounds=40)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first twentieth, then down to zero along a cosine."""
    return schedules.one_cycle(config.num_steps, config.peak_learning_rate, rising=1 / 20)


# ---------------------------------------------------------------- where training starts


@cache
def waves(size: int) -> Float32[np.ndarray, "pixels features"]:
    """The patterns of the discrete cosine transform of a patch, without the constant one.

    They are the products of a cosine down and a cosine across (Ahmed et al. 1974), each of unit
    length; the pixels of a patch go row by row.
    """
    cosines = dct(np.eye(size), axis=0, norm="ortho")  # one in a row
    patterns = np.einsum("ai,bj->ijab", cosines, cosines).reshape(size**2, size**2)
    found = patterns[:, 1:].astype(np.float32)
    found.flags.writeable = False  # every call returns the same array
    return found


class Gate(NamedTuple):
    """Where a gate starts.

    Attributes:
        threshold: the size of a number of the code at which half of it is kept, in sigma.
        steepness: how fast the gate opens around it.
    """

    threshold: float
    steepness: float


FIRST_GATES = (Gate(2.6, 3.0), Gate(1.0, 2.0))
"""Of the first pass, which sees noise, and of further ones, whose guide has little."""


def first_params(config: Config, number: int) -> dict[str, Float32[np.ndarray, "..."]]:
    """One pass before training: a sliding cosine transform with soft gates.

    Nothing is drawn at random.
    """
    gate = FIRST_GATES[min(number, len(FIRST_GATES) - 1)]
    encoder = waves(config.patch_size)
    features = encoder.shape[1]
    bias = -gate.steepness * np.log1p(gate.threshold**2)
    return {
        "encoder": encoder,
        "weight": gate.steepness * np.eye(features, dtype=np.float32),
        "bias": np.full(features, bias, np.float32),
        "level": np.zeros(features, np.float32),
        "decoder": encoder.T,
    }


# ---------------------------------------------------------------- the pictures

TEST = ("astronaut", "camera", "chelsea", "coffee", "flower")
"""Bundled photographs that nothing is learned from."""

DEVELOPMENT = ("china", "rocket")
"""Bundled photographs that choose settings."""

LEFT_OUT = ("clock",)
"""It is out of focus, so that there is little to tell from noise."""

DEVELOPMENT_SIZE = 160
"""Side of the squares out of their middle."""


class Data(NamedTuple):
    """Clean pictures by name, in three sets that share none."""

    train: dict[str, AnyPicture]
    development: dict[str, AnyPicture]
    test: dict[str, AnyPicture]


def load(config: Config, *, seed: int = 0) -> Data:
    """The pictures: bundled photographs, and with `real` Set12 and BSD68 as the test set.

    Which picture is held out never depends on `seed`. The names in the published test set begin
    with `Set12/` or `BSD68/`; a configuration with small squares takes a few and their middle.

    Raises:
        DatasetError: the published pictures were asked for and cannot be had.
    """
    train = [name for name in photos.PHOTOS if name not in TEST + DEVELOPMENT + LEFT_OUT]
    size = min(config.test_size, DEVELOPMENT_SIZE)
    return Data(
        train={name: grey(name) for name in train},
        development={name: middle(grey(name), size) for name in DEVELOPMENT},
        test=(
            {name: middle(grey(name), config.test_size) for name in TEST}
            if config.source == "offline"
            else published(config)
        ),
    )


def published(config: Config) -> dict[str, AnyPicture]:
    """Set12 and BSD68, whole; with small squares, the middle of two pictures of each."""
    set12, bsd68 = denoising_sets.SET12, denoising_sets.BSD68
    few = config.test_size < DEVELOPMENT_SIZE
    if few:
        set12, bsd68 = (dict(list(files.items())[:2]) for files in (set12, bsd68))
    sets = denoising_sets.load_denoising_sets(set12=set12, bsd68=bsd68)
    pictures = {f"Set12/{name}": picture for name, picture in sets.set12.items()}
    pictures |= {f"BSD68/{name}": picture for name, picture in sets.bsd68.items()}
    return {n: middle(p, config.test_size) for n, p in pictures.items()} if few else pictures


def grey(name: str) -> AnyPicture:
    """The brightness of a bundled photograph: $0.299 R + 0.587 G + 0.114 B$ (ITU-R BT.601)."""
    photo = photos.load_photo(name)
    if photo.shape[-1] == 1:
        return photo[..., 0]
    return photo @ np.array([0.299, 0.587, 0.114], np.float32)


def middle(picture: AnyPicture, size: int) -> AnyPicture:
    """The square of `size` pixels in the middle of a picture."""
    top, left = ((side - size) // 2 for side in picture.shape)
    return picture[top : top + size, left : left + size]


def add_noise(pictures: Pictures, sigma: int, *, seed: int) -> dict[str, AnyPicture]:
    """The pictures with Gaussian noise of `sigma` grey levels, not cut off at black and white.

    The noise of a picture depends on `seed`, `sigma` and its place in the mapping.
    """
    rng = np.random.default_rng([seed, sigma])
    return {
        name: picture + np.float32(sigma / 255) * rng.standard_normal(picture.shape, np.float32)
        for name, picture in pictures.items()
    }


def pad(noisy: AnyPicture, config: Config) -> AnyPicture:
    """The picture mirrored beyond its edge, so that its pixels lie in equally many patches.

    Below and on the right it gets as much more as patches need to cover it all.
    """
    margin, stride = config.patch_size, config.stride
    widths = [(margin, margin + -(side - config.patch_size) % stride) for side in noisy.shape]
    return np.pad(noisy, widths, mode="symmetric")


def unpad(
    padded: Float32[np.ndarray, "*pictures rows columns"], shape: tuple[int, ...], config: Config
) -> Float32[np.ndarray, "*pictures height width"]:
    """The part of what `pad` made of a picture of this shape that is the picture."""
    height, width = shape
    margin = config.patch_size
    return padded[..., margin : margin + height, margin : margin + width]


# ---------------------------------------------------------------- squares


def draw_crops(
    pictures: Pictures, config: Config, *, num_crops: int, rng: np.random.Generator
) -> Float32[np.ndarray, "crops side side"]:
    """Squares from anywhere in the pictures, from larger pictures more often.

    A picture is drawn with a probability in proportion to the root of its area.
    """
    named = list(pictures.values())
    shares = np.sqrt([picture.size for picture in named])
    side = config.crop_size
    crops = np.empty((num_crops, side, side), np.float32)
    for i, chosen in enumerate(rng.choice(len(named), num_crops, p=shares / shares.sum())):
        top, left = rng.integers(0, np.array(named[chosen].shape) - side + 1)
        crops[i] = named[chosen][top : top + side, left : left + side]
    return crops
