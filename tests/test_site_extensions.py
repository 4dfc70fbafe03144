"""The parts of the site's extensions that are plain functions of text."""

import base64
import shutil
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pydata_sphinx_theme
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx
from sphinx.builders.html._assets import _JavaScript
from sphinx.config import Config
from sphinx.errors import ExtensionError

import cards
import exercises
import icons
import light_pictures
import maths
import package_api
import site_theme
import statements
from book_state import state_of
from tutorials_lib import catalog


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Nearest center: |c_k|^2 of `x * y`.", r"Nearest center: \|c_k\|^2 of ``x * y``."),
        (
            "Scaled by $2^{-k}$ and sum_ of *all*.",
            r"Scaled by :math:`2^{-k}` and sum\_ of \*all\*.",
        ),
        ("Shapes like w[i] -> w[i, j] stay.", "Shapes like w[i] -> w[i, j] stay."),
    ],
)
def test_a_docstring_in_plain_english_is_read_as_it_was_meant(written, read):
    assert package_api.to_rest([written]) == [read]


def test_indented_lines_after_a_colon_and_an_empty_line_are_code():
    lines = ["On a page:", "", "    a * b  # `c`", "", "Then | again."]
    expected = ["On a page::", "", "    a * b  # `c`", "", r"Then \| again."]
    assert package_api.to_rest(lines) == expected


def test_the_arguments_of_a_docstring_stay_a_section():
    lines = ["Args:", "    points: one a row.", "", "Raises:", "    ValueError: when `k` is 0."]
    converted = package_api.to_rest(lines)
    assert converted == [*lines[:-1], "    ValueError: when ``k`` is 0."]


def test_what_a_package_exports_is_shown_once():
    shown = package_api.modules("tutorials_lib", catalog.PARTS)
    names = [module.__name__ for module in shown]
    assert "tutorials_lib.benchmark" in names
    assert "tutorials_lib.judge" in names
    assert "tutorials_lib.judge.judgement" not in names, "the package exports all of it"
    assert not any("tabular" in name for name in names)
    assert len(names) == len(set(names))


def test_a_package_with_a_page_of_its_own_is_left_out_and_a_misspelled_one_refused():
    names = [module.__name__ for module in package_api.modules("tutorials_lib.layers", ["linear"])]
    assert "tutorials_lib.layers.losses" in str(names)
    assert "tutorials_lib.layers.linear" not in str(names)
    with pytest.raises(
        ExtensionError, match=r"names lines, but tutorials_lib\.layers has .*linear"
    ):
        package_api.modules("tutorials_lib.layers", ["linear", "lines"])


def test_only_the_named_scripts_are_left_out():
    head = (
        '<script src="_static/a.js?v=1"></script>'
        '<script defer src="../_static/icons.js?digest=5"></script>'
        '<link rel="preload" as="script" href="_static/icons.js" />'
        "<script>const icons = 1;</script>"
    )
    left = site_theme.leave_out_scripts(head, "icons.js")
    assert left == '<script src="_static/a.js?v=1"></script><script>const icons = 1;</script>'


def test_scripts_wait_for_the_page_except_what_scripts_in_it_need():
    tabs = _JavaScript("_static/tabs.js", priority=7, id="tabs")
    later = site_theme._deferred(tabs)
    assert (later.filename, later.priority) == ("_static/tabs.js", 7)
    assert later.attributes == {"id": "tabs", "defer": "defer"}
    assert tabs.attributes == {"id": "tabs"}, "another page may need it at once"
    for stays in (_JavaScript("", body="let a"), _JavaScript("_static/documentation_options.js")):
        assert "defer" not in site_theme._deferred(stays).attributes


def test_a_page_loads_the_scripts_that_do_something_on_it():
    names = ["", "_static/design-tabs.js", "_static/copybutton.js", "_static/togglebutton.js"]
    files = [_JavaScript(name) for name in [*names, "_static/site.js"]]

    def used(body: str) -> list[str]:
        kept = [str(file.filename) for file in files if site_theme._is_used(file, body)]
        return [name for name in kept if name in names[1:]]

    assert all(site_theme._is_used(file, "<p>words</p>") for file in (files[0], files[-1]))
    assert used("<p>words</p>") == []
    assert used("<pre>x</pre>") == ["_static/copybutton.js"]
    assert used('<div class="sd-tab-set docutils">') == ["_static/design-tabs.js"]
    assert used('<div class="admonition dropdown">') == ["_static/togglebutton.js"]


def test_what_python_says_of_a_field_is_left_out_and_what_we_say_is_not():
    def shown(text: str) -> list[str]:
        lines = [text, ""]
        package_api.convert_docstring(Mock(), "attribute", "a.b", None, None, lines)
        return lines

    assert shown("Alias for field number 12") == []
    assert shown("Alias for field number 12, which counts.")[0].startswith("Alias")


def test_an_array_of_jax_has_its_public_name():
    written = '<dt class="sig x" id="f">f(x: <span class="n">Float[jaxlib._jax.Array]</span>)</dt>'
    expected = '<dt class="sig x" id="f">f(x: Float[Array])</dt>'
    assert site_theme._plain_signatures(written) == expected


def test_a_signature_keeps_its_words_links_and_names():
    word = '<span class="pre">%s</span>'
    written = (
        '<dt class="sig sig-object py" id="f"><span class="sig-name">' + word % "f" + "</span>"
        '<em class="sig-param"><span class="n">'
        + word % "x"
        + '</span><span class="p">'
        + word % ":"
        + '</span><span class="w"> </span>'
        + f'<a class="reference internal" href="#A" title="a.A">{word % "A"}</a></em>'
        + '<a class="headerlink" href="#f" title="Link">#</a></dt>'
    )
    elsewhere = "<p><code>" + word % "x" + "</code></p>"
    assert site_theme._plain_signatures(written + elsewhere) == (
        '<dt class="sig sig-object py" id="f"><span class="sig-name">f</span>'
        'x: <a class="reference internal" href="#A">A</a>'
        '<a class="headerlink" href="#f" title="Link">#</a></dt>' + elsewhere
    )


def test_the_corner_of_a_table_is_no_heading_and_what_says_something_is():
    written = (
        '<tr><th class="head"><p></p></th><th class="head"><p>way</p></th><th></th></tr>'
        '<thead><tr><th class="stub">\n</th></tr></thead>'
    )
    assert site_theme._readable_aloud(written) == (
        '<tr><td class="head"></td><th class="head"><p>way</p></th><td></td></tr>'
        '<thead><tr><td class="stub"></td></tr></thead>'
    )


def test_a_heading_that_is_all_formula_has_a_name():
    formula = maths.set_formula("p = \\sigma(s)", display=False)
    alone = f'<th class="head"><p><span class="math notranslate">{formula}</span></p></th>'
    with_word = alone.replace("<p>", "<p>chance ")
    named = site_theme._readable_aloud(f"<tr>{with_word}{alone}</tr>")
    found = BeautifulSoup(named, "html.parser").select("[role=math]")
    assert [formula["aria-label"] for formula in found] == ["p = σ ( s )"]
    assert with_word in named
    assert formula in named


def test_the_icons_that_a_page_names_stay_in_the_style_sheet():
    sheet = (
        '.a{color:red}.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}'
        '.fa-ghost:before{content:"\\f6e2"}.b:before{content:"\\f107"}'
    )
    left = icons.keep_rules(sheet, {"fa-navicon", "fa-solid"})
    assert left == sheet.replace('.fa-ghost:before{content:"\\f6e2"}', "")
    assert icons.codes_in([left]) == {0xF0C9, 0xF107}


def test_a_font_keeps_the_drawings_that_are_asked_for(tmp_path: Path):
    theme = Path(str(pydata_sphinx_theme.__file__)).parent / "theme/pydata_sphinx_theme/static"
    whole = theme / icons.FONTS / f"{icons.FONT}.ttf"
    icons.write_font(whole, tmp_path / "few.woff", {0xF0C9, 0xF107, 0xE000})
    assert set(TTFont(tmp_path / "few.woff").getBestCmap()) == {0xF0C9, 0xF107}
    assert (tmp_path / "few.woff").stat().st_size < 10_000


def site_with_icons(folder: Path) -> Mock:
    """A builder's application whose theme's files have just been copied to `folder`."""
    theme = Path(str(pydata_sphinx_theme.__file__)).parent / "theme/pydata_sphinx_theme/static"
    for name in (icons.STYLE_SHEET, *(f"{icons.FONTS}/{icons.FONT}.{end}" for end in ENDINGS)):
        (folder / "_static" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(theme / name, folder / "_static" / name)
    return Mock(outdir=str(folder), builder=Mock())


ENDINGS = ("ttf", "woff2")


def test_a_site_that_was_not_written_again_keeps_its_icons(tmp_path: Path):
    app = site_with_icons(tmp_path)
    app.builder.name = "html"
    page = tmp_path / "index.html"
    page.write_text('<i class="fa-solid fa-bars"></i>', encoding="utf-8")
    icons.keep_used_icons(app, None)
    sheet = tmp_path / "_static" / icons.STYLE_SHEET
    font = tmp_path / "_static" / icons.FONTS / f"{icons.FONT}.woff"
    before = sheet.read_bytes(), font.read_bytes()
    assert b"fa-bars" in before[0]
    assert b"fa-ghost" not in before[0]
    icons.keep_used_icons(app, None)
    assert (sheet.read_bytes(), font.read_bytes()) == before
    sheet.write_text("a{color:red}", encoding="utf-8")
    with pytest.raises(ExtensionError, match=r"names the font fa-solid-900 0 times"):
        icons.keep_used_icons(app, None)


def test_an_exercise_is_kept_without_its_page():
    page = nodes.document(None, None)  # type: ignore[arg-type]
    exercise = nodes.container("", nodes.title("", "Exercise"), nodes.section())
    page += [exercise, nodes.paragraph("", "Text " * 10_000)]
    exercise.setup_child(exercise[0])
    kept = {"here": {"docname": "a", "node": exercise}, "there": {"docname": "b", "node": page}}
    exercises.let_go_of_page(Mock(env=Mock(docname="a", sphinx_exercise_registry=kept)), page)
    found = kept["here"]["node"]
    assert found.pformat() == exercise.pformat()
    assert found.parent is None
    assert all(node.document is None for node in found.findall())
    assert kept["there"]["node"] is page
    assert exercise.parent is page, "the page itself stays whole"


def test_figures_are_mended_that_this_build_has_copied(tmp_path: Path):
    file = BytesIO()
    Image.new("RGB", (60, 60), (200, 10, 30)).save(file, "PNG", compress_level=0)
    svg = f'<image href="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"/>'
    (tmp_path / "_images").mkdir()
    for name in ("now.svg", "before.svg", "plot.png"):
        (tmp_path / "_images" / name).write_text(svg, encoding="utf-8")
    images = {"a/now.svg": "now.svg", "a/plot.png": "plot.png"}
    app = Mock(outdir=str(tmp_path), builder=Mock(images=images, imagedir="_images"))
    app.builder.name = "html"
    light_pictures.mend_figures(app, None)
    assert "webp" in (tmp_path / "_images/now.svg").read_text()
    for name in ("before.svg", "plot.png"):
        assert (tmp_path / "_images" / name).read_text() == svg


@pytest.mark.parametrize("change", ["nothing", "page", "statement"])
def test_what_tells_of_the_catalog_is_read_again_when_that_changes(change: str, monkeypatch):
    env: Any = SimpleNamespace(found_docs={"index", "other"})
    state_of(env).tellers.update({"index", "gone"})
    assert statements.find_outdated(APP, env, set(), set(), set()) == ["index"]
    if change == "page":
        env.found_docs.add("new")
    if change == "statement":
        monkeypatch.setattr(statements.statements, "STATEMENTS", ())
    again = statements.find_outdated(APP, env, set(), set(), set())
    assert again == ([] if change == "nothing" else ["index"])


APP = cast(Sphinx, None)
"""The settings of addresses ask nothing of the application."""


def config_with(**settings: object) -> Config:
    """Settings of a site as Sphinx hands them to an extension."""
    config = Config({"html_theme_options": {}} | settings)
    for name in ("html_theme_options", "html_baseurl", "html_title"):
        config.add(name, settings.get(name, {} if "options" in name else ""), "html", ())
    return config


def test_without_an_address_no_page_names_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BOOK_SITE_URL", "")
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "")
    config = config_with()
    site_theme.name_the_site(APP, config)
    site_theme.offer_source_buttons(APP, config)
    assert config.html_baseurl == ""
    assert not config.html_theme_options["use_edit_page_button"]


def test_addresses_of_the_environment_come_before_those_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("BOOK_SITE_URL", "https://example.org/book")
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "https://example.org/source/")
    config = config_with(html_baseurl="https://example.org/old/")
    site_theme.name_the_site(APP, config)
    site_theme.offer_source_buttons(APP, config)
    assert config.html_baseurl == "https://example.org/book/"
    assert config.html_theme_options["repository_url"] == "https://example.org/source"
    assert config.html_theme_options["use_edit_page_button"]


def test_what_no_browser_opens_is_refused_as_an_address(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BOOK_SITE_URL", "example.org/book")
    with pytest.raises(ExtensionError, match=r"BOOK_SITE_URL.*'example\.org/book'.*in full"):
        site_theme.name_the_site(APP, config_with())


def test_every_tutorial_has_a_row_for_its_card():
    rows = cards.read_rows()
    assert rows.keys() == {tutorial.slug for tutorial in catalog.TUTORIALS}
    assert all(row.method and row.data for row in rows.values())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("k_means: {method: [clustering], data: [tables]}", "k_means, which the catalog lacks"),
        ("kmeans: {method: [a], data: [b], colour: red}", "unexpected keyword argument 'colour'"),
        ("kmeans: {method: [a], data: [b], crop: [60, 0, 40, 9]}", "is no part of a figure"),
        ("kmeans: {method: [a], data: [b], crop: [0, 9]}", "not enough values to unpack"),
    ],
)
def test_a_wrong_row_is_named(text: str, complaint: str, tmp_path: Path, monkeypatch):
    file = tmp_path / "cards.yml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(cards, "ROWS", file)
    with pytest.raises(ExtensionError, match=complaint):
        cards.read_rows.__wrapped__()


def test_nothing_is_counted_where_nothing_was_measured():
    assert cards.verdict_counts({}) == ""
    assert cards.verdict_classes(None) == ["speed-planned"]


@pytest.mark.parametrize(
    "described",
    [
        '<meta name="description" content="A &quot;line&quot;." />',
        '<meta content="A &quot;line&quot;." name="description" />',  # of a page's front matter
    ],
)
def test_a_shared_link_has_title_description_and_picture(described: str):
    config = config_with(html_baseurl="https://example.org/book/", html_title="The book")
    context = {
        "title": "Fit <em>a</em> line",
        "pageurl": "https://example.org/book/a.html",
        "metatags": described,
    }
    tags = BeautifulSoup(site_theme._card_where_shared(context, config), "html.parser")
    found = {tag["property"]: tag["content"] for tag in tags.find_all("meta", property=True)}
    assert found["og:title"] == "Fit a line"
    assert found["og:description"] == 'A "line".'
    assert found["og:image"] == "https://example.org/book/_static/site.png"


def test_a_shared_link_to_a_page_without_a_title_has_the_name_of_the_book():
    config = config_with(html_baseurl="https://example.org/book/", html_title="The book")
    context = {"pageurl": "https://example.org/book/genindex.html", "metatags": ""}
    tags = BeautifulSoup(site_theme._card_where_shared(context, config), "html.parser")
    found = {tag["property"]: tag["content"] for tag in tags.find_all("meta", property=True)}
    assert found["og:title"] == "The book"
    assert found["og:description"] == ""
