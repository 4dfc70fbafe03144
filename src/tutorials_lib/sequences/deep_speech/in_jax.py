"""The speech recogniser in JAX: a Flax NNX network, and its training by CTC.

Time comes first in all arrays that a loop over frames reads or writes.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.layers.bidirectional.in_jax import BidirectionalGRU
from tutorials_lib.layers.ctc import BLANK
from tutorials_lib.layers.ctc import in_jax as ctc
from tutorials_lib.layers.in_jax import Linear
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.sequences.deep_speech.problem import (
    CONTEXT,
    MAX_NORM,
    NUM_CLASSES,
    STRIDE,
    Batch,
    Config,
    Draws,
    learning_rates,
    take,
)

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Features = Float[Array, "batch looks bands"]
Frames = Float[Array, "time batch inputs"]
Logits = Float[Array, "time batch classes"]
Lengths = Int[Array, " batch"]
Losses = Float[Array, " batch"]
Scalar = Float[Array, ""]


class Network(nnx.Module):
    """Frames of sound one by one, then all of them from both ends, then letters."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.frames = Linear(CONTEXT * config.num_bands, config.dense_size, rngs=rngs)
        self.both = BidirectionalGRU(config.dense_size, config.hidden_size, rngs=rngs)
        self.letters = Linear(2 * config.hidden_size, NUM_CLASSES, rngs=rngs)

    def __call__(self, features: Features, lengths: Lengths) -> Logits:
        """The logits of blank and all letters at every frame.

        Args:
            features: of every look.
            lengths: how many frames are real.
        """
        frames = jax.nn.relu(self.frames(stack(features)))
        return self.letters(self.both(frames, is_real(frames, lengths)))


def stack(features: Features) -> Frames:
    """`CONTEXT` looks side by side make a frame, and the next begins `STRIDE` looks later."""
    half, looks = CONTEXT // 2, features.shape[1]
    padded = jnp.pad(features, ((0, 0), (half, half), (0, 0)))
    shifted = [padded[:, i : i + looks : STRIDE] for i in range(CONTEXT)]
    return jnp.concatenate(shifted, axis=-1).swapaxes(0, 1)


def is_real(
    frames: Float[Array, "time batch features"], lengths: Lengths
) -> Bool[Array, "time batch"]:
    """True at frames of the utterance, False at padding."""
    return jnp.arange(len(frames))[:, None] < lengths


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as a nested dict of arrays."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def assemble(params: Params, config: Config) -> Network:
    """The network with these parameters, inside a function that JAX traces."""
    return pure.assemble(pure.graph(Network, config), params)


def stages(params: Params, batch: Batch, config: Config) -> dict[str, Array]:
    """What a batch becomes on its way, by name, in order; the axis of utterances comes first."""
    network = assemble(params, config)
    frames = stack(batch.features)
    dense = jax.nn.relu(network.frames(frames))
    states = network.both(dense, is_real(dense, batch.lengths))
    shapes = {"stacked frames": frames, "dense": dense, "both directions": states}
    named = {name: each.swapaxes(0, 1) for name, each in shapes.items()}
    logits = network.letters(states).swapaxes(0, 1)
    return {"log-mel looks": batch.features, **named, "logits of letters": logits}


# ---------------------------------------------------------------- training


def predict(params: Params, features: Features, lengths: Lengths, config: Config) -> Logits:
    """The logits of every frame."""
    return assemble(params, config)(features, lengths)


def log_probs(
    params: Params, features: Features, lengths: Lengths, config: Config
) -> Float[Array, "batch time classes"]:
    """The logarithms of the probabilities at every frame."""
    return jax.nn.log_softmax(predict(params, features, lengths, config)).swapaxes(0, 1)


def ctc_by_optax(logits: Logits, labels: Int[Array, "batch letters"], lengths: Lengths) -> Losses:
    """The loss of every utterance."""
    padded = ~is_real(logits, lengths).T
    return optax.ctc_loss(
        logits.swapaxes(0, 1),
        padded.astype(logits.dtype),
        labels,
        (labels == BLANK).astype(logits.dtype),
        blank_id=BLANK,
    )


def loss(params: Params, batch: Batch, config: Config, *, own: bool = False) -> Scalar:
    """The mean loss of a letter.

    Args:
        params: of the network.
        batch: utterances and their letters.
        config: of the network.
        own: whether CTC is this book's own, instead of Optax's.
    """
    logits = assemble(params, config)(batch.features, batch.lengths)
    losses = (ctc.ctc_loss if own else ctc_by_optax)(logits, batch.labels, batch.lengths)
    counts = (batch.labels != BLANK).sum(1).astype(losses.dtype)
    return (losses / counts).mean()


def loss_and_grads(params: Params, batch: Batch, config: Config) -> tuple[Scalar, Params]:
    """The loss and the gradients of all parameters."""
    return jax.value_and_grad(loss)(params, batch, config)


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam with warm-up, on gradients that are shortened where they are too long."""
    rates = learning_rates(config)
    adam = optax.adam(lambda count: jnp.asarray(rates)[count])
    return optax.chain(optax.clip_by_global_norm(MAX_NORM), adam)


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def update(state: State, grads: Params, config: Config) -> State:
    """The state after one step of Adam."""
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state)


def train_step(state: State, batch: Batch, config: Config) -> tuple[State, Scalar]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, config)
    return update(state, grads, config), value


def fit(
    state: State, split: Batch, draws: Draws, config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """A step for every row of `draws`, and the losses before each, as one program."""

    def step(state: State, these: Draws) -> tuple[State, Scalar]:
        return train_step(state, take(split, these), config)

    return jax.lax.scan(step, state, draws)


compiled_fit = jax.jit(fit, static_argnames="config")
compiled_log_probs = jax.jit(log_probs, static_argnames="config")
