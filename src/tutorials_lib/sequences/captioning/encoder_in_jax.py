"""The encoder in JAX: a Flax NNX network, and its loss."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float

from tutorials_lib import pure
from tutorials_lib.datasets.scenes import NOTHING
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.layers.folding.in_jax import fold
from tutorials_lib.layers.in_jax import Linear
from tutorials_lib.sequences.captioning.lessons import Views
from tutorials_lib.sequences.captioning.problem import (
    ATTRIBUTE_WEIGHTS,
    ATTRIBUTES,
    EPSILON,
    NUM_CELLS,
    NUM_LOGITS,
    OBJECT_WEIGHT,
    Config,
    turn_colors,
)

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Images = Float[Array, "batch height width channels"]
Scalar = Float[Array, ""]


class Seen(NamedTuple):
    """What the encoder hands to the decoder.

    Attributes:
        presence: the probability that an object is in a cell.
        features: what the last convolution has found there.
    """

    presence: Float[Array, "*pictures cells"]
    features: Float[Array, "*pictures cells features"]


class Encoder(nnx.Module):
    """Four convolutions from a picture to a grid of cells, and what they are asked for in each."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        first, second, third, last = config.channels
        conv = partial(
            nnx.Conv,
            kernel_size=(3, 3),
            kernel_init=nnx.initializers.he_normal(),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        self.conv1 = conv(12, first)
        self.conv2 = conv(first, second)
        self.conv3 = conv(second, third)
        self.conv4 = conv(third, last)
        self.head = Linear(last, NUM_LOGITS, rngs=rngs)

    def __call__(
        self, images: Images
    ) -> tuple[Float[Array, "batch cells features"], Float[Array, "batch cells logits"]]:
        """The features of every cell, of length one in the mean square, and the logits of them."""
        x = self.stages(images)["after the last convolution"]
        x = x.reshape(len(x), NUM_CELLS, -1)
        features = x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON)
        return features, self.head(features)

    def stages(self, images: Images) -> dict[str, Array]:
        """What a picture becomes on its way, by name, in order."""
        folded = fold(images)
        pooled = nnx.relu(layers.max_pool(self.conv1(folded)))
        second = nnx.relu(self.conv2(pooled))
        third = nnx.relu(self.conv3(second))
        last = third + nnx.relu(self.conv4(third))
        return {
            "picture": images,
            "blocks of 2 x 2 pixels": folded,
            "cells": pooled,
            "second convolution": second,
            "third convolution": third,
            "after the last convolution": last,
        }


def assemble_encoder(params: Params, config: Config) -> Encoder:
    """The encoder with these parameters, inside a function that JAX traces."""
    return pure.assemble(pure.graph(Encoder, config), params)


def encode(
    params: Params, images: Images, config: Config
) -> tuple[Seen, Float[Array, "batch cells logits"]]:
    """What the decoder gets of the images, and the logits of all attributes."""
    features, logits = assemble_encoder(params, config)(images)
    return Seen(jax.nn.sigmoid(logits[..., 0]), features), logits


def encoder_loss(params: Params, views: Views, config: Config) -> Scalar:
    """Is an object in the cell? And of those that are: their size, colour and shape.

    Where the colours of a picture have been turned, they are not asked for.
    """
    _, logits = encode(params, turn_colors(views.pictures, views.turns), config)
    is_object = views.cells != NOTHING
    which = jnp.maximum(views.cells, 0)[..., None]
    kinds = jnp.take_along_axis(jnp.maximum(views.objects, 0), which, axis=1)
    there = optax.sigmoid_binary_cross_entropy(logits[..., 0], is_object)
    kept = views.kept[:, None].astype(logits.dtype)
    asked = (1, kept, 1)
    misnamed, first = jnp.zeros_like(there), 1
    for place, count in enumerate(ATTRIBUTES):
        losses = optax.softmax_cross_entropy_with_integer_labels(
            logits[..., first : first + count], kinds[..., place]
        )
        misnamed += ATTRIBUTE_WEIGHTS[place] * asked[place] * losses
        first += count
    return OBJECT_WEIGHT * there.mean() + misnamed.mean(where=is_object)


def encoder_loss_and_grads(params: Params, views: Views, config: Config) -> tuple[Scalar, Params]:
    """The loss of the encoder and the gradients of all its parameters."""
    return jax.value_and_grad(encoder_loss)(params, views, config)
