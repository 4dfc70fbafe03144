"""The built site in Debian's chromium: for the tests, and for pictures that people look at.

`python -m tools.browser [PAGE ...]` (`make shots`) writes every page, or those that are named, as a
picture in both themes and as on a telephone, to `_build/shots/`. With `--alone`
(`make shots PAGE=kmeans ALONE=1`) it looks at what `make page` has built, which is no whole site.
"""

import argparse
import functools
import http.server
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tools import ROOT, contract
from tools.names import page_named

SITE = ROOT / "_build/html"
ALONE = ROOT / "_build/page/_build/html"
"""Where `make page` builds."""

SHOTS = ROOT / "_build/shots"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""What the program is called, on one system or another."""

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
WINDOWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "is_mobile": True, "device_scale_factor": 2},
}
"""How a page is looked at, by name: arguments of `Browser.new_context`."""


PATIENCE = 120_000
"""Milliseconds that a page may take: the reference is large, and machines are slow."""


class NoBrowserError(Exception):
    """There is no chromium."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def served(
    site: Path = SITE, handler: type[http.server.SimpleHTTPRequestHandler] = Quiet
) -> Iterator[str]:
    """The address of the built site on the loopback interface, meanwhile."""
    answer = functools.partial(handler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def executable() -> str | None:
    """Where chromium is, or None; `.ci/run` asks, too."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window.

    Raises:
        NoBrowserError: it is not installed; the message says how that is done.
    """
    program = executable()
    if program is None:
        raise NoBrowserError("there is no chromium; on Debian or Ubuntu: sudo apt install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root it does not start with one
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        try:
            yield browser
        finally:
            browser.close()


def go(page: Page, address: str) -> None:
    """Open `address`, and wait until all of it is there, near or far."""
    page.goto(address, wait_until="load")
    page.add_style_tag(content="* { content-visibility: visible !important }")
    page.evaluate(
        """async () => {
            const drawn = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
            for (let y = 0; y < document.documentElement.scrollHeight; y += 2 * innerHeight) {
                scrollTo({ top: y, behavior: "instant" });
                await drawn();
            }
            scrollTo({ top: 0, behavior: "instant" });
            await drawn();
        }"""
    )
    # Pictures further down wait to be scrolled to; those of the other theme are never shown.
    page.evaluate(
        """() => Promise.all([...document.images].filter((image) => image.offsetParent).map(
            (image) => { image.loading = "eager"; return image.decode().catch(() => null); }))"""
    )


def page_names() -> list[str]:
    """Every page of the book, as in its address without `.html`."""
    others = contract.toc_files()[1:]  # the first lies at the root
    return ["index", *others]


def shoot(names: list[str], site: Path = SITE) -> list[Path]:
    """Write the pages `names` of a built site in every window; returns the files."""
    written = []
    with served(site) as address, chromium() as browser:
        for window, arguments in WINDOWS.items():
            context = browser.new_context(**arguments)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            for name in names:
                go(page, f"{address}{name}.html")
                path = SHOTS / f"{name.removeprefix('book/')}.{window}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=path, full_page=True)
                written.append(path)
            context.close()
    return written


def main() -> int:
    """Read the command line, and name the pictures that were made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as kmeans; default: all")
    parser.add_argument(
        "--alone", action="store_true", help="as `make page` has built them, without the book"
    )
    arguments = parser.parse_args()
    try:
        chosen = [page_named(page, page_names()) for page in arguments.pages] or page_names()
    except ValueError as error:
        print(error)
        return 1
    site = ALONE if arguments.alone else SITE
    if arguments.alone:
        chosen = [name for name in chosen if (site / f"{name}.html").is_file()]
    if not (site / "index.html").is_file() or not chosen:
        how = f"make page PAGE={' '.join(arguments.pages)}" if arguments.alone else "make book"
        print(f"There is no site yet: {how}")
        return 1
    try:
        for path in shoot(chosen, site):
            print(path.relative_to(ROOT))
    except NoBrowserError as error:
        print(f"No pictures were made: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
