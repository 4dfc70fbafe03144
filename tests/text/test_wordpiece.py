"""The WordPiece tokenizer against that of the `transformers` library, and a known vocabulary."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.text.wordpiece import SPECIAL, WordPiece, learn_wordpieces, words_of

FIXTURE = json.loads((Path(__file__).parent / "wordpiece_strings.json").read_text("utf-8"))
"""Awkward strings with the numbers of the library's tokenizer; `tests/reference/
make_bert_fixture.py` made it, with a small vocabulary of its own."""

REFERENCE = WordPiece(FIXTURE["vocabulary"])
TEXTS = ["low low lower newer", "the lowest of the new"]


def test_awkward_strings_have_the_numbers_of_the_reference():
    assert len(FIXTURE["strings"]) > 90
    for case in FIXTURE["strings"]:
        assert REFERENCE.encode(case["text"]) == case["ids"], repr(case["text"])


def test_the_longest_piece_is_taken_first_and_a_word_without_an_end_is_unknown():
    tokenizer = WordPiece([*SPECIAL, "un", "unaff", "##aff", "##able", "##a", "a"])
    assert tokenizer.tokenize("unaffable") == ["unaff", "##able"]
    assert tokenizer.tokenize("unable") == ["un", "##able"]
    assert tokenizer.tokenize("unabler a") == ["[UNK]", "a"]


def test_a_word_of_more_than_a_hundred_characters_is_unknown():
    tokenizer = WordPiece([*SPECIAL, "a", "##a"])
    assert tokenizer.tokenize("a" * 100) == ["a"] + ["##a"] * 99
    assert tokenizer.tokenize("a" * 101) == ["[UNK]"]


@given(text=st.text())
def test_no_text_brings_a_special_piece_in_but_the_unknown_one(text: str):
    assert not set(REFERENCE.tokenize(text)) & (set(SPECIAL) - {"[UNK]"})


def test_the_names_of_special_pieces_are_plain_text():
    assert words_of("[MASK] [PAD]") == ["[", "mask", "]", "[", "pad", "]"]


@given(text=st.text())
def test_case_and_accents_do_not_matter(text: str):
    assert words_of(" ".join(words_of(text))) == words_of(text)
    assert words_of("NAÏVE Café") == ["naive", "cafe"]


def test_frequent_words_become_one_piece_and_rare_ones_several():
    whole = learn_wordpieces(TEXTS, max_pieces=60)
    assert whole.tokenize("low lower") == ["low", "lower"]
    few = learn_wordpieces(TEXTS, max_pieces=25)
    assert few.tokenize("low") == ["low"]
    assert len(few.tokenize("newest")) > 1
    assert len(few) <= 25


def test_pieces_that_no_word_is_cut_into_are_left_out():
    tokenizer = learn_wordpieces(TEXTS, max_pieces=60)
    used = {piece for text in TEXTS for piece in tokenizer.tokenize(text)}
    assert {each for each in tokenizer.pieces[5:] if len(each.removeprefix("##")) > 1} <= used


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        (SPECIAL[:-1], r"lacks \[MASK\]"),
        (SPECIAL[::-1], "must be 0"),
        ((*SPECIAL, "a", "a"), "'a' occurs twice"),
    ],
)
def test_a_vocabulary_that_cannot_work_is_refused(pieces: tuple[str, ...], message: str):
    with pytest.raises(ValueError, match=message):
        WordPiece(pieces)


def test_too_small_a_vocabulary_is_refused():
    with pytest.raises(ValueError, match="max_pieces is 10"):
        learn_wordpieces(TEXTS, max_pieces=10)


def test_a_number_without_a_piece_is_refused():
    with pytest.raises(IndexError, match="outside of 0"):
        REFERENCE.decode([-1])
