"""SqueezeNet in NumPy, forwards: from a picture to the probabilities of the ImageNet classes."""

import numpy as np
from jaxtyping import Float

from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.pretrained.squeezenet.weights import FIRES, MEAN_PIXEL, Params

Picture = Float[np.ndarray, "height width 3"]
Map = Float[np.ndarray, "rows columns channels"]
PooledMap = Float[np.ndarray, "pooled_rows pooled_columns channels"]

POOLED_AFTER = (2, 6)
"""Fire modules, counted from 0, after which the map is pooled (fire4 and fire8)."""


def prepare(picture: Picture) -> Picture:
    """Pixels from 0 to 1 on the scale that the network was trained on."""
    return picture * 255 - np.asarray(MEAN_PIXEL, picture.dtype)


def classify(params: Params, picture: Picture) -> Float[np.ndarray, " classes"]:
    """The probability of each ImageNet class, for pixels from 0 to 1.

    The network was trained on pictures of 227 by 227 pixels.
    """
    x = conv1(params["conv1"], prepare(picture))
    x = max_pool(x)
    for i in range(len(FIRES)):
        x = fire(params["fires"][i], x)
        x = max_pool(x) if i in POOLED_AFTER else x
    logits = np.maximum(_pointwise(params["conv10"], x), 0).mean((0, 1))
    exp = np.exp(logits - logits.max())
    return exp / exp.sum()


def conv1(params: Params, x: Picture) -> Float[np.ndarray, "rows columns features"]:
    """The first convolution, 7 by 7 with stride 2 and no padding, cut at zero."""
    kernel = params["kernel"]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))[::2, ::2]
    # windows[row, column, channel, a, b] -> patches[row, column, (a, b, channel)]
    patches = windows.transpose(0, 1, 3, 4, 2).reshape(*windows.shape[:2], -1)
    return np.maximum(patches @ kernel.reshape(-1, kernel.shape[-1]) + params["bias"], 0)


def fire(params: Params, x: Map) -> Float[np.ndarray, "rows columns features"]:
    """Squeeze into few channels, expand by 1 by 1 and by 3 by 3 filters, side by side."""
    x = np.maximum(_pointwise(params["squeeze"], x), 0)
    near = _pointwise(params["expand1"], x)
    wide = layers.conv2d(x[None], params["expand3"]["kernel"])[0][0] + params["expand3"]["bias"]
    return np.maximum(np.concatenate([near, wide], axis=-1), 0)


def max_pool(x: Map) -> PooledMap:
    """The largest of 3 by 3 pixels, every other pixel; at the border of those that there are.

    The number of windows is rounded up, as Caffe does: the last one may reach over the border.
    """
    rows, columns = ((size - 2) // 2 + 1 for size in x.shape[:2])
    padded = np.full((2 * rows + 1, 2 * columns + 1, x.shape[2]), -np.inf, x.dtype)
    padded[: x.shape[0], : x.shape[1]] = x[: 2 * rows + 1, : 2 * columns + 1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    return windows[::2, ::2].max((-2, -1))


def _pointwise(params: Params, x: Map) -> Float[np.ndarray, "rows columns features"]:
    return x @ params["kernel"][0, 0] + params["bias"]
