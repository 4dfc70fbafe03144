"""Upsampling and joining in NumPy, with gradients by hand.

`y, vjp = layer(x, ...)`, and `vjp` takes the gradient with respect to `y` to that with respect
to the inputs. Images are views of memory in the order `[height, width, batch, channels]`, as in
`tutorials_lib.layers.in_numpy`; input in another order is taken too, at the cost of a copy.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Images = Float[np.ndarray, "batch height width channels"]
LargeImages = Float[np.ndarray, "batch rows columns channels"]
Skipped = Float[np.ndarray, "batch height width skipped"]
Joined = Float[np.ndarray, "batch height width channels+skipped"]


def upsample(x: Images) -> tuple[LargeImages, Callable[[LargeImages], Images]]:
    """Each pixel four times, as a block of 2 x 2; its gradient is the sum over the block."""
    batch, height, width, channels = x.shape
    blocks = (height, 2, width, 2, batch, channels)
    y = np.empty(blocks, x.dtype)
    y[...] = x.transpose(1, 2, 0, 3)[:, None, :, None]

    def vjp(dy: LargeImages) -> Images:
        dblocks = dy.transpose(1, 2, 0, 3).reshape(blocks)
        dx = dblocks[:, 0, :, 0] + dblocks[:, 0, :, 1]
        dx += dblocks[:, 1, :, 0]
        dx += dblocks[:, 1, :, 1]
        return dx.transpose(2, 0, 1, 3)

    return y.reshape(2 * height, 2 * width, batch, channels).transpose(2, 0, 1, 3), vjp


def concatenate(
    x: Images, skipped: Skipped
) -> tuple[Joined, Callable[[Joined], tuple[Images, Skipped]]]:
    """The channels of both, side by side; each gets its part of the gradient, as a view."""
    rows = [images.transpose(1, 2, 0, 3) for images in (x, skipped)]
    joined = np.concatenate(rows, axis=-1).transpose(2, 0, 1, 3)
    channels = x.shape[-1]
    return joined, lambda dy: (dy[..., :channels], dy[..., channels:])
