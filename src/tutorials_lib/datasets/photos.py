"""Photographs and textures that scikit-image and scikit-learn bring along; nothing is downloaded.

scikit-image has more pictures than these, but fetches some of them from the network when they are
first asked for. This module names those that lie in the package itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A bundled picture.

    Attributes:
        package: `skimage` or `sklearn`, which brings it along.
        shows: what is to be seen.
        licence: as its package states it.
        is_colored: whether it has three channels; the others are grey.
    """

    package: str
    shows: str
    licence: str
    is_colored: bool = True


_CC0 = "CC0"
_CC_BY = "CC BY 2.0"
_PUBLIC = "public domain"
_FREE = "no known copyright restrictions"

PHOTOS = {
    "astronaut": Photo(package="skimage", shows="the astronaut Eileen Collins", licence=_PUBLIC),
    "brick": Photo(package="skimage", shows="a brick wall", licence=_CC0, is_colored=False),
    "camera": Photo(package="skimage", shows="a photographer", licence=_CC0, is_colored=False),
    "cell": Photo(package="skimage", shows="a cell in saline", licence=_CC0, is_colored=False),
    "chelsea": Photo(package="skimage", shows="the cat Chelsea", licence=_CC0),
    "china": Photo(package="sklearn", shows="a pagoda by a lake", licence=_CC_BY),
    "clock": Photo(package="skimage", shows="a blurred clock", licence=_PUBLIC, is_colored=False),
    "coffee": Photo(package="skimage", shows="a cup of coffee", licence=_CC0),
    "coins": Photo(package="skimage", shows="coins of Pompeii", licence=_FREE, is_colored=False),
    "flower": Photo(package="sklearn", shows="a dahlia", licence=_CC_BY),
    "grass": Photo(package="skimage", shows="grass", licence=_CC0, is_colored=False),
    "gravel": Photo(package="skimage", shows="gravel", licence=_CC0, is_colored=False),
    "hubble_deep_field": Photo(package="skimage", shows="distant galaxies", licence=_PUBLIC),
    "immunohistochemistry": Photo(package="skimage", shows="stained tissue", licence=_FREE),
    "moon": Photo(
        package="skimage",
        shows="the surface of the moon",
        licence="see scikit-image",
        is_colored=False,
    ),
    "retina": Photo(package="skimage", shows="a human retina", licence=_CC0),
    "rocket": Photo(package="skimage", shows="the launch of a rocket", licence=_PUBLIC),
}
"""The pictures by name."""


def load_photo(
    name: str,
    *,
    size: int | None = None,
    crop: tuple[float, float, float] | None = None,
) -> Float32[np.ndarray, "height width channels"]:
    """The picture `name`, from 0 to 1; a grey one has a single channel.

    Args:
        name: a key of `PHOTOS`.
        size: height and width of the result; without it the picture keeps its own.
        crop: a square to cut out first, as the place of its centre (down, across) and its side,
            in shares of the height, of the width and of the shorter of both. A square that would
            reach over the border is moved inside. With `size` alone the largest square in the
            middle is taken.

    Raises:
        ValueError: there is no such picture, the square is not positive or larger than the
            picture, or `size` is not positive.
    """
    if name not in PHOTOS:
        raise ValueError(f"no picture {name!r}; there are: {', '.join(PHOTOS)}")
    if size is not None and size < 1:
        raise ValueError(f"size is {size}; at least 1 pixel is needed")
    picture = _read(name)
    if size is not None or crop is not None:
        picture = _cut_square(picture, *(crop or (0.5, 0.5, 1.0)))
    picture = picture.astype(np.float32) / 255
    return picture if size is None else resize(picture, size)


def resize(
    picture: Float32[np.ndarray, "height width channels"], size: int
) -> Float32[np.ndarray, "size size channels"]:
    """The picture with `size` by `size` pixels, smoothed first where it becomes smaller."""
    from skimage.transform import resize as skimage_resize

    resized = skimage_resize(picture, (size, size), anti_aliasing=True)
    return resized.clip(0, 1).astype(np.float32)


def _read(name: str) -> np.ndarray:
    """The bundled bytes as `[height, width, channels]`, from 0 to 255."""
    if PHOTOS[name].package == "sklearn":
        from sklearn.datasets import load_sample_image

        return load_sample_image(f"{name}.jpg")
    from skimage import data

    picture = getattr(data, name)()
    return picture if picture.ndim == 3 else picture[..., None]


def _cut_square(picture: np.ndarray, down: float, across: float, share: float) -> np.ndarray:
    height, width, _ = picture.shape
    if not 0 < share <= 1:
        raise ValueError(f"the side is {share} of the shorter side; it must be above 0, at most 1")
    side = max(1, round(share * min(height, width)))
    top = min(max(round(down * height - side / 2), 0), height - side)
    left = min(max(round(across * width - side / 2), 0), width - side)
    return picture[top : top + side, left : left + side]
