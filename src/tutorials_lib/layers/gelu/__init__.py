"""The Gaussian error linear unit as it is defined, by the error function, for NumPy.

JAX has it: `jax.nn.gelu(x, approximate=False)`. GPT-2's approximation is in `layers/attention`.
"""
