"""How long a reader of `make serve` waits for an edit: `python -m tools.edit_time [PAGE]`.

Serves the site, changes a sentence of the page three times, and waits until an open page is told to
load itself again. The page is put back afterwards as it was.
"""

import argparse
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from tools import ROOT, build, serve

EDITS = 3
PATIENCE = 600
"""Seconds after which an edit counts as lost."""

PAUSE = 30
"""Seconds between two edits, which a writer needs to find the next sentence."""


def with_word(text: str, word: str) -> str:
    """The page with `word` at the end of its first sentence of prose.

    Raises:
        ValueError: the page has no sentence on a line of its own.
    """
    code = False
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(("```", ":::")):
            code = not code
        if not code and re.match(r"[A-Z][^`{|]*\w\.$", line):
            lines[number] = f"{line[:-1]} {word}."
            return "\n".join(lines)
    raise ValueError("the page has no sentence on a line of its own to edit")


def open_page(port: int) -> ClientConnection:
    """What a page that is open in a browser listens to, as soon as the site is served.

    Raises:
        TimeoutError: it is not served in time.
    """
    start = time.monotonic()
    while time.monotonic() - start < PATIENCE:
        try:
            return connect(f"ws://{serve.HOST}:{port}/websocket-reload")
        except OSError:
            time.sleep(0.2)  # the first build is still running
    raise TimeoutError(f"nothing is served after {PATIENCE} s; see _build/book.log")


def seconds_to_show(page: Path, word: str, address: str, opened: ClientConnection) -> float:
    """How long after `page` is saved with `word` the `opened` one loads it again.

    Raises:
        TimeoutError: it is not told to load itself again in time.
        ValueError: the page at `address` has not got the word then.
    """
    text = with_word(page.read_text(encoding="utf-8"), word)
    start = time.monotonic()
    page.write_text(text, encoding="utf-8")
    opened.recv(PATIENCE)
    seconds = time.monotonic() - start
    with urllib.request.urlopen(address) as answer:
        if word.encode() not in answer.read():
            raise ValueError(f"{address} was loaded again without the edit; see _build/book.log")
    return seconds


def measure(page: Path) -> list[float]:
    """The seconds of `EDITS` edits of `page`."""
    port = serve.free_port(None)
    name = page.relative_to(ROOT).with_suffix(".html").as_posix()
    address = f"http://{serve.HOST}:{port}/{name}"
    before = page.read_text(encoding="utf-8")
    server = subprocess.Popen([sys.executable, "-m", "tools.serve", str(port)], cwd=ROOT)
    try:
        found = []
        with open_page(port) as opened:
            for number in range(EDITS):
                time.sleep(PAUSE)
                found.append(seconds_to_show(page, f"edit{number}", address, opened))
        return found
    finally:
        page.write_text(before, encoding="utf-8")
        server.send_signal(signal.SIGINT)
        server.wait()


def main() -> int:
    """Measure, and print every time and the median."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", nargs="?", default="book/tabular/kmeans.md", metavar="PAGE")
    page = build.find_page(parser.parse_args().page)
    found = measure(page)
    times = ", ".join(f"{seconds:.1f} s" for seconds in found)
    print(
        f"{page.relative_to(ROOT)}: shown {times} after the edit; {statistics.median(found):.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
