"""The encoder-decoder in NumPy, with gradients by hand, and its search for a translation.

Parameters are the nested dict that the Flax network has. Time comes first in all arrays that a
loop over words reads or writes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.attention.in_numpy import embed, linear
from tutorials_lib.layers.in_numpy import softmax_cross_entropy
from tutorials_lib.layers.recurrent.in_numpy import gru
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.sequences.seq2seq.decoder_in_numpy import Kernels, Written, attentive_gru
from tutorials_lib.sequences.seq2seq.problem import MAX_NORM, Config, learning_rates
from tutorials_lib.text.beams import Beams, best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import END, START, Sentences
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""Words `{"source", "target"}` with an `embedding` each; the cells `{"forward", "backward",
"decoder"}` with an `input` and a `recurrent` layer; the layers `{"bridge", "context", "readout",
"vocabulary"}`; and `"attention"` with the layers `{"keys", "query", "score"}`, where there is any.
A layer has a `kernel` and mostly a `bias`; kernels of a cell hold reset, update and candidate."""

Source = Int[np.ndarray, "batch source_time"]
Target = Int[np.ndarray, "batch target_time"]
Hidden = Float[np.ndarray, "batch hidden"]
SourceStates = Float[np.ndarray, "source_time batch hidden"]
States = Float[np.ndarray, "target_time batch hidden"]
Words = Float[np.ndarray, "target_time batch features"]


class Memory(NamedTuple):
    """What the encoder hands to the decoder.

    Attributes:
        states: of both directions at every word, side by side.
        keys: what attention compares with the state of the decoder; zero without attention.
        mask: True at words, False at padding.
        last: what each direction remembers after its last word.
        start: the first state of the decoder.
    """

    states: SourceStates
    keys: SourceStates
    mask: Bool[np.ndarray, "source_time batch"]
    last: Hidden
    start: Hidden


# ---------------------------------------------------------------- encoder


def encode(params: Params, source: Source) -> tuple[Memory, Callable[[Memory], Params]]:
    """Read in both directions; both stand still at padding, so that each ends at a real word.

    The gradients are taken as a `Memory`, too.
    """
    mask = np.ascontiguousarray((source != PADDING).T)
    words, embed_vjp = embed(params["source"]["embedding"], source.T)
    forward, forward_vjp = _run(params["forward"], words, mask)
    backward, backward_vjp = _run(params["backward"], words[::-1], mask[::-1])
    states = np.concatenate([forward, backward[::-1]], axis=-1)
    last = np.concatenate([forward[-1], backward[-1]], axis=-1)
    start, bridge_vjp = linear(last, **params["bridge"])
    np.tanh(start, out=start)
    keys, keys_vjp = np.zeros_like(states), None
    if "attention" in params:
        keys, keys_vjp = linear(states, **params["attention"]["keys"])

    def vjp(dmemory: Memory) -> Params:
        dlast, dbridge = bridge_vjp(dmemory.start * (1 - start**2))
        dlast += dmemory.last
        dstates, grads = dmemory.states.copy(), {"bridge": dbridge}
        if keys_vjp:
            dfrom_keys, dkeys = keys_vjp(dmemory.keys)
            dstates += dfrom_keys
            grads["attention"] = {"keys": dkeys}
        half = dstates.shape[-1] // 2
        dstates[-1, :, :half] += dlast[:, :half]
        dstates[0, :, half:] += dlast[:, half:]
        dwords, grads["forward"] = forward_vjp(dstates[..., :half])
        dbackwards, grads["backward"] = backward_vjp(dstates[::-1, :, half:])
        dwords += dbackwards[::-1]
        return {**grads, "source": {"embedding": embed_vjp(dwords)}}

    return Memory(states, keys, mask, last, start), vjp


def _run(
    cell: Params, words: Words, mask: Bool[np.ndarray, "source_time batch"]
) -> tuple[SourceStates, Callable[[SourceStates], tuple[Words, Params]]]:
    """The states of one direction; the drive of all words is one product before the loop."""
    kernel = cell["recurrent"]["kernel"]
    drive, input_vjp = linear(words, **cell["input"])
    initial = np.zeros((words.shape[1], len(kernel)), kernel.dtype)
    states, states_vjp = gru(drive, initial, kernel, mask)

    def vjp(dstates: SourceStates) -> tuple[Words, Params]:
        ddrive, _, dkernel = states_vjp(dstates)
        dwords, dinput = input_vjp(ddrive)
        return dwords, {"input": dinput, "recurrent": {"kernel": dkernel}}

    return states, vjp


# ---------------------------------------------------------------- decoder


def decode(
    params: Params, memory: Memory, initial: Hidden, words: Words
) -> tuple[Written, Callable[[States, States], tuple[Words, Params, Memory]]]:
    """Write on from the state `initial`, given the word before each; with attention or without.

    The way back takes the gradients of states and contexts, and returns those of the words, the
    parameters and the memory, whose `start` is that of `initial`.
    """
    if "attention" not in params:
        return _decode_plainly(params, memory, initial, words)
    drive, input_vjp = linear(words, **params["decoder"]["input"])
    names = ("decoder", "recurrent"), ("context",), ("attention", "query"), ("attention", "score")
    kernels = Kernels(*(_at(params, *name)["kernel"] for name in names))
    written, written_vjp = attentive_gru(drive, initial, *memory[:3], kernels)

    def vjp(dstates: States, dcontexts: States) -> tuple[Words, Params, Memory]:
        found = written_vjp(dstates, dcontexts)
        dwords, dinput = input_vjp(found.drive)
        recurrent, context, query, score = ({"kernel": each} for each in found.kernels)
        grads = {
            "decoder": {"input": dinput, "recurrent": recurrent},
            "context": context,
            "attention": {"query": query, "score": score},
        }
        dlast = np.zeros_like(memory.last)
        return dwords, grads, Memory(found.memory, found.keys, memory.mask, dlast, found.initial)

    return written, vjp


def _decode_plainly(
    params: Params, memory: Memory, initial: Hidden, words: Words
) -> tuple[Written, Callable[[States, States], tuple[Words, Params, Memory]]]:
    """Without attention the context is always what the encoder remembers at the end."""
    drive, input_vjp = linear(words, **params["decoder"]["input"])
    kernel = params["context"]["kernel"]
    drive += memory.last @ kernel
    states, states_vjp = gru(drive, initial, params["decoder"]["recurrent"]["kernel"])
    contexts = np.broadcast_to(memory.last, states.shape)

    def vjp(dstates: States, dcontexts: States) -> tuple[Words, Params, Memory]:
        ddrive, dinitial, drecurrent = states_vjp(dstates)
        dwords, dinput = input_vjp(ddrive)
        dpushed = ddrive.sum(0)
        grads = {
            "decoder": {"input": dinput, "recurrent": {"kernel": drecurrent}},
            "context": {"kernel": memory.last.T @ dpushed},
        }
        dlast = dcontexts.sum(0) + dpushed @ kernel.T
        none = np.zeros_like(memory.states)
        return dwords, grads, Memory(none, none, memory.mask, dlast, dinitial)

    weights = np.zeros((len(words), *memory.mask.shape), kernel.dtype)
    return Written(states, contexts, weights), vjp


def _read_out(
    params: Params, seen: Float[np.ndarray, "rows features"]
) -> tuple[Float[np.ndarray, "rows vocab"], Callable[[np.ndarray], tuple[np.ndarray, Params]]]:
    """The logits of the next word, by the new state, the context and the word before."""
    hidden, readout_vjp = linear(seen, **params["readout"])
    np.tanh(hidden, out=hidden)
    logits, vocabulary_vjp = linear(hidden, **params["vocabulary"])

    def vjp(dlogits: np.ndarray) -> tuple[np.ndarray, Params]:
        dhidden, dvocabulary = vocabulary_vjp(dlogits)
        dseen, dreadout = readout_vjp(dhidden * (1 - hidden**2))
        return dseen, {"readout": dreadout, "vocabulary": dvocabulary}

    return logits, vjp


def _at(params: Params, *path: str) -> Params:
    for name in path:
        params = params[name]
    return params


# ---------------------------------------------------------------- training


def predict(
    params: Params, source: Source, target: Target, config: Config
) -> Float[np.ndarray, "target_time batch vocab"]:
    """The logits of the word after each of `target`, which is given: teacher forcing."""
    memory, _ = encode(params, source)
    words = params["target"]["embedding"][target.T]
    (states, contexts, _), _ = decode(params, memory, memory.start, words)
    seen = np.concatenate([states, contexts, words], axis=-1)
    logits, _ = _read_out(params, seen.reshape(-1, seen.shape[-1]))
    return logits.reshape(*seen.shape[:-1], -1)


def loss_and_grads(params: Params, batch: Sentences, config: Config) -> tuple[np.floating, Params]:
    """The loss and the gradients of all parameters.

    Only words are read out, not padding: their number changes from batch to batch.
    """
    given, labels = batch.target[:, :-1].T, batch.target[:, 1:].T.ravel()
    real = np.flatnonzero(labels != PADDING)
    memory, encode_vjp = encode(params, batch.source)
    words, embed_vjp = embed(params["target"]["embedding"], given)
    (states, contexts, _), decode_vjp = decode(params, memory, memory.start, words)
    parts = [each.reshape(-1, each.shape[-1])[real] for each in (states, contexts, words)]
    logits, read_out_vjp = _read_out(params, np.concatenate(parts, axis=1))
    value, loss_vjp = softmax_cross_entropy(logits, labels[real])

    dread, grads = read_out_vjp(loss_vjp(1.0))
    dseen = np.zeros((len(labels), dread.shape[1]), dread.dtype)
    dseen[real] = dread
    hidden = states.shape[-1]
    dstates, dcontexts, dwords = np.split(
        dseen.reshape(*given.shape, -1), (hidden, 2 * hidden), axis=-1
    )
    dfrom_drive, ddecoder, dmemory = decode_vjp(dstates, dcontexts)
    dencoder = encode_vjp(dmemory)
    attention = ddecoder.pop("attention", {}) | dencoder.pop("attention", {})
    grads |= ddecoder | dencoder | ({"attention": attention} if attention else {})
    return value, grads | {"target": {"embedding": embed_vjp(dwords + dfrom_drive)}}


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def train_step(state: State, batch: Sentences, config: Config) -> tuple[State, np.floating]:
    """One step of Adam on the clipped gradient; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, config)
    grads = clip_by_global_norm(grads, MAX_NORM)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    return State(*adam_update(state.params, grads, state.opt_state, learning_rate=rate)), value


def fit(
    state: State, sentences: Sentences, batches: Int[np.ndarray, "steps batch"], config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """A step for every batch, and the losses before each."""
    losses = []
    for places in batches:
        batch = Sentences(sentences.source[places], sentences.target[places])
        state, value = train_step(state, batch, config)
        losses.append(value)
    return state, np.array(losses)


# ---------------------------------------------------------------- translation


class Found(NamedTuple):
    """What a search has found, and how.

    Attributes:
        words: of every sentence that is kept, padded behind its end.
        scores: their log-probabilities.
        history: what was kept after every word, until all sentences had ended.
    """

    words: Int[np.ndarray, "batch beams longest_target"]
    scores: Float[np.ndarray, "batch beams"]
    history: list[Beams]


def search(params: Params, source: Source, config: Config, *, num_beams: int) -> Found:
    """Beam search: go on with the most probable beginnings, word by word.

    The state of the decoder is all that it remembers of what it has written, so that nothing is
    read again: each beam carries its own, and takes over that of its parent.
    """
    batch = len(source)
    memory = _repeat(encode(params, source)[0], num_beams)
    beams = start_beams(batch, num_beams, start=START, like=memory.start)
    words = np.full((batch, num_beams, config.longest_target), PADDING, np.int32)
    state, history = memory.start, []
    first = num_beams * np.arange(batch)[:, None]
    for position in range(config.longest_target):
        word = params["target"]["embedding"][beams.tokens.reshape(1, -1)]
        (states, contexts, _), _ = decode(params, memory, state, word)
        seen = np.concatenate([states[0], contexts[0], word[0]], axis=-1)
        logits = _read_out(params, seen)[0].reshape(batch, num_beams, -1)
        beams = next_beams(logits, beams, end=END)
        words = np.take_along_axis(words, beams.parents[..., None], axis=1)
        words[..., position] = beams.tokens
        state = states[0][(first + beams.parents).ravel()]
        history.append(beams)
        if beams.finished.all():
            break
    return Found(words, beams.scores, history)


def translate(
    params: Params, source: Source, config: Config, *, num_beams: int = 1
) -> Int[np.ndarray, "batch longest_target"]:
    """The best translation found, by its log-probability for each word; one beam is greedy."""
    found = search(params, source, config, num_beams=num_beams)
    best = best_beam(found.scores, (found.words != PADDING).sum(-1), alpha=1.0)
    return found.words[np.arange(len(source)), best]


def alignments(
    params: Params, source: Source, target: Target, config: Config
) -> Float[np.ndarray, "target_time batch source_time"]:
    """How much attention each word of the source gets before the word after each of `target`."""
    memory, _ = encode(params, source)
    words = params["target"]["embedding"][target.T]
    return decode(params, memory, memory.start, words)[0].weights.swapaxes(1, 2)


def _repeat(memory: Memory, times: int) -> Memory:
    """Each sentence so many times, one after the other."""
    states, keys, mask = (np.repeat(each, times, axis=1) for each in memory[:3])
    return Memory(states, keys, mask, *(np.repeat(each, times, axis=0) for each in memory[3:]))
