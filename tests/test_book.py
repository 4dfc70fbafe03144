"""The pages as they are written: structure, budgets, figures, citations, no typed measurement."""

import re
from collections import Counter
from pathlib import Path

import pybtex.database
import pytest
import yaml

from tools import ROOT, contract, pages

PAGES = [
    pytest.param(path, id=path.relative_to(ROOT / "book").with_suffix("").as_posix())
    for path in pages.all_pages()
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_keeps_to_the_house_rules(page: Path):
    findings = pages.check(page)
    if findings:
        pytest.fail("\n  ".join(["what is to be mended:", *findings]), pytrace=False)


def test_every_page_is_in_the_table_of_contents_and_every_entry_is_a_page():
    written = [path.relative_to(ROOT).with_suffix("").as_posix() for path in pages.all_pages()]
    assert sorted(contract.toc_files()) == sorted(written)


def test_the_bibliography_has_every_key_once_in_the_form_of_the_house():
    texts = [path.read_text(encoding="utf-8") for path in pages.bibliographies()]
    keys = [key for text in texts for key in pages.bibliography_keys(text)]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert [key for key in keys if not re.fullmatch(r"[a-z]+\d{4}[a-z]+", key)] == []


@pytest.mark.parametrize("path", pages.bibliographies(), ids=lambda path: path.stem)
def test_every_entry_of_the_bibliography_is_closed(path: Path):
    text = path.read_text(encoding="utf-8")
    entries = pybtex.database.parse_string(text, "bibtex").entries
    assert list(entries) == pages.bibliography_keys(text)
    assert {
        key for key, entry in entries.items() if not {"title", "year"} <= set(entry.fields)
    } == set()


def test_every_file_of_the_bibliography_is_read():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    found = [path.relative_to(ROOT).as_posix() for path in pages.bibliographies()]
    assert sorted(config["bibtex_bibfiles"]) == found
