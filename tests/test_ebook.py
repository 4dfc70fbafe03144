"""The EPUB: a small book with all that the edition changes, and what its check finds."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from PIL import Image

import ebook as edition
import maths
from tools import ROOT, ebook
from tutorials_lib import figures
from tutorials_lib.figures.stepper import stepper

JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")

APPLES = r"""# Count apples

See {doc}`pears` and $\frac{a}{b}$, as in {eq}`more`.

$$
a < b
$$ (more)

$$
A = \begin{matrix} 1 \\ 2 \end{matrix}
$$

The *<unk> word* is unknown.

````{tab-set}
```{tab-item} NumPy
By hand.
```
```{tab-item} JAX
By machine.
```
````

::::{grid} 1 1 3 3
:::{grid-item-card} A route
:link: pears
:link-type: doc
To the pears.
:::
::::

```{exercise}
:label: apples-more

Count more.
```

```{solution} apples-more
:class: dropdown

Twice as many.
```

```{exercise}
:label: apples-most

Count most.
```

```{solution} apples-most
All.
```
"""
API = """\
# API reference

```{eval-rst}
.. py:class:: Shop(name: str)

   A place with apples.

   Another paragraph.

   .. py:method:: close()

      Close it.

.. py:function:: weigh(apples: list[float], pears: list[float], stones: list[float], *, unit: str)

   The weight of all.
```
"""
PEARS = "# Count pears\n\nAs {py:meth}`Shop.close` does.\n"
TOC = """\
format: jb-book
root: book/index
parts:
  - caption: Fruit & more
    chapters:
      - {file: book/apples}
      - {file: book/pears}
      - {file: book/steps}
  - caption: Reference
    chapters: [{file: book/api}]
"""


def drawn(height: float) -> Figure:
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([0, 1], [0, height])
    return figure


def steps() -> str:
    """A page with a picture and a stepper, which has been executed."""
    stepped = stepper(
        map(drawn, (1.0, 2.0)),
        ["low", "high"],
        strip=drawn(3.0),
        alt="A line rises to the right.",
    )
    still = figures.show(drawn(1.0), alt="A line lies quite still.")
    cells = [nbformat.v4.new_markdown_cell("# Steps")]
    for shown in (stepped, still):
        output = nbformat.v4.new_output("display_data", shown._repr_mimebundle_())
        tags = {"tags": ["hide-input"]}
        cells.append(nbformat.v4.new_code_cell("draw_all()", outputs=[output], metadata=tags))
    printed = nbformat.v4.new_output("stream", name="stdout", text="42")
    cells.append(nbformat.v4.new_code_cell("print(6 * 7)", outputs=[printed]))
    about = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=about))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The EPUB of the small book, built with the real configuration and extensions."""
    folder = tmp_path_factory.mktemp("ebook")
    for name in ("_ext", "_print", "_static", "_templates", "_data"):
        shutil.copytree(ROOT / "book" / name, folder / "book" / name)
    texts = {"index.md": "# A small book\n\nFruit.\n", "apples.md": APPLES, "pears.md": PEARS}
    texts |= {"steps.ipynb": steps(), "api.md": API}
    for name, text in texts.items():
        (folder / "book" / name).write_text(text, encoding="utf-8")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config |= {"bibtex_bibfiles": ["empty.bib"], "execute": {"execute_notebooks": "off"}}
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
    for name in ("empty.bib", "requirements.txt"):
        (folder / name).touch()
    command = [JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going"]
    command += ["--builder", "custom", "--custom-builder", "epub"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build/epub/jax-tutorials.epub"


def page(path: Path, name: str) -> BeautifulSoup:
    with zipfile.ZipFile(path) as book:
        return BeautifulSoup(book.read(name).decode(), "html.parser")


def test_the_book_has_no_fault(path: Path):
    assert ebook.check(path) == []
    assert ebook.size(path).startswith("7 pages, ")  # with the cover and the contents


def test_epubcheck_has_nothing_to_complain_of(path: Path):
    verdict = ebook.verdict(path)
    if verdict is None:
        pytest.skip(ebook.NOT_INSTALLED)
    assert verdict == []


def test_the_contents_have_parts_with_their_chapters(path: Path):
    contents = page(path, "nav.xhtml").select("nav > ol > li")
    read = {
        part.select("a")[0].get_text(): [each.get_text() for each in part.select(":scope > ol a")]
        for part in contents
    }
    assert read == {
        "A small book": [],
        "Fruit & more": ["Count apples", "Count pears", "Steps"],
        "Reference": ["API reference"],
    }


def test_the_list_of_files_says_what_the_book_is(path: Path):
    with zipfile.ZipFile(path) as book:
        package = ET.fromstring(book.read("content.opf"))
        cover = Image.open(book.open("_static/cover.jpg"))
    kinds = {
        item.get("href"): item.get("properties") for item in package.iter() if item.get("href")
    }
    assert kinds["book/apples.xhtml"] == "mathml"
    assert kinds["book/pears.xhtml"] is None
    assert kinds["_static/cover.jpg"] == "cover-image"
    said = [each.text for each in package.iter() if each.get("property") == "schema:accessMode"]
    assert said == ["textual", "visual"]
    assert cover.height > cover.width
    files = [item for item in kinds if item and item.startswith("_static/")]
    assert sorted(files) == ["_static/cover.jpg", "_static/ebook.css", "_static/pygments.css"]


def test_a_page_has_the_two_style_sheets_and_a_language(path: Path):
    read = page(path, "book/apples.xhtml")
    names = [str(link["href"]).rpartition("/")[2] for link in read.select("link[rel=stylesheet]")]
    assert [name.partition("?")[0] for name in names] == ["pygments.css", "ebook.css"]
    assert read.html is not None
    assert read.html["lang"] == "en"


def test_formulas_are_mathml_with_their_source_as_text(path: Path):
    read = page(path, "book/apples.xhtml")
    inline, display, matrix = read.select("math")
    assert inline["alttext"] == r"\frac{a}{b}"
    assert inline.select_one("mfrac") is not None
    assert display["alttext"] == "a < b"
    assert display["display"] == "block"
    assert not [each for each in matrix.select("mtable") if each.get("columnspacing") == ""]
    assert not read.select(".katex-html, annotation")
    (place,) = read.select("div.math[id]")
    assert read.select(f"a[href='#{place['id']}']")


def test_the_tabs_stand_below_each_other_with_their_labels(path: Path):
    read = page(path, "book/apples.xhtml")
    assert [label.get_text() for label in read.select("p.sd-tab-label")] == ["NumPy", "JAX"]
    text = read.get_text(" ", strip=True)
    assert "NumPy By hand. JAX By machine. A route : To the pears." in text


def test_a_stepper_is_its_strip_and_a_figure_its_light_copy(path: Path):
    read = page(path, "book/steps.xhtml")
    strip, still = read.select("img")
    assert (strip["alt"], still["alt"]) == (
        "A line rises to the right.",
        "A line lies quite still.",
    )
    with zipfile.ZipFile(path) as book:
        with book.open(f"_images/{Path(str(strip['src'])).name}") as file:
            assert Image.open(file).format == "PNG"
        drawing = ET.fromstring(book.read(f"_images/{Path(str(still['src'])).name}"))
    assert drawing.tag.endswith("svg")
    assert not read.select("style, fieldset, svg")


def test_code_that_is_folded_up_is_left_out_and_other_code_stays(path: Path):
    text = page(path, "book/steps.xhtml").get_text(" ", strip=True)
    assert "draw_all" not in text
    assert re.search(r"print \( 6 \* 7 \).* 42", text)


def test_a_word_in_angle_brackets_is_no_element(path: Path):
    assert "The <unk> word is unknown." in page(path, "book/apples.xhtml").get_text()


def test_solutions_stand_at_the_end_with_links_both_ways(path: Path):
    read = page(path, "book/apples.xhtml")
    first, second = read.select("div.exercise")
    assert "Twice as many" not in first.get_text() + second.get_text()
    heading = next(each for each in read.select("h2") if each.get_text() == "Solutions")
    solution = next(each for each in heading.find_all_next(class_="solution"))
    assert "Twice as many." in solution.get_text()
    assert first.select(f"a[href='#{solution['id']}']")
    assert solution.select(f"a[href$='#{first['id']}']")


def test_the_reference_has_first_paragraphs_and_links_still_lead_there(path: Path):
    text = page(path, "book/api.xhtml").get_text()
    assert "A place with apples." in text
    assert "Another paragraph" not in text
    assert "Close it" not in text
    assert "weigh(apples, pears, stones, *, unit)" in text
    link = page(path, "book/pears.xhtml").select_one("a[href*='api.xhtml']")
    assert link is not None


PAGE = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><body id="top"><a href="b.xhtml#top">b</a>'
    '<img src="a.svg" alt="a line"/></body></html>'
)


def written(folder: Path, **changed: str | None) -> Path:
    """An EPUB of two pages and a picture; what is `changed` to nothing is left out."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    files = {"a.xhtml": PAGE, "b.xhtml": PAGE, "a.svg": svg}
    files |= {name.replace("_", "."): text for name, text in changed.items()}
    with zipfile.ZipFile(folder / "book.epub", "w") as book:
        for name, text in files.items():
            if text is not None:
                book.writestr(name, text)
    return folder / "book.epub"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"a_svg": None}, "a.svg is not in the book"),
        ({"b_xhtml": None}, "b.xhtml is not in the book"),
        ({"b_xhtml": PAGE.replace('id="top"', "")}, "b.xhtml has no top"),
        ({"a_xhtml": PAGE.replace("<a ", "<br><a ")}, "a.xhtml: mismatched tag"),
        ({"a_xhtml": PAGE.replace("a line", " ")}, "a.svg has no alternative text"),
        ({"a_xhtml": PAGE.replace("<img", "<script/><img")}, "has <script>"),
    ],
)
def test_what_is_wrong_with_a_book_is_named(tmp_path: Path, changed: dict, fault: str):
    assert ebook.check(written(tmp_path)) == []
    assert any(fault in line for line in ebook.check(written(tmp_path, **changed)))


def test_a_book_that_is_too_heavy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ebook, "LARGEST", 10)
    assert "10 are allowed" in ebook.check(written(tmp_path))[0]


def test_without_epubcheck_there_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    assert ebook.verdict(written(tmp_path)) is None


def stand_in(folder: Path, *, says: str, status: int) -> Path:
    """An EPUBCheck that always says the same."""
    program = folder / "epubcheck"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'.'\n{says}\n.\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("level", ["FATAL", "ERROR", "WARNING"])
def test_what_epubcheck_complains_of_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
):
    fault = f"{level}(RSC-001): book.epub/a.xhtml(1,2): there is a fault"
    place = stand_in(tmp_path, says=f"Validating\n{fault}", status=1)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    assert ebook.verdict(written(tmp_path)) == [fault]


def test_an_epubcheck_that_does_not_run_is_no_good_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = stand_in(tmp_path, says="no memory", status=1)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    with pytest.raises(RuntimeError, match="no memory"):
        ebook.verdict(written(tmp_path))


def test_a_drawing_loses_its_document_type_and_repeated_names():
    drawing = (
        '<!DOCTYPE svg PUBLIC "x" "y"><svg><metadata>\nx</metadata>'
        '<path id="a"/><path id="a" d="M1 1"/></svg>'
    )
    assert edition.plain_drawing(drawing) == '<svg><path id="a" d="M0 0"/><path d="M1 1"/></svg>'


def test_a_formula_that_could_not_be_set_stays_as_it_is():
    assert maths.mathml("<code>x</code>") == "<code>x</code>"
