"""What a page of the built site may weigh: text and pictures, compressed as they are sent.

The limits lie a little above what the heaviest page needs. One that is reached is looked at before
it is raised: what is loaded that the page does not use?
"""

import gzip
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from tools.browser import SITE, page_names

COMPRESSED = {".html", ".css", ".js", ".svg"}


class Weight(NamedTuple):
    """What a page loads, in KiB, and the number of its requests before anything is scrolled to.

    The frames of steppers are apart: they are fetched at once, too, but nothing waits for them.
    """

    markup: float
    embedded: float
    scripts: float
    styles: float
    first_pictures: float
    frames: float
    all_pictures: float
    requests: int


LIMITS = Weight(60, 120, 50, 32, 300, 500, 2000, 18)
REFERENCE_MARKUP = 250
"""KiB of HTML for a page that lists every function of a part."""

_EMBEDDED = re.compile(r"data:[a-z]+/[^\"')<>]+|<svg\b.*?</svg>", re.DOTALL)
"""A picture within the markup: what a stepper draws in lines, or what is too small for a file."""


@cache
def sent(path: Path) -> float:
    """The size of a file as a host sends it."""
    content = path.read_bytes()
    return len(gzip.compress(content, 6) if path.suffix in COMPRESSED else content) / 1024


def weigh(name: str) -> Weight:
    """What opening the page takes, by its markup and the style sheets that this names."""
    path = SITE / f"{name}.html"
    text = path.read_text("utf-8")
    page = BeautifulSoup(text, "html.parser")
    markup = len(gzip.compress(_EMBEDDED.sub("", text).encode(), 6)) / 1024

    def files(selector: str, attribute: str) -> set[Path]:
        addresses = [
            str(tag[attribute]) for tag in page.select(selector) if tag.has_attr(attribute)
        ]
        kept = [address for address in addresses if not address.startswith(("data:", "http"))]
        return {(path.parent / unquote(urlsplit(address).path)).resolve() for address in kept}

    scripts = files("script[src]", "src")
    styles = files("link[rel=stylesheet]", "href")
    pictures = files("img[src]:not(.only-dark)", "src")  # of two themes, one is shown
    frames = files("svg image", "xlink:href")
    first = files("img[src]:not([loading=lazy], .only-dark)", "src")
    return Weight(
        markup,
        sent(path) - markup,
        sum(map(sent, scripts)),
        sum(map(sent, styles)),
        sum(map(sent, first)),
        sum(map(sent, frames)),
        sum(map(sent, pictures | frames)),
        1 + len(scripts | styles | first),
    )


@pytest.fixture(scope="module")
def weights() -> dict[str, Weight]:
    if not (SITE / "index.html").is_file():
        pytest.fail(f"there is no site in {SITE}; run `make book` first")
    return {name: weigh(name) for name in page_names()}


@pytest.mark.parametrize("what", Weight._fields)
def test_no_page_weighs_more_than_it_may(weights: dict[str, Weight], what: str):
    limit = getattr(LIMITS, what)
    over = {
        name: round(getattr(weight, what))
        for name, weight in weights.items()
        if getattr(weight, what) > limit
        and not (what == "markup" and "reference/api" in name and weight.markup < REFERENCE_MARKUP)
    }
    assert not over, f"{what}: more than {limit}"
    assert max(getattr(weight, what) for weight in weights.values()) > 0, "nothing was weighed"
