"""The built pages are never older than what they show; failures are named.

A small book with the real configuration and the real extensions is built in a temporary
folder. Its one tutorial page emits a made-up record, so nothing is measured here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tools import ROOT
from tools.pages import bibliographies
from tutorials_lib import catalog

JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")

pytestmark = pytest.mark.clock

PAGE = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Segment customers with k-means

```{measured}
```

Claimed: {claim}`range`, thanks to {claim}`reason`.

```{published}
```

```{code-cell} ipython3
from myst_nb import glue
from tutorials_lib.benchmark.record import from_json
from tutorials_lib.benchmark.report import RecordView
import json, os, pathlib

with open(os.environ["EXECUTIONS"], "a") as executions:
    executions.write(os.environ["TUTORIALS_PRESET"] + "\\n")
record = from_json(json.loads(pathlib.Path(os.environ["RECORD"]).read_text()))
glue("record", RecordView(record), display=False)
RATIO = 3.25
```

```{code-cell} ipython3
---
mystnb:
  figure:
    name: fig-film
    caption: |
      A line that moves.
---
import matplotlib.pyplot as plt
from tutorials_lib import figures

frames = [plt.subplots()[0] for _ in range(3)]
strip, _ = plt.subplots(1, 3)
alt = "An empty figure in three frames."
figures.show_animation(frames, strip=strip, seconds_per_frame=0.1, alt=alt)
```
"""

LEDGER = """\
# Check the claims

```{ledger-figure}
```

```{ledger-table}
```

```{learned-table}
```

```{recorded-machines}
```
"""

INDEX = """\
# Small book

```{verdicts}
```

```{picture-strip}
kmeans
```

```{tutorial-cards}
```
"""

TOC = """\
format: jb-book
root: book/index
chapters:
  - file: book/tabular/kmeans
  - file: book/performance/ledger
"""


def spread(median: float) -> dict:
    return {"median": median, "q1": 0.9 * median, "q3": 1.1 * median}


def timing(variant: str, backend: str, seconds: float, ratio: float) -> dict:
    return {
        "variant": variant,
        "backend": backend,
        "explains": "",
        "seconds": spread(seconds),
        "ratio": spread(ratio),
        "repeats": 7,
        "threads": None,
    }


def record(ratio: float) -> dict:
    """A record in which JAX is `ratio` times faster."""
    size = {
        "label": "8 rows",
        "timings": [
            timing("NumPy", "numpy", 0.5, 1.0),
            timing("JAX", "jax", 0.5 / ratio, ratio),
        ],
        "compile_seconds": 0.2,
        "transfer_seconds": 0.001,
        "first_call_seconds": 0.3,
        "break_even_calls": 2.0,
    }
    row = {
        "name": "loss",
        "float64_error": 1e-14,
        "float32_error": None,
        "float32_tolerance": None,
    }
    return {
        "schema": 2,
        "slug": "kmeans",
        "unit": "one step",
        "note": "",
        "preset": "page",
        "data_source": "offline",
        "code_digest": "0" * 16,
        "machine": {"processor": "made up", "cores": "2"},
        "agreement": [row],
        "tolerance": 1e-5,
        "tolerance_reason": "rounding",
        "sizes": [size],
        "headline": "8 rows",
        "baseline_variant": "NumPy",
        "headline_variant": "JAX",
        "ratio": {"center": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio, "processes": 2},
        "end_points": [
            {"variant": "NumPy", "backend": "numpy", "seconds": [0.5, 0.5], "threads": [1, 1]},
            {
                "variant": "JAX",
                "backend": "jax",
                "seconds": [0.5 / ratio, 0.5 / ratio],
                "threads": [None, None],
            },
        ],
        "unsteady": False,
        "load": None,
        "busy": False,
        "quality": None,
    }


def published_record() -> dict:
    """A record that `python -m tutorials_lib.judge --record` might have written."""
    return {
        "schema": 1,
        "slug": "kmeans",
        "preset": "page",
        "data_source": "real",
        "metric": "held-out score",
        "higher_is_better": True,
        "margin": 0.0,
        "seeds": [
            {
                "seed": seed,
                "value": value,
                "baselines": {"k-means++": {"development": None, "held_out": 0.8}},
                "training_seconds": None,
                "seconds": 2.0,
            }
            for seed, value in enumerate((0.89, 0.91))
        ],
        "files": [{"name": "small.csv", "sha256": "ab" * 32, "num_bytes": 12}],
        "code_digest": "0" * 16,
        "machine": {"processor": "made up", "cores": "2", "date": "2026-01-01"},
    }


class Book:
    """A small book on disk and how to build it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kmeans = folder / "book/tabular/kmeans.md"
        self.executions = folder / "executions.txt"
        self.record = folder / "record.json"
        shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
        for name in ("_static", "_templates"):
            shutil.copytree(ROOT / "book" / name, folder / "book" / name)
        bibliography = [path.relative_to(ROOT) for path in bibliographies()]
        for name in ("_config.yml", "requirements.txt", *bibliography):
            shutil.copy(ROOT / name, folder / name)
        cards = (ROOT / "book/_data/cards.yml").read_text(encoding="utf-8")
        self.write("book/_data/cards.yml", cards.replace("fig-kmeans-segments", "fig-film"))
        self.write("_toc.yml", TOC)
        self.write("book/index.md", INDEX)
        self.write("book/performance/ledger.md", LEDGER)
        self.write("book/tabular/kmeans.md", PAGE)
        self.write("executions.txt", "")
        self.write("record.json", json.dumps(record(3.0)))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def build(self, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"EXECUTIONS": str(self.executions), "RECORD": str(self.record)}
        command = [JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going"]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=dict(os.environ) | settings | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def html(self, docname: str) -> str:
        return (self.folder / f"_build/html/{docname}.html").read_text(encoding="utf-8")

    @property
    def presets(self) -> list[str]:
        """The preset of every time that the page was executed."""
        return self.executions.read_text().splitlines()

    @property
    def times_executed(self) -> int:
        return len(self.presets)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The small book, built once; the tests below change it one after the other."""
    book = Book(tmp_path_factory.mktemp("book"))
    result = book.build()
    assert result.returncode == 0, result.stdout + result.stderr
    assert book.times_executed == 1
    return book


SHOWN_IN = ("book/tabular/kmeans", "book/performance/ledger", "index")


def test_a_record_is_shown_on_its_page_the_ledger_and_the_index(book: Book) -> None:
    for docname in SHOWN_IN:
        assert "3.0×" in book.html(docname), docname
    stored = json.loads((book.folder / "_build/benchmarks/kmeans.json").read_text())
    assert stored == record(3.0)


def test_claims_are_quoted_from_the_catalog(book: Book) -> None:
    html = book.html("book/tabular/kmeans")
    assert "2 to 4×" in html
    assert "“JAX’s support for parallelization”" in html.replace("'", "’")


def test_planned_tutorials_have_a_card_without_a_link(book: Book) -> None:
    html = book.html("index")
    number = len(catalog.TUTORIALS)
    assert html.count("sd-card ") == number >= 30
    assert html.count("sd-stretched-link") == 1
    assert f"1 of the {number} are written so far." in html


def test_the_index_shows_a_picture_from_the_page_and_counts_the_verdicts(book: Book) -> None:
    html = book.html("index")
    images = re.findall(r"<img[^>]*thumbnail[^>]*>", html)
    assert len(images) == 2, "one in the strip, one on the card"
    for image in images:
        assert 'alt="From the page: A line that moves."' in image
    [name] = set(re.findall(r'src="_images/(kmeans-[^"]+\.webp)"', html))
    with Image.open(book.folder / "_build/html/_images" / name) as picture:
        assert picture.width in range(630, 650)
    assert "Of the 1 tutorial that was measured, JAX is faster than NumPy in 1" in html
    assert re.search(r'class="[^"]*tutorial[^"]*method-clustering[^"]*speed-jax-faster', html)


def test_the_ledger_figure_exists_for_both_themes_with_a_description(book: Book) -> None:
    images = re.findall(r"<img[^>]*ledger[^>]*>", book.html("book/performance/ledger"))
    assert {"only-light", "only-dark"} <= {
        c for tag in images for c in re.findall(r"only-\w+", tag)
    }
    assert all("1 within the claim" in tag for tag in images)


def test_an_animation_has_a_still_copy_for_both_themes_and_a_box_that_stops_it(book: Book) -> None:
    html = book.html("book/tabular/kmeans")
    images = re.findall(r"<img[^>]*three frames[^>]*>", html)
    kinds = [set(re.findall(r"moving|motionless|only-\w+", image)) for image in images]
    assert kinds == [
        {"moving", "only-light"},
        {"moving", "only-dark"},
        {"motionless", "only-light"},
        {"motionless", "only-dark"},
    ]
    assert html.count('<label class="stop">') == 1


def test_a_record_of_another_machine_stands_beside_this_builds_and_says_what_has_changed(
    book: Book,
) -> None:
    ledger = "book/performance/ledger"
    assert "No other machine has been recorded yet" in book.html(ledger)
    card = {
        "processor": "a processor",
        "cores": "16",
        "accelerator": "a GPU",
        "date": "2026-11-29",
        "Python": "3.12.3",
        "numpy": "2.5.2",
        "BLAS of NumPy": "openblas 0.3.30",
        "jax": "0.11.2",
    }
    folder, before = "book/_data/benchmarks/gpu", book.times_executed
    for digest, mark in (("0" * 16, False), ("1" * 16, True)):
        there = record(41.0) | {"machine": card, "code_digest": digest}
        book.write(f"{folder}/kmeans.json", json.dumps(there))
        result = book.build()
        assert result.returncode == 0, result.stdout + result.stderr
        html = book.html(ledger)
        assert "No other machine" not in html
        assert "a processor, 16 cores, a GPU; Python 3.12.3" in html
        table = html[html.index("a processor, 16 cores") :]
        assert "41× (37× to 45×)" in table
        assert ("(earlier code)" in table) is mark
        assert "3.0× (2.7× to 3.3×)" in table
        [address] = re.findall(r'href="([^"]*records/gpu/kmeans\.json)"', table)
        served = (book.folder / "_build/html" / ledger).parent / address
        assert json.loads(served.read_text("utf-8")) == there
    shutil.rmtree(book.folder / folder)
    assert book.build().returncode == 0
    assert "No other machine has been recorded yet" in book.html(ledger)
    assert book.times_executed == before


def test_an_edit_of_prose_or_of_a_caption_executes_nothing(book: Book) -> None:
    before = book.times_executed
    edited = PAGE.replace("Claimed:", "It is claimed:").replace("line that moves", "moving line")
    book.kmeans.write_text(edited, encoding="utf-8")
    assert book.build().returncode == 0
    html = book.html("book/tabular/kmeans")
    assert "It is claimed:" in html
    assert "A moving line." in html
    assert book.times_executed == before


def test_a_build_after_no_change_reads_no_page_and_ends_well(book: Book) -> None:
    before = {name: book.html(name) for name in SHOWN_IN}
    result = book.build()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 added, 0 changed, 0 removed" in result.stdout
    assert {name: book.html(name) for name in SHOWN_IN} == before


def test_a_changed_record_is_shown_everywhere_after_the_next_build(book: Book) -> None:
    before = book.times_executed
    book.record.write_text(json.dumps(record(7.0)))
    book.kmeans.write_text(PAGE.replace("3.25", "3.5"), encoding="utf-8")
    assert book.build().returncode == 0
    assert book.times_executed == before + 1
    for docname in SHOWN_IN:
        assert "7.0×" in book.html(docname), docname
        assert "3.0×" not in book.html(docname), docname


def test_a_record_on_published_data_is_shown_on_its_page_and_in_the_ledger(book: Book) -> None:
    before = book.times_executed
    assert "No verified copy." in book.html("book/tabular/kmeans")
    assert "no verified copy" in book.html("book/performance/ledger")
    book.write("book/_data/published/kmeans.json", json.dumps(published_record()))
    of_the_book = published_record() | {"data_source": "offline", "files": []}
    book.write("book/_data/seeds/kmeans.json", json.dumps(of_the_book))
    page = book.kmeans.read_text(encoding="utf-8")
    with_seeds = page.replace("```{published}", "```{seeds}\n```\n\n```{published}")
    book.kmeans.write_text(with_seeds, encoding="utf-8")
    assert book.build().returncode == 0
    assert book.times_executed == before
    html = book.html("book/tabular/kmeans")
    assert "The seeds 0 and 1, judged apart from this page on 2026-01-01: Met:" in html
    assert "No verified copy." not in html
    for expected in (
        "Met: the mean is 0.9000",
        "k-means++",
        "seed 1",
        "small.csv",
        "Earlier code.",
    ):
        assert expected in html
    html = book.html("book/performance/ledger")
    assert "met: held-out score 0.9000, strongest rival 0.8000 (earlier code)" in html
    book.kmeans.write_text(page, encoding="utf-8")


@pytest.fixture
def second_checkout(book: Book, tmp_path: Path) -> Book:
    """The same book in another folder, which has built nothing."""
    other = Book(tmp_path / "checkout")
    for page in (book.kmeans, book.record):
        shutil.copy(page, other.folder / page.relative_to(book.folder))
    return other


def test_a_second_checkout_takes_executed_pages_from_the_store(
    book: Book, second_checkout: Book, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    assert book.build(BOOK_CACHE=str(store)).returncode == 0
    assert len(list(store.iterdir())) == 1
    assert second_checkout.build(BOOK_CACHE=str(store)).returncode == 0
    assert second_checkout.times_executed == 0
    assert "7.0×" in second_checkout.html("book/tabular/kmeans")


def test_the_other_data_source_executes_the_page_again(book: Book) -> None:
    before = book.times_executed
    assert book.build(TUTORIALS_DATA="real").returncode == 0
    assert book.times_executed == before + 1
    assert book.build(TUTORIALS_DATA="offline").returncode == 0
    assert book.times_executed == before + 1  # still in the cache


def test_once_its_seconds_are_spent_a_build_runs_pages_small_and_keeps_them(book: Book) -> None:
    before = book.times_executed
    book.kmeans.write_text(PAGE.replace("3.25", "3.625"), encoding="utf-8")
    for _ in range(2):  # the second time there is nothing to run
        assert book.build(BOOK_SECONDS="0").returncode == 0
        assert book.presets[before:] == ["tiny"]
    for seconds in ("", "0"):  # what has been run whole is shown whole
        assert book.build(BOOK_SECONDS=seconds).returncode == 0
        assert book.presets[before:] == ["tiny", "page"]


def test_seconds_that_are_none_stop_the_build(book: Book) -> None:
    result = book.build(BOOK_SECONDS="soon")
    assert result.returncode != 0
    assert "BOOK_SECONDS='soon'; expected seconds" in result.stdout + result.stderr


def test_a_site_with_an_address_names_it_on_every_page_and_lists_them(book: Book) -> None:
    address = "https://example.org/book/"
    repository = "https://github.com/example/book"
    result = book.build(BOOK_SITE_URL=address, BOOK_REPOSITORY_URL=repository)
    assert result.returncode == 0, result.stdout + result.stderr
    for docname in (*SHOWN_IN, "genindex"):
        place = "" if docname == "index" else f"{docname}.html"
        assert f'<link rel="canonical" href="{address}{place}"' in book.html(docname)
        assert f'property="og:image" content="{address}_static/site.png"' in book.html(docname)
    assert "colab.research.google.com/github/example/book/" in book.html(SHOWN_IN[0])
    listed = (book.folder / "_build/html/sitemap.xml").read_text(encoding="utf-8")
    assert re.findall("<loc>(.*?)</loc>", listed) == [
        address,
        *(f"{address}{docname}.html" for docname in sorted(SHOWN_IN[:2])),
    ]
    robots = (book.folder / "_build/html/robots.txt").read_text(encoding="utf-8")
    assert f"Sitemap: {address}sitemap.xml" in robots
    assert '<base href="/book/">' in book.html("404")


def test_an_unknown_data_source_stops_the_build_with_the_choices(book: Book) -> None:
    result = book.build(TUTORIALS_DATA="reel")
    assert result.returncode != 0
    assert "TUTORIALS_DATA='reel'; expected one of: offline, real" in result.stdout + result.stderr


def test_a_cell_that_raises_fails_the_build_again_and_again_until_mended(book: Book) -> None:
    good = book.kmeans.read_text(encoding="utf-8")
    broken = good + "\n```{code-cell} ipython3\nundefined_name + 1\n```\n"
    book.kmeans.write_text(broken, encoding="utf-8")
    line = 1 + broken.splitlines().index("undefined_name + 1")
    cell = broken.count("{code-cell}")
    for _ in range(2):
        result = book.build()
        assert result.returncode != 0
        assert (
            f"book/tabular/kmeans.md, cell {cell} (line {line}): "
            "NameError: name 'undefined_name' is not defined"
        ) in result.stdout + result.stderr
    book.kmeans.write_text(good, encoding="utf-8")
    assert book.build().returncode == 0


def test_an_unclosed_fence_that_swallows_the_digest_is_reported(book: Book) -> None:
    good = book.kmeans.read_text(encoding="utf-8")
    book.kmeans.write_text(good + "\n```{note}\nnever closed\n", encoding="utf-8")
    result = book.build()
    assert result.returncode != 0
    assert "last fence is not closed" in result.stdout + result.stderr
    book.kmeans.write_text(good, encoding="utf-8")
    assert book.build().returncode == 0


def test_a_build_that_was_killed_is_completed_by_the_next(book: Book) -> None:
    """Killed after the pages were read, before they were written."""
    book.record.write_text(json.dumps(record(9.0)))
    book.kmeans.write_text(PAGE.replace("3.25", "3.75"), encoding="utf-8")
    config = (book.folder / "_config.yml").read_text(encoding="utf-8")
    book.write(
        "book/_ext/killer.py",
        "import os\n\n"
        "def setup(app):\n"
        "    app.connect('env-check-consistency', lambda app, env: os._exit(9))\n",
    )
    killing = config.replace(
        "    failures: book/_ext", "    failures: book/_ext\n    killer: book/_ext"
    )
    killing = killing.replace("      - failures", "      - failures\n      - killer")
    assert killing.count("killer") == 2
    book.write("_config.yml", killing)
    assert book.build().returncode == 9
    book.write("_config.yml", config)
    assert book.build().returncode == 0
    for docname in SHOWN_IN:
        assert "9.0×" in book.html(docname), docname
