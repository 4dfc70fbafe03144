"""Data for the tutorials: generators that need no network, and published sets."""

from tutorials_lib.datasets.shapes10 import shapes10

__all__ = ["shapes10"]
