"""SqueezeNet as a Flax NNX module."""

from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from tutorials_lib import pure
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.pretrained.squeezenet.in_numpy import POOLED_AFTER
from tutorials_lib.pretrained.squeezenet.weights import FIRES, MEAN_PIXEL, NUM_CLASSES, Params

Pictures = Float[Array, "batch height width 3"]
Maps = Float[Array, "batch rows columns channels"]
Features = Float[Array, "batch _ _ features"]
Kernel = Float[Array, "_ _ channels features"]


class Fire(nnx.Module):
    """Squeeze into few channels, expand by 1 by 1 and by 3 by 3 filters, side by side."""

    def __init__(self, channels: int, squeezed: int, expanded: int, *, rngs: nnx.Rngs) -> None:
        self.squeeze = nnx.Conv(
            channels, squeezed, kernel_size=(1, 1), conv_general_dilated=_pointwise, rngs=rngs
        )
        self.expand1 = nnx.Conv(
            squeezed, expanded, kernel_size=(1, 1), conv_general_dilated=_pointwise, rngs=rngs
        )
        self.expand3 = nnx.Conv(
            squeezed,
            expanded,
            kernel_size=(3, 3),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )

    def __call__(self, x: Maps) -> Features:
        """Twice as many channels as each expansion has, of the same height and width."""
        x = nnx.relu(self.squeeze(x))
        return nnx.relu(jnp.concatenate([self.expand1(x), self.expand3(x)], axis=-1))


class SqueezeNet(nnx.Module):
    """The network up to its last map; `classify` makes probabilities of it."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(3, 96, kernel_size=(7, 7), strides=2, padding="VALID", rngs=rngs)
        self.fires = nnx.List(
            Fire(before, *fire, rngs=rngs)
            for before, fire in zip(
                (96, *(2 * expanded for _, expanded in FIRES)), FIRES, strict=False
            )
        )
        self.conv10 = nnx.Conv(
            2 * FIRES[-1][1],
            NUM_CLASSES,
            kernel_size=(1, 1),
            conv_general_dilated=_pointwise,
            rngs=rngs,
        )

    def __call__(self, pictures: Pictures) -> list[Features]:
        """The maps of the first convolution and of the eight fire modules, before pooling.

        Pixels run from 0 to 1.
        """
        x = nnx.relu(self.conv1(pictures * 255 - jnp.asarray(MEAN_PIXEL, pictures.dtype)))
        maps = [x]
        x = max_pool(x)
        for i, fire in enumerate(self.fires):
            x = fire(x)
            maps.append(x)
            x = max_pool(x) if i in POOLED_AFTER else x
        return maps

    def classify(self, pictures: Pictures) -> Float[Array, "batch classes"]:
        """The probability of each ImageNet class; trained on 227 by 227 pixels."""
        return jax.nn.softmax(nnx.relu(self.conv10(self(pictures)[-1])).mean((1, 2)))


def _pointwise(lhs: Maps, rhs: Kernel, *_: Any, **__: Any) -> Features:
    """A convolution with a single weight for each pair of channels: a matrix product."""
    return lhs @ rhs[0, 0]


def max_pool(x: Maps) -> Features:
    """The largest of 3 by 3 pixels, every other pixel; at the border of those that there are.

    The number of windows is rounded up, as Caffe does. Nine shifted copies are compared, because
    XLA compiles the gradient of `lax.reduce_window` for a CPU into a loop over windows.
    """
    rows, columns = ((size - 2) // 2 + 1 for size in x.shape[1:3])
    missing = 2 * rows + 1 - x.shape[1], 2 * columns + 1 - x.shape[2]
    far = [(0, 0), *((0, max(0, count)) for count in missing), (0, 0)]
    x = jnp.pad(x, far, constant_values=-jnp.inf)
    shifted = (
        x[:, a : a + 2 * rows - 1 : 2, b : b + 2 * columns - 1 : 2] for a, b in np.ndindex(3, 3)
    )
    return reduce(jnp.maximum, shifted)


def describe(params: Params, pictures: Pictures) -> list[Features]:
    """The maps of `SqueezeNet.__call__`, by the given parameters."""
    return _network(params)(pictures)


def classify(params: Params, pictures: Pictures) -> Float[Array, "batch classes"]:
    """The probability of each ImageNet class, by the given parameters."""
    return _network(params).classify(pictures)


def _network(params: Params) -> SqueezeNet:
    return pure.assemble(pure.graph(SqueezeNet), params)
