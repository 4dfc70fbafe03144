"""One tutorial's package and claim, by its name.

Whoever needs a single row of the catalog asks here: what imports this module runs again when that
row changes, and not when another tutorial enters the catalog (`tutorials_lib.digest`).
"""

from tutorials_lib import catalog


def package_of(slug: str) -> str:
    """The dotted name of the package of the tutorial `slug`; raises `KeyError` for another name."""
    return catalog.find(slug).module


def claim_of(slug: str) -> tuple[float, float]:
    """The least and the largest speedup claimed for `slug`; raises `KeyError` for another name."""
    return catalog.find(slug).claim
