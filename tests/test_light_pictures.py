"""Figures of the site weigh less and show the same."""

import base64
import re
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import light_pictures


def figure(pixels: np.ndarray) -> str:
    """A drawing with a picture in it, as a page has it."""
    drawn, axes = plt.subplots()
    axes.imshow(pixels, cmap="gray", interpolation="none")
    file = BytesIO()
    drawn.savefig(file, format="svg")
    return file.getvalue().decode()


def picture_in(svg: str) -> tuple[str, np.ndarray]:
    """The format of the one picture in a drawing, and its points."""
    [(kind, text)] = re.findall(r"data:image/(\w+);base64,([^\"]+)", svg)
    with Image.open(BytesIO(base64.b64decode(text))) as picture:
        return kind, np.asarray(picture.convert("RGBA"))


@pytest.fixture
def svg() -> str:
    return figure(np.random.default_rng(0).random((90, 120)))


def test_a_picture_takes_fewer_bytes_and_no_point_of_it_changes(svg: str):
    mended = light_pictures.lighter(svg)
    (before, points), (after, mended_points) = picture_in(svg), picture_in(mended)
    assert (before, after) == ("png", "webp")
    assert len(mended) < 0.8 * len(svg)
    np.testing.assert_array_equal(mended_points, points)


def test_the_drawing_around_it_stays_and_what_is_mended_already(svg: str):
    mended = light_pictures.lighter(svg)
    around = [re.sub(r"data:image[^\"]+", "", each) for each in (svg, mended)]
    assert around[0] == around[1]
    assert light_pictures.lighter(mended) == mended


@pytest.mark.parametrize("size", [1, 40])
def test_clear_points_keep_their_color(size: int):
    file = BytesIO()
    Image.new("RGBA", (size, size), (200, 10, 30, 0)).save(file, "PNG")
    svg = f'<image href="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"/>'
    mended = light_pictures.lighter(svg)
    assert len(mended) <= len(svg)
    assert np.unique(picture_in(mended)[1].reshape(-1, 4), axis=0).tolist() == [[200, 10, 30, 0]]


@pytest.mark.parametrize("text", ["…", "words of prose", "aGVsbG8="])
def test_an_example_of_a_picture_stays(text: str):
    code = f'<pre>"data:image/png;base64,{text}"</pre>'
    assert light_pictures.lighter(code) == code
