"""The LaTeX of a small book: numbers behind links, tabs, an appendix, a short reference."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

import print_cover
import print_symbols
from tools import ROOT

JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")

PAGES = {
    "book/index.md": "# A small book\n\nBegin with [apples](tabular/apples.md).\n",
    "book/tabular/apples.md": """\
# Count apples

(heaps)=
## Make heaps

See [pears](pears.md), and [pears](pears.md) again (or [the heaps of pears](pears.md#heap-them)).
Then {ref}`heaps`. A {term}`stone` is no apple. It is ripe 🤔 and red ✈ and `🤔`.

````{tab-set}
```{tab-item} NumPy
By hand.
```
```{tab-item} JAX
By machine.
```
````

| a | b | c | d | e | f | g | h |
|---|---|---|---|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |

```{exercise}
:label: apples-more

Count more.
```

```{solution} apples-more
Twice as many.
```
""",
    "book/tabular/pears.md": """\
# Count pears

(pears-heap)=
## Heap them

One heap, from [](#pears-heap).

```{exercise}
:label: pears-more

Count all.
```

```{solution} pears-more
All of them.
```
""",
    "book/reference/api.md": """\
# API reference

What can be called.

```{eval-rst}
.. py:module:: shop

.. py:function:: weigh(apples: list[float], *, unit: str = "kg") -> float

   The weight of all apples. It is never negative.

   Another paragraph.

.. py:class:: Shop(name: str)

   A place with apples.

   .. py:method:: close()

      Close it.

.. py:function:: tell()

   Ask :py:meth:`Shop.close`.
```

```{glossary}
stone
  What is inside.
```
""",
}
TOC = """\
format: jb-book
root: book/index
parts:
  - caption: Fruit
    chapters: [{file: book/tabular/apples}, {file: book/tabular/pears}]
  - caption: Reference
    chapters: [{file: book/reference/api}]
"""


@pytest.fixture(scope="module")
def tex(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The LaTeX source of the small book, built with the real configuration and extensions."""
    folder = tmp_path_factory.mktemp("print")
    for name in ("_ext", "_print", "_static", "_templates", "_data"):
        shutil.copytree(ROOT / "book" / name, folder / "book" / name)
    for name, text in (PAGES | {"_toc.yml": TOC, "requirements.txt": ""}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["bibtex_bibfiles"] = ["empty.bib"]
    (folder / "empty.bib").touch()
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    command = [JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going", "--builder", "latex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    latex = folder / "_build/latex"
    for file in (*print_symbols.FONTS, Path("bookprint.sty"), Path("booksymbols.sty")):
        assert (latex / file.name).is_file()
    return (latex / "jax-tutorials.tex").read_text(encoding="utf-8")


def chapter(tex: str, title: str) -> str:
    """The source of one chapter."""
    return re.split(r"\\(?:chapter|part)\{", tex.split(f"\\chapter{{{title}}}")[1])[0]


def test_a_link_to_another_chapter_says_its_number_once_in_a_section(tex: str):
    number = r"chapter~\ref*{\detokenize{book/tabular/pears::doc}}"
    assert chapter(tex, "Count apples").count(number) == 1
    assert f"pears}}}}}}}} ({number}), and" in re.sub(r"\\DUrole\{[^}]*\}", "", tex)
    assert r"apples::doc}}" in tex.split("\\part")[0]


def test_a_link_to_a_section_says_the_section_without_brackets_in_brackets(tex: str):
    text = chapter(tex, "Count apples")
    assert re.search(r", section~\\ref\*\{\\detokenize\{book/tabular/pears:[\w-]+\}\}\)", text)
    assert re.search(r" \(section~\\ref\*\{\\detokenize\{book/tabular/apples:[\w-]+\}\}\)\.", text)


def test_a_term_needs_no_number(tex: str):
    sentence = chapter(tex, "Count apples").split("is no apple")[0].splitlines()[-1]
    assert "stone" in sentence
    assert r"\ref*" not in sentence.split("stone")[1]


def test_the_tabs_stand_below_each_other_with_their_labels(tex: str):
    text = chapter(tex, "Count apples")
    places = [
        text.index(part) for part in (r"\booktab{NumPy}", "By hand", r"\booktab{JAX}", "By m")
    ]
    assert places == sorted(places)


def test_a_table_of_many_columns_has_smaller_letters(tex: str):
    wide = re.search(r"\\bookwide(.*?)\\endgroup", chapter(tex, "Count apples"), re.DOTALL)
    assert wide
    assert "tabulary" in wide[1]


def test_solutions_stand_in_the_appendix_by_chapter_with_links_both_ways(tex: str):
    body, appendix = tex.split("\\appendix")
    assert "\\part{Appendix}" in body
    assert "Twice as many" not in body
    assert "All of them" not in body
    titles = re.findall(r"\\section\{(Chapter [^}]*)\}", appendix)
    assert titles == ["Chapter 1: Count apples", "Chapter 2: Count pears"]
    assert appendix.index("Twice as many") < appendix.index(titles[1])
    for label in ("apples-more", "pears-more"):
        assert f"{{exercise:{label}}}" in appendix
    forth = re.findall(r"\\booksolved\{(.*)\}", body)
    back = re.findall(r"\\booksolution\{(.*?\}?)\}\{Solution to Exercise", appendix)
    assert forth == back
    assert len(forth) == 2


def test_the_reference_has_names_arguments_and_first_sentences(tex: str):
    text = chapter(tex, "API reference")
    assert "weigh(apples, *, unit)" in text
    assert "The weight of all apples." in text
    assert "never negative" not in text
    assert "Another paragraph" not in text
    assert "close" in text
    assert "Close it" not in text
    assert r"\label{\detokenize{book/reference/api:shop.Shop.close}}" in text


def test_a_character_that_no_font_has_is_named_in_text_and_code(tex: str):
    assert chapter(tex, "Count apples").count("{[}thinking face{]}") == 2
    assert "✈" in tex


def test_every_symbol_is_taken_from_a_font_that_has_it(tmp_path: Path):
    print_symbols.write_symbols(tmp_path / "booksymbols.sty")
    text = (tmp_path / "booksymbols.sty").read_text(encoding="utf-8")
    for char, command in (("─", "bookcode"), ("😊", "booksymbol")):
        assert f"\\bookfallback\\{command}{{{ord(char)}}}\n" in text
    assert str(ord("🤔")) not in text
    assert print_symbols.replace("a→😊🤔") == "a→😊[thinking face]"


def test_the_cover_repeats_pictures_rather_than_leave_a_gap():
    tiles = [Image.new("RGB", print_cover.TILE, color) for color in ("red", "lime")]
    whole = print_cover.arrange(tiles)
    width, height = (size + print_cover.GAP for size in print_cover.TILE)
    assert whole.size == (5 * width + print_cover.GAP, height + print_cover.GAP)
    seen = [whole.getpixel((print_cover.GAP + k * width, print_cover.GAP)) for k in range(5)]
    red, lime = (255, 0, 0), (0, 255, 0)
    assert seen == [red, lime, red, lime, red]


def test_a_picture_stands_on_a_white_tile():
    tile = print_cover.on_white(Image.new("RGB", (900, 100), "red"))
    assert tile.size == print_cover.TILE
    assert tile.getpixel((0, 0)) == (255, 255, 255)
    assert tile.getpixel((print_cover.ROOM, print_cover.TILE[1] // 2)) == (255, 0, 0)
