"""What every tutorial owes, over every one there is."""

import pytest

from tutorials_lib import benchmark, catalog
from tutorials_lib.catalog import Tutorial

AVAILABLE = [pytest.param(tutorial, id=tutorial.slug) for tutorial in catalog.available()]


@pytest.mark.parametrize("tutorial", AVAILABLE)
def test_the_twins_agree_in_float64_on_everything_that_the_page_compares(tutorial: Tutorial):
    assert benchmark.agree(tutorial.slug).rows
