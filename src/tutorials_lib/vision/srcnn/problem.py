"""Super-resolution: the configuration, the photographs, and squares of them (NumPy only)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import photos, super_resolution
from tutorials_lib.vision.srcnn.resizing import AnyPicture, shrink

Picture = Float32[np.ndarray, "height width"]
"""The brightness of every pixel, from 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        scale: how many times as high and as wide a picture becomes.
        kernel_sizes: height and width of the kernels of each convolution.
        channels: feature maps after each convolution but the last.
        enlarge_first: whether the network sees the picture after bicubic enlargement, as in
            Dong et al. (2014), or before it, as in Shi et al. (2016).
        num_crops: squares that are cut out of the training pictures once; steps draw from them.
        crop_size: their side at high resolution, in pixels.
        batch_size: squares in one training step.
        num_rounds: parts of the training, after each of which it is looked at.
        steps_per_round: training steps of one part.
        peak_learning_rate: of the schedule that rises to it and falls again.
        source: `offline` for bundled photographs, `real` for T91, Set5 and Set14.

    Raises:
        ValueError: a convolution lacks its size, a kernel has no middle, or a square does not
            shrink to whole pixels.
    """

    scale: int = 2
    kernel_sizes: tuple[int, ...] = (5, 3, 3, 3)
    channels: tuple[int, ...] = (32, 32, 32)
    enlarge_first: bool = False
    num_crops: int = 4_096
    crop_size: int = 48
    batch_size: int = 8
    num_rounds: int = 8
    steps_per_round: int = 150
    peak_learning_rate: float = 4e-3
    source: str = "offline"

    def __post_init__(self) -> None:
        if len(self.kernel_sizes) != len(self.channels) + 1:
            raise ValueError(
                f"{len(self.kernel_sizes)} kernel_sizes for {len(self.channels)} channels; the "
                "last convolution has a kernel too, and its channels follow from the scale"
            )
        if any(size % 2 == 0 for size in self.kernel_sizes):
            raise ValueError(f"kernel_sizes are {self.kernel_sizes}; each must be odd")
        if self.scale < 2 or self.crop_size % self.scale or self.crop_size <= 2 * self.border:
            raise ValueError(
                f"crop_size is {self.crop_size} and scale {self.scale}; the scale must be 2 or "
                "more, and the size a multiple of it that leaves something without the border"
            )
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_rounds * self.steps_per_round

    @property
    def border(self) -> int:
        """Pixels along the edge of a training square that the loss leaves out.

        Their bicubic enlargement asks for pixels beyond the square.
        """
        return 2 * self.scale

    @property
    def factor(self) -> int:
        """How many times the network itself enlarges: once, where that has been done before."""
        return 1 if self.enlarge_first else self.scale

    @property
    def widths(self) -> tuple[int, ...]:
        """Feature maps before, between and after the convolutions."""
        return (1, *self.channels, self.factor**2)


TINY = Config(
    channels=(4, 4, 4),
    num_crops=64,
    crop_size=24,
    batch_size=4,
    num_rounds=2,
    steps_per_round=10,
)
PAGE = Config()
FULL = Config(channels=(64,) * 6, kernel_sizes=(5, *(3,) * 6), num_crops=32_768, num_rounds=100)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


def multiply_adds(config: Config) -> float:
    """Multiplications, each with an addition, that the network spends on a pixel of its result."""
    products = sum(
        size**2 * before * after
        for size, (before, after) in zip(config.kernel_sizes, pairwise(config.widths), strict=True)
    )
    return products / config.factor**2


def original(config: Config) -> Config:
    """The layers of Dong et al. (2014), with as many steps as cost the same arithmetic."""
    layers = replace(config, kernel_sizes=(9, 1, 5), channels=(64, 32), enlarge_first=True)
    share = multiply_adds(config) / multiply_adds(layers)
    return replace(layers, steps_per_round=max(1, round(share * config.steps_per_round)))


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first twentieth, then down to zero along a cosine.

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.one_cycle(config.num_steps, config.peak_learning_rate, rising=1 / 20)


# ---------------------------------------------------------------- the pictures

TEST = ("astronaut", "camera", "chelsea", "coffee", "flower")
"""Bundled photographs that nothing is learned from."""

DEVELOPMENT = ("china", "rocket")
"""Bundled photographs that choose settings."""

LEFT_OUT = ("clock",)
"""It is out of focus, so that there is nothing to restore."""


class Data(NamedTuple):
    """Whole pictures by name, in three sets that share none."""

    train: dict[str, AnyPicture]
    development: dict[str, AnyPicture]
    test: dict[str, AnyPicture]


def load(config: Config, *, seed: int = 0) -> Data:
    """The pictures of the source that `config` names, their sides multiples of the scale.

    Which picture is held out never depends on `seed`. Of T91 every tenth chooses settings; the
    names in the published test set begin with `Set5/` or `Set14/`. TINY takes a few of them.

    Raises:
        DatasetError: the published pictures were asked for and cannot be had.
    """
    sets = bundled() if config.source == "offline" else published(few=config.num_crops < 100)
    return Data(
        *({name: prepare(picture, config) for name, picture in each.items()} for each in sets)
    )


Colored = Mapping[str, Float32[np.ndarray, "_ _ _"]]


def bundled() -> tuple[Colored, Colored, Colored]:
    """The photographs that dependencies bring along."""
    train = [name for name in photos.PHOTOS if name not in TEST + DEVELOPMENT + LEFT_OUT]
    first, second, third = (
        {name: photos.load_photo(name) for name in names} for names in (train, DEVELOPMENT, TEST)
    )
    return first, second, third


def published(*, few: bool = False) -> tuple[Colored, Colored, Colored]:
    """T91 in two parts, and Set5 with Set14; with `few`, two pictures of each."""
    files = {
        "t91": super_resolution.T91,
        "set5": super_resolution.SET5,
        "set14": super_resolution.SET14,
    }
    if few:
        files = {of_set: dict(list(each.items())[:2]) for of_set, each in files.items()}
    t91, set5, set14 = super_resolution.load_super_resolution(**files)
    every = 2 if few else 10
    development = dict(list(t91.items())[::every])
    train = {name: picture for name, picture in t91.items() if name not in development}
    test = {f"Set5/{name}": picture for name, picture in set5.items()}
    return train, development, test | {f"Set14/{name}": p for name, p in set14.items()}


def prepare(picture: Float32[np.ndarray, "rows columns channels"], config: Config) -> AnyPicture:
    """The luma of a picture, without the last rows and columns that do not divide by the scale."""
    rows, columns = (side // config.scale * config.scale for side in picture.shape[:2])
    return luma(picture[:rows, :columns])


def luma(picture: Float32[np.ndarray, "height width channels"]) -> Picture:
    r"""The brightness of a picture: $(16 + 65.481 R + 128.553 G + 24.966 B) / 255$.

    This is $Y$ of the YCbCr of digital television (ITU-R BT.601), which papers on
    super-resolution score, in whole levels as they keep it. A grey picture is its own brightness.
    """
    if picture.shape[-1] == 1:
        return picture[..., 0]
    weights = np.array([65.481, 128.553, 24.966], np.float32)
    return np.rint(16 + picture @ weights) / np.float32(255)


# ---------------------------------------------------------------- crops


class Crops(NamedTuple):
    """Squares of pictures, at low resolution and as they were."""

    low: Float32[np.ndarray, "crops rows columns"]
    high: Float32[np.ndarray, "crops height width"]


def draw_crops(
    pictures: Mapping[str, AnyPicture],
    config: Config,
    *,
    num_crops: int,
    crop_size: int,
    rng: np.random.Generator,
) -> Crops:
    """Squares from anywhere in the pictures, from larger pictures more often.

    A picture is drawn with a probability in proportion to the root of its area. Its squares are
    cut out of the whole at low resolution, so that they look as a part of a picture does.
    """
    named = list(pictures.values())
    shrunk = [shrink(picture, config.scale) for picture in named]
    shares = np.sqrt([picture.size for picture in named])
    side = crop_size // config.scale
    low = np.empty((num_crops, side, side), np.float32)
    high = np.empty((num_crops, crop_size, crop_size), np.float32)
    for i, chosen in enumerate(rng.choice(len(named), num_crops, p=shares / shares.sum())):
        corner = rng.integers(0, np.array(shrunk[chosen].shape) - side + 1)
        low[i] = _cut(shrunk[chosen], corner, side)
        high[i] = _cut(named[chosen], corner * config.scale, crop_size)
    return Crops(low, high)


def _cut(picture: AnyPicture, corner: Int[np.ndarray, " 2"], side: int) -> AnyPicture:
    top, left = corner
    return picture[top : top + side, left : left + side]
