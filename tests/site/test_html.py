"""The built site, read file by file: everything is there, and nothing comes from elsewhere."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from tutorials_lib import catalog

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build/html"
OLD_INDEX = SITE / "book/index.html"

LOADED = (
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("object", "data"),
    ("link", "href"),
)
NOT_LOADED = {"canonical", "index", "search", "next", "prev", "author", "copyright"}


@pytest.fixture(scope="module")
def pages() -> dict[Path, BeautifulSoup]:
    """Every page of the site, parsed."""
    if not (SITE / "index.html").is_file():
        pytest.fail(f"there is no site in {SITE}; run `make book` first")
    paths = [path for path in sorted(SITE.rglob("*.html")) if path != OLD_INDEX]
    return {path: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in paths}


@pytest.fixture(scope="module")
def written(pages: dict[Path, BeautifulSoup]) -> dict[Path, BeautifulSoup]:
    """The pages that have a source, without search and indices."""
    return {path: page for path, page in pages.items() if "book" in _name(path) or _is_root(path)}


def _is_root(path: Path) -> bool:
    return path == SITE / "index.html"


def _name(path: Path) -> str:
    return path.relative_to(SITE).as_posix()


def _article(page: BeautifulSoup) -> Tag:
    article = page.select_one("article.bd-article")
    assert article is not None
    return article


def _attribute(tag: Tag, name: str) -> str:
    value = tag.get(name, "")
    return value if isinstance(value, str) else " ".join(value or ())


def _loaded(page: BeautifulSoup) -> Iterator[str]:
    """The addresses that a browser asks for when it opens the page."""
    for name, attribute in LOADED:
        for tag in page.find_all(name):
            if not NOT_LOADED & set(tag.get("rel") or ()) and tag.has_attr(attribute):
                yield _attribute(tag, attribute)
    for tag in page.find_all(srcset=True):
        yield from (part.split()[0] for part in _attribute(tag, "srcset").split(","))
    for style in [*page.find_all("style"), *page.find_all(style=True)]:
        yield from _addresses_in_css(_attribute(style, "style") or style.get_text())


def _addresses_in_css(text: str) -> list[str]:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.findall(r"""(?:url\(|@import\s)\s*["']?([^"')]+)["']?""", text)


def _target(page: Path, address: str) -> Path:
    path = unquote(urlsplit(address).path)
    if not path:
        return page
    target = (page.parent / path).resolve()
    return target / "index.html" if target.is_dir() else target


def test_no_page_loads_anything_from_another_host_and_nothing_is_missing(pages):
    problems = []
    for path, page in pages.items():
        for address in _loaded(page):
            if address.startswith("data:"):
                continue
            if urlsplit(address).netloc or urlsplit(address).scheme:
                problems.append(f"{_name(path)} loads {address}")
            elif not _target(path, address).is_file():
                problems.append(f"{_name(path)} asks for {address}, which does not exist")
    assert not problems, "\n".join(problems)


def test_no_style_sheet_loads_anything_from_another_host(pages):
    used = {
        _target(path, _attribute(link, "href"))
        for path, page in pages.items()
        for link in page.select("link[rel=stylesheet]")
    }
    problems = [
        f"{_name(sheet)} loads {address}"
        for sheet in sorted(used)
        for address in _addresses_in_css(sheet.read_text("utf-8"))
        if re.match(r"(https?:)?//", address)
    ]
    assert used
    assert not problems, "\n".join(problems)


def test_every_script_is_on_a_page_once(pages):
    problems = []
    for path, page in pages.items():
        scripts = Counter(
            _attribute(script, "src").split("?")[0] or script.get_text().strip()
            for script in page.find_all("script")
            if _attribute(script, "type") != "application/json"
        )
        problems += [f"{_name(path)}: {name}" for name, count in scripts.items() if count > 1]
    assert not problems, "\n".join(problems)


def test_no_page_loads_the_icon_script_or_a_search_index_that_it_does_not_use(pages):
    for path, page in pages.items():
        names = " ".join(_loaded(page))
        assert "fontawesome.js" not in names, path
        assert ("searchindex.js" in names) == (path.name == "search.html"), path


def test_formulas_are_set_and_only_their_pages_load_what_shows_them(pages):
    with_formulas = 0
    for path, page in pages.items():
        formulas = page.select(".math")
        for formula in formulas:
            assert formula.select_one(".katex-html"), f"{path}: {formula}"
            assert formula.select_one("math"), f"{path}: {formula}"
        loaded = [address for address in _loaded(page) if re.search("katex|mathjax", address)]
        assert len(loaded) == bool(formulas), path
        assert not any("mathjax" in address for address in loaded), path
        with_formulas += bool(formulas)
    assert with_formulas


def test_the_theme_follows_the_reader_and_the_language_is_named(pages):
    for path, page in pages.items():
        root, body = page.html, page.body
        assert root is not None, path
        assert body is not None, path
        assert _attribute(body, "data-default-mode") == "auto", path
        assert _attribute(root, "lang") == "en", path


def test_every_page_has_one_button_for_the_menu(pages):
    for path, page in pages.items():
        assert len(page.select(".primary-toggle")) == 1, path
        assert len(page.select(".theme-switch-button")) == 1, path
        assert page.select("nav.bd-docs-nav a"), path


def test_every_page_has_one_title_and_its_own_description(written):
    descriptions: dict[str, Path] = {}
    for path, page in written.items():
        assert len(_article(page).find_all("h1")) == 1, path
        described = page.select("meta[name=description]")
        assert len(described) == 1, path
        text = _attribute(described[0], "content")
        assert 30 <= len(text) <= 300, f"{path}: {text!r}"
        assert text not in descriptions, f"{path} and {descriptions.get(text)}: {text!r}"
        descriptions[text] = path


def test_pages_lead_from_one_to_the_next(written):
    following = {
        _target(path, _attribute(link, "href"))
        for path, page in written.items()
        for link in page.select("a.right-next")
    }
    assert following == {path for path in written if not _is_root(path)}


def test_every_image_says_what_it_shows_and_how_large_it_is(pages):
    problems = []
    for path, page in pages.items():
        for image in page.find_all("img"):
            alt, source = _attribute(image, "alt"), _attribute(image, "src")
            if len(alt.split()) < 4 or "/" in alt:
                problems.append(f"{_name(path)}: {source} has the alternative text {alt!r}")
            if "_images/" in source and not (image.has_attr("width") or image.has_attr("style")):
                problems.append(f"{_name(path)}: {source} has no size")
    assert not problems, "\n".join(problems)


def test_every_figure_has_a_copy_for_dark_pages(pages):
    for path, page in pages.items():
        light, dark = page.select("article img.only-light"), page.select("article img.only-dark")
        assert len(light) == len(dark), path


def test_every_link_inside_the_site_leads_somewhere(pages):
    anchors = {
        path: {_attribute(tag, "id") for tag in page.find_all(id=True)}
        for path, page in pages.items()
    }
    problems = []
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            address = _attribute(link, "href")
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or address == "#":
                continue
            target = _target(path, address)
            fragment = unquote(parts.fragment)
            if not target.is_file():
                problems.append(f"{_name(path)}: {address} does not exist")
            elif target in anchors and fragment and fragment not in anchors[target]:
                problems.append(f"{_name(path)}: {address} has no such place")
    assert not problems, "\n".join(problems)


def test_the_index_lies_at_the_root_and_its_old_address_leads_there():
    assert 'http-equiv="refresh"' not in (SITE / "index.html").read_text("utf-8").lower()
    assert 'content="0; url=../index.html"' in OLD_INDEX.read_text("utf-8")


def test_the_index_has_a_card_for_each_and_links_the_pages_that_exist(pages):
    index = pages[SITE / "index.html"]
    cards = {
        title.get_text(strip=True): card
        for card in index.select("article .sd-card")
        if (title := card.select_one(".sd-card-title")) is not None
    }
    tutorials = {tutorial.title: tutorial for tutorial in catalog.TUTORIALS}
    assert len(tutorials) == len(catalog.TUTORIALS) >= 30
    assert tutorials.keys() <= cards.keys()
    for title, tutorial in tutorials.items():
        links = [_attribute(link, "href") for link in cards[title].find_all("a")]
        address = f"book/{tutorial.coordinate}.html"
        assert links == ([address] if (SITE / address).is_file() else []), title


def test_every_written_tutorial_has_a_picture_on_its_card(pages):
    index = pages[SITE / "index.html"]
    for card in index.select(".tutorial .sd-card"):
        picture = card.select_one(".sd-card-header img.thumbnail")
        assert (picture is not None) == (card.find("a") is not None), card.get_text()
    assert len(index.select(".picture-strip a img.thumbnail")) == 5
    shown = {_attribute(image, "src") for image in index.select("img.thumbnail")}
    assert len(shown) == len(index.select(".tutorial img.thumbnail"))
    assert max((SITE / address).stat().st_size for address in shown) < 80_000


def test_a_missing_page_leads_back_from_any_depth(pages):
    page = pages[SITE / "404.html"]
    base = page.select_one("head base")
    assert base is not None
    assert _attribute(base, "href") == "/"
    assert page.select_one("article a[href='index.html']")
    first = page.select_one("head link, head script[src]")
    assert base in first.find_all_previous("base"), "it counts for what comes after it only"


def test_every_page_of_the_contents_is_in_the_site_and_in_the_search_index():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = {contents["root"], *_files(contents["parts"])}
    index = (SITE / "searchindex.js").read_text("utf-8")
    found = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))["docnames"]
    assert set(found) == listed
    assert all((SITE / f"{name}.html").is_file() for name in listed)


def _files(entries: list[dict]) -> Iterator[str]:
    for entry in entries:
        if "file" in entry:
            yield entry["file"]
        for key in ("chapters", "sections"):
            yield from _files(entry.get(key, []))


def test_every_part_with_a_tutorial_has_its_reference():
    parts = {tutorial.part for tutorial in catalog.available()}
    assert all((SITE / f"book/reference/api_{part}.html").is_file() for part in parts)


def test_edit_buttons_are_on_every_page_or_on_none(written):
    offered = {bool(page.select(".btn-source-edit-button")) for page in written.values()}
    assert len(offered) == 1


def test_every_executed_page_offers_its_notebook_without_outputs(written):
    offered = 0
    for path, page in written.items():
        for link in page.select("a.btn-download-notebook-button"):
            notebook = json.loads(_target(path, _attribute(link, "href")).read_text("utf-8"))
            code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
            assert code, path
            assert not any(cell["outputs"] for cell in code), path
            assert not any("outputs depend on" in "".join(cell["source"]) for cell in code), path
            offered += 1
    assert offered == len(list((ROOT / "_build/jupyter_execute").rglob("*.ipynb")))


def _texts(notebook: Path) -> str:
    """The text of a notebook, with a word in the place of all code."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return re.sub(r"(`{3,}).*?\1|(`+)[^`].*?\2", "code", "\n\n".join(texts), flags=re.DOTALL)


BOOK_ONLY = {
    "a role": r"\{[a-z:]+\}`",
    "a directive": r"^[> ]*(:::|`{3,}\{)",
    "an option": r"^[> ]*:[a-z-]+:",
    "a target": r"^\([a-z0-9-]+\)=",
    "a comment": r"^% ",
    "an empty label": r"\*{4}",
    "markup of the site": r"</?(div|span|a|p|figure|img|label|input|details)\b",
}
"""What plain Jupyter would show as it is written, or not at all."""


def test_no_notebook_has_what_only_the_book_understands():
    paths = list((SITE / "_sources").rglob("*.ipynb"))
    problems = []
    for path in paths:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        assert "sys.modules" in "".join(cells[1]["source"]), path
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        for what, pattern in BOOK_ONLY.items():
            text = "\n\n".join(texts) if what in {"a role", "a directive"} else _texts(path)
            found = re.search(pattern, text, re.MULTILINE)
            if found:
                around = text[max(0, found.start() - 40) : found.end() + 40]
                problems.append(f"{_name(path)} has {what}: {around!r}")
    assert paths
    assert not problems, "\n".join(problems)


def test_a_notebook_has_the_tabs_figures_and_exercises_of_its_page_as_labels(written):
    problems, seen = [], Counter()
    for path, page in written.items():
        notebook = (SITE / "_sources" / path.relative_to(SITE)).with_suffix(".ipynb")
        if not notebook.is_file():
            continue
        text = "".join(_texts(notebook).split())
        labels = [("tab", tab.get_text()) for tab in _article(page).select(".sd-tab-label")]
        numbers = _article(page).select(".caption-number")
        labels += [("number", number.get_text().strip().rstrip(".")) for number in numbers]
        for kind, label in labels:
            seen[kind] += 1
            if "**" + "".join(label.split()) not in text:
                problems.append(f"{_name(notebook)} lacks {label!r}")
    assert seen["tab"] > 50
    assert seen["number"] > 200
    assert not problems, "\n".join(problems)
