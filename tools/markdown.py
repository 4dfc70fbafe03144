"""Read a MyST page into the pieces that the checks look at: prose, headings, cells, directives.

This follows CommonMark where it matters here: a fence ends at the first line of its own character
that is at least as long, and what stands inside a cell is never Markdown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

LITERAL = frozenset(
    {"", "code-cell", "code", "code-block", "literalinclude", "math", "raw", "eval-rst"}
)
"""Fences whose content is no Markdown; "" is a fence without a directive, such as ```python."""

_FENCE = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,}|:{3,})(?:\{(?P<name>[\w:.-]+)\})?(?P<rest>.*)$")
_HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<text>.+?)\s*#*$")


@dataclass(frozen=True)
class Heading:
    """A heading, with its line in the page counted from one."""

    line: int
    level: int
    text: str


@dataclass(frozen=True)
class Prose:
    """A paragraph, list item, heading, table row, caption or alternative text."""

    line: int
    text: str


@dataclass(frozen=True)
class Directive:
    """A fence that is closed or not: a directive, a cell, a block of code.

    `body` is the content without options; `parents` are the directives around it.
    """

    line: int
    name: str
    argument: str
    options: dict[str, Any]
    body: tuple[str, ...]
    body_line: int
    num_lines: int
    closed: bool
    parents: tuple[str, ...] = ()


@dataclass
class Page:
    """A page in pieces, each kind in the order of the page."""

    metadata: dict[str, Any] = field(default_factory=dict)
    metadata_lines: int = 0
    num_lines: int = 0
    headings: list[Heading] = field(default_factory=list)
    prose: list[Prose] = field(default_factory=list)
    comments: list[Prose] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)

    def named(self, *names: str) -> Iterator[Directive]:
        """The directives of these names."""
        return (directive for directive in self.directives if directive.name in names)

    @property
    def cells(self) -> list[Directive]:
        """The code cells."""
        return list(self.named("code-cell"))


def parse(text: str) -> Page:
    """Take a page apart. Raises `yaml.YAMLError` when its metadata cannot be read."""
    lines = text.splitlines()
    page = Page(num_lines=len(lines))
    if lines and lines[0] == "---" and "---" in lines[1:]:
        end = lines.index("---", 1)
        page.metadata = yaml.safe_load("\n".join(lines[1:end])) or {}
        page.metadata_lines = end + 1
    _read(page, lines[page.metadata_lines :], page.metadata_lines + 1, ())
    return page


def _read(page: Page, lines: list[str], first: int, parents: tuple[str, ...]) -> None:
    """Read Markdown whose first line is line `first` of the page, inside `parents`."""
    index = 0
    paragraph: list[str] = []
    while index < len(lines):
        line = lines[index]
        if fence := _FENCE.match(line):
            _end_paragraph(page, paragraph, first + index)
            index += _read_fence(page, fence, lines[index:], first + index, parents)
            continue
        if line.lstrip().startswith("%"):
            _end_paragraph(page, paragraph, first + index)
            page.comments.append(Prose(first + index, line.lstrip().lstrip("% ")))
        elif heading := _HEADING.match(line):
            _end_paragraph(page, paragraph, first + index)
            level = len(heading["level"])
            page.headings.append(Heading(first + index, level, heading["text"]))
            page.prose.append(Prose(first + index, heading["text"]))
        elif not line.strip():
            _end_paragraph(page, paragraph, first + index)
        else:
            if re.match(r"\s*([-*+|]|\d+[.)])\s", line):  # a list item or a table row of its own
                _end_paragraph(page, paragraph, first + index)
            paragraph.append(line.strip())
        index += 1
    _end_paragraph(page, paragraph, first + len(lines))


def _end_paragraph(page: Page, paragraph: list[str], next_line: int) -> None:
    if paragraph:
        page.prose.append(Prose(next_line - len(paragraph), " ".join(paragraph)))
        paragraph.clear()


def _read_fence(
    page: Page, fence: re.Match[str], lines: list[str], first: int, parents: tuple[str, ...]
) -> int:
    """Read the fence at the top of `lines`; returns how many lines it takes."""
    mark, name = fence["mark"], fence["name"] or ""
    closing = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}\s*$")
    ends = (i for i, line in enumerate(lines[1:], start=1) if closing.match(line))
    end = next(ends, None)
    content = lines[1 : end if end is not None else len(lines)]
    options, skip = _options(content) if name else ({}, 0)
    directive = Directive(
        line=first,
        name=name,
        argument=fence["rest"].strip(),
        options=options,
        body=tuple(content[skip:]),
        body_line=first + 1 + skip,
        num_lines=len(content) + 2,
        closed=end is not None,
        parents=parents,
    )
    page.directives.append(directive)
    page.prose.extend(_texts(directive))
    if name not in LITERAL:
        _read(page, list(directive.body), directive.body_line, (*parents, name))
    return len(content) + (2 if end is not None else 1)


def _options(content: list[str]) -> tuple[dict[str, Any], int]:
    """The options of a directive and how many lines they take; `:key: value` or a YAML block."""
    skip = 0
    short: list[str] = []
    while skip < len(content) and (match := re.match(r"^:([\w-]+):\s*(.*)$", content[skip])):
        short.append(f"{match[1]}: {match[2]}" if match[2] else f"{match[1]}:")
        skip += 1
    options = _load("\n".join(short))
    rest = content[skip:]
    if rest and rest[0].strip() == "---" and "---" in (line.strip() for line in rest[1:]):
        end = next(i for i, line in enumerate(rest[1:], start=1) if line.strip() == "---")
        options |= _load("\n".join(rest[1:end]))
        skip += end + 1
    return options, skip


def _load(text: str) -> dict[str, Any]:
    try:
        options = yaml.safe_load(text)
    except yaml.YAMLError:  # `:alt: a text: with a colon` is no YAML, and means itself
        pairs = (line.partition(":") for line in text.splitlines())
        return {key: value.strip() for key, _, value in pairs}
    return options if isinstance(options, dict) else {}


def _texts(directive: Directive) -> Iterator[Prose]:
    """The texts for readers that stand in options: captions and alternative texts."""
    figure = directive.options.get("mystnb", {}) or {}
    figure = figure.get("figure", {}) if isinstance(figure, dict) else {}
    for text in (directive.options.get("alt"), directive.options.get("caption"), *_strings(figure)):
        if isinstance(text, str):
            yield Prose(directive.line, " ".join(text.split()))
    # The title of an admonition, an exercise or a tab is read as well.
    if directive.name and directive.name not in LITERAL and directive.argument:
        yield Prose(directive.line, directive.argument)


def _strings(figure: Any) -> Iterator[str]:
    if isinstance(figure, dict):
        yield from (figure[key] for key in ("caption", "alt") if isinstance(figure.get(key), str))
