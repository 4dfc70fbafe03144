"""The cover of the printed book: a picture of every tutorial, from the figures of its page."""

import io
from pathlib import Path

from PIL import Image, ImageOps
from sphinx.application import Sphinx

import cards
from book_state import state_of
from tutorials_lib import catalog

COLUMNS = 5
TILE = (420, 308)
"""Width and height of one picture, in pixels; five beside each other cover a page of A4."""

ROOM, GAP = 14, 10
"""Pixels of white around a picture, and between two tiles."""

LONGEST = 2.2
"""How many times as wide as high a picture is shown at most."""

INK = "#11294d"
"""The colour of the cover, `BookInk` in `bookprint.sty`."""


def mosaic(app: Sphinx) -> Image.Image | None:
    """One picture of all that the tutorials lend to the index; None where no page has a figure."""
    lent = state_of(app.env).pictures
    tiles = []
    for tutorial in catalog.TUTORIALS:
        pictures = lent.get(f"book/{tutorial.coordinate}")
        if pictures:
            path, _ = cards.choose_and_draw(Path(app.srcdir), tutorial.slug, pictures)
            with Image.open(path) as picture:
                tiles.append(on_white(picture.convert("RGB")))
    return arrange(tiles) if tiles else None


def on_white(picture: Image.Image) -> Image.Image:
    """A picture on a white tile, with room around it; a long strip loses its ends."""
    width = min(picture.width, round(LONGEST * picture.height))
    picture = ImageOps.fit(picture, (width, picture.height))
    inner = ImageOps.pad(picture, (TILE[0] - 2 * ROOM, TILE[1] - 2 * ROOM), color="white")
    return ImageOps.expand(inner, ROOM, "white")


def arrange(tiles: list[Image.Image]) -> Image.Image:
    """The tiles in rows of `COLUMNS`; an incomplete last row begins again with the first ones."""
    missing = -len(tiles) % COLUMNS
    tiles = [*tiles, *(tiles[k % len(tiles)] for k in range(missing))]
    width, height = TILE
    rows = len(tiles) // COLUMNS
    whole = Image.new("RGB", (COLUMNS * (width + GAP) + GAP, rows * (height + GAP) + GAP), INK)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, COLUMNS)
        whole.paste(tile, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return whole


def draw(app: Sphinx) -> str:
    """Draw the picture of the cover beside the LaTeX sources; its name, empty without figures."""
    picture = mosaic(app)
    if picture is None:
        return ""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=88, optimize=True)
    (Path(app.outdir) / "cover.jpg").write_bytes(stream.getvalue())
    return "cover.jpg"
