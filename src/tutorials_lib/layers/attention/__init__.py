"""The layers of a transformer: attention, layer normalization and the smooth cut-off GELU.

Import the module for the backend: `from tutorials_lib.layers.attention import in_numpy`. On the
JAX side Flax NNX has these layers.
"""
