"""What makes another training picture of one, and leaves what it shows as it is."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Shaped


def turn(pixels: Shaped[Array, "side side"], flips: Bool[Array, "3"]) -> Shaped[Array, "side side"]:
    """The square in one of its eight positions.

    Args:
        pixels: one channel of a square.
        flips: whether it is turned upside down, then mirrored, then reflected in its diagonal.
    """
    upside_down, mirrored, turned = flips
    pixels = jnp.where(upside_down, pixels[::-1], pixels)
    pixels = jnp.where(mirrored, pixels[:, ::-1], pixels)
    return jnp.where(turned, pixels.T, pixels)
