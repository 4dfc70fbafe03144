"""Entries of the bibliography are worded as Pybtex words them, and once."""

import pybtex.database
import pytest
from pybtex.style.formatting import plain

from citations import Style
from tools.pages import bibliographies


def test_every_entry_is_worded_as_by_pybtex():
    ours, theirs = Style(), plain.Style()
    for file in bibliographies():
        for entry in pybtex.database.parse_file(str(file), "bibtex").entries.values():
            made, expected = (style.format_entry("1", entry) for style in (ours, theirs))
            assert (made.key, made.label) == (expected.key, expected.label)
            assert made.text == expected.text


def test_an_entry_is_worded_once_for_each_label(monkeypatch: pytest.MonkeyPatch):
    text = "@misc{a, title = {A title}, author = {Someone}, year = {1999}}"
    first, second = (
        pybtex.database.parse_string(each, "bibtex").entries["a"]
        for each in (text, text.replace("A title", "Another"))
    )
    worded = []
    word = plain.Style.format_entry
    monkeypatch.setattr(
        plain.Style,
        "format_entry",
        lambda self, label, entry, bib_data=None: (
            worded.append(label) or word(self, label, entry, bib_data)
        ),
    )
    found = [Style().format_entry(label, first) for label in ("1", "1", "2", "1")]
    assert worded == ["1", "2"]
    assert [each.label for each in found] == ["1", "1", "2", "1"]
    assert "Another" in str(Style().format_entry("1", second).text)
