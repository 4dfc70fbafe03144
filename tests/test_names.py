"""Every command knows the same names of pages."""

import pytest

from tools.names import page_named

PAGES = ("index", "book/tabular/kmeans", "book/reference/execution", "book/jax/execution")


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("kmeans", "book/tabular/kmeans"),
        ("tabular/kmeans.md", "book/tabular/kmeans"),
        ("book/tabular/kmeans.html", "book/tabular/kmeans"),
        ("jax/execution", "book/jax/execution"),
        ("index", "index"),
    ],
)
def test_a_page_has_every_name_that_means_no_other(name: str, page: str):
    assert page_named(name, PAGES) == page


def test_two_pages_of_one_name_are_both_offered():
    with pytest.raises(ValueError, match="More than one page is named execution") as told:
        page_named("execution", PAGES)
    assert "kmeans" not in str(told.value)
    assert all(name in str(told.value) for name in PAGES[2:])


@pytest.mark.parametrize("name", ["means", "k-means", "", "tabular/"])
def test_no_page_has_a_part_of_a_name(name: str):
    with pytest.raises(ValueError, match="No page is named"):
        page_named(name, PAGES)
