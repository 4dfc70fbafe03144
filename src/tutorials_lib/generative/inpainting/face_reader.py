"""A small network that reads the factors of a face; its features tell how alike faces are.

What `tutorials_lib.metrics.digit_reader` is for digits, this is for faces: it had no part in what
it judges.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Float32

from tutorials_lib import pure
from tutorials_lib.layers import in_jax as layers
from tutorials_lib.layers.folding.in_jax import fold
from tutorials_lib.runtime import RUN_ONCE

Params = dict[str, Any]
Pictures = Float32[np.ndarray, "pictures 32 32 1"]
Factors = Float32[np.ndarray, "pictures 21"]

NUM_FACTORS, NUM_FEATURES = 21, 64
PEAK_LEARNING_RATE = 3e-3

_BATCH_SIZE = 64


class FaceReader(nnx.Module):
    """Two convolutions on folded pixels, a layer of features, and the factors of a face."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        he_normal = nnx.initializers.he_normal()
        conv = partial(
            nnx.Conv,
            kernel_size=(3, 3),
            kernel_init=he_normal,
            conv_general_dilated=layers.conv_general_dilated,
            rngs=rngs,
        )
        self.conv1, self.conv2 = conv(4, 16), conv(64, 32)
        self.features = nnx.Linear(8 * 8 * 32, NUM_FEATURES, kernel_init=he_normal, rngs=rngs)
        self.head = nnx.Linear(NUM_FEATURES, NUM_FACTORS, rngs=rngs)

    def __call__(
        self, images: Float[Array, "batch 32 32 1"]
    ) -> tuple[Float[Array, "batch features"], Float[Array, "batch factors"]]:
        """The features, and the factors in standard deviations from their mean."""
        x = nnx.relu(self.conv1(fold(images - 0.5)))
        x = nnx.relu(self.conv2(fold(x)))
        features = nnx.relu(self.features(x.reshape(len(x), -1)))
        return features, self.head(features)


class Reader(NamedTuple):
    """A trained network, and the mean and the spread of the factors that it learned from."""

    params: Params
    mean: Float32[np.ndarray, " factors"]
    spread: Float32[np.ndarray, " factors"]


@partial(jax.jit, compiler_options=RUN_ONCE)
def _create(key: Array) -> Params:
    return pure.arrays(FaceReader(rngs=nnx.Rngs(key)))


def _apply(params: Params, images: Array) -> tuple[Array, Array]:
    return pure.assemble(pure.graph(FaceReader), params)(images)


_read = jax.jit(_apply)


def read(reader: Reader, images: Pictures) -> tuple[Float32[np.ndarray, "pictures 64"], Factors]:
    """The features and the factors of every picture."""
    features, factors = map(np.asarray, _read(reader.params, images))
    return features, factors * reader.spread + reader.mean


def train(images: Pictures, factors: Factors, *, num_steps: int) -> Reader:
    """A reader of these faces, the same at every call: nothing is drawn but by a fixed seed.

    Raises:
        ValueError: there is no face to learn from.
    """
    if len(images) == 0:
        raise ValueError("there is no face to learn from")
    rng = np.random.default_rng(0)
    mean, spread = factors.mean(0), factors.std(0) + np.float32(1e-6)
    answers = (factors - mean) / spread
    params = _create(jax.random.key(0))
    optimizer = optax.adam(learning_rate=optax.cosine_decay_schedule(PEAK_LEARNING_RATE, num_steps))

    def loss(params: Params, batch: Array, answers: Array) -> Array:
        return ((_apply(params, batch)[1] - answers) ** 2).mean()

    @jax.jit
    def step(params: Params, opt_state: Any, batch: Array, answers: Array) -> tuple[Params, Any]:
        grads = jax.grad(loss)(params, batch, answers)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optax.apply_updates(params, updates), opt_state

    opt_state = optimizer.init(params)
    for _ in range(num_steps):
        chosen = rng.integers(len(images), size=_BATCH_SIZE)
        params, opt_state = step(params, opt_state, jnp.asarray(images[chosen]), answers[chosen])
    return Reader(params, mean, spread)
