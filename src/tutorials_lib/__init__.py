"""Thirty machine-learning tutorials, each written twice: in NumPy and in JAX."""

__version__ = "0.1.0"
