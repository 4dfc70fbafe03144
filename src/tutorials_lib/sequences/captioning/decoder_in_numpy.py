"""The decoder in NumPy, with gradients by hand.

Words are packed, those of the first step in front, as `tutorials_lib.layers.recurrent.packed`
says: nothing is computed for padding.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.datasets.scenes import NOTHING
from tutorials_lib.layers.linear.in_numpy import embed, linear
from tutorials_lib.layers.lstm.packed import packed_lstm
from tutorials_lib.sequences.captioning.encoder_in_numpy import Seen, log_softmax
from tutorials_lib.sequences.captioning.lessons import Glances
from tutorials_lib.sequences.captioning.problem import (
    ATTENTION_WEIGHT,
    SHARPNESS,
    Config,
    asked_words,
    heard_as,
)
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""The layers `keys`, `query`, `glance`, `begin`, `readout` and `vocabulary`;
`words` with an `embedding`; `cell` with the layers `input` and `recurrent`; and `place`, which has
a row for each cell. Layers have a `kernel` and mostly a `bias`; kernels of the cell hold input,
forget, output and candidate.
"""

Hidden = Float[np.ndarray, "batch hidden"]
Ids = Int[np.ndarray, "batch time"]
Weights = Float[np.ndarray, "batch time cells"]
States = Float[np.ndarray, "rows hidden"]
Contexts = Float[np.ndarray, "rows features"]
Logits = Float[np.ndarray, "rows words"]


class Memory(NamedTuple):
    """What the decoder keeps of a picture while it writes.

    Attributes:
        values: of each cell, what is there and where that is; nearly zero where nothing is.
        keys: by which a cell is found.
        first: the state and the cell of the LSTM before the first word.
    """

    values: Float[np.ndarray, "batch cells features"]
    keys: Float[np.ndarray, "batch cells key"]
    first: tuple[Hidden, Hidden]


def remember(params: Params, seen: Seen) -> tuple[Memory, Callable[[Memory], Params]]:
    """The values and keys of the cells; where objects are decides how to begin."""
    presence = seen.presence[..., None]
    values = seen.features + params["place"]
    values *= presence
    kernel = params["keys"]["kernel"]
    keys = (values.reshape(-1, len(kernel)) @ kernel).reshape(*values.shape[:2], -1)
    hidden, glance_vjp = linear(
        3 * seen.presence - seen.presence.dtype.type(0.3), **params["glance"]
    )
    np.maximum(hidden, 0, out=hidden)
    first, begin_vjp = linear(hidden, **params["begin"])
    np.tanh(first, out=first)
    state, cell = np.split(first, 2, axis=1)

    def vjp(dmemory: Memory) -> Params:
        dkeys = dmemory.keys.reshape(-1, kernel.shape[1])
        dvalues = dmemory.values + (dkeys @ kernel.T).reshape(values.shape)
        dfirst = np.concatenate(dmemory.first, axis=1) * (1 - first**2)
        dhidden, dbegin = begin_vjp(dfirst)
        return {
            "place": np.einsum("bnc,bn->nc", dvalues, seen.presence),
            "keys": {"kernel": values.reshape(-1, len(kernel)).T @ dkeys},
            "begin": dbegin,
            "glance": glance_vjp(dhidden * (hidden > 0))[1],
        }

    return Memory(values, keys, (state, cell)), vjp


class Words(NamedTuple):
    """Which words there are, packed: first those of all sentences' first step, then the second.

    Attributes:
        sentence: of each word, its row in the batch, the longest sentence first.
        step: of each word, its place in the sentence.
        counts: how many sentences have each step.
    """

    sentence: Int[np.ndarray, " rows"]
    step: Int[np.ndarray, " rows"]
    counts: list[int]


def words_of(labels: Ids) -> Words:
    """All labels that are no padding."""
    lengths = (labels != PADDING).sum(1)
    order = np.argsort(-lengths, kind="stable")
    is_word = np.arange(labels.shape[1]) < lengths[order, None]
    step, rank = np.nonzero(is_word.T)
    return Words(order[rank], step, [count for count in is_word.sum(0).tolist() if count])


class Told(NamedTuple):
    """What the decoder makes of given words, packed but for the weights.

    Attributes:
        weights: of all cells; those of padding mean nothing.
        logits: of the next words.
    """

    weights: Weights
    logits: Float[np.ndarray, "rows words"]


def tell(
    params: Params, seen: Seen, ids: Ids, words: Words
) -> tuple[Told, Callable[[Told], Params]]:
    """Read the given words and look at the cells before each next one; and the way back.

    No state waits for what is seen of the cells, so that all words look at once. The way back
    takes the gradients of the logits, and of the scores of the cells in the place of the weights.
    """
    memory, remember_vjp = remember(params, seen)
    heard = heard_as()[ids[words.sentence, words.step]]
    table, input_vjp = linear(params["words"]["embedding"], **params["cell"]["input"])
    drive, drive_vjp = embed(table, heard)  # a row for each of the few words, not for each place
    recurrent = params["cell"]["recurrent"]["kernel"]
    order = words.sentence[: words.counts[0]]
    first = memory.first[0][order], memory.first[1][order]
    states, lstm_vjp = packed_lstm(drive, first, recurrent, words.counts)

    query = params["query"]["kernel"]
    scale = SHARPNESS * query.shape[1] ** -0.5
    at = words.sentence, words.step
    queries = np.zeros((*ids.shape, query.shape[1]), states.dtype)
    queries[at] = states @ (query * states.dtype.type(scale))
    weights = softmax(queries @ memory.keys.swapaxes(1, 2))
    contexts = weights @ memory.values
    logits, read_out_vjp = read_out(params, states, contexts[at])

    def vjp(dtold: Told) -> Params:
        dstates, dcontext, grads = read_out_vjp(dtold.logits)
        dcontexts = np.zeros_like(contexts)
        dcontexts[at] = dcontext
        dscores = dcontexts @ memory.values.swapaxes(1, 2)
        dscores -= np.vecdot(weights, dscores)[..., None]
        dscores *= weights
        dscores += dtold.weights
        dqueries = (dscores @ memory.keys)[at]
        dqueries *= scale
        dstates += dqueries @ query.T
        ddrive, dfirst, drecurrent = lstm_vjp(dstates)
        dembedding, dinput = input_vjp(drive_vjp(ddrive))
        dmemory = Memory(
            weights.swapaxes(1, 2) @ dcontexts,
            dscores.swapaxes(1, 2) @ queries,
            (_spread(dfirst[0], order), _spread(dfirst[1], order)),
        )
        grads |= remember_vjp(dmemory)
        grads["query"] = {"kernel": states.T @ dqueries}
        grads["words"] = {"embedding": dembedding}
        grads["cell"] = {"input": dinput, "recurrent": {"kernel": drecurrent}}
        return grads

    return Told(weights, logits), vjp


def _spread(rows: Hidden, order: Int[np.ndarray, " batch"]) -> Hidden:
    spread = np.empty_like(rows)
    spread[order] = rows
    return spread


def softmax(scores: Weights) -> Weights:
    """Over the last axis, in place."""
    scores -= np.maximum.reduce(scores, -1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= np.add.reduce(scores, -1, keepdims=True)
    return scores


def read_out(
    params: Params, states: States, contexts: Contexts
) -> tuple[Logits, Callable[..., tuple[Any, Any, Params]]]:
    """The logits of the next word, by the state and what has been seen."""
    both = np.concatenate([states, contexts], axis=1)
    hidden, readout_vjp = linear(both, **params["readout"])
    np.tanh(hidden, out=hidden)
    logits, vocabulary_vjp = linear(hidden, **params["vocabulary"])

    def vjp(dlogits: Logits) -> tuple[Any, Any, Params]:
        dhidden, dvocabulary = vocabulary_vjp(dlogits)
        dboth, dreadout = readout_vjp(dhidden * (1 - hidden**2))
        size = states.shape[1]
        grads = {"readout": dreadout, "vocabulary": dvocabulary}
        return dboth[:, :size], dboth[:, size:], grads

    return logits, vjp


def predict(
    params: Params, seen: Seen, ids: Ids, config: Config
) -> tuple[Weights, Float[np.ndarray, "batch time words"]]:
    """Log-weights of the cells and logits of the word after each of `ids`, padding included."""
    told, _ = tell(params, seen, ids, words_of(np.ones_like(ids)))
    batch, time = ids.shape
    return np.log(told.weights), told.logits.reshape(time, batch, -1).swapaxes(0, 1)


def decoder_loss_and_grads(
    params: Params, glances: Glances, config: Config
) -> tuple[np.floating, Params]:
    """The mean cross-entropy of the words, and of the cells that the attention should have found.

    Where the colours of a picture have been turned, no word for one is asked for.
    """
    given, labels = glances.ids[:, :-1], glances.ids[:, 1:]
    words = words_of(labels)
    told, vjp = tell(params, Seen(glances.presence, glances.features), given, words)
    labels = labels[words.sentence, words.step]
    asked = asked_words()[glances.kept[words.sentence].astype(int), labels]
    asked = asked.astype(told.logits.dtype) / np.count_nonzero(asked)
    logs, rows = log_softmax(told.logits), np.arange(len(labels))
    value = -(asked @ logs[rows, labels])
    dlogits = np.exp(logs, out=logs)
    dlogits[rows, labels] -= 1
    dlogits *= asked[:, None]

    picture, step = np.nonzero(glances.about != NOTHING)
    is_there = glances.about[picture, step, None] == glances.cells[picture]
    has_cells = is_there.any(1)
    picture, step, is_there = picture[has_cells], step[has_cells], is_there[has_cells]
    weights = told.weights[picture, step]
    found = np.vecdot(weights, is_there.astype(weights.dtype))
    per_word = ATTENTION_WEIGHT / len(picture)
    value -= per_word * np.log(found).sum()
    dscores = np.zeros_like(told.weights)
    dscores[picture, step] = (weights - weights * is_there / found[:, None]) * per_word
    return value, vjp(Told(dscores, dlogits))
