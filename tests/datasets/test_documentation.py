"""The documentation of installed packages: deterministic, capped, and without repetitions."""

import pytest

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.documentation import MIN_CHARACTERS, docstrings, load_documentation

LONG = "word " * (MIN_CHARACTERS // 4)


def test_the_same_versions_give_the_same_text():
    first, again = load_documentation(20_000), load_documentation(20_000)
    assert first == again
    assert set(first.versions) == {"numpy", "scipy", "scikit-learn"}
    assert len(first.sha256) == 64


def test_as_much_is_read_as_is_asked_for_and_more_begins_with_less():
    little, more = load_documentation(20_000), load_documentation(40_000)
    assert more.documents[: len(little.documents)] == little.documents
    sizes = [len(document.encode()) for document in more.documents]
    assert 40_000 <= sum(sizes) < 40_000 + sizes[-1]


def test_no_paragraph_occurs_twice():
    documents = load_documentation(100_000).documents
    paragraphs = [" ".join(p.split()) for text in documents for p in text.split("\n\n")]
    assert len(paragraphs) == len(set(paragraphs))


def test_docstrings_come_without_indentation_and_short_ones_are_left_out():
    source = f'class A:\n    """{LONG}\n\n    end."""\n    def f(self):\n        """Short."""\n'
    (text,) = docstrings(source)
    assert text.endswith("\n\nend.")


def test_a_docstring_that_is_too_long_ends_with_a_whole_line():
    line = "a line of some words\n"
    (text,) = docstrings(f'"""{line * 1_000}"""')
    assert len(text) <= 6_000
    assert text.endswith("words")


def test_too_much_and_an_unknown_package_are_named():
    with pytest.raises(MalformedDataError, match="bytes of docstrings"):
        load_documentation(10_000_000, packages={"jaxtyping": "jaxtyping"})
    with pytest.raises(MalformedDataError, match="no_such_package"):
        load_documentation(1, packages={"no_such_package": "no-such-package"})
