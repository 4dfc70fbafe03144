"""The cover of the printed book: a picture of every tutorial, from the figures of its page."""

import io
from pathlib import Path

from PIL import Image, ImageOps
from sphinx.application import Sphinx

import cards
from book_state import state_of
from tutorials_lib import catalog

COLUMNS = 5
TILE = (420, 310)
"""Width and height of one picture, in pixels; five beside each other cover a page of A4."""


def mosaic(app: Sphinx) -> Image.Image | None:
    """One picture of all that the tutorials lend to the index; None where no page has a figure."""
    rows = cards.read_rows()
    lent = state_of(app.env).pictures
    tiles = []
    for tutorial in catalog.TUTORIALS:
        pictures = lent.get(f"book/{tutorial.coordinate}")
        if pictures:
            row = rows[tutorial.slug]
            chosen = pictures.get(row.picture, next(iter(pictures.values())))
            path = cards.draw(Path(app.srcdir), tutorial.slug, chosen, row.crop)
            with Image.open(path) as picture:
                tiles.append(ImageOps.fit(picture.convert("RGB"), TILE))
    return arrange(tiles) if tiles else None


def arrange(tiles: list[Image.Image]) -> Image.Image:
    """The tiles in rows of `COLUMNS`; an incomplete last row begins again with the first ones."""
    missing = -len(tiles) % COLUMNS
    tiles = [*tiles, *(tiles[k % len(tiles)] for k in range(missing))]
    width, height = TILE
    whole = Image.new("RGB", (COLUMNS * width, len(tiles) // COLUMNS * height))
    for place, tile in enumerate(tiles):
        whole.paste(tile, (place % COLUMNS * width, place // COLUMNS * height))
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
