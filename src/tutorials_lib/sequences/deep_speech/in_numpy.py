"""The speech recogniser in NumPy, with gradients by hand.

Parameters are the nested dict that the Flax network has. Nothing is computed for padding: frames
are packed, those of the first moment in front, as `tutorials_lib.layers.bidirectional` says.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.bidirectional.in_numpy import Packing, bidirectional_gru, pack
from tutorials_lib.layers.ctc import BLANK
from tutorials_lib.layers.ctc.in_numpy import packed_ctc_loss
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.sequences.deep_speech.problem import (
    CONTEXT,
    MAX_NORM,
    STRIDE,
    Batch,
    Config,
    Draws,
    learning_rates,
    take,
)

Params = dict[Any, Any]
"""The layers `{"frames", "letters"}` with a `kernel` and a `bias`; and `"both"` with the cells
`{"forward", "backward"}`, each with an `input` and a `recurrent` layer.
"""

Features = Float[np.ndarray, "batch looks bands"]
Rows = Float[np.ndarray, "rows inputs"]
Letters = Float[np.ndarray, "rows classes"]
Logits = Float[np.ndarray, "time batch classes"]
Lengths = Int[np.ndarray, " batch"]


def packed_frames(features: Features, packing: Packing) -> Rows:
    """`CONTEXT` looks side by side make a frame, and the next begins `STRIDE` looks later."""
    batch, _, bands = features.shape
    half = CONTEXT // 2
    padded = np.pad(features, ((0, 0), (half, half), (0, 0))).reshape(batch, -1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT * bands, axis=1)
    return windows[packing.sequence, STRIDE * bands * packing.place]


def forward(
    params: Params, features: Features, packing: Packing
) -> tuple[Letters, Callable[[Letters], Params]]:
    """The logits of every real frame; and back from their gradients to those of the parameters."""
    frames, frames_vjp = linear(packed_frames(features, packing), **params["frames"])
    np.maximum(frames, 0, out=frames)
    states, both_vjp = bidirectional_gru(frames, packing, **params["both"])
    logits, letters_vjp = linear(states, **params["letters"])

    def vjp(dlogits: Letters) -> Params:
        dstates, dletters = letters_vjp(dlogits)
        dframes, dforward, dbackward = both_vjp(dstates)
        dframes *= frames > 0
        _, dlayer = frames_vjp(dframes)
        both = {"forward": dforward, "backward": dbackward}
        return {"frames": dlayer, "both": both, "letters": dletters}

    return logits, vjp


def predict(params: Params, features: Features, lengths: Lengths, config: Config) -> Logits:
    """The logits of every frame; zero behind the end of an utterance."""
    packing = pack(lengths)
    letters, _ = forward(params, features, packing)
    logits = np.zeros((features.shape[1] // STRIDE, len(lengths), letters.shape[1]), letters.dtype)
    logits[packing.place, packing.sequence] = letters
    return logits


# ---------------------------------------------------------------- training


def loss_and_grads(params: Params, batch: Batch, config: Config) -> tuple[np.floating, Params]:
    """The mean loss of a letter, and the gradients of all parameters."""
    packing = pack(batch.lengths)
    logits, vjp = forward(params, batch.features, packing)
    losses, ctc_vjp = packed_ctc_loss(logits, batch.labels, packing)
    share = (1 / ((batch.labels != BLANK).sum(1) * len(losses))).astype(losses.dtype)
    return losses @ share, vjp(ctc_vjp(share))


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def train_step(state: State, batch: Batch, config: Config) -> tuple[State, np.floating]:
    """One step of Adam on the clipped gradient; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, config)
    grads = clip_by_global_norm(grads, MAX_NORM)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    return State(*adam_update(state.params, grads, state.opt_state, learning_rate=rate)), value


def fit(
    state: State, split: Batch, draws: Draws, config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """A step for every row of `draws`, and the losses before each."""
    losses = []
    for each in zip(*draws, strict=True):
        state, value = train_step(state, take(split, Draws(*each)), config)
        losses.append(value)
    return state, np.array(losses)
