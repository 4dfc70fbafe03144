"""SqueezeNet in the place of the small network, layer by layer, for photographs of two classes."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.datasets import hymenoptera
from tutorials_lib.pretrained.squeezenet import in_jax as squeezenet
from tutorials_lib.pretrained.squeezenet import weights
from tutorials_lib.vision.transfer_learning.problem import LAYERS_OF_SQUEEZENET

Params = dict[str, Any]
"""`{layer: {...}}`, the layers from the picture to the logits."""

Images = Float[Array, "batch height width 3"]

_FIRES = LAYERS_OF_SQUEEZENET[1:-1]
_NUM_FEATURES = 2 * weights.FIRES[-1][1]


def pretrained() -> Params:
    """The published weights, with a new head that knows nothing: all its weights are zero.

    Raises:
        DatasetError: the file cannot be had, or is not the pinned one.
    """
    return _with_new_head(jax.tree.map(jnp.asarray, weights.load_squeezenet()))


def create(key: PRNGKeyArray) -> Params:
    """The same network with random weights below the head."""
    return _with_new_head(pure.arrays(squeezenet.SqueezeNet(rngs=nnx.Rngs(key))))


def _with_new_head(params: Params) -> Params:
    num_classes = len(hymenoptera.CLASSES)
    head = {"kernel": jnp.zeros((_NUM_FEATURES, num_classes)), "bias": jnp.zeros(num_classes)}
    fires = {layer: params["fires"][place] for place, layer in enumerate(_FIRES)}
    return {"conv1": params["conv1"], **fires, "head": head}


def stages(params: Params, images: Images) -> dict[str, Array]:
    """The mean of the last maps over all pixels, and the logits that the new head makes of it."""
    kernel = jnp.zeros((1, 1, _NUM_FEATURES, weights.NUM_CLASSES))
    unused = {"kernel": kernel, "bias": jnp.zeros(weights.NUM_CLASSES)}  # the head for ImageNet
    fires = {place: params[layer] for place, layer in enumerate(_FIRES)}
    body = {"conv1": params["conv1"], "fires": fires, "conv10": unused}
    features = squeezenet.describe(body, images)[-1].mean((1, 2))
    head = params["head"]
    return {"features": features, "head": features @ head["kernel"] + head["bias"]}
