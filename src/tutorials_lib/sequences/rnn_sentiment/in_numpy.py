"""The recurrent network in NumPy, with back-propagation through time by hand.

Parameters are the nested dict that the Flax network has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.layers.recurrent import in_numpy as recurrent
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.sequences.rnn_sentiment.problem import Config
from tutorials_lib.text.batches import mask_of
from tutorials_lib.trees import ravel

Params = dict[str, Any]
"""`{"embed": {"embedding"}, "cell": {...}, "readout": {"kernel", "bias"}}`.

The cell is `{"input": {"kernel", "bias"}, "recurrent": {"kernel"}}`; the kernels
of a GRU hold reset, update and candidate."""

Ids = Int[np.ndarray, "batch time"]
Lengths = Int[np.ndarray, " batch"]
Labels = Int[np.ndarray, " batch"]
Logits = Float[np.ndarray, "batch classes"]
Embedding = Float[np.ndarray, "vocab features"]
States = Float[np.ndarray, "time batch hidden"]

LAYERS = {"elman": recurrent.elman, "gru": recurrent.gru}


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


class Metrics(NamedTuple):
    """What a step reports: the loss before it, and the length of its gradient before clipping."""

    loss: Any
    grad_norm: Any


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def predict(params: Params, ids: Ids, lengths: Lengths, config: Config) -> Logits:
    """The logits of both classes, after the last word of each review."""
    states, _ = _read(params, ids, lengths, config)
    return linear(states[-1], **params["readout"])[0]


def predict_each_word(
    params: Params, ids: Ids, lengths: Lengths, config: Config
) -> Float[np.ndarray, "time batch classes"]:
    """The logits of both classes after every word; behind the last word they stay as they are."""
    states, _ = _read(params, ids, lengths, config)
    return states @ params["readout"]["kernel"] + params["readout"]["bias"]


def loss(params: Params, ids: Ids, lengths: Lengths, labels: Labels, config: Config) -> np.floating:
    """The mean cross-entropy of a batch."""
    return layers.softmax_cross_entropy(predict(params, ids, lengths, config), labels)[0]


def loss_and_grads(
    params: Params, ids: Ids, lengths: Lengths, labels: Labels, config: Config
) -> tuple[np.floating, Params]:
    """The loss and the gradients of all parameters: the forward pass, read in reverse."""
    states, read_vjp = _read(params, ids, lengths, config)
    logits, readout_vjp = linear(states[-1], **params["readout"])
    value, loss_vjp = layers.softmax_cross_entropy(logits, labels)

    dstates = np.zeros_like(states)
    dstates[-1], dreadout = readout_vjp(loss_vjp(1.0))
    return value, {**read_vjp(dstates), "readout": dreadout}


def train_step(
    state: State, ids: Ids, lengths: Lengths, labels: Labels, config: Config
) -> tuple[State, Metrics]:
    """One step of Adam on the clipped gradient."""
    value, grads = loss_and_grads(state.params, ids, lengths, labels, config)
    metrics = Metrics(value, np.linalg.norm(ravel(grads)))
    grads = clip_by_global_norm(grads, config.max_norm)
    updated = adam_update(state.params, grads, state.opt_state, learning_rate=config.learning_rate)
    return State(*updated), metrics


def train_steps(
    state: State,
    ids: Int[np.ndarray, "steps batch time"],
    lengths: Int[np.ndarray, "steps batch"],
    labels: Int[np.ndarray, "steps batch"],
    config: Config,
) -> tuple[State, Metrics]:
    """One step for each batch in turn; the metrics of all of them."""
    history = []
    for batch in zip(ids, lengths, labels, strict=True):
        state, metrics = train_step(state, *batch, config)
        history.append(metrics)
    return state, Metrics(*map(np.array, zip(*history, strict=True)))


def _read(
    params: Params, ids: Ids, lengths: Lengths, config: Config
) -> tuple[States, Callable[[States], Params]]:
    """The states after every word, and the way back to the parameters that they depend on."""
    batch, time = ids.shape
    mask = np.ascontiguousarray(mask_of(lengths, time).T)
    embedding = params["embed"]["embedding"]
    words, embed_vjp = _embed(embedding, ids.T.ravel(), mask.ravel())
    drive, input_vjp = linear(words, **params["cell"]["input"])
    kernel = params["cell"]["recurrent"]["kernel"]
    initial = np.zeros((batch, len(kernel)), kernel.dtype)
    states, states_vjp = LAYERS[config.cell](
        drive.reshape(time, batch, -1), initial, kernel, mask, truncate=config.truncate
    )

    def vjp(dstates: States) -> Params:
        ddrive, _, drecurrent = states_vjp(dstates)
        dwords, dinput = input_vjp(ddrive.reshape(drive.shape))
        cell = {"input": dinput, "recurrent": {"kernel": drecurrent}}
        return {"embed": {"embedding": embed_vjp(dwords)}, "cell": cell}

    return states, vjp


def _embed(
    embedding: Embedding, ids: Int[np.ndarray, " words"], mask: Bool[np.ndarray, " words"]
) -> tuple[
    Float[np.ndarray, "words features"],
    Callable[[Float[np.ndarray, "words features"]], Embedding],
]:
    """The rows of `embedding` at `ids`; on the way back each row gets the sum of its uses."""

    def vjp(dwords: Float[np.ndarray, "words features"]) -> Embedding:
        real = np.flatnonzero(mask)
        order = real[np.argsort(ids[real], kind="stable")]  # the uses of a word side by side
        used, first = np.unique(ids[order], return_index=True)
        dembedding = np.zeros_like(embedding)
        dembedding[used] = np.add.reduceat(dwords[order], first)
        return dembedding

    return embedding[ids], vjp
