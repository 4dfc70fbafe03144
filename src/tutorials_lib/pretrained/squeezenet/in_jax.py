"""SqueezeNet as a Flax NNX module."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from tutorials_lib.layers import in_jax as layers
from tutorials_lib.pretrained.squeezenet.in_numpy import POOLED_AFTER
from tutorials_lib.pretrained.squeezenet.weights import FIRES, MEAN_PIXEL, NUM_CLASSES, Params

Pictures = Float[Array, "batch height width 3"]
Maps = Float[Array, "batch rows columns channels"]
Features = Float[Array, "batch rows columns features"]


class Fire(nnx.Module):
    """Squeeze into few channels, expand by 1 by 1 and by 3 by 3 filters, side by side."""

    def __init__(self, channels: int, squeezed: int, expanded: int, *, rngs: nnx.Rngs) -> None:
        def conv(before: int, after: int, size: int) -> nnx.Conv:
            return nnx.Conv(
                before,
                after,
                kernel_size=(size, size),
                conv_general_dilated=layers.conv_general_dilated,
                rngs=rngs,
            )

        self.squeeze = conv(channels, squeezed, 1)
        self.expand1 = conv(squeezed, expanded, 1)
        self.expand3 = conv(squeezed, expanded, 3)

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
        self.conv10 = nnx.Conv(2 * FIRES[-1][1], NUM_CLASSES, kernel_size=(1, 1), rngs=rngs)

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


def max_pool(x: Maps) -> Features:
    """The largest of 3 by 3 pixels, every other pixel; windows may reach over the far border."""
    padding = [(0, (size - 1) % 2) for size in x.shape[1:3]]
    return lax.reduce_window(
        x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), [(0, 0), *padding, (0, 0)]
    )


@cache
def graph() -> nnx.GraphDef[SqueezeNet]:
    """The network without its arrays: a constant of a compiled program."""
    return nnx.split(nnx.eval_shape(lambda: SqueezeNet(rngs=nnx.Rngs(0))))[0]


def describe(params: Params, pictures: Pictures) -> list[Features]:
    """The maps of `SqueezeNet.__call__`, by the given parameters."""
    return _merge(params)(pictures)


def classify(params: Params, pictures: Pictures) -> Float[Array, "batch classes"]:
    """The probability of each ImageNet class, by the given parameters."""
    return _merge(params).classify(pictures)


def _merge(params: Params) -> Any:
    return nnx.merge(graph(), params, copy=True)
