"""Score the built site with Lighthouse, as a telephone and as a desktop: `make lighthouse`.

Each page is opened three times and the median of each score counts, since one run may meet a busy
machine. The site is served compressed, as a host would. Lighthouse comes from the npm registry
through `npx`; where that cannot be had, nothing is scored, and the command says so.
"""

import argparse
import functools
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import ROOT, browser
from tools.names import page_named

PACKAGE = "lighthouse@12.8.2"
RUNS = 3
PAGES = (
    "index",
    "book/performance/ledger",
    "book/sequences/gpt2",
    "book/tabular/kmeans",
    "book/reference/api_sequences",
)
"""The first page, the widest table, a page with formulas, the first tutorial, the longest page."""

KINDS = {"mobile": [], "desktop": ["--preset=desktop"]}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt", ".xml"}


class UnavailableError(Exception):
    """Lighthouse, or what it needs, is not to be had here."""


def least(kind: str, category: str) -> int:
    """The score that a page must reach."""
    return 95 if (kind, category) == ("mobile", "performance") else 100


@functools.cache
def _compressed(path: str, changed: float) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 6)


class Host(browser.Quiet):
    """Serves as a host of static sites does: text compressed, connections kept open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the compressed file where that is smaller and understood."""
        path = Path(self.translate_path(self.path))
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not accepted or path.suffix not in COMPRESSED or not path.is_file():
            super().do_GET()
            return
        body = _compressed(str(path), path.stat().st_mtime)
        self.send_response(200)
        self.send_header("Content-Type", f"{self.guess_type(path)}; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        """Let browsers keep what they have got."""
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


def command() -> list[str]:
    """How Lighthouse is started.

    Raises:
        UnavailableError: there is no npx, no chromium, or no way to the registry.
    """
    npx = shutil.which("npx")
    if npx is None:
        raise UnavailableError("there is no npx; on Debian or Ubuntu: sudo apt install npm")
    if browser.executable() is None:
        raise UnavailableError(
            "there is no chromium; on Debian or Ubuntu: sudo apt install chromium"
        )
    start = [npx, "--yes", PACKAGE]
    tried = subprocess.run(
        [*start, "--version"],
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
        check=False,
    )
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["npx gave no reason"])[-1]
        raise UnavailableError(f"{PACKAGE} cannot be fetched: {last}")
    return start


def score(start: list[str], address: str, kind: str, slowdown: float | None = None) -> dict:
    """What Lighthouse says about the page at `address`.

    Raises:
        UnavailableError: it did not come to an end.
    """
    flags = "--headless=new" + (" --no-sandbox" if os.geteuid() == 0 else "")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        categories = f"--only-categories={','.join(CATEGORIES)}"
        options = [f"--chrome-flags={flags}", "--output=json", f"--output-path={report}", "--quiet"]
        if kind == "mobile" and slowdown is not None:
            options.append(f"--throttling.cpuSlowdownMultiplier={slowdown}")
        finished = subprocess.run(
            [*start, address, *options, categories, *KINDS[kind]],
            env=os.environ | {"CHROME_PATH": str(browser.executable())},
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        if not report.is_file():
            raise UnavailableError(f"Lighthouse ended without a report: {finished.stderr[-500:]}")
        return json.loads(report.read_text("utf-8"))


def complaints(report: dict) -> list[str]:
    """What keeps a page from full marks, leaving the measured times to `numbers`."""
    audits = report["audits"]
    return [
        f"{category}: {audits[part['id']]['title']}"
        for category in CATEGORIES[1:]
        for part in report["categories"][category]["auditRefs"]
        if part["weight"] and (audits[part["id"]]["score"] or 0) < 1
        if audits[part["id"]]["scoreDisplayMode"] in ("binary", "numeric")
    ]


def numbers(reports: list[dict]) -> str:
    """The medians of what a page took: three times, requests, size, and the machine's own speed."""

    def median(*way: str) -> float:
        values = []
        for report in reports:
            for step in way:
                report = report[step]
            values.append(report)
        return statistics.median(values)

    times = {
        name: median("audits", audit, "numericValue") / 1000
        for name, audit in (
            ("FCP", "first-contentful-paint"),
            ("LCP", "largest-contentful-paint"),
            ("TBT", "total-blocking-time"),
        )
    }
    shift = median("audits", "cumulative-layout-shift", "numericValue")
    requests = len(reports[0]["audits"]["network-requests"]["details"]["items"])
    size = median("audits", "total-byte-weight", "numericValue") / 1024
    speed = median("environment", "benchmarkIndex")
    parts = [f"{name} {value:.2f} s" for name, value in times.items()]
    parts += [f"CLS {shift:.3f}", f"{requests} requests", f"{size:.0f} KiB", f"machine {speed:.0f}"]
    return ", ".join(parts)


def judge(
    start: list[str],
    address: str,
    name: str,
    kind: str,
    runs: int,
    slowdown: float | None = None,
) -> bool:
    """Score a page `runs` times and print the medians; whether all are high enough."""
    reports = [score(start, f"{address}{name}.html", kind, slowdown) for _ in range(runs)]
    good = True
    told = []
    for category in CATEGORIES:
        values = [round(100 * (each["categories"][category]["score"] or 0)) for each in reports]
        median = round(statistics.median(values))
        enough = median >= least(kind, category)
        good = good and enough
        span = f" ({min(values)} to {max(values)})" if min(values) < max(values) else ""
        short = "" if enough else f" BELOW {least(kind, category)}"
        told.append(f"{category} {median}{span}{short}")
    print(f"{name}, {kind}: {', '.join(told)}\n    {numbers(reports)}", flush=True)
    for complaint in sorted({line for report in reports for line in complaints(report)}):
        print(f"    {complaint}")
    return good


def main() -> int:
    """Read the command line, score the pages; 1 if one falls short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as kmeans; default: five")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each page, {RUNS} by default")
    parser.add_argument("--kind", choices=[*KINDS], action="append", help="default: both")
    parser.add_argument(
        "--slowdown",
        type=float,
        help="how many times slower than this machine a telephone is (Lighthouse takes 4); 1 where "
        "the machine's own speed, which is printed, is below 400: an old or a busy one",
    )
    arguments = parser.parse_args()
    try:
        wanted = [page_named(page, browser.page_names()) for page in arguments.pages] or PAGES
    except ValueError as error:
        parser.error(str(error))
    if not (browser.SITE / "index.html").is_file():
        parser.error(f"there is no site in {browser.SITE.relative_to(ROOT)}; make book")
    try:
        start = command()
        with browser.served(handler=Host) as address:
            good = [
                judge(start, address, name, kind, arguments.runs, arguments.slowdown)
                for name in wanted
                for kind in arguments.kind or KINDS
            ]
    except UnavailableError as error:
        print(f"Nothing was scored: {error}")
        return 1
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
