"""Multi30k: the published files, and what is refused in their place."""

import gzip
from pathlib import Path

import pytest

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.multi30k import load_multi30k, pair_up, parse_lines, tokens


def test_the_published_set_has_its_three_splits(published_data: Path):
    data = load_multi30k()
    assert [len(split) for split in data] == [29_000, 1_014, 1_000]
    assert all(pair.english and pair.french for split in data for pair in split)


def test_words_are_lower_case_and_signs_stand_apart():
    assert tokens("L'homme, 3 chiens-loups!") == (
        "l'",
        "homme",
        ",",
        "3",
        "chiens",
        "-",
        "loups",
        "!",
    )
    assert tokens("A man’s dog.") == ("a", "man’", "s", "dog", ".")


def test_a_small_file_of_the_same_form_is_read_line_by_line():
    assert parse_lines(gzip.compress("Un été.\nDeux.\n".encode()), "small.gz") == (
        "Un été.",
        "Deux.",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b"A dog.\n")[:-9],
        gzip.compress(b"\xff\n"),
        gzip.compress(b"a\n\n"),
    ],
)
def test_another_file_is_named_and_refused(content: bytes):
    with pytest.raises(MalformedDataError, match=r"other\.gz"):
        parse_lines(content, "other.gz")


def test_a_file_that_unpacks_to_far_too_much_is_refused():
    with pytest.raises(MalformedDataError, match="too large"):
        parse_lines(gzip.compress(bytes(1 << 25)), "bomb.gz")


def test_languages_with_different_numbers_of_lines_are_refused():
    with pytest.raises(MalformedDataError, match="2 French lines"):
        pair_up(("One.", "Two."), ("Un.",), "val")
