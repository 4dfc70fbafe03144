"""Sentences about scenes: all are parsed back, and one that says anything else is not true."""

import numpy as np
import pytest

from tutorials_lib.datasets.scene_captions import (
    FORMS,
    LONGEST,
    captions_of,
    is_true,
    named_objects,
    parse,
    say,
)
from tutorials_lib.datasets.scenes import COLORS, LAYOUTS, NOTHING, SHAPES, SIZES, draw_scenes

SCENES = draw_scenes(200, unseen=True, rng=np.random.default_rng(0))
EACH = list(zip(SCENES.objects, SCENES.layouts.tolist(), strict=True))


def kinds(*names: str) -> np.ndarray:
    """Objects by their names, with nothing behind."""
    found = [
        [SIZES.index(s), COLORS.index(c), SHAPES.index(h)] for s, c, h in map(str.split, names)
    ]
    return np.array(found + [[NOTHING] * 3] * (3 - len(found)), np.int32)


def test_every_sentence_is_true_of_its_scene_and_of_no_other_kind():
    for objects, layout in EACH:
        captions = captions_of(objects, layout)
        assert len(set(captions)) == len(FORMS[layout])
        for words in captions:
            assert is_true(words, objects, layout)
            others = [i for i in range(len(LAYOUTS)) if i != layout]
            assert not any(is_true(words, objects, other) for other in others)


def test_one_wrong_word_makes_a_sentence_false():
    objects, layout = kinds("big red cross", "small blue circle"), LAYOUTS.index("row of two")
    words = ["a", "big", "red", "cross", "is", "left", "of", "a", "small", "blue", "circle"]
    assert is_true(words, objects, layout)
    for place, wrong in ((1, "small"), (2, "green"), (3, "square"), (5, "right"), (8, "big")):
        changed = [*words[:place], wrong, *words[place + 1 :]]
        assert not is_true(changed, objects, layout)
    assert not is_true(words[:-1], objects, layout)
    assert not is_true([], objects, layout)


def test_objects_in_the_other_order_are_another_scene():
    words = ["left", "of", "a", "big", "red", "cross", "is", "a", "small", "blue", "circle"]
    layout = LAYOUTS.index("row of two")
    assert is_true(words, kinds("small blue circle", "big red cross"), layout)
    assert not is_true(words, kinds("big red cross", "small blue circle"), layout)


@pytest.mark.parametrize(
    ("text", "layout", "first"),
    [
        ("at the top a small red cross", "top", (0, 0, 3)),
        ("below a big green square is a small red cross", "column of two", (1, 3, 1)),
        (
            "in the middle a small red cross above it a big green square below it a big red cross",
            "column of three",
            (1, 3, 1),
        ),
    ],
)
def test_a_sentence_is_parsed_into_a_layout_and_objects_in_their_order(
    text: str, layout: str, first: tuple[int, int, int]
):
    found = parse(text.split())
    assert found is not None
    assert LAYOUTS[found.layout] == layout
    assert found.objects[0] == first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a big red cross",
        "on the left a red cross",
        "on the left X",
        "on the left a big pink cross",
    ],
)
def test_what_no_scene_has_means_nothing(text: str):
    assert parse(text.split()) is None


def test_words_are_about_the_object_that_they_name():
    for objects, layout in EACH[:50]:
        for form, words in enumerate(captions_of(objects, layout)):
            about = named_objects(layout, form)
            assert len(about) == len(words) <= LONGEST
            for place in {each for each in about if each != NOTHING}:
                named = [word for word, who in zip(words, about, strict=True) if who == place]
                size, color, shape = objects[place]
                assert named == [SIZES[size], COLORS[color], SHAPES[shape]]


def test_another_number_of_objects_than_the_layout_has_is_refused():
    with pytest.raises(ValueError, match="a row of two has 2 objects, not 1"):
        say(kinds("big red cross"), LAYOUTS.index("row of two"), 0)
