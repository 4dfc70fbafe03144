"""One style sheet in the place of ten, so that a page waits for one file before it is drawn.

The theme and the extensions bring a style sheet each. When the site has been written, those that
its pages load are joined, in the order in which they are loaded, and what no page of the site uses
is left out (`purge`). The sheets themselves stay in `_static`, so that each build starts from all
of them: a page that is written later may use what none did before. A sheet that only some pages
load stays a file of its own behind the joined one.

The few lines of options that scripts in the page ask for become part of the page, too.
"""

import hashlib
import inspect
import os
import re
import time
from functools import cache
from pathlib import Path

from sphinx.application import Sphinx

import maths
import purge

JOINED = "_static/styles/joined-{name}.css"
"""The name is made of those of the sheets that are joined."""

OPTIONS = "_static/documentation_options.js"

OF_SOME_PAGES = (maths.STYLE_SHEET,)
"""In `_static`."""

_LINK = re.compile(r'<link\b(?=[^>]*\brel="stylesheet")[^>]*?\bhref="([^"?#]+)[^"]*"[^>]*>\s*')
_OPTIONS = re.compile(r'<script src="[^"]*_static/documentation_options\.js[^"]*"></script>')
_ADDRESS = re.compile(r"""url\((["']?)(?!data:|https?:|[/#])([^)"']+)\1\)""")


def join(site: Path, since: float = 0.0) -> int:
    """Join the style sheets of all pages that were written after `since`; returns how many are.

    A sheet whose file is not part of the site stays as it is.
    """
    joined = cache(lambda sheets: _write(site, sheets, words()))
    words = cache(lambda: purge.words_of_site(site))
    options = cache(lambda: (site / OPTIONS).read_text(encoding="utf-8"))
    count = 0
    for page in site.rglob("*.html"):
        if page.stat().st_mtime < since:
            continue
        text = page.read_text(encoding="utf-8")
        head, closed, body = text.partition("</head>")
        found = {link: _sheet(site, page, link[1]) for link in _LINK.finditer(head)}
        links = {link: sheet for link, sheet in found.items() if sheet is not None}
        if len(links) < 2:
            continue
        path, version = joined(tuple(links.values()))
        first = next(iter(links))
        up = "/" if first[1].startswith("/") else ""
        address = up + os.path.relpath(path, site if up else page.parent)
        for link in reversed(links):
            own = f'<link rel="stylesheet" href="{address}?v={version}" />\n'
            head = head[: link.start()] + (own if link is first else "") + head[link.end() :]
        head = _OPTIONS.sub(lambda _: f"<script>{options()}</script>", head)
        page.write_text(head + closed + body, encoding="utf-8")
        count += 1
    return count


def _sheet(site: Path, page: Path, address: str) -> Path | None:
    """The file of a style sheet that is to be joined."""
    start, static = site if address[0] == "/" else page.parent, site / "_static"
    path = Path(os.path.normpath(start / address.lstrip("/")))
    if not path.is_relative_to(static) or not path.is_file():
        return None
    return None if path.relative_to(static).as_posix() in OF_SOME_PAGES else path


def _write(site: Path, sheets: tuple[Path, ...], words: purge.Words) -> tuple[Path, str]:
    """The joined sheet, without what is not among `words`, and a fingerprint of what it says."""
    names = [sheet.relative_to(site).as_posix() for sheet in sheets]
    path = site / JOINED.format(name=_fingerprint("\n".join(names)))
    parts = (_moved(sheet, path.parent) for sheet in sheets)
    together = (f"/*! {name} */\n{part}\n" for name, part in zip(names, parts, strict=True))
    source = "".join(together)
    known = map(sorted, (words.elements, words.names, words.properties, words.beginnings))
    made_from = _fingerprint(repr([source, *known, inspect.getsource(purge)]))
    head = f'@charset "utf-8";\n/*! {made_from} */\n'
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not text.startswith(head):  # most edits of a page change none of it, and this takes a second
        text = head + purge.purge(source, words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path, _fingerprint(text)


def _moved(sheet: Path, folder: Path) -> str:
    """What a sheet says, with addresses that lead to the same files from `folder`."""

    def mend(address: re.Match[str]) -> str:
        return f'url("{os.path.relpath(sheet.parent / address[2], folder)}")'

    text = sheet.read_text(encoding="utf-8").removeprefix("\ufeff")
    return _ADDRESS.sub(mend, re.sub(r"@charset[^;]*;", "", text))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def note_time(app: Sphinx) -> None:
    """Remember when the build began: pages that it does not write are joined already."""
    app.config.sheets_since = time.time() - 1  # file systems round


def join_sheets(app: Sphinx, exception: Exception | None) -> None:
    """Join the style sheets of the pages that this build has written."""
    if exception is None and app.builder.format == "html":
        join(Path(app.outdir), app.config.sheets_since)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx, behind all that write or remove files of the site."""
    app.add_config_value("sheets_since", 0.0, "", float)
    app.connect("builder-inited", note_time)
    app.connect("build-finished", join_sheets, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
