"""The style sheets of a page are one, in their order, and lead to the same files as before."""

from pathlib import Path

import pytest

import stylesheets

PAGE = """<html><head><title>One</title>
<link href="{up}_static/basic.css" rel="stylesheet" />
<link rel="preload" href="{up}_static/fonts/a.woff2" as="font" />
<link rel="stylesheet" type="text/css" href="{up}_static/styles/theme.css?v=1234" />
<link rel="stylesheet" href="{up}_static/katex/katex.min.css?v=5" />
<link rel="stylesheet" href="https://example.org/far.css" />
<script src="{up}_static/documentation_options.js?v=1"></script>
<script defer src="{up}_static/more.js"></script>
</head><body><b>{words}</b></body></html>
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "_static/basic.css": "@charset 'utf-8';\nb { background: url(file.png) }\n.gone { top: 0 }",
        "_static/styles/theme.css": "@font-face { src: url('../fonts/a.woff2'), url(data:x) }",
        "_static/documentation_options.js": r"const OPTIONS = {'\n': 0};",
        "_static/katex/katex.min.css": "i { color: red }",
        "one.html": PAGE.format(up="", words="one"),
        "book/deep/two.html": PAGE.format(up="../../", words="<code>&lt;link rel=x&gt;</code>"),
        "404.html": PAGE.format(up="/", words="none"),
        "plain.html": "<html><head></head><body></body></html>",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def sheets_of(page: Path) -> list[str]:
    return [link[1] for link in stylesheets._LINK.finditer(page.read_text("utf-8"))]


def test_pages_load_one_sheet_and_those_that_only_some_have(site: Path):
    assert stylesheets.join(site) == 3
    joined, *others = sheets_of(site / "one.html")
    assert others == ["_static/katex/katex.min.css", "https://example.org/far.css"]
    text = (site / joined).read_text("utf-8")
    assert text.index("b{") < text.index("@font-face")
    assert text.startswith('@charset "utf-8";\n')
    assert text.count("@charset") == 1
    assert "gone" not in text
    assert "/*! _static/basic.css */" in text
    assert 'url("../file.png")' in text
    assert 'url("../fonts/a.woff2"), url(data:x)' in text
    assert sheets_of(site / "book/deep/two.html")[0] == f"../../{joined}"
    assert sheets_of(site / "404.html")[0] == f"/{joined}"
    assert "preload" in (site / "one.html").read_text("utf-8")


def test_scripts_need_not_wait_for_their_options(site: Path):
    stylesheets.join(site)
    head = (site / "book/deep/two.html").read_text("utf-8").partition("</head>")[0]
    assert r"<script>const OPTIONS = {'\n': 0};</script>" in head
    assert "documentation_options" not in head
    assert '<script defer src="../../_static/more.js"></script>' in head


def test_the_rest_of_a_page_stays(site: Path):
    before = (site / "book/deep/two.html").read_text("utf-8").partition("</head>")[2]
    stylesheets.join(site)
    assert (site / "book/deep/two.html").read_text("utf-8").partition("</head>")[2] == before
    assert (site / "plain.html").read_text("utf-8") == "<html><head></head><body></body></html>"


def test_a_page_is_joined_once_and_its_address_changes_with_what_is_said(site: Path):
    stylesheets.join(site)
    first = (site / "one.html").read_text("utf-8")
    assert stylesheets.join(site) == 0
    assert (site / "one.html").read_text("utf-8") == first
    (site / "_static/basic.css").write_text("b { color: blue }", encoding="utf-8")
    (site / "one.html").write_text(PAGE.format(up="", words="one"), encoding="utf-8")
    assert stylesheets.join(site) == 1
    assert (site / "one.html").read_text("utf-8") != first


def test_pages_that_were_written_before_are_left_alone(site: Path):
    assert stylesheets.join(site, since=(site / "one.html").stat().st_mtime + 60) == 0


def test_a_page_that_is_written_later_finds_what_no_page_used_before(site: Path):
    stylesheets.join(site)
    joined = site / sheets_of(site / "one.html")[0]
    assert ".gone" not in joined.read_text("utf-8")
    (site / "new.html").write_text(PAGE.format(up="", words='<i class="gone">x</i>'), "utf-8")
    assert stylesheets.join(site) == 1
    assert ".gone{top:0;}" in joined.read_text("utf-8")
    assert sheets_of(site / "new.html")[0] == sheets_of(site / "one.html")[0]


def test_a_sheet_is_made_anew_only_when_pages_or_sheets_say_something_else(
    site: Path, monkeypatch: pytest.MonkeyPatch
):
    made = []

    def purge(sheet: str, words: stylesheets.purge.Words) -> str:
        made.append(sheet)
        return sheet

    monkeypatch.setattr(stylesheets.purge, "purge", purge)
    for words, times in (("one", 1), ("two", 1), ('<i id="new">three</i>', 2)):
        (site / "one.html").write_text(PAGE.format(up="", words=words), encoding="utf-8")
        assert stylesheets.join(site, since=(site / "one.html").stat().st_mtime) >= 1
        assert len(made) == times
