"""Style sheets without the rules that can match nothing on any page of the site.

The theme styles whatever a site might hold; a page waits for all of it before it is drawn. A rule
stays when each class, id and element that its selector names occurs on some page, or as a word in
some script, since scripts add classes and elements. States such as `:hover`, what stands in
`:not()`, and attributes other than `class` are not looked at: in doubt a rule stays.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, Union

import tinycss2

MADE_BY_BROWSERS = frozenset({"html", "head", "body", "tbody"})
"""Elements that a page has even if its source does not write them."""

WITH_RULES_INSIDE = frozenset({"media", "supports", "layer", "container"})
"""The at-rules whose rules are judged one by one; the others stay as they are."""

_ELEMENT = re.compile(r"<([A-Za-z][\w-]*)")
_NAMES = [
    re.compile(start + value)  # a plain start each, which is found ten times as fast
    for start in ("class=", "id=")
    for value in ('"([^"]*)"', "'([^']*)'", "([^\\s\"'>]+)")
]
_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
_WORD = re.compile(r"-{0,2}[A-Za-z_][\w-]*")
_BEGINNING = re.compile(r"""-{0,2}[A-Za-z_][\w-]*-(?=\$\{|["'`])""")
_MOVEMENT = re.compile(r"(?:\banimation(?:-name)?|--[\w-]+):([^;}]*)")
_KEYFRAMES = re.compile(r"@(?:-\w+-)?keyframes\s+(\S+)")


@dataclass(frozen=True)
class Words:
    """What the pages and scripts of a site name; the words of scripts may be any of the three."""

    elements: frozenset[str]
    names: frozenset[str]
    """Of classes and ids."""
    properties: frozenset[str]
    """Custom ones, `--such`, whose values are asked for."""
    beginnings: frozenset[str] = frozenset()
    """Of names that scripts put together."""

    def hold(self, name: str, kind: frozenset[str]) -> bool:
        """Whether `name` is one of a `kind`, or may be one that a script puts together."""
        return name in kind or name.startswith(self._beginnings)

    def hold_part(self, value: str) -> bool:
        """Whether some name has `value` in it, as `[class*=value]` and its like ask for."""
        parts = value.split()
        return all(self.hold(part, self.names) or part in self._all_names for part in parts)

    @cached_property
    def _all_names(self) -> str:
        return " ".join(self.names)

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        return tuple(self.beginnings)


class _Declaration(NamedTuple):
    name: str
    text: str


class _Block(NamedTuple):
    head: str
    inside: list[Union["_Block", _Declaration, str]]


_Part = _Block | _Declaration | str


def words_of(pages: Iterable[str], scripts: Iterable[str]) -> Words:
    """The words of a site's pages, with the scripts in them, and of its other scripts."""
    return _together([*map(_of_page, pages), *map(_of_script, scripts)])


def words_of_site(site: Path) -> Words:
    """The words of all pages in a folder, and of the scripts that lie in `_static`."""
    files = [*site.rglob("*.html"), *(site / "_static").rglob("*.js")]
    return _together([_of_file(file, file.stat().st_mtime_ns) for file in files])


@cache
def _of_file(file: Path, changed: int) -> Words:
    text = file.read_text("utf-8")
    return _of_page(text) if file.suffix == ".html" else _of_script(text)


def _of_page(text: str) -> Words:
    elements = {name.lower() for name in set(_ELEMENT.findall(text))}
    names = {name for kind in _NAMES for names in set(kind.findall(text)) for name in names.split()}
    own = Words(frozenset(elements), frozenset(names), frozenset(_VARIABLE.findall(text)))
    return _together([own, *map(_of_script, set(_SCRIPT.findall(text)))])


def _of_script(text: str) -> Words:
    words = frozenset(_WORD.findall(text))
    return Words(words, words, words, frozenset(_BEGINNING.findall(text)))


def _together(parts: list[Words]) -> Words:
    elements = MADE_BY_BROWSERS.union(*(part.elements for part in parts))
    names = frozenset[str]().union(*(part.names for part in parts))
    properties = frozenset[str]().union(*(part.properties for part in parts))
    beginnings = frozenset[str]().union(*(part.beginnings for part in parts))
    return Words(elements, names, properties, beginnings)


def purge(sheet: str, words: Words) -> str:
    """`sheet` without rules that can match nothing, and without custom properties of no use.

    Comments go, too, except those that begin with an exclamation mark, which hold licences.
    """
    rules = tinycss2.parse_stylesheet(sheet, skip_whitespace=True)
    parts = [*_kept(rules, words)]
    live = set[str]()

    def keep(part: _Part) -> bool:
        if isinstance(part, _Declaration) and part.name.startswith("--"):
            return part.name in live or words.hold(part.name, words.properties)
        movement = _KEYFRAMES.match(part.head) if isinstance(part, _Block) else None
        return movement is None or movement[1] in live or movement[1] in words.names

    while True:  # a property may be asked for by one that is kept only now
        text = _written(parts, keep)
        asked = {word for values in _MOVEMENT.findall(text) for word in values.split()}
        asked.update(_VARIABLE.findall(text))
        if asked <= live:
            return text
        live |= asked


def _kept(nodes: Iterable[Any], words: Words) -> Iterator[_Part]:
    """What stays of a list of rules."""
    for node in nodes:
        if node.type == "comment" and node.value.startswith("!"):
            yield f"/*{node.value}*/\n"
        elif node.type == "qualified-rule":
            alive = [each for each in _split(node.prelude) if _can_match(each, words)]
            if alive:
                yield _Block(",".join(map(_squeezed, alive)), [*_declarations(node.content)])
        elif node.type == "at-rule":
            head = f"@{node.at_keyword} {_squeezed(node.prelude)}".strip()
            if node.content is None:
                yield f"{head};"
            elif node.lower_at_keyword in WITH_RULES_INSIDE:
                yield _Block(head, [*_kept(_rules(node.content), words)])
            else:
                yield _Block(head, [_squeezed(node.content)])


def _rules(content: list[Any]) -> list[Any]:
    return tinycss2.parse_rule_list(content, skip_comments=True, skip_whitespace=True)


def _declarations(content: list[Any]) -> Iterator[_Part]:
    """What stands in the braces of a rule; what no browser understands is left out."""
    for node in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if node.type == "declaration":
            important = "!important" if node.important else ""
            text = f"{node.name}:{_squeezed(node.value)}{important};"
            yield _Declaration(node.name, text)
        elif node.type != "error":
            yield node.serialize()


def _split(selectors: list[Any]) -> Iterator[list[Any]]:
    """The members of a comma list."""
    member: list[Any] = []
    for token in selectors:
        if token == ",":
            yield member
            member = []
        else:
            member.append(token)
    yield member


def _can_match(selector: list[Any], words: Words) -> bool:
    """Whether everything that a selector names occurs."""
    before = None
    for token in selector:
        alive = True
        if token.type == "hash" or (token.type == "ident" and before == "."):
            alive = words.hold(token.value, words.names)
        elif token.type == "ident" and before != ":":
            alive = words.hold(token.lower_value, words.elements)
        elif token.type == "[] block":
            alive = _has_class(token.content, words)
        elif token.type == "function" and token.lower_name in {"is", "where", "has"}:
            alive = any(_can_match(each, words) for each in _split(token.arguments))
        if not alive:
            return False
        before = token
    return True


def _has_class(attribute: list[Any], words: Words) -> bool:
    """Whether an attribute selector, if it asks for a class, can find one."""
    name, *values = [each for each in attribute if each.type in {"ident", "string"}]
    asked = values and name.lower_value == "class"
    return not asked or words.hold_part(values[0].value)


def _squeezed(tokens: Iterable[Any]) -> str:
    """Tokens as text, with one space where there were many."""
    kept = [token for token in tokens if token.type != "comment"]
    texts = (" " if token.type == "whitespace" else token.serialize() for token in kept)
    return "".join(texts).strip()


def _written(parts: Iterable[_Part], keep: Callable[[_Part], bool]) -> str:
    """Parts as text; blocks in which nothing is left go."""
    texts: list[str] = []
    for part in filter(keep, parts):
        if isinstance(part, _Block):
            inside = _written(part.inside, keep)
            texts.append(f"{part.head}{{{inside}}}\n" if inside else "")
        else:
            texts.append(part if isinstance(part, str) else part.text)
    return "".join(texts)
