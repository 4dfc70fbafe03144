"""A product with a matrix, and the rows of a table: where vectors of another size come from.

Import the module for the backend: `from tutorials_lib.layers.linear import in_numpy`. On the JAX
side `tutorials_lib.layers.in_jax.Linear` and `flax.nnx.Embed` have them.
"""
