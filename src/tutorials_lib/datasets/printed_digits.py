"""Printed digits: the glyphs of Matplotlib's text fonts, bent a little, in 8 x 8 pixels.

They are shrunk as the handwritten digits of scikit-learn were (Alpaydin and Kaynak 1998): a pixel
is the share of ink in a square of four by four black or white ones.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int32
from scipy.ndimage import gaussian_filter, map_coordinates

SIZE = 8
"""Height and width of a picture, in pixels."""

NUM_CLASSES = 10

_CANVAS = 32
"""Height and width of a glyph before it is shrunk."""

_POINTS = 60
"""Size at which a glyph is rendered before it is brought to the canvas."""

_AT_ONCE = 1000
"""Pictures that are bent together; more would only take more memory."""

_NOT_FOR_TEXT = ("LastResort", "cmsy", "cmex", "cmmi", "STIXSiz", "STIXNonUni", "Display")
"""Parts of the names of fonts without digits, or with those of another font."""


class Digits(NamedTuple):
    """Pictures from 0 (paper) to 1 (ink), and which digit each shows."""

    images: Float32[np.ndarray, "pictures 8 8"]
    labels: Int32[np.ndarray, " pictures"]


class Glyphs(NamedTuple):
    """The ten digits of every font.

    Attributes:
        ink: each stretched to fill the canvas, from 0 to 1.
        width: of the glyph as printed, for a height of one.
    """

    ink: Float32[np.ndarray, "fonts 10 32 32"]
    width: Float[np.ndarray, "fonts 10"]


def printed_digits(num_pictures: int, *, seed: int) -> Digits:
    """Digits in any of the fonts, turned, slanted, stretched, warped, and printed thin or bold."""
    rng = np.random.default_rng(seed)
    glyphs = _glyphs()
    labels = rng.integers(NUM_CLASSES, size=num_pictures, dtype=np.int32)
    fonts = rng.integers(len(glyphs.ink), size=num_pictures)
    parts = [slice(i, i + _AT_ONCE) for i in range(0, num_pictures, _AT_ONCE)]
    bent = [_bend(glyphs, fonts[part], labels[part], rng) for part in parts]
    return Digits(np.concatenate(bent), labels)


@cache
def _glyphs() -> Glyphs:
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    files = [
        path
        for path in sorted(folder.glob("*.ttf"))
        if not any(part in path.name for part in _NOT_FOR_TEXT)
    ]
    ink = np.empty((len(files), NUM_CLASSES, _CANVAS, _CANVAS), np.float32)
    width = np.empty((len(files), NUM_CLASSES))
    for place, digit in np.ndindex(width.shape):
        font = ImageFont.truetype(str(files[place]), _POINTS)
        left, top, right, bottom = font.getbbox(str(digit))
        picture = Image.new("L", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(picture).text((-left, -top), str(digit), font=font, fill=255)
        filled = picture.resize((_CANVAS, _CANVAS), Image.Resampling.BILINEAR)
        ink[place, digit] = np.asarray(filled, np.float32) / 255
        width[place, digit] = picture.width / picture.height
    return Glyphs(ink, width)


def _bend(
    glyphs: Glyphs, fonts: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> Float32[np.ndarray, "pictures 8 8"]:
    """Look up the ink at the places where every pixel of the bent glyph comes from."""
    count = len(labels)
    turn, slant = rng.normal(0, 0.15, count), rng.normal(0, 0.2, count)
    height = rng.uniform(0.85, 1.05, count)
    narrow = np.minimum(glyphs.width[fonts, labels], 1) * np.exp(rng.normal(0, 0.2, count))
    # [rows, columns] of the matrix that takes a place on the canvas to one in the glyph
    back = np.stack(
        [
            np.stack([np.cos(turn), -np.sin(turn)]) / height,
            np.stack([np.sin(turn), np.cos(turn)]) / (height * np.clip(narrow, 0.25, 1.05)),
        ]
    )
    back[:, 0] += back[:, 1] * slant
    middle = (_CANVAS - 1) / 2
    places = np.indices((_CANVAS, _CANVAS)) - middle
    noise = rng.standard_normal((2, count, _CANVAS, _CANVAS), np.float32)
    warp = gaussian_filter(noise, (0, 0, 5, 5)) * rng.uniform(5, 22, (count, 1, 1))
    shift = rng.normal(0, 1, (2, count, 1, 1)) + middle
    seen = np.einsum("abn,bij->anij", back, places) + warp + shift
    glyph = np.broadcast_to((fonts * NUM_CLASSES + labels)[:, None, None], seen.shape[1:])
    canvases = glyphs.ink.reshape(-1, _CANVAS, _CANVAS)
    ink = map_coordinates(canvases, [glyph, *seen], order=1, output=np.float32)
    soft = gaussian_filter(ink, (0, 0.8, 0.8))
    bold = rng.uniform(-0.6, 1.4, (count, 1, 1))
    black = soft > np.clip(0.5 - 0.25 * bold, 0.12, 0.7)
    block = _CANVAS // SIZE
    return black.reshape(count, SIZE, block, SIZE, block).mean((2, 4), dtype=np.float32)
