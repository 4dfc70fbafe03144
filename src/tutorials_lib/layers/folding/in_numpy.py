"""Folding and unfolding in NumPy; each is the other's gradient, since both only move numbers.

Images are views of memory in the order `[height, width, batch, channels]`, as in
`tutorials_lib.layers.in_numpy`; input in another order is taken too, at the cost of a copy.
"""

import numpy as np
from jaxtyping import Float

Images = Float[np.ndarray, "batch height width channels"]
FoldedImages = Float[np.ndarray, "batch rows columns features"]


def fold(x: Images) -> FoldedImages:
    """Each block of 2 x 2 pixels as one pixel: left before right, the upper row first."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    # blocks[n, i, row, j, column, c] -> folded[i, j, n, (row, column, c)], the order in memory
    folded = blocks.transpose(1, 3, 0, 2, 4, 5).reshape(height // 2, width // 2, batch, -1)
    return folded.transpose(2, 0, 1, 3)


def unfold(x: FoldedImages) -> Images:
    """What `fold` has folded; the gradient of `fold` too, as `fold` is that of `unfold`."""
    batch, height, width, features = x.shape
    blocks = x.transpose(1, 2, 0, 3).reshape(height, width, batch, 2, 2, features // 4)
    # blocks[i, j, n, row, column, c] -> x[(i, row), (j, column), n, c]
    unfolded = blocks.transpose(0, 3, 1, 4, 2, 5).reshape(2 * height, 2 * width, batch, -1)
    return unfolded.transpose(2, 0, 1, 3)
