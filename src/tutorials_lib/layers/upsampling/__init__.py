"""The way up of a network that has pooled: repeat pixels, and join what was kept on the way down.

Import the module for the backend: `from tutorials_lib.layers.upsampling import in_numpy`. In JAX
the joining is `jnp.concatenate`.
"""
