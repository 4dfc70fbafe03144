"""The checker of pages: what it finds, and what it lets through."""

from pathlib import Path

import pytest

from tools import pages
from tools.markdown import parse

TYPED = [
    "JAX is 5x faster here.",
    "A speedup of 2.5× is typical.",
    "The claim is 2-4x.",
    "It runs three times faster.",
    "It is twice as fast.",
    "A ten-fold speedup follows.",
    "One step takes 3 ms.",
    "One step takes 3ms on a laptop.",
    "Training needs 25 s.",
    "Training needs 2.5s.",
    "Training takes twenty seconds.",
    "Training takes about half a minute.",
    "It takes 1,200 microseconds.",
    "The model is right on 73 % of the images.",
    "It is right on 73 percent of them.",
    "The test accuracy is 0.73.",
    "It reaches 0.73 test accuracy.",
    "The silhouette score was 0.41, as expected.",
    "A relative error of 0.001 remains.",
    "PSNR rises by 3 dB.",
    "The tracker runs at 30 fps.",
    "It draws 2000 samples per second.",
    "It took 12\u00a0ms.",
    "| NumPy | 3.2 ms | slow |",
    "Written as `` {glue:text}`ratio` `` but typed: 5x faster.",
    "First a fact {glue:text}`ratio`. Then one typed: 5x faster.",
]
ALLOWED = [
    "JAX is {glue:text}`ratio` faster, where 5x was claimed.",
    "The document claims {claim}`range`, that is 2-4x.",
    "The authors report 0.41 accuracy in 3 hours {cite:p}`lloyd1982least`.",
    "A 3x3 convolution on 32 x 32 images.",
    "The kernel is 5 × 5.",
    "There are 20,000 customers in 5 clusters.",
    "Repeat it 7 times.",
    "A learning rate of 0.001 and momentum 0.9.",
    "`config.num_steps` is 25 and `0.5 s` is code.",
    "The loss is $L = 0.5 x^2$, 3 terms.",
    "It was common in the 1990s.",
    "A 95 % confidence interval is drawn.",
    "Use float32 or bfloat16 on x86 and CUDA 12.",
    "Ten-fold cross-validation chooses the penalty.",
    "The vocabulary has 512 tokens; a batch is 128.",
    "See {ref}`the 5x table <table>`.",
    "Recall@10 and top-5 are shown below.",
    "From minutes to seconds, says the document.",
    "The pixels lie between 0.0 and 1.0.",
    "Version 0.10.2 and Python 3.11 are used.",
    "A link: <https://example.org/5x>, and [another](https://example.org/5x).",
]


@pytest.mark.parametrize("text", TYPED)
def test_a_typed_measurement_is_found(text: str):
    assert list(pages.measurements(text)), text


@pytest.mark.parametrize("text", ALLOWED)
def test_a_sourced_or_harmless_number_is_let_through(text: str):
    assert list(pages.measurements(text)) == []


def found(tmp_path: Path, text: str) -> list[str]:
    """What the checker says about a page, without the path."""
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    return [line.split(".md:", 1)[1] for line in pages.check(page)]


GOOD = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
myst: {html_meta: {description: "What the page shows."}}
---
# Group customers

Some text with a [link](page.md) and $3 \\times 3$ blocks.

`````{tab-set}
````{tab-item} NumPy
```{code-cell} ipython3
---
mystnb:
  figure:
    name: fig-one
    caption: |
      What is to be seen: five groups.
---
figures.show(draw(points), alt=f"{len(points)} points in five groups of different size")
```
````
`````

## Why

% not a measurement: the recordings are cut to this length
Each recording lasts 3 s.
"""


def test_a_good_page_passes(tmp_path: Path):
    assert found(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("## Why", "### Why", "24: “Why” skips a level of headings"),
        ("## Why", "# Why", "24: 2 headings of the first level; one is needed"),
        ("five groups.\n", "5x faster.\n", "11: “5x” is typed by hand"),
        ("five groups of", "3 ms groups of", "19: “3 ms” is typed by hand"),
        ("What the page shows.", "It is 5x faster.", "1: “5x” is typed by hand"),
        ("(page.md)", "(nowhere.md)", "7: the link leads nowhere: nowhere.md"),
        (
            "Some text",
            "Some {cite:p}`nobody1900`",
            "7: no book/references*.bib has an entry nobody1900",
        ),
        ("Some text", "{doc}`nowhere`", "7: there is no page nowhere"),
        ("Some text", "{numref}`fig-none`", "7: no figure of this page has the name fig-none"),
        ("Some text", "Simply text", "7: “Simply” adds nothing"),
        ("Some text", "![](picture.svg)", "7: a picture without an alternative text"),
        ("figures.show(draw", "!pip install x\nfigures.show(draw", "19: a shell command"),
        ("figures.show(draw", "import time\nfigures.show(draw", "19: imports time: only"),
        ("figures.show(draw", "import urllib.request\nfigures.show(draw", "19: imports urllib"),
        ("figures.show(draw", "x = 1\n" * 25 + "figures.show(draw", "11: a cell of 26 lines"),
        ("figures.show(draw", "if:\nfigures.show(draw", "19: no Python: invalid syntax"),
        ("    name: fig-one\n", "", "11: a figure without a name"),
        ("```\n````\n", "````\n", "11: the fence of code-cell is not closed"),
        (
            ": the recordings are cut to this length",
            ":",
            "26: “% not a measurement:” needs",
        ),
        ("% not a measurement: the recordings are cut to this length", "", "27: “3 s” is typed"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str):
    messages = found(tmp_path, GOOD.replace(old, new, 1))
    assert any(expected in message for message in messages), messages


def test_an_unclosed_fence_at_the_end_is_found(tmp_path: Path):
    messages = found(tmp_path, GOOD + "\n```{code-cell} ipython3\nx = 1\n")
    assert messages == ["29: the fence of code-cell is not closed"]


def test_a_long_page_is_found_and_solutions_do_not_count(tmp_path: Path):
    assert any("lines without metadata" in m for m in found(tmp_path, GOOD + "Text.\n\n" * 220))
    solution = "```{solution} exercise-one\n" + "Text.\n\n" * 220 + "```\n"
    assert found(tmp_path, GOOD + solution) == []
    gate = "```{{solution-{}}}{}\n```\n"
    gated = gate.format("start", " exercise-one") + "Text.\n\n" * 220 + gate.format("end", "")
    assert found(tmp_path, GOOD + gated) == []


def test_a_missing_include_and_a_missing_function_are_found(tmp_path: Path):
    (tmp_path / "code.py").write_text("class A:\n    def b(self): ...\n")
    include = "```{{literalinclude}} {}\n:pyobject: {}\n```\n"
    page = "# Title\n\n" + include.format("code.py", "A.b") + include.format("code.py", "A.c")
    page += include.format("nothing.py", "A")
    assert found(tmp_path, page) == [
        "6: code.py defines no A.c",
        "9: there is no file nothing.py",
    ]


def test_fences_nest_as_in_commonmark():
    text = (
        "````{note}\n```{code-cell} ipython3\n:tags: [hide-input]\n# no heading\n```\n## A\n````\n"
    )
    page = parse(text)
    assert [directive.name for directive in page.directives] == ["note", "code-cell"]
    assert [heading.text for heading in page.headings] == ["A"]
    (found_cell,) = page.cells
    assert found_cell.body == ("# no heading",)
    assert found_cell.options == {"tags": ["hide-input"]}
    assert found_cell.parents == ("note",)
    assert found_cell.body_line == 4


def test_the_keys_of_a_bibliography_are_read():
    text = "@article{lloyd1982least,\n title={A}}\n@comment{x, y}\n  @book { a2020b , title={B}}\n"
    assert pages.bibliography_keys(text) == ["lloyd1982least"]
