"""Every statement of the source document is quoted as it stands and judged, and the book shows it.

The document is no part of the project; tests that read it find it beside the published data sets.
"""

import re
from functools import cache
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils import nodes

from statements import CatalogCount, places
from tools import ROOT, contract
from tools.pages import measurements
from tutorials_lib import catalog
from tutorials_lib.performance import statements
from tutorials_lib.performance.statements import (
    PARTS,
    SOURCES,
    STATEMENTS,
    Place,
    Statement,
    Verdict,
)
from tutorials_lib.performance.statements.reading import FOLDER, counts, read_part

ANNOUNCEMENTS = (
    "These optimizations include:",
    "The provided code examples cover a wide range of topics and applications.",
    "Here's an overview of the tutorials:",
    "Here's a detailed overview of the tutorials:",
    "There are several reasons why the speedup achieved by using JAX compared to NumPy might "
    "differ:",
)
"""Sentences of the document that say nothing but what comes next."""

WITHOUT_A_REASON = "cnn"
"""The tutorial whose line names JAX and no reason: the ledger judges its range."""

PLACES = sorted(set(chain.from_iterable(each.shown for each in STATEMENTS)), key=str)


@pytest.fixture
def document(published_data: Path) -> str:
    """The source document, one line a paragraph; skips where there is none."""
    path = published_data.parent / "mission.md"
    if not path.is_file():
        pytest.skip(f"no source document at {path}")
    text = path.read_text(encoding="utf-8").partition("## The source document")[2]
    return re.sub(r"^> ?", "", text, flags=re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that MyST gives a heading."""
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


@cache
def sections(page: str) -> dict[str, str]:
    """The text under each heading of a page of the book, by the heading's anchor."""
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    prose = re.sub(r"^(`{3,})\{code-cell.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    pieces = re.split(r"^#{1,3} (.*)$", prose, flags=re.MULTILINE)
    return {anchor(heading): body for heading, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def stems(text: str) -> set[str]:
    """The beginnings of the longer words of `text`, in lower case."""
    return {word[:5] for word in re.findall(r"[a-z]{5,}", text.lower())}


def test_every_quote_stands_in_the_document(document: str) -> None:
    missing = [each.quote for each in STATEMENTS if each.quote not in document]
    assert not missing


def test_no_sentence_of_the_document_is_left_out(document: str) -> None:
    lines = [line for line in document.splitlines() if line and not line.startswith(("#", " "))]
    tutorials = re.compile(r"\d+\. .*:$")  # the headings of the tutorials
    prose = [re.sub(r"^\d+\. [\w -]*(\([\w -]*\))?[\w -]*: ", "", line) for line in lines]
    found = [
        sentence
        for line in prose
        if not tutorials.match(line)
        for sentence in re.split(r"(?<=[.:]) (?=[A-Z])", line)
    ]
    assert len(found) > len(ANNOUNCEMENTS) + 25
    uncovered = [
        sentence
        for sentence in found
        if sentence not in ANNOUNCEMENTS and not any(each.quote in sentence for each in STATEMENTS)
    ]
    assert not uncovered


def test_both_halves_of_every_speedup_line_are_judged(document: str) -> None:
    line = r"^(\d+)\. .*:\n(?: .*\n)*? .*Possible speedup: (.*)$"
    lines = re.findall(line, document, re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(1, 31))
    for number, line in lines:
        (tutorial,) = (each for each in catalog.TUTORIALS if each.number == int(number))
        said = [each for each in statements.of_part("speedups") if tutorial in each.tutorials]
        assert len(said) == (1 if tutorial.slug == WITHOUT_A_REASON else 2)
        assert all(each.quote in line or _is_second_half(each) for each in said)


@pytest.mark.parametrize(
    ("part", "count"), [("optimizations", 4), ("differences", 4), ("reasons", 7)]
)
def test_every_number_of_a_list_has_a_statement(part: str, count: int) -> None:
    numbers = [each.number for each in statements.of_part(part) if each.number is not None]
    assert sorted(set(numbers)) == list(range(1, count + 1))
    assert numbers == sorted(numbers)


def test_every_tutorial_has_one_reason_and_one_second_half() -> None:
    reasons = [each for each in statements.of_part("speedups") if not _is_second_half(each)]
    changes = [each for each in statements.of_part("speedups") if _is_second_half(each)]
    unreasoned = catalog.find(WITHOUT_A_REASON)
    assert unreasoned.claimed_reason == "JAX"
    for group, left_out in ((reasons, {unreasoned.number}), (changes, set())):
        numbers = [tutorial.number for each in group for tutorial in each.tutorials]
        assert sorted(numbers) == sorted(set(range(1, 31)) - left_out)
    for each in reasons:
        assert {tutorial.claimed_reason for tutorial in each.tutorials} == {each.quote}


def _is_second_half(statement: Statement) -> bool:
    return any(statement.quote == each.claimed_change for each in catalog.TUTORIALS)


def test_no_statement_is_judged_twice() -> None:
    quotes = [each.quote for each in STATEMENTS]
    assert len(set(quotes)) == len(quotes)


@pytest.mark.parametrize("page", sorted({place.page for place in PLACES}))
def test_every_page_that_is_named_is_in_the_book(page: str) -> None:
    assert f"book/{page}" in contract.toc_files()


@pytest.mark.parametrize(
    "place",
    [each for each in PLACES if each.section],
    ids=lambda each: f"{each.page}#{each.section}",
)
def test_every_section_that_is_named_exists_and_speaks_of_the_statement(place: Place) -> None:
    assert place.section in sections(place.page)
    words = stems(sections(place.page)[place.section] + place.section)
    for each in STATEMENTS:
        if place in each.shown:
            assert stems(f"{each.quote} {each.truth}") & words, each.quote


def test_the_page_on_the_reasons_quotes_one_sentence_of_each() -> None:
    for number in range(1, 8):
        of_reason = [each for each in statements.of_part("reasons") if each.number == number]
        assert len(of_reason) == 2
        section = sections(of_reason[0].shown[0].page)[of_reason[0].shown[0].section]
        assert any(f"> {each.quote}" in section for each in of_reason), number


def test_one_sentence_of_the_seven_reasons_does_not_hold_as_their_page_says() -> None:
    verdicts = statements.count_verdicts(statements.of_part("reasons"))
    assert verdicts[Verdict.FAILS] == 1
    assert "one does not hold as it stands" in (
        ROOT / "book/performance/why_speedups_differ.md"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: each.quote[:30])
def test_a_verdict_comes_with_one_sentence_and_no_measurement(statement: Statement) -> None:
    outside_code = re.sub(r"`[^`]*`", "", statement.truth)
    assert outside_code.endswith(".")
    assert not re.search(r"[.?!] ", outside_code)
    assert not list(measurements(statement.truth))
    assert not re.search(r"\d\s*(×|ms|µs|%)", statement.truth)
    assert statement.shown


def test_what_does_not_hold_is_settled_by_the_documentation() -> None:
    wrong = [each for each in STATEMENTS if each.verdict is Verdict.FAILS]
    assert wrong
    assert [each.quote for each in wrong if not each.settled] == []


def test_every_page_of_the_documentation_settles_something() -> None:
    used = {source for each in STATEMENTS for source in each.settled}
    assert used == set(SOURCES.values())
    assert all(re.fullmatch(r"[\w/-]+\.html(#[\w-]+)?", each.path) for each in used)


# ---------------------------------------------------------------- the reader


def test_what_a_sentence_counts_comes_from_the_catalog() -> None:
    found = counts()
    assert found["written"] == str(len(catalog.available()))
    named = [each for each in catalog.TUTORIALS if each.number <= 30]
    assert found["lines"] == str(sum(each.implied_factor is not None for each in named))
    assert (found["smallest"], found["largest"]) == ("24", "1,000")  # days to hours, s to ms
    assert not [each.truth for each in STATEMENTS if "$" in each.truth]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('verdict = "holds"', 'verdict = "is nice"', "'is nice' is not a valid Verdict"),
        ("truth =", "truht =", "'truth'"),
        ("number = 1", "nummer = 1", "unexpected keyword argument 'nummer'"),
        ('settled = ["jit"]', 'settled = ["jitt"]', "'jitt'"),
        ("A sentence.", "A sentence of $many.", "'many'"),
        ('quote = "Said."', 'reason_of = "kmean"', "no tutorial is named 'kmean'"),
    ],
)
def test_a_row_that_is_no_statement_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    good = (
        '[[statement]]\nnumber = 1\nquote = "Said."\nverdict = "holds"\n'
        'truth = "A sentence."\nshown = ["performance/ledger"]\nsettled = ["jit"]\n'
    )
    (tmp_path / "sources.toml").write_text((FOLDER / "sources.toml").read_text(encoding="utf-8"))
    path = tmp_path / "reasons.toml"
    path.write_text(good)
    (statement,) = read_part("reasons", tmp_path)
    assert (statement.number, statement.shown) == (1, (Place("performance/ledger"),))
    path.write_text(good.replace(old, new))
    with pytest.raises(ValueError, match=f"reasons.toml, statement 1: .*{re.escape(message)}"):
        read_part("reasons", tmp_path)


def test_the_summary_counts_the_statements() -> None:
    counts = statements.count_verdicts(STATEMENTS)
    assert sum(counts.values()) == len(STATEMENTS)
    assert list(counts) == list(Verdict)
    assert re.findall(r"\d+", statements.summary()) == [
        str(len(STATEMENTS)),
        *map(str, counts.values()),
    ]
    by_part = [statements.of_part(part) for part in PARTS]
    assert tuple(chain.from_iterable(by_part)) == STATEMENTS
    with pytest.raises(ValueError, match="no part is named 'preface'"):
        statements.of_part("preface")


# ---------------------------------------------------------------- the directive


def test_places_link_to_every_page_once_and_to_its_sections() -> None:
    shown = [Place("a/b", "first"), Place("a/c"), Place("a/b", "second")]
    sections_of_b = "[](</book/a/b.md#first>), [](</book/a/b.md#second>)"
    assert places(shown) == f"[](/book/a/b.md), {sections_of_b}; [](/book/a/c.md)"


def test_a_page_asks_the_catalog_how_many_tutorials_are_written() -> None:
    env = SimpleNamespace(docname="book/index")
    errors = SimpleNamespace(error=lambda message, line: message)
    role: Any = CatalogCount()
    role.lineno = 1
    role.inliner = SimpleNamespace(
        document=SimpleNamespace(settings=SimpleNamespace(env=env)), reporter=errors
    )
    role.text = "written"
    assert role.run() == ([nodes.Text(str(len(catalog.available())))], [])
    assert env.book_state.tellers == {"book/index"}
    role.text = "read"
    assert role.run() == ([], ["catalog: 'read' is not one of written, tutorials"])


def test_the_page_shows_every_part_in_the_order_of_the_document() -> None:
    page = (ROOT / "book/performance/statements.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{statements\} (\w+)$", page, re.MULTILINE) == list(PARTS)
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == list(PARTS.values())
