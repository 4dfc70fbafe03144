"""Sentences about scenes: five for each, all of them true, and a parser that says whether one is.

A sentence names every object of the scene by its size, colour and shape, and says how they stand
to each other. Its first words tell with which object it begins (*right of* with the left one), so
that whoever has written them need not guess how to go on.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib.datasets.scenes import COLORS, LAYOUTS, NOTHING, SHAPES, SIZES

Words = tuple[str, ...]

Objects = Int32[np.ndarray, "objects 3"]
"""Indices into `SIZES`, `COLORS` and `SHAPES`; `NOTHING` three times for none."""


class Form(NamedTuple):
    """A sentence with gaps.

    Attributes:
        text: its words, with an X for each object.
        order: which object of the scene fills which gap.
    """

    text: str
    order: tuple[int, ...]


def _alone(place: str) -> tuple[Form, ...]:
    texts = f"X {place}", f"{place} X", f"{place} is X", f"there is X {place}", f"X is {place}"
    return tuple(Form(text, (0,)) for text in texts)


def _pair(before: str, behind: str, starts: str, ends: str) -> tuple[Form, ...]:
    return (
        Form(f"X is {before} X", (0, 1)),
        Form(f"{starts} X and {ends} X", (0, 1)),
        Form(f"there is X with X {behind} it", (0, 1)),
        Form(f"{behind} X is X", (0, 1)),
        Form(f"{before} X is X", (1, 0)),
    )


def _three(name: str, starts: str, ends: str, before: str, behind: str) -> tuple[Form, ...]:
    return (
        Form(f"a {name} of X and X and X", (0, 1, 2)),
        Form(f"{starts} X then X then X", (0, 1, 2)),
        Form(f"X is {before} X and X is {behind} both", (0, 1, 2)),
        Form(f"between X {starts} and X {ends} is X", (0, 2, 1)),
        Form(f"in the middle X {before} it X {behind} it X", (1, 0, 2)),
    )


FORMS = (
    _alone("on the left"),
    _alone("on the right"),
    _alone("at the top"),
    _alone("at the bottom"),
    _alone("in the middle"),
    _pair("left of", "right of", "on the left", "on the right"),
    _pair("above", "below", "at the top", "at the bottom"),
    _three("row", "on the left", "on the right", "left of", "right of"),
    _three("column", "at the top", "at the bottom", "above", "below"),
)
"""The sentences that are true of each layout."""

_OBJECT = re.compile(rf"\ba ({'|'.join(SIZES)}) ({'|'.join(COLORS)}) ({'|'.join(SHAPES)})\b")


class Parsed(NamedTuple):
    """What a sentence says.

    Attributes:
        layout: an index into `LAYOUTS`.
        objects: indices into `SIZES`, `COLORS` and `SHAPES` of each, from left to right or from
            top to bottom.
    """

    layout: int
    objects: tuple[tuple[int, int, int], ...]


def say(objects: Objects, layout: int, form: int) -> Words:
    """A sentence that is true of a scene: the `form`-th of its layout.

    Raises:
        ValueError: the scene has other objects than so many as its layout asks for.
    """
    text, order = FORMS[layout][form]
    names = [_name(each) for each in objects.tolist() if each[0] != NOTHING]
    if len(names) != len(order):
        raise ValueError(f"a {LAYOUTS[layout]} has {len(order)} objects, not {len(names)}")
    named = iter(order)
    return tuple(re.sub("X", lambda _: names[next(named)], text).split())


def captions_of(objects: Objects, layout: int) -> tuple[Words, ...]:
    """All sentences that are true of a scene."""
    return tuple(say(objects, layout, form) for form in range(len(FORMS[layout])))


def named_objects(layout: int, form: int) -> tuple[int, ...]:
    """Which object of the scene each word of a sentence is about: 0, 1 or 2, or `NOTHING`.

    About an object are its size, its colour and its shape.
    """
    text, order = FORMS[layout][form]
    about, named = [], iter(order)
    for word in text.split():
        about += [NOTHING, *[next(named)] * 3] if word == "X" else [NOTHING]
    return tuple(about)


def parse(words: Sequence[str]) -> Parsed | None:
    """What a sentence says of a scene; None for one that no scene has."""
    text = " ".join(words)
    named = [
        (SIZES.index(size), COLORS.index(color), SHAPES.index(shape))
        for size, color, shape in _OBJECT.findall(text)
    ]
    layout, order = _MEANINGS.get(_OBJECT.sub("X", text), (NOTHING, ()))
    if layout == NOTHING or len(named) != len(order):
        return None
    return Parsed(layout, tuple(named[order.index(place)] for place in range(len(order))))


def is_true(words: Sequence[str], objects: Objects, layout: int) -> bool:
    """Whether a sentence names exactly the objects of a scene, in the relation that holds."""
    there = tuple(tuple(each) for each in objects.tolist() if each[0] != NOTHING)
    return parse(words) == Parsed(layout, there)


def _name(kind: Sequence[int]) -> str:
    size, color, shape = kind
    return f"a {SIZES[size]} {COLORS[color]} {SHAPES[shape]}"


_MEANINGS = {
    form.text: (layout, form.order) for layout, forms in enumerate(FORMS) for form in forms
}
"""What each sentence with gaps says; no two layouts share one."""

LONGEST = max(len(named_objects(layout, form)) for layout in range(len(FORMS)) for form in range(5))
"""Words of the longest sentence."""
