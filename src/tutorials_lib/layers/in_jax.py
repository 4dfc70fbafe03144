"""JAX layers that Flax NNX lacks, or whose gradients XLA compiles badly for a CPU.

Each layer computes what the plain operation computes; only the program that its gradient compiles
to is another. Images have the shape `[batch, height, width, channels]`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

Images = Float[Array, "batch height width channels"]
FeatureMaps = Float[Array, "batch height width features"]
PooledImages = Float[Array, "batch height//2 width//2 channels"]
Kernel = Float[Array, "rows columns channels features"]

_NHWC = ("NHWC", "HWIO", "NHWC")


# ---------------------------------------------------------------- product


class Linear(nnx.Linear):
    """A linear layer for sequences: one product of matrices, whatever stands before the features.

    The gradient of the kernel is a sum over all the axes before the features. Where they are two
    or more, XLA copies an array into another order before that product on a CPU, which takes
    longer than the product of a small layer; where they are one, it does not.
    """

    def __call__(
        self, inputs: Float[Array, "*leading inputs"], out_sharding: Any = None
    ) -> Float[Array, "*leading outputs"]:
        """$x W + b$."""
        rows = inputs.reshape(-1, self.in_features)
        outputs = super().__call__(rows, out_sharding=out_sharding)
        return outputs.reshape(*inputs.shape[:-1], self.out_features)


# ---------------------------------------------------------------- pooling


@jax.custom_vjp
def max_pool(x: Images) -> PooledImages:
    """The largest of each 2 x 2 block of pixels; the gradient goes to that pixel.

    Where several pixels of a block tie, the first gets the gradient: left before right in the
    upper row, then the lower row. `lax.reduce_window` breaks ties in the same way, but XLA
    compiles its gradient for a CPU into a loop over windows, which is many times slower.

    Raises:
        ValueError: the height or the width is odd.
    """
    a, b, c, d = _corners(x)
    return jnp.maximum(jnp.maximum(a, b), jnp.maximum(c, d))


def _max_pool_forward(x: Images) -> tuple[PooledImages, Images]:
    return max_pool(x), x


def _max_pool_backward(x: Images, dy: PooledImages) -> tuple[Images]:
    a, b, c, d = _corners(x)
    in_lower_row = jnp.maximum(c, d) > jnp.maximum(a, b)
    on_the_right = jnp.where(in_lower_row, d > c, b > a)
    winner = 2 * in_lower_row.astype(jnp.int8) + on_the_right.astype(jnp.int8)
    # winner[n, i, j, c] -> is_winner[n, i, row, j, column, c]; found once for each block
    position = jnp.arange(4, dtype=jnp.int8).reshape(1, 1, 2, 1, 2, 1)
    is_winner = lax.optimization_barrier(winner)[:, :, None, :, None] == position
    return (jnp.where(is_winner, dy[:, :, None, :, None], 0).reshape(x.shape),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def _corners(x: Images) -> tuple[PooledImages, PooledImages, PooledImages, PooledImages]:
    """The pixels `a b` above `c d` of each block: the order in which ties are broken."""
    _, height, width, _ = x.shape
    if height % 2 or width % 2:
        raise ValueError(f"images of {height} x {width} pixels do not divide into 2 x 2 blocks")
    return x[:, ::2, ::2], x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2]


# ---------------------------------------------------------------- convolution


@jax.custom_vjp
def conv2d(x: Images, kernel: Kernel) -> FeatureMaps:
    """Cross-correlate images with a kernel of odd size: stride 1, zeros outside the picture.

    The gradients are convolutions too, but of transposed arrays. XLA folds the transpositions
    into the convolution, and inside a compiled loop (`lax.scan`) on a CPU it is then left with a
    layout for which it has no fast code. Here the transposed arrays are made first, so that every
    convolution keeps the one layout that is fast everywhere.

    Raises:
        ValueError: the kernel has an even number of rows or columns.
    """
    rows, columns = kernel.shape[:2]
    if rows % 2 == 0 or columns % 2 == 0:
        raise ValueError(f"the kernel has {rows} x {columns} weights; both must be odd")
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=_NHWC)


def _conv2d_forward(x: Images, kernel: Kernel) -> tuple[FeatureMaps, tuple[Images, Kernel]]:
    return conv2d(x, kernel), (x, kernel)


def _conv2d_backward(residuals: tuple[Images, Kernel], dy: FeatureMaps) -> tuple[Images, Kernel]:
    x, kernel = residuals
    rows, columns = kernel.shape[:2]
    flipped = lax.optimization_barrier(kernel[::-1, ::-1].swapaxes(2, 3))
    dx = conv2d(dy, flipped)
    # Channels take the place of the batch, the batch that of the channels, and dy is the kernel.
    channels_first = lax.optimization_barrier(x.transpose(3, 1, 2, 0))
    dy_as_kernel = lax.optimization_barrier(dy.transpose(1, 2, 0, 3))
    padding = [(rows // 2, rows // 2), (columns // 2, columns // 2)]
    dkernel = lax.conv_general_dilated(
        channels_first, dy_as_kernel, (1, 1), padding, dimension_numbers=_NHWC
    )
    return dx, dkernel.transpose(1, 2, 0, 3)


conv2d.defvjp(_conv2d_forward, _conv2d_backward)


def conv_general_dilated(
    lhs: Images, rhs: Kernel, window_strides: Any, padding: Any, **settings: Any
) -> FeatureMaps:
    """`conv2d` in the place of `lax.conv_general_dilated`, for `nnx.Conv`.

    `nnx.Conv(..., conv_general_dilated=conv_general_dilated)` makes a layer whose gradient may
    stand inside a `lax.scan`.

    Raises:
        ValueError: the layer asks for what `conv2d` does not do, such as another stride.
    """
    ordinary = {
        "lhs_dilation": (1, 1),
        "rhs_dilation": (1, 1),
        "dimension_numbers": lax.conv_dimension_numbers(lhs.shape, rhs.shape, _NHWC),
        "feature_group_count": 1,
    }
    asked = {"window_strides": tuple(window_strides), "padding": padding, **settings}
    done = {"window_strides": (1, 1), "padding": "SAME", **ordinary}
    for name, value in asked.items():
        if value is not None and value != done.get(name):
            raise ValueError(f"this convolution has {name}={done.get(name)}, not {value}")
    return conv2d(lhs, rhs)
