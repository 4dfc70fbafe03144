"""How long a reader of `make serve` waits for an edit: `python -m tools.edit_time [PAGE]`.

Serves the site, changes a sentence of the page three times and asks for the page until it has it.
The page is put back afterwards as it was.
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


def seconds_until(address: str, word: str, start: float) -> float:
    """How long after `start` the page at `address` has `word`."""
    while time.monotonic() - start < PATIENCE:
        try:
            with urllib.request.urlopen(address) as answer:
                if word.encode() in answer.read():
                    return time.monotonic() - start
        except OSError:
            pass  # the first build is still running, or the page is being written
        time.sleep(0.02)
    raise TimeoutError(f"{address} is not shown after {PATIENCE} s; see _build/book.log")


def measure(page: Path) -> list[float]:
    """The seconds of `EDITS` edits of `page`."""
    port = serve.free_port(None)
    name = page.relative_to(ROOT).with_suffix(".html").as_posix()
    address = f"http://{serve.HOST}:{port}/{name}"
    before = page.read_text(encoding="utf-8")
    server = subprocess.Popen([sys.executable, "-m", "tools.serve", str(port)], cwd=ROOT)
    try:
        seconds_until(address, "</html>", time.monotonic())
        found = []
        for number in range(EDITS):
            time.sleep(PAUSE)
            word = f"edit{number}"
            start = time.monotonic()
            page.write_text(with_word(before, word), encoding="utf-8")
            found.append(seconds_until(address, word, start))
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
