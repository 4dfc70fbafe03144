"""Folding and unfolding in JAX."""

from jaxtyping import Array, Float

Images = Float[Array, "batch height width channels"]
FoldedImages = Float[Array, "batch rows columns features"]


def fold(x: Images) -> FoldedImages:
    """Each block of 2 x 2 pixels as one pixel: left before right, the upper row first."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    # blocks[n, i, row, j, column, c] -> folded[n, i, j, (row, column, c)]
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // 2, width // 2, -1)


def unfold(x: FoldedImages) -> Images:
    """What `fold` has folded."""
    batch, height, width, features = x.shape
    blocks = x.reshape(batch, height, width, 2, 2, features // 4)
    # blocks[n, i, j, row, column, c] -> x[n, (i, row), (j, column), c]
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, -1)
