"""Calls and habits of NumPy, and what becomes of them in JAX."""
