"""A small network that reads digits; its features say how alike two sets of pictures are.

What draws digits is scored by a reader that had no part in the drawing: which digit it sees, how
sure it is, and how far the features of drawn digits lie from those of real ones
(`tutorials_lib.metrics.frechet`).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Float32, Int

from tutorials_lib import pure
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.layers.folding.in_jax import fold
from tutorials_lib.runtime import RUN_ONCE

Params = dict[str, Any]
Pictures = Float32[np.ndarray, "pictures 28 28 1"]

NUM_FEATURES = 64
PEAK_LEARNING_RATE = 2e-3
MAX_SHIFT = 2
"""Pixels by which a batch of training digits is moved, at most, in each direction."""

_BATCH_SIZE = 64


class Reader(nnx.Module):
    """Two convolutions on folded pixels, a layer of features, and the logits of ten digits."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        conv = partial(
            nnx.Conv,
            kernel_size=(3, 3),
            kernel_init=nnx.initializers.he_normal(),
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        he_normal = nnx.initializers.he_normal()
        self.conv1, self.conv2 = conv(4, 24), conv(96, 48)
        self.features = nnx.Linear(7 * 7 * 48, NUM_FEATURES, kernel_init=he_normal, rngs=rngs)
        self.head = nnx.Linear(NUM_FEATURES, 10, rngs=rngs)

    def __call__(
        self, images: Float[Array, "batch 28 28 1"]
    ) -> tuple[Float[Array, "batch features"], Float[Array, "batch digits"]]:
        """The features, and the logits."""
        x = nnx.relu(self.conv1(fold(images)))
        x = nnx.relu(self.conv2(fold(x)))
        features = nnx.relu(self.features(x.reshape(len(x), -1)))
        return features, self.head(features)


class Reading(NamedTuple):
    """What the reader makes of some pictures."""

    features: Float32[np.ndarray, "pictures features"]
    probs: Float32[np.ndarray, "pictures digits"]

    @property
    def digits(self) -> Int[np.ndarray, " pictures"]:
        """The digit that it sees in each."""
        return self.probs.argmax(1)


@partial(jax.jit, compiler_options=RUN_ONCE)
def _create(key: Array) -> Params:
    return pure.arrays(Reader(rngs=nnx.Rngs(key)))


def _apply(params: Params, images: Array) -> tuple[Array, Array]:
    return pure.assemble(pure.graph(Reader), params)(images)


@jax.jit
def _read(params: Params, images: Array) -> tuple[Array, Array]:
    features, logits = _apply(params, images)
    return features, jax.nn.softmax(logits)


def read(params: Params, images: Pictures) -> Reading:
    """Features and probabilities of every picture, whose pixels go from 0 (paper) to 1 (ink)."""
    return Reading(*map(np.asarray, _read(params, images)))


def train(images: Pictures, labels: Int[np.ndarray, " pictures"], *, num_steps: int) -> Params:
    """A reader of these digits, the same at every call: nothing is drawn but by a fixed seed.

    Each step takes a batch by Adam, whose rate falls along half a cosine, and moves all of it by
    the same few pixels.

    Raises:
        ValueError: there is no digit to learn from.
    """
    if len(images) == 0:
        raise ValueError("there is no digit to learn from")
    rng = np.random.default_rng(0)
    params = _create(jax.random.key(0))
    schedule = optax.cosine_decay_schedule(PEAK_LEARNING_RATE, num_steps)
    optimizer = optax.adam(learning_rate=schedule)

    def loss(params: Params, batch: Array, answers: Array) -> Array:
        _, logits = _apply(params, batch)
        return optax.softmax_cross_entropy_with_integer_labels(logits, answers).mean()

    @jax.jit
    def step(params: Params, opt_state: Any, batch: Array, answers: Array) -> tuple[Params, Any]:
        grads = jax.grad(loss)(params, batch, answers)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optax.apply_updates(params, updates), opt_state

    opt_state = optimizer.init(params)
    for _ in range(num_steps):
        chosen = rng.integers(len(images), size=_BATCH_SIZE)
        moved = np.roll(images[chosen], rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, 2), (1, 2))
        params, opt_state = step(params, opt_state, jnp.asarray(moved), labels[chosen])
    return params
