"""The encoder-decoder in NumPy, with gradients by hand, and its search for a translation.

Parameters are the nested dict that the Flax network has. Nothing is computed for padding: words
are packed, those of the first step in front, as `tutorials_lib.layers.recurrent.packed` says.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.in_numpy import softmax_cross_entropy
from tutorials_lib.layers.linear.in_numpy import embed, linear
from tutorials_lib.layers.recurrent.packed import packed_gru, steps_of
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.sequences.seq2seq.decoder_in_numpy import Kernels, Written, attentive_gru
from tutorials_lib.sequences.seq2seq.problem import MAX_NORM, Config, learning_rates
from tutorials_lib.text.beams import Beams, best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import END, START, Sentences
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""Words `{"source", "target"}` with an `embedding` each; the cells
`{"forward", "backward", "decoder"}` with an `input` and a `recurrent` layer; the layers
`{"bridge", "context", "readout", "vocabulary"}`; and `"attention"` with the layers
`{"keys", "query", "score"}`, where there is any. A layer has a `kernel` and mostly a `bias`;
kernels of a cell hold reset, update and candidate.
"""

Source = Int[np.ndarray, "batch source_time"]
Target = Int[np.ndarray, "batch target_time"]
Hidden = Float[np.ndarray, "batch hidden"]
SourceStates = Float[np.ndarray, "batch source_time hidden"]
States = Float[np.ndarray, "rows hidden"]
Words = Float[np.ndarray, "rows features"]


class Memory(NamedTuple):
    """What the encoder hands to the decoder.

    Attributes:
        states: of both directions at every word, side by side; zero at padding.
        keys: what attention compares with the state of the decoder, for all words that are no
            padding, sentence by sentence; zero without attention.
        mask: True at words, False at padding.
        last: what each direction remembers after its last word.
        start: the first state of the decoder.
    """

    states: SourceStates
    keys: Float[np.ndarray, "source_words hidden"]
    mask: Bool[np.ndarray, "batch source_time"]
    last: Hidden
    start: Hidden


# ---------------------------------------------------------------- encoder


def encode(params: Params, source: Source) -> tuple[Memory, Callable[[Memory], Params]]:
    """Read in both directions, each from its first real word to its last.

    The gradients are taken as a `Memory`, too.
    """
    mask = source != PADDING
    counts = [count for count in mask.sum(0).tolist() if count]
    sentence, place, reverse = _packing(mask)
    words, embed_vjp = embed(params["source"]["embedding"], source[sentence, place])
    forward, forward_vjp = _run(params["forward"], words, counts)
    backward, backward_vjp = _run(params["backward"], words[reverse], counts)
    half, end = forward.shape[1], (np.arange(len(mask)), mask.sum(1) - 1)
    states = np.zeros((*mask.shape, 2 * half), words.dtype)
    states[sentence, place] = np.concatenate([forward, backward[reverse]], axis=1)
    last = np.concatenate([states[end][:, :half], states[:, 0, half:]], axis=1)
    start, bridge_vjp = linear(last, **params["bridge"])
    np.tanh(start, out=start)
    keys, keys_vjp = states[mask], None
    if "attention" in params:
        keys, keys_vjp = linear(keys, **params["attention"]["keys"])

    def vjp(dmemory: Memory) -> Params:
        dlast, dbridge = bridge_vjp(dmemory.start * (1 - start**2))
        dlast += dmemory.last
        dstates, grads = dmemory.states.copy(), {"bridge": dbridge}
        if keys_vjp:
            dfrom_keys, dkeys = keys_vjp(dmemory.keys)
            dstates[mask] += dfrom_keys
            grads["attention"] = {"keys": dkeys}
        dstates[(*end, slice(half))] += dlast[:, :half]
        dstates[:, 0, half:] += dlast[:, half:]
        drows = dstates[sentence, place]
        dwords, grads["forward"] = forward_vjp(drows[:, :half])
        dreversed, grads["backward"] = backward_vjp(drows[reverse, half:])
        dwords += dreversed[reverse]
        return {**grads, "source": {"embedding": embed_vjp(dwords)}}

    return Memory(states, keys, mask, last, start), vjp


def _packing(mask: Bool[np.ndarray, "batch time"]) -> Int[np.ndarray, "3 rows"]:
    """Sentence and place of every packed row, and which row is there when read backwards."""
    lengths = mask.sum(1)
    order = np.argsort(-lengths, kind="stable")
    place, rank = np.nonzero(mask[order].T)
    sentence = order[rank]
    rows = np.zeros(mask.shape, int)
    rows[sentence, place] = np.arange(len(place))
    return np.stack([sentence, place, rows[sentence, lengths[sentence] - 1 - place]])


def _run(
    cell: Params, words: Words, counts: Sequence[int]
) -> tuple[States, Callable[[States], tuple[Words, Params]]]:
    """The states of one direction; the drive of all words is one product before the loop."""
    kernel = cell["recurrent"]["kernel"]
    drive, input_vjp = linear(words, **cell["input"])
    initial = np.zeros((counts[0], len(kernel)), kernel.dtype)
    states, states_vjp = packed_gru(drive, initial, kernel, counts)

    def vjp(dstates: States) -> tuple[Words, Params]:
        ddrive, _, dkernel = states_vjp(dstates)
        dwords, dinput = input_vjp(ddrive)
        return dwords, {"input": dinput, "recurrent": {"kernel": dkernel}}

    return states, vjp


# ---------------------------------------------------------------- decoder


def decode(
    params: Params, memory: Memory, initial: Hidden, words: Words, counts: Sequence[int]
) -> tuple[Written, Callable[[States, States], tuple[Words, Params, Memory]]]:
    """Write on from the states `initial`, given the words before; with attention or without.

    The first `counts[t]` sentences have the step t. The way back takes the gradients of states
    and contexts, and returns those of the words, the parameters and the memory, whose `start` is
    that of `initial`.
    """
    if "attention" not in params:
        return _decode_plainly(params, memory, initial, words, counts)
    drive, input_vjp = linear(words, **params["decoder"]["input"])
    names = ("decoder", "recurrent"), ("context",), ("attention", "query"), ("attention", "score")
    kernels = Kernels(*(_at(params, *name)["kernel"] for name in names))
    written, written_vjp = attentive_gru(drive, initial, *memory[:3], kernels, counts)

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
    params: Params, memory: Memory, initial: Hidden, words: Words, counts: Sequence[int]
) -> tuple[Written, Callable[[States, States], tuple[Words, Params, Memory]]]:
    """Without attention the context is always what the encoder remembers at the end."""
    drive, input_vjp = linear(words, **params["decoder"]["input"])
    kernel, recurrent = params["context"]["kernel"], params["decoder"]["recurrent"]["kernel"]
    sentence = np.concatenate([np.arange(count) for count in counts])
    drive += (memory.last @ kernel)[sentence]
    states, states_vjp = packed_gru(drive, initial, recurrent, counts)

    def vjp(dstates: States, dcontexts: States) -> tuple[Words, Params, Memory]:
        ddrive, dinitial, drecurrent = states_vjp(dstates)
        dwords, dinput = input_vjp(ddrive)
        dpushed, dlast = np.zeros((len(initial), len(kernel.T)), kernel.dtype), initial * 0
        for count, now in zip(counts, steps_of(counts), strict=True):
            dpushed[:count] += ddrive[now]
            dlast[:count] += dcontexts[now]
        dlast += dpushed @ kernel.T
        grads = {
            "decoder": {"input": dinput, "recurrent": {"kernel": drecurrent}},
            "context": {"kernel": memory.last.T @ dpushed},
        }
        none = np.zeros_like(memory.states), np.zeros_like(memory.keys)
        return dwords, grads, Memory(*none, memory.mask, dlast, dinitial)

    weights = np.zeros((len(counts), *memory.mask.shape), kernel.dtype)
    return Written(states, memory.last[sentence], weights), vjp


def _read_out(
    params: Params, written: Written, words: Words
) -> tuple[Float[np.ndarray, "rows vocab"], Callable[..., tuple[list[np.ndarray], Params]]]:
    """The logits of the next word, by the new state, the context and the word before."""
    seen = np.concatenate([written.states, written.contexts, words], axis=1)
    hidden, readout_vjp = linear(seen, **params["readout"])
    np.tanh(hidden, out=hidden)
    logits, vocabulary_vjp = linear(hidden, **params["vocabulary"])

    def vjp(dlogits: Float[np.ndarray, "rows vocab"]) -> tuple[list[np.ndarray], Params]:
        dhidden, dvocabulary = vocabulary_vjp(dlogits)
        dseen, dreadout = readout_vjp(dhidden * (1 - hidden**2))
        size = written.states.shape[1]
        parts = np.split(dseen, (size, 2 * size), axis=1)
        return parts, {"readout": dreadout, "vocabulary": dvocabulary}

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
    words, counts = _all_words(params, target)
    written, _ = decode(params, memory, memory.start, words, counts)
    return _read_out(params, written, words)[0].reshape(*target.T.shape, -1)


def _all_words(params: Params, target: Target) -> tuple[Words, list[int]]:
    """As if all sentences were as long as the longest, for who wants to see padding, too."""
    batch, time = target.shape
    return params["target"]["embedding"][target.T.ravel()], [batch] * time


def loss_and_grads(params: Params, batch: Sentences, config: Config) -> tuple[np.floating, Params]:
    """The loss and the gradients of all parameters; the longest translation goes first."""
    order = np.argsort(-(batch.target != PADDING).sum(1), kind="stable")
    given, labels = batch.target[order, :-1].T, batch.target[order, 1:].T
    is_word = labels != PADDING
    counts = [count for count in is_word.sum(1).tolist() if count]
    memory, encode_vjp = encode(params, batch.source[order])
    words, embed_vjp = embed(params["target"]["embedding"], given[is_word])
    written, decode_vjp = decode(params, memory, memory.start, words, counts)
    logits, read_out_vjp = _read_out(params, written, words)
    value, loss_vjp = softmax_cross_entropy(logits, labels[is_word])

    (dstates, dcontexts, dwords), grads = read_out_vjp(loss_vjp(1.0))
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
        beams: their log-probabilities, and whether they have ended.
        history: the same after every word, until all sentences had ended.
    """

    words: Int[np.ndarray, "batch beams longest_target"]
    beams: Beams
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
        word = params["target"]["embedding"][beams.tokens.ravel()]
        written, _ = decode(params, memory, state, word, [len(word)])
        logits = _read_out(params, written, word)[0].reshape(batch, num_beams, -1)
        beams = next_beams(logits, beams, end=END)
        words = np.take_along_axis(words, beams.parents[..., None], axis=1)
        words[..., position] = beams.tokens
        state = written.states[(first + beams.parents).ravel()]
        history.append(beams)
        if beams.finished.all():
            break
    return Found(words, beams, history)


def translate(
    params: Params, source: Source, config: Config, *, num_beams: int = 1
) -> Int[np.ndarray, "batch longest_target"]:
    """The best that has ended, by its log-probability for each word; one beam is greedy."""
    found = search(params, source, config, num_beams=num_beams)
    lengths = (found.words != PADDING).sum(-1)
    best = best_beam(found.beams.scores, lengths, found.beams.finished, alpha=1.0)
    return found.words[np.arange(len(source)), best]


def alignments(
    params: Params, source: Source, target: Target, config: Config
) -> Float[np.ndarray, "target_time batch source_time"]:
    """How much attention each word of the source gets before the word after each of `target`."""
    memory, _ = encode(params, source)
    words, counts = _all_words(params, target)
    return decode(params, memory, memory.start, words, counts)[0].weights


def _repeat(memory: Memory, times: int) -> Memory:
    """Each sentence so many times, one after the other."""
    keys = np.zeros_like(memory.states)
    keys[memory.mask] = memory.keys
    states, keys, mask, last, start = (
        np.repeat(each, times, axis=0) for each in memory._replace(keys=keys)
    )
    return Memory(states, keys[mask], mask, last, start)
