"""NumPy layers with gradients by hand, in the manner of `jax.vjp`.

`y, vjp = layer(x, **params)` computes the output and a function that takes the gradient of the
loss with respect to `y` to that with respect to `x`, and to those of the parameters, if there are
any: `dx, grads = vjp(dy)`, where `grads` has the names of `params`. A backward pass therefore
reads as the forward pass in reverse.

Images have the shape `[batch, height, width, channels]`. In memory the layers keep them as
`[height, width, batch, channels]`, and return transposed views: one row of all pictures is then
a single block, which is what the loops over rows below copy, multiply and pool while it is still
in the processor's cache. Input in any other order is taken too, at the cost of a copy.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Images = Float[np.ndarray, "batch height width channels"]
FeatureMaps = Float[np.ndarray, "batch height width features"]
PooledImages = Float[np.ndarray, "batch rows columns channels"]
Kernel = Float[np.ndarray, "rows columns channels features"]
Patches = Float[np.ndarray, "pixels weights"]
PerChannel = Float[np.ndarray, " channels"]
Matrix = Float[np.ndarray, "batch features"]
Logits = Float[np.ndarray, "batch classes"]
InputGradient = Any
"""The gradient of the images, or None where nobody has asked for it."""
Grads = dict[str, Any]
"""The gradients of a layer's parameters, by their names."""


def conv2d(
    x: Images, kernel: Kernel, *, input_gradient: bool = True
) -> tuple[FeatureMaps, Callable[[FeatureMaps], tuple[InputGradient, Grads]]]:
    r"""Cross-correlate images with a kernel of odd size: stride 1, zeros outside the picture.

    $y_{n,i,j,f} = \sum_{a,b,c} x_{n,\,i+a-\lfloor R/2 \rfloor,\,j+b-\lfloor C/2 \rfloor,\,c}
    \; k_{a,b,c,f}$ for a kernel of $R$ rows and $C$ columns. The neighbourhood of every pixel is
    copied into a row of a matrix (*im2col*, Chellapilla et al. 2006), so that BLAS does the sums.

    Args:
        x: the images.
        kernel: the weights.
        input_gradient: whether `vjp` computes the gradient with respect to `x`; the first layer
            of a network needs none, and gets None.

    Raises:
        ValueError: the kernel has an even number of rows or columns.
    """
    rows, columns, channels, features = kernel.shape
    if rows % 2 == 0 or columns % 2 == 0:
        raise ValueError(f"the kernel has {rows} x {columns} weights; both must be odd")
    batch, height, width, _ = x.shape
    weights = kernel.reshape(-1, features)
    neighbours = _neighbours(x, rows, columns)
    patches = np.empty((width, batch, rows, columns * channels), kernel.dtype)

    def patches_of(row: int) -> Patches:
        runs = patches.view(neighbours.dtype)
        for a, b in np.ndindex(runs.shape[2:]):
            runs[:, :, a, b] = neighbours[row, :, :, a, b]
        return patches.reshape(-1, len(weights))

    y = np.empty((height, width * batch, features), kernel.dtype)
    for row in range(height):
        np.matmul(patches_of(row), weights, out=y[row])

    def vjp(dy: FeatureMaps) -> tuple[InputGradient, Grads]:
        dy_rows = _row_major(dy).reshape(y.shape)
        dweights = np.zeros_like(weights)
        for row in range(height):
            dweights += patches_of(row).T @ dy_rows[row]
        dx = _spread(dy_rows, kernel, width) if input_gradient else None
        return dx, {"kernel": dweights.reshape(kernel.shape)}

    return _as_images(y.reshape(height, width, batch, features)), vjp


def _neighbours(x: Images, rows: int, columns: int) -> np.ndarray:
    """What the kernel sees at every pixel, as a view: `[height, width, batch, rows, runs]`.

    An element is a whole run of numbers that lie side by side in memory, so that one assignment
    copies them all: the channels of a pixel; or, where neighbouring pixels of a picture adjoin
    (images as they come from a file), the channels of all `columns` of them.
    """
    batch, height, width, channels = x.shape
    padded_height, padded_width = height + rows - 1, width + columns - 1
    if x.flags.c_contiguous:
        padded = np.zeros((batch, padded_height, padded_width, channels), x.dtype)
        length = columns * channels
    else:
        memory = np.zeros((padded_height, padded_width, batch, channels), x.dtype)
        padded = _as_images(memory)
        length = channels
    padded[:, rows // 2 : rows // 2 + height, columns // 2 : columns // 2 + width] = x
    n, i, j, c = padded.strides
    return np.ndarray(
        (height, width, batch, rows, columns * channels // length),
        dtype=np.dtype((np.void, length * c)),
        buffer=padded if x.flags.c_contiguous else _row_major(padded),
        strides=(i, j, n, i, j),
    )


def _spread(dy: Float[np.ndarray, "height pixels features"], kernel: Kernel, width: int) -> Images:
    """Add up, at every pixel, what the neighbourhoods that contain it send back (*col2im*)."""
    rows, columns, channels, features = kernel.shape
    height, batch = len(dy), dy.shape[1] // width
    taps = kernel.reshape(-1, channels, features).transpose(0, 2, 1)
    dx = np.zeros((height + rows - 1, width + columns - 1, batch, channels), dy.dtype)
    dpatches = np.empty((rows, columns, width, batch, channels), dy.dtype)
    for row in range(height):
        np.matmul(dy[row], taps, out=dpatches.reshape(len(taps), -1, channels))
        for a, b in np.ndindex(rows, columns):
            dx[row + a, b : b + width] += dpatches[a, b]
    inside = dx[rows // 2 : rows // 2 + height, columns // 2 : columns // 2 + width]
    return _as_images(inside)


def max_pool(x: Images) -> tuple[PooledImages, Callable[[PooledImages], Images]]:
    """The largest of each 2 x 2 block of pixels; the gradient goes to that pixel.

    Where several pixels of a block tie, the first gets the gradient: left before right in the
    upper row, then the lower row.

    Raises:
        ValueError: the height or the width is odd.
    """
    batch, height, width, channels = x.shape
    if height % 2 or width % 2:
        raise ValueError(f"images of {height} x {width} pixels do not divide into 2 x 2 blocks")
    blocks = _row_major(x).reshape(height // 2, 2, width // 2, 2, batch * channels)
    y = np.empty((height // 2, width // 2, batch * channels), x.dtype)
    for block, largest in zip(blocks, y, strict=True):
        upper, lower = np.maximum(block[:, :, 0], block[:, :, 1])
        np.maximum(upper, lower, out=largest)

    def vjp(dy: PooledImages) -> Images:
        dx = np.empty_like(blocks)
        for block, dlargest, dblock in zip(
            blocks, _row_major(dy).reshape(y.shape), dx, strict=True
        ):
            upper, lower = np.maximum(block[:, :, 0], block[:, :, 1])
            dlower = dlargest * (lower > upper)
            for (left, right), (dleft, dright), drow in zip(
                block.swapaxes(1, 2),
                dblock.swapaxes(1, 2),
                (dlargest - dlower, dlower),
                strict=True,
            ):
                np.multiply(drow, right > left, out=dright)
                np.subtract(drow, dright, out=dleft)
        return _as_images(dx.reshape(height, width, batch, channels))

    return _as_images(y.reshape(height // 2, width // 2, batch, channels)), vjp


class Statistics(NamedTuple):
    """Mean and (biased) variance of each channel, over the batch and all pixels."""

    mean: PerChannel
    var: PerChannel


def batch_norm(
    x: Images, scale: PerChannel, bias: PerChannel, *, epsilon: float = 1e-5
) -> tuple[Images, Callable[[Images], tuple[Images, Grads]], Statistics]:
    r"""Normalize each channel by the statistics of this batch (Ioffe and Szegedy 2015).

    $y = \gamma \, (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$, with scale $\gamma$ and bias
    $\beta$. The statistics come third, as the auxiliary output of `jax.vjp(..., has_aux=True)`
    does; what becomes of them is the caller's affair.
    """
    batch, height, width, channels = x.shape
    count = batch * height * width

    def total(rows: np.ndarray) -> PerChannel:
        return rows.reshape(batch, channels).sum(0)

    def column_sums(rows: np.ndarray) -> np.ndarray:
        return np.ones(len(rows), rows.dtype) @ rows  # BLAS is faster at this than sum(0)

    def repeat(values: PerChannel) -> np.ndarray:
        return np.tile(values, batch)  # [channels] -> [batch * channels], one row of memory

    def rows_of(images: Images) -> np.ndarray:
        return _row_major(images).reshape(height * width, batch * channels)

    mean = total(column_sums(rows_of(x))) / count
    centered = rows_of(x) - repeat(mean)
    var = total(np.einsum("pc,pc->c", centered, centered)) / count
    inverse = 1 / np.sqrt(var + epsilon)
    y = centered * repeat(scale * inverse)
    y += repeat(bias)

    def vjp(dy: Images) -> tuple[Images, Grads]:
        dy_rows = rows_of(dy)
        dbias = total(column_sums(dy_rows))
        dscale = total(np.einsum("pc,pc->c", dy_rows, centered)) * inverse
        # Each x moves its own y and, through mean and variance, every other y of its channel.
        dx = centered * repeat(-inverse * dscale / count)
        dx += dy_rows
        dx -= repeat(dbias / count)
        dx *= repeat(scale * inverse)
        dx = _as_images(dx.reshape(height, width, batch, channels))
        return dx, {"scale": dscale, "bias": dbias}

    images = _as_images(y.reshape(height, width, batch, channels))
    return images, vjp, Statistics(mean, var)


def normalize(
    x: Images,
    mean: PerChannel,
    var: PerChannel,
    scale: PerChannel,
    bias: PerChannel,
    *,
    epsilon: float = 1e-5,
) -> Images:
    """What `batch_norm` computes, by given statistics; for prediction, so without a vjp."""
    factor = scale / np.sqrt(var + epsilon)
    return x * factor + (bias - mean * factor)


def relu(
    x: Float[np.ndarray, "*shape"],
) -> tuple[
    Float[np.ndarray, "*shape"],
    Callable[[Float[np.ndarray, "*shape"]], Float[np.ndarray, "*shape"]],
]:
    """The positive part of `x`; its derivative at zero is zero."""
    y = np.maximum(x, 0)
    return y, lambda dy: dy * (y > 0)


def flatten(x: Images) -> tuple[Matrix, Callable[[Matrix], Images]]:
    """All pixels and channels of an image in one row, channels fastest."""

    def vjp(dy: Matrix) -> Images:
        dx = np.empty_like(x)  # in the memory order of x
        dx[...] = dy.reshape(x.shape)
        return dx

    return x.reshape(len(x), -1), vjp


def softmax_cross_entropy(
    logits: Logits, labels: Int[np.ndarray, " batch"]
) -> tuple[np.floating, Callable[[float | np.floating], Logits]]:
    r"""The mean of $-\log \mathrm{softmax}(z)_{y}$ over the batch, for integer labels $y$."""
    examples = np.arange(len(labels))
    shifted = logits - logits.max(-1, keepdims=True)
    exp = np.exp(shifted)
    total = exp.sum(-1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - shifted[examples, labels])

    def vjp(dloss: float | np.floating) -> Logits:
        dlogits = exp / total
        dlogits[examples, labels] -= 1
        return dlogits * (dloss / len(labels))

    return loss, vjp


def _row_major(x: Images | PooledImages) -> Float[np.ndarray, "height width batch channels"]:
    """The images in the order in which these layers keep them in memory, contiguous."""
    return np.ascontiguousarray(x.transpose(1, 2, 0, 3))


def _as_images(memory: Float[np.ndarray, "height width batch channels"]) -> Images:
    """A view with the axes in the order of `Images`."""
    return memory.transpose(2, 0, 1, 3)
