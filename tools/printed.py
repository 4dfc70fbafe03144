"""What must hold for the PDF, read from LaTeX's log and from the file itself.

`make pdf` fails where a line of it does not: a glyph that no font has, a line that runs off the
page, a link that leads nowhere, a chapter without its number or bookmark, a solution that is not in
the appendix.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import yaml

from tools import ROOT, contract

ROOM = 10.0
"""Points by which a line may be too long; the margin is 72 points wide."""

ALLOWED: dict[str, str] = {}
"""Text of a line that may be longer, and why."""

APPENDIX = "Appendix"

_OVERFULL = re.compile(
    r"^Overfull \\([hv])box \(([0-9.]+)pt too (?:wide|high)\)"
    r"(?: (?:in paragraph|in alignment|detected)? ?at lines? (\d+))?",
    re.MULTILINE,
)
_MISSING = re.compile(r"^Missing character: There is no (\S+) ", re.MULTILINE)
_LOST = re.compile(
    r"^(?:LaTeX|Package hyperref|Package natbib) Warning: .*undefined.*", re.MULTILINE
)


def read_log(path: Path) -> str:
    """LaTeX's log, whose lines end at 79 characters wherever that is."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "".join(line + ("" if len(line) == 79 else "\n") for line in lines)


def overfull(log: str, tex: str) -> Iterator[tuple[float, str, str]]:
    """How much too long, in which chapter, and the source of each line beyond the page."""
    lines = tex.splitlines()
    opened = re.search(r"\(\S+\.ind\s", log)
    index = opened.start() if opened else len(log)
    for match in _OVERFULL.finditer(log):
        if match.start() > index:  # the numbers of lines are those of the index
            yield float(match[2]), "in the index", log[match.end() :].strip().partition("\n")[0]
            continue
        number = min(int(match[3] or 0), len(lines))
        titles = (line for line in reversed(lines[:number]) if line.startswith("\\chapter"))
        around = lines[max(number - 1, 0)] if number else "(no line is named)"
        yield float(match[2]), next(titles, "(before the first chapter)"), around


def check_log(log: str, tex: str) -> list[str]:
    """What LaTeX complains of."""
    found = [f"no font has {char!r}" for char in sorted(set(_MISSING.findall(log)))]
    found += sorted(set(_LOST.findall(log)))
    for points, chapter, line in overfull(log, tex):
        if points > ROOM and not any(text in line for text in ALLOWED):
            found.append(f"{points:.0f} points off the page, {chapter}: {line[:100]}")
    return found


def bookmarks(pdf: pypdfium2.PdfDocument) -> list[tuple[int, str, int]]:
    """Level, title and page of every bookmark."""
    found = []
    for mark in pdf.get_toc():
        destination = mark.get_dest()
        page = None if destination is None else destination.get_index()
        found.append((mark.level, mark.get_title(), -1 if page is None else page))
    return found


def check_bookmarks(marks: list[tuple[int, str, int]], parts: list[int]) -> list[str]:
    """Whether the bookmarks are the parts and the numbered chapters of the contents.

    Args:
        marks: level, title and page of each.
        parts: how many chapters each part of `_toc.yml` has.
    """
    found = [f"the bookmark {title!r} leads nowhere" for _, title, page in marks if page < 0]
    tops = [place for place, (level, _, _) in enumerate(marks) if level == 0]
    chapters = [
        [title for level, title, _ in marks[start:end] if level == 1]
        for start, end in zip(tops, [*tops[1:], None], strict=True)
    ]
    numbered = [group for group in chapters if group and re.match(r"\d+\s", group[0])]
    if [len(group) for group in numbered] != parts:
        found.append(f"parts with {[len(g) for g in numbered]} chapters, expected {parts}")
    numbers = [title.split()[0] for group in numbered for title in group]
    if numbers != [str(number) for number in range(1, sum(parts) + 1)]:
        found.append(f"the chapters are numbered {' '.join(numbers)}")
    return found


def check_solutions(marks: list[tuple[int, str, int]], with_solutions: int) -> list[str]:
    """Whether the appendix has a section for each chapter that has solutions.

    Args:
        marks: level, title and page of each bookmark.
        with_solutions: how many chapters have some.
    """
    titles = [title for _, title, _ in marks]
    place = next((i for i, title in enumerate(titles) if title.endswith(APPENDIX)), None)
    if place is None:
        return [] if not with_solutions else ["there is no appendix"]
    sections = [title for title in titles[place:] if title.startswith("Chapter ")]
    if len(sections) != with_solutions:
        return [f"the appendix has solutions of {len(sections)} chapters, not {with_solutions}"]
    return []


def check(folder: Path, name: str) -> list[str]:
    """Everything that is wrong with the PDF `name` in `folder`."""
    log = read_log(folder / f"{name}.log")
    found = check_log(log, (folder / f"{name}.tex").read_text(encoding="utf-8"))
    with pypdfium2.PdfDocument(folder / f"{name}.pdf") as pdf:
        marks = bookmarks(pdf)
        if not pdf.get_metadata_value("Subject"):
            found.append("the PDF does not say what it is about")
    found += check_bookmarks(marks, chapters_of_parts())
    return found + check_solutions(marks, chapters_with_solutions())


def size(path: Path) -> str:
    """The pages of a PDF and its weight."""
    with pypdfium2.PdfDocument(path) as pdf:
        return f"{len(pdf)} pages, {path.stat().st_size / 1e6:.1f} MB"


def chapters_of_parts() -> list[int]:
    """How many chapters each part of `_toc.yml` has."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [len(part["chapters"]) for part in contents["parts"]]


def chapters_with_solutions() -> int:
    """How many chapters have a solution."""
    chapters = contract.toc_files()[1:]  # the first is the page above them
    texts = [(ROOT / f"{chapter}.md").read_text(encoding="utf-8") for chapter in chapters]
    return sum(
        re.search(r"^`{3,}\{solution(-start)?\} ", text, re.MULTILINE) is not None for text in texts
    )
