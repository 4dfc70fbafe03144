"""Layers that tutorials share: NumPy's with gradients by hand, and JAX's where NNX lacks them.

Import the module for the backend: `from tutorials_lib.layers import in_numpy`.
"""
