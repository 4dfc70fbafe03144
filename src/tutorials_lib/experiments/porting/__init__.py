"""A NumPy program on its way to JAX: eleven versions, their differences, and a table of habits."""
