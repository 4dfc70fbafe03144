"""Convolution for networks with many pixels and few channels.

Import the module for the backend: `from tutorials_lib.layers.convolution import in_numpy`. On the
JAX side `tutorials_lib.layers.in_jax` has it.
"""
