"""What LaTeX's log and the bookmarks of the PDF are searched for."""

from pathlib import Path

import pytest

from tools import printed

TEX = "\n".join(["\\chapter{Pears}", "text", "\\chapter{Apples}", "a long line", "the end"])
MARKS = [
    (0, "I Fruit", 5),
    (1, "1 Apples", 6),
    (2, "1.1 Heaps", 6),
    (1, "2 Pears", 8),
    (0, "II Reference", 9),
    (1, "3 Names", 10),
    (0, "III Appendix", 11),
    (1, "A Solutions of the exercises", 12),
    (2, "Chapter 1: Apples", 12),
    (0, "Bibliography", 20),
    (0, "Index", 21),
]


def test_a_log_without_faults_is_silent():
    log = "Overfull \\hbox (9.9pt too wide) in paragraph at lines 4--5\nUnderfull \\hbox\n"
    assert printed.check_log(log, TEX) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "Missing character: There is no 😍 (U+1F60D) in font [FreeMono.otf]/OT:script=latn!",
            "no font has '😍'",
        ),
        (
            "Overfull \\hbox (143.01605pt too wide) in paragraph at lines 4--5",
            "143 points off the page, \\chapter{Apples}: a long line",
        ),
        (
            "Overfull \\hbox (50.0pt too wide) in alignment at lines 2--3",
            "50 points off the page, \\chapter{Pears}: text",
        ),
        (
            "Overfull \\vbox (20.0pt too high) has occurred while \\output is active",
            "20 points off the page, (before the first chapter): (no line is named)",
        ),
        (
            "LaTeX Warning: Reference `a' on page 3 undefined on input line 4.",
            "LaTeX Warning: Reference `a' on page 3 undefined on input line 4.",
        ),
    ],
)
def test_each_fault_is_found_and_says_where(line: str, found: str):
    assert printed.check_log(f"before\n{line}\nafter\n", TEX) == [found]


def test_what_is_allowed_to_be_long_is_let_through(monkeypatch: pytest.MonkeyPatch):
    log = "Overfull \\hbox (143.0pt too wide) in paragraph at lines 4--5\n"
    monkeypatch.setattr(printed, "ALLOWED", {"a long line": "it is a name"})
    assert printed.check_log(log, TEX) == []


def test_broken_lines_of_the_log_are_joined(tmp_path: Path):
    line = "Missing character: There is no 😍 (U+1F60D) in font [" + "x" * 60
    (tmp_path / "a.log").write_text(f"{line[:79]}\n{line[79:]}\n", encoding="utf-8")
    assert printed.read_log(tmp_path / "a.log") == f"{line}\n"


def test_good_bookmarks_are_let_through():
    assert printed.check_bookmarks(MARKS, [2, 1]) == []
    assert printed.check_solutions(MARKS, 1) == []


def test_a_chapter_that_is_missing_or_has_no_number_is_found():
    without = [mark for mark in MARKS if mark[1] != "2 Pears"]
    assert printed.check_bookmarks(without, [2, 1]) == [
        "parts with [1, 1] chapters, expected [2, 1]",
        "the chapters are numbered 1 3",
    ]
    unnumbered = [(level, title.replace("2 P", "P"), page) for level, title, page in MARKS]
    assert printed.check_bookmarks(unnumbered, [2, 1]) == ["the chapters are numbered 1 Pears 3"]


def test_a_bookmark_that_leads_nowhere_is_found():
    assert printed.check_bookmarks([*MARKS, (0, "Gone", -1)], [2, 1]) == [
        "the bookmark 'Gone' leads nowhere"
    ]


def test_solutions_that_are_not_in_the_appendix_are_found():
    assert printed.check_solutions(MARKS[:6], 1) == ["there is no appendix"]
    assert printed.check_solutions(MARKS, 2) == ["the appendix has solutions of 1 chapters, not 2"]


def test_the_book_itself_has_chapters_and_solutions():
    parts = printed.chapters_of_parts()
    assert len(parts) >= 9
    assert 40 <= printed.chapters_with_solutions() <= sum(parts)
