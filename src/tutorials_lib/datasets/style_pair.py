"""Two pictures of the first paper on neural style transfer (Gatys et al. 2016).

The photograph is the Neckarfront in Tübingen, the painting van Gogh's *The Starry Night* of 1889.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import reading
from tutorials_lib.datasets.photos import resize

_COMMIT = "be6c8e2b35568669a5a0ac10b66c912207ad355d"
_BASE = f"https://raw.githubusercontent.com/leongatys/PytorchNeuralStyleTransfer/{_COMMIT}/Images"
_CITATION = (
    "L. A. Gatys, A. S. Ecker, M. Bethge (2016), Image style transfer using convolutional neural "
    "networks, https://github.com/leongatys/PytorchNeuralStyleTransfer"
)

CONTENT = RemoteFile(
    name="Tuebingen_Neckarfront.jpg",
    url=f"{_BASE}/Tuebingen_Neckarfront.jpg",
    sha256="e67d1869f01fd805385c681a80d9ebcf0f70ea4a5fe6127f0606bb1c7f4bf506",
    num_bytes=406_531,
    mirror_path="style/Tuebingen_Neckarfront.jpg",
    licence="see the source",
    citation=_CITATION,
)
"""The photograph."""

STYLE = RemoteFile(
    name="vangogh_starry_night.jpg",
    url=f"{_BASE}/vangogh_starry_night.jpg",
    sha256="228bebf0dd424ea4f740d8d88a67f2960424c166e638086c1ec529260d2e3832",
    num_bytes=357_881,
    mirror_path="style/vangogh_starry_night.jpg",
    licence="public domain",
    citation=_CITATION,
)
"""The painting."""

Picture = Float32[np.ndarray, "height width 3"]


class StylePair(NamedTuple):
    """Red, green and blue from 0 to 1."""

    content: Picture
    style: Float32[np.ndarray, "style_height style_width 3"]


def load_style_pair(
    *, size: int | None = None, content: RemoteFile = CONTENT, style: RemoteFile = STYLE
) -> StylePair:
    """The photograph and the painting; with `size`, the square in the middle at that size.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, or is no colour picture
            (which of these, the subclass and the message say).
    """
    pictures = (read_picture(fetch(remote)) for remote in (content, style))
    return StylePair(*(_square(each, size) if size else each for each in pictures))


def read_picture(path: Path) -> Picture:
    """A picture file as red, green and blue from 0 to 1.

    Raises:
        MalformedDataError: the file is no picture that Pillow can read.
    """
    from PIL import Image

    way_out = "Check that this is the published file."
    with (
        reading(path, expected="a picture", way_out=way_out),
        Image.open(path) as picture,
    ):
        if picture.mode.startswith("I"):  # grey in 16 bits, which Pillow would cut off at white
            grey = np.asarray(picture, np.float32) / 65_535
            return np.stack([grey, grey, grey], axis=-1)
        return np.asarray(picture.convert("RGB"), np.float32) / 255


def _square(picture: Picture, size: int) -> Float32[np.ndarray, "size size 3"]:
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(picture[top : top + side, left : left + side], size)
