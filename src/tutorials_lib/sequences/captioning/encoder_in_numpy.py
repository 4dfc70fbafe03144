"""The encoder in NumPy, with gradients by hand.

Images are kept in memory in the order `[height, width, batch, channels]`, as in
`tutorials_lib.layers.in_numpy`, so that the cells come before the pictures there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from tutorials_lib.datasets.scenes import NOTHING
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.convolution.in_numpy import conv2d
from tutorials_lib.layers.folding.in_numpy import fold
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.sequences.captioning.lessons import Views
from tutorials_lib.sequences.captioning.problem import (
    ATTRIBUTE_WEIGHTS,
    ATTRIBUTES,
    EPSILON,
    NUM_CELLS,
    OBJECT_WEIGHT,
    Config,
    turn_colors,
)

Params = dict[Any, Any]
"""The convolutions `conv1` to `conv4` and the layer `head`; each has a `kernel` and a `bias`."""

Images = Float[np.ndarray, "batch height width channels"]
FeatureMaps = Float[np.ndarray, "batch height width features"]
Rows = Float[np.ndarray, "rows logits"]


class Seen(NamedTuple):
    """What the encoder hands to the decoder.

    Attributes:
        presence: the probability that an object is in a cell.
        features: what the last convolution has found there.
    """

    presence: Float[np.ndarray, "pictures cells"]
    features: Float[np.ndarray, "pictures cells features"]


def look_at(
    params: Params, images: Images
) -> tuple[Float[np.ndarray, "rows features"], Rows, Callable[[Rows], Params]]:
    """Features and logits of all first cells, then of all second ones; and the way back."""
    x, vjp1 = conv2d(fold(images), **params["conv1"], input_gradient=False)
    x, pool_vjp = layers.max_pool(x)
    x, relu1_vjp = layers.relu(x)
    x, vjp2 = conv2d(x, **params["conv2"])
    x, relu2_vjp = layers.relu(x)
    x, vjp3 = conv2d(x, **params["conv3"])
    third, relu3_vjp = layers.relu(x)
    x, vjp4 = conv2d(third, **params["conv4"])
    last, relu4_vjp = layers.relu(x)
    last = third + last
    rows = _to_rows(last)
    inverse = 1 / np.sqrt(np.vecdot(rows, rows)[:, None] * (1 / rows.shape[1]) + EPSILON)
    features = rows * inverse
    logits, head_vjp = linear(features, **params["head"])

    def vjp(dlogits: Rows) -> Params:
        dfeatures, dhead = head_vjp(dlogits)
        along = np.vecdot(dfeatures, features)[:, None] * (1 / rows.shape[1])
        dlast = _from_rows((dfeatures - features * along) * inverse, last)
        dthird, dconv4 = vjp4(relu4_vjp(dlast))
        dx, dconv3 = vjp3(relu3_vjp(dthird + dlast))
        dx, dconv2 = vjp2(relu2_vjp(dx))
        _, dconv1 = vjp1(pool_vjp(relu1_vjp(dx)))
        convs = {"conv1": dconv1, "conv2": dconv2, "conv3": dconv3, "conv4": dconv4}
        return convs | {"head": dhead}

    return features, logits, vjp


def _to_rows(x: Images) -> Float[np.ndarray, "rows channels"]:
    """In the order of memory: the same pixel of all pictures, then the next."""
    return np.ascontiguousarray(x.transpose(1, 2, 0, 3)).reshape(-1, x.shape[-1])


def _from_rows(rows: Float[np.ndarray, "rows channels"], like: Images) -> Images:
    batch, height, width, channels = like.shape
    return rows.reshape(height, width, batch, channels).transpose(2, 0, 1, 3)


def encode(
    params: Params, images: Images, config: Config
) -> tuple[Seen, Float[np.ndarray, "batch cells logits"]]:
    """What the decoder gets of the images, and the logits of all attributes."""
    features, logits, _ = look_at(params, images)
    features, logits = (
        np.ascontiguousarray(each.reshape(NUM_CELLS, len(images), -1).swapaxes(0, 1))
        for each in (features, logits)
    )
    return Seen(expit(logits[..., 0]), features), logits


def encoder_loss_and_grads(
    params: Params, views: Views, config: Config
) -> tuple[np.floating, Params]:
    """Is an object in the cell? And of those that are: their size, colour and shape.

    Where the colours of a picture have been turned, they are not asked for. Attributes are looked
    at only where an object is, in one cell of ten.
    """
    _, logits, vjp = look_at(params, turn_colors(views.pictures, views.turns))
    cells = views.cells.T.ravel()
    of_object = np.flatnonzero(cells != NOTHING)
    picture = of_object % len(views.cells)
    kinds = views.objects[picture, cells[of_object]]
    kept = views.kept[picture]

    wanted = cells != NOTHING
    value = OBJECT_WEIGHT * np.mean(np.logaddexp(0, logits[:, 0]) - wanted * logits[:, 0])
    dlogits = np.zeros_like(logits)
    dlogits[:, 0] = (expit(logits[:, 0]) - wanted) * (OBJECT_WEIGHT / len(logits))
    first, rows = 1, np.arange(len(of_object))
    for place, (count, weight) in enumerate(zip(ATTRIBUTES, ATTRIBUTE_WEIGHTS, strict=True)):
        now = slice(first, first + count)
        asked = (kept if place == 1 else np.ones_like(kept)) * (weight / len(of_object))
        asked = asked.astype(logits.dtype)
        logs = log_softmax(logits[of_object, now])
        value -= asked @ logs[rows, kinds[:, place]]
        dlogs = np.exp(logs)
        dlogs[rows, kinds[:, place]] -= 1
        dlogits[of_object, now] = dlogs * asked[:, None]
        first += count
    return value, vjp(dlogits)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Of the last axis."""
    shifted = logits - logits.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted
