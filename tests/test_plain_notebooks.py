"""Pages as notebooks that plain Jupyter shows: plain Markdown, and all code in its order."""

import sys
from pathlib import Path

import nbformat
import pytest
from docutils import nodes
from sphinx_design.tabs import sd_tab_label

from freshness import MARKER
from plain_markdown import PlainMarkdown
from plain_notebooks import plain_notebook
from tools import notebooks

PLAIN = PlainMarkdown("https://example.org/book/a/page.html")


def paragraph(*children: nodes.Node) -> nodes.paragraph:
    return nodes.paragraph("", "", *children)


def table(*rows: tuple[str, ...]) -> nodes.table:
    made = [
        nodes.row("", *(nodes.entry("", paragraph(nodes.Text(cell))) for cell in row))
        for row in rows
    ]
    columns = nodes.tgroup("", nodes.thead("", made[0]), nodes.tbody("", *made[1:]))
    return nodes.table("", columns)


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (paragraph(nodes.Text("2 * 3 < $7, x_1 and a_b_c")), r"2 \* 3 \< \$7, x_1 and a_b_c"),
        (
            paragraph(nodes.Text("A "), nodes.strong("", "loss "), nodes.math("", "x_1")),
            "A **loss** $x_1$",
        ),
        (paragraph(nodes.literal("", "a`b")), "``a`b``"),
        (nodes.math_block("", "a = b\n"), "$$\na = b\n$$"),
        (nodes.literal_block("x = 1\n", "x = 1\n", language="ipython3"), "```python\nx = 1\n```"),
        (nodes.rubric("", "NumPy"), "**NumPy**"),
        (sd_tab_label("", "JAX", input_id="a"), "**JAX**"),
        (
            nodes.admonition("", nodes.title("", "Takeaway"), paragraph(nodes.Text("Do."))),
            "> **Takeaway**\n>\n> Do.",
        ),
        (
            nodes.bullet_list(
                "",
                nodes.list_item("", paragraph(nodes.Text("one")), paragraph(nodes.Text("more"))),
                nodes.list_item("", paragraph(nodes.Text("two"))),
            ),
            "- one\n  \n  more\n- two",
        ),
        (table(("a", "b"), ("1 | 2", "3")), "| a | b |\n|---|---|\n| 1 \\| 2 | 3 |"),
    ],
)
def test_what_the_book_has_gets_its_plain_form(node: nodes.Node, written: str):
    assert PLAIN.block(node) == written


def test_references_are_links_where_the_site_has_an_address_and_words_where_it_has_none():
    inside = nodes.reference("", "k-means", refuri="../b/kmeans.html#fit")
    here = nodes.reference("", "above", refid="loss")
    away = nodes.reference("", "JAX", refuri="https://docs.jax.dev")
    block = paragraph(inside, nodes.Text(", "), here, nodes.Text(", "), away)
    assert PLAIN.block(block) == (
        "[k-means](https://example.org/book/b/kmeans.html#fit), "
        "[above](https://example.org/book/a/page.html#loss), [JAX](https://docs.jax.dev)"
    )
    assert PlainMarkdown().block(block) == "k-means, above, [JAX](https://docs.jax.dev)"


def test_what_the_site_numbers_has_its_number():
    plain = PlainMarkdown(numbers={"fig-a": "Fig. 7", "stop": "Exercise 3"})
    caption = nodes.caption("", "A curve.")
    nodes.figure("", nodes.image(uri="a.svg"), caption, ids=["fig-a"])
    assert plain.caption(caption) == "**Fig. 7.** *A curve.*"
    exercise = nodes.admonition("", nodes.title(), paragraph(nodes.Text("Do.")), ids=["stop"])
    assert plain.block(exercise) == "> **Exercise 3**\n>\n> Do."


def code_cell(index: int, caption: str = "") -> nodes.container:
    figure = nodes.figure("", nodes.image(uri="a.svg"), nodes.caption("", caption))
    shown = [figure] if caption else []
    return nodes.container("", *shown, nb_element="cell_code", cell_index=index)


@pytest.fixture
def executed():
    """A run of a page; its last cell has the digest of the page."""
    first, *others = ("setup = 1", "shown = 2", "hidden = 3", "solved = 4", f"{MARKER} 5")
    seen = [nbformat.v4.new_output("stream", text="seen\n")]
    cells = [
        nbformat.v4.new_code_cell(first, outputs=seen),
        nbformat.v4.new_markdown_cell("MyST"),
        *map(nbformat.v4.new_code_cell, others),
    ]
    kernel = {"display_name": "Python 3", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture
def document() -> nodes.document:
    """A page with a figure, a section in a section, and a solution that has code."""
    solution = nodes.admonition("", nodes.title("", "Solution"), nodes.section("", code_cell(4)))
    inner = nodes.section("", nodes.title("", "Inner"), paragraph(nodes.Text("Text.")), solution)
    page = nodes.section("", nodes.title("", "Page"), code_cell(0, "A curve."), code_cell(2), inner)
    made = nodes.document(None, None)  # type: ignore[arg-type]
    made += page
    return made


def test_the_code_is_whole_and_in_order_and_the_text_stands_where_it_stood(document, executed):
    made = plain_notebook(document, executed)
    nbformat.validate(made)
    head, setup, *rest = made.cells
    assert head.source.startswith("# Page\n\n*This notebook is a page of the book;")
    assert "python -m pip install ." in head.source
    assert 'sys.modules["myst_nb"]' in setup.source
    assert [cell.source for cell in rest] == [
        "setup = 1",
        "*A curve.*",
        "shown = 2",
        "## Inner\n\nText.\n\n**Solution**",
        "hidden = 3",
        "solved = 4",
    ]
    assert not any(cell.get("outputs") for cell in made.cells)
    assert made == plain_notebook(document, executed), "one page gives one file"


@pytest.mark.parametrize(
    ("repository", "how"),
    [
        ("https://example.org/repository", "git+https://example.org/repository@0123abc"),
        ("", "python -m pip install ."),
    ],
)
def test_the_first_code_installs_the_package_where_it_has_an_address(
    document, executed, repository: str, how: str
):
    head, setup = plain_notebook(document, executed, repository=repository, commit="0123abc").cells[
        :2
    ]
    assert how in setup.source
    assert (repository or how) in head.source


def test_the_first_text_leads_to_the_page_where_the_site_has_an_address(document, executed):
    address = "https://example.org/book/a/page.html"
    head = plain_notebook(document, executed, address=address).cells[0].source
    assert f"[a page of the book]({address})" in head


def test_the_first_code_prints_what_the_site_writes_into_its_text(
    document, executed, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    exec(plain_notebook(document, executed).cells[1].source, {})
    from myst_nb import glue

    glue("accuracy", "97%", display=False)
    assert capsys.readouterr().out == "accuracy: 97%\n"


OFFERED = [Path(f"book/{name}.ipynb") for name in ("a", "b", "c", "d", "e")]


def test_in_rotation_every_notebook_has_its_day():
    days = [notebooks.chosen(OFFERED, [], 2, day=day) for day in range(5)]
    assert all(len(each) == 2 for each in days)
    assert {path for each in days for path in each} == set(OFFERED)


def test_a_page_is_chosen_by_any_of_its_names_and_an_unknown_one_is_named():
    assert notebooks.chosen(OFFERED, ["book/b.md", "d"], None, day=0) == [OFFERED[1], OFFERED[3]]
    with pytest.raises(ValueError, match="No page is named z"):
        notebooks.chosen(OFFERED, ["z"], None, day=0)


def test_without_a_built_site_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(notebooks, "OFFERED", tmp_path)
    with pytest.raises(SystemExit):
        notebooks.main([])
    assert "run `make book` first" in capsys.readouterr().err
