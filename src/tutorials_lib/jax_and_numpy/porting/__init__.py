"""A NumPy program on its way to JAX: eleven versions and their differences."""
