"""Captions in NumPy: the trainings of encoder and decoder, and the search for a caption.

The networks themselves are in `encoder_in_numpy` and `decoder_in_numpy`. Parameters are the nested
dicts that the Flax networks have.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from tutorials_lib import schedules
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.layers.lstm.packed import lstm_step
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.sequences.captioning.decoder_in_numpy import (
    Memory,
    States,
    decoder_loss_and_grads,
    read_out,
    remember,
    softmax,
)
from tutorials_lib.sequences.captioning.decoder_in_numpy import (
    predict as predict,
)
from tutorials_lib.sequences.captioning.encoder_in_numpy import encode, encoder_loss_and_grads
from tutorials_lib.sequences.captioning.lessons import (
    Choices,
    Glances,
    Lessons,
    Pictures,
    Viewings,
    Views,
    glance,
    view,
)
from tutorials_lib.sequences.captioning.problem import (
    MAX_NORM,
    SENTENCE_LENGTH,
    SHARPNESS,
    Config,
    heard_as,
    learning_rates,
    to_images,
)
from tutorials_lib.text.beams import Beams, best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import END, START
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""`{"encoder", "decoder"}`, or one of them where only that is trained."""

Images = Float[np.ndarray, "batch height width channels"]


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes, of one of the two networks."""

    params: Params
    opt_state: AdamState


def start(params: Params, num_steps: int, config: Config) -> State:
    """The state of a network before the first of so many steps."""
    return State(params, adam_start(params))


def _update(state: State, grads: Params, num_steps: int, config: Config) -> State:
    grads = clip_by_global_norm(grads, MAX_NORM)
    rate = schedules.at(learning_rates(num_steps, config), state.opt_state.steps)
    return State(*adam_update(state.params, grads, state.opt_state, learning_rate=rate))


def encoder_step(state: State, views: Views, config: Config) -> tuple[State, np.floating]:
    """One step of Adam for the encoder; also the loss before it."""
    value, grads = encoder_loss_and_grads(state.params, views, config)
    return _update(state, grads, config.encoder_steps, config), value


def decoder_step(state: State, glances: Glances, config: Config) -> tuple[State, np.floating]:
    """One step of Adam for the decoder; also the loss before it."""
    value, grads = decoder_loss_and_grads(state.params, glances, config)
    return _update(state, grads, config.decoder_steps, config), value


def fit_encoder(
    state: State, lessons: Pictures, choices: Viewings, config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """A step for every batch, and the losses before each."""
    losses = []
    for now in zip(*choices, strict=True):
        state, value = encoder_step(state, view(lessons, Viewings(*now)), config)
        losses.append(value)
    return state, np.array(losses)


def fit_decoder(
    state: State, lessons: Lessons, choices: Choices, config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """A step for every batch, and the losses before each."""
    losses = []
    for now in zip(*choices, strict=True):
        state, value = decoder_step(state, glance(lessons, Choices(*now)), config)
        losses.append(value)
    return state, np.array(losses)


# ---------------------------------------------------------------- captions


def caption(
    params: Params,
    pictures: UInt8[np.ndarray, "batch 48 48 3"],
    config: Config,
    *,
    num_beams: int = 1,
) -> Int[np.ndarray, "batch length"]:
    """The best sentence, by its log-probability for each word; one beam is greedy."""
    images = to_images(pictures, params["decoder"]["place"].dtype)
    if num_beams == 1:
        return greedy(params, images, config)
    found = search(params, images, config, num_beams=num_beams)
    lengths = (found.words != PADDING).sum(-1)
    best = best_beam(found.beams.scores, lengths, found.beams.finished, alpha=1.0)
    return found.words[np.arange(len(pictures)), best]


def greedy(params: Params, images: Images, config: Config) -> Int[np.ndarray, "batch length"]:
    """The most probable word each time, until all sentences have ended."""
    encoder, decoder = params["encoder"], params["decoder"]
    memory, _ = remember(decoder, encode(encoder, images, config)[0])
    table, kernel = _drives(decoder), decoder["cell"]["recurrent"]["kernel"]
    words = np.full((len(images), SENTENCE_LENGTH), PADDING, np.int32)
    state, token = memory.first, np.full(len(images), START)
    finished = token == END
    for position in range(SENTENCE_LENGTH):
        state = lstm_step(table[token], state, kernel)
        token = _look(decoder, memory, state[0], 1)[:, 0].argmax(1)
        token[finished] = PADDING
        words[:, position] = token
        finished |= token == END
        if finished.all():
            break
    return words


def _drives(params: Params) -> Float[np.ndarray, "words gates"]:
    """What each word contributes to the gates; there are fewer of them than places."""
    return linear(params["words"]["embedding"][heard_as()], **params["cell"]["input"])[0]


def _look(
    params: Params, memory: Memory, states: States, num_beams: int
) -> Float[np.ndarray, "batch beams words"]:
    """The logits of the next word of every beam."""
    query = params["query"]["kernel"]
    queries = states @ query
    queries *= SHARPNESS * query.shape[1] ** -0.5
    queries = queries.reshape(-1, num_beams, query.shape[1])
    weights = softmax(queries @ memory.keys.swapaxes(1, 2))
    contexts = (weights @ memory.values).reshape(len(states), -1)
    logits, _ = read_out(params, states, contexts)
    return logits.reshape(*queries.shape[:2], -1)


class Search(NamedTuple):
    """What a search has found.

    Attributes:
        words: of every beginning that is kept, padded behind its end.
        beams: their log-probabilities, and whether they have ended.
    """

    words: Int[np.ndarray, "batch beams length"]
    beams: Beams


def search(params: Params, images: Images, config: Config, *, num_beams: int) -> Search:
    """Beam search: go on with the most probable beginnings, word by word.

    The LSTM is all that remembers what has been written: each beam carries its own, and takes
    over that of its parent. The beams of a picture share what is remembered of it.
    """
    encoder, decoder = params["encoder"], params["decoder"]
    memory, _ = remember(decoder, encode(encoder, images, config)[0])
    table, kernel = _drives(decoder), decoder["cell"]["recurrent"]["kernel"]
    batch = len(images)
    state = tuple(np.repeat(each, num_beams, axis=0) for each in memory.first)
    beams = start_beams(batch, num_beams, start=START, like=memory.keys)
    words = np.full((batch, num_beams, SENTENCE_LENGTH), PADDING, np.int32)
    first = num_beams * np.arange(batch)[:, None]
    for position in range(SENTENCE_LENGTH):
        state = lstm_step(table[beams.tokens.ravel()], (state[0], state[1]), kernel)
        beams = next_beams(_look(decoder, memory, state[0], num_beams), beams, end=END)
        words = np.take_along_axis(words, beams.parents[..., None], axis=1)
        words[..., position] = beams.tokens
        if beams.finished.all():
            break
        rows = (first + beams.parents).ravel()
        state = state[0][rows], state[1][rows]
    return Search(words, beams)
