"""Convolution in NumPy that copies each pixel once for each column of the kernel, not once a tap.

`y, vjp = conv2d(x, **params)` and `dx, grads = vjp(dy)`, where `grads` has the names of `params`.
Images are views of memory in the order
`[height, width, batch, channels]`, as in `tutorials_lib.layers.in_numpy`; input in another order
is taken too, at the cost of a copy.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

Images = Float[np.ndarray, "batch height width channels"]
FeatureMaps = Float[np.ndarray, "batch height width features"]
Kernel = Float[np.ndarray, "rows columns channels features"]
Memory = Float[np.ndarray, "height width batch channels"]
InputGradient = Any
"""The gradient of the images, or None where nobody has asked for it."""
Grads = dict[str, Any]
"""`{"kernel"}`, and `"bias"` where there is one."""


def conv2d(
    x: Images,
    kernel: Kernel,
    bias: Float[np.ndarray, " features"] | None = None,
    *,
    input_gradient: bool = True,
) -> tuple[FeatureMaps, Callable[[FeatureMaps], tuple[InputGradient, Grads]]]:
    """Cross-correlate images with a kernel of odd size: stride 1, zeros outside the picture.

    The same as `tutorials_lib.layers.in_numpy.conv2d`, with a bias for each feature if wanted.

    Args:
        x: the images.
        kernel: the weights.
        bias: what is added to every pixel of a feature map.
        input_gradient: whether `vjp` computes the gradient with respect to `x`; the first layer
            of a network needs none, and gets None.

    Raises:
        ValueError: the kernel has an even number of rows or columns.
    """
    rows, columns, channels, features = kernel.shape
    if rows % 2 == 0 or columns % 2 == 0:
        raise ValueError(f"the kernel has {rows} x {columns} weights; both must be odd")
    memory = _row_major(x)
    height, width, batch, _ = memory.shape

    def convolve(memory: Memory, kernel: Kernel, also: Callable = lambda row, patches: None):
        """The images convolved; `also` is called with every matrix of patches."""
        y = np.empty((height, width * batch, kernel.shape[-1]), kernel.dtype)
        turned = [_to_slots(kernel, row).reshape(-1, kernel.shape[-1]) for row in range(rows)]
        for row, patches in enumerate(_patches(memory, rows, columns)):
            np.matmul(patches, turned[row % rows], out=y[row])
            also(row, patches)
        return _as_images(y.reshape(height, width, batch, -1))

    def vjp(dy: FeatureMaps) -> tuple[InputGradient, Grads]:
        dmemory = _row_major(dy)
        dx, dkernel = through_kernel(dmemory)
        if bias is None:
            return dx, {"kernel": dkernel}
        pixels = dmemory.reshape(-1, features)
        dbias = np.ones(len(pixels), dy.dtype) @ pixels  # BLAS adds up faster than `sum`
        return dx, {"kernel": dkernel, "bias": dbias}

    def through_kernel(
        dmemory: Float[np.ndarray, "height width batch features"],
    ) -> tuple[InputGradient, Kernel]:
        """The gradients of the images, where they are asked for, and of the kernel."""
        if not input_gradient:
            dkernel = np.zeros((rows, rows * columns * channels, features), kernel.dtype)
            for row, patches in enumerate(_patches(memory, rows, columns)):
                dkernel[row % rows] += patches.T @ dmemory[row].reshape(-1, features)
            parts = dkernel.reshape(rows, rows, columns, channels, features)
            return None, _from_slots(parts)
        # The gradient of x is a convolution of dy with the kernel turned upside down, and the
        # patches of dy that it needs serve the gradient of the kernel too.
        flipped = kernel[::-1, ::-1].swapaxes(2, 3)
        dflipped = np.zeros((rows, channels, rows * columns * features), kernel.dtype)

        def correlate(row: int, patches: np.ndarray) -> None:
            dflipped[row % rows] += memory[row].reshape(-1, channels).T @ patches

        dx = convolve(dmemory, flipped, also=correlate)
        parts = dflipped.reshape(rows, channels, rows, columns, features).transpose(0, 2, 3, 1, 4)
        return dx, _from_slots(parts)[::-1, ::-1]

    y = convolve(memory, kernel)
    if bias is not None:
        y += bias
    return y, vjp


def _patches(memory: Memory, rows: int, columns: int) -> Iterator[np.ndarray]:
    """What the kernel sees at every pixel of a row of all pictures, as a matrix; row after row.

    The matrix is a ring of `rows` slots. From one row to the next the kernel moves down by one,
    so that a single slot is written anew; what stands in the others only means another row of
    the kernel, for which the weights are turned and not the pixels.
    """
    height, width, batch, channels = memory.shape
    run = np.dtype((np.void, channels * memory.itemsize))  # one assignment copies all channels
    pixels = memory.view(run)[..., 0]
    ring = np.zeros((width, batch, rows, columns, channels), memory.dtype)
    slots = ring.view(run)[..., 0]
    shifts = [(column, column - columns // 2) for column in range(columns)]
    windows = [
        (slice(max(-shift, 0), width - max(shift, 0)), column, slice(max(shift, 0), width + shift))
        for column, shift in shifts
        if abs(shift) < width
    ]
    for entering in range(height + rows // 2):
        slot = entering % rows
        if entering < height:
            for inside, column, seen in windows:
                slots[inside, :, slot, column] = pixels[entering, seen]
        else:
            ring[:, :, slot] = 0
        if entering >= rows // 2:
            yield ring.reshape(width * batch, -1)


def _to_slots(kernel: Kernel, row: int) -> Kernel:
    """The rows of the kernel in the order of the ring at this row of the picture."""
    return np.roll(kernel, row - len(kernel) // 2, axis=0)


def _from_slots(parts: Float[np.ndarray, "rows rows columns channels features"]) -> Kernel:
    """The sum of what was collected in the order of the ring at each of `rows` rows."""
    middle = len(parts) // 2
    return np.sum([np.roll(part, middle - row, axis=0) for row, part in enumerate(parts)], axis=0)


def _row_major(x: Images | FeatureMaps) -> Memory:
    return np.ascontiguousarray(x.transpose(1, 2, 0, 3))


def _as_images(memory: Memory) -> Images:
    return memory.transpose(2, 0, 1, 3)
