"""Captions in JAX: the decoder, a Flax NNX network, both trainings, and the search."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt8

from tutorials_lib import pure
from tutorials_lib.datasets.scenes import NOTHING
from tutorials_lib.layers.in_jax import Linear
from tutorials_lib.layers.lstm.cell_in_jax import Cell
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.sequences.captioning.encoder_in_jax import (
    Encoder,
    Seen,
    encode,
    encoder_loss_and_grads,
)
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
    ATTENTION_WEIGHT,
    MAX_NORM,
    NUM_CELLS,
    NUM_WORDS,
    SENTENCE_LENGTH,
    SHARPNESS,
    Config,
    asked_words,
    heard_as,
    learning_rates,
    to_images,
    turn_colors,
)
from tutorials_lib.text.beams import Beams, best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import END, START
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Images = Float[Array, "batch height width channels"]
Hidden = Float[Array, "batch hidden"]
Scalar = Float[Array, ""]


# ---------------------------------------------------------------- decoder


class Memory(NamedTuple):
    """What the decoder keeps of a picture while it writes.

    Attributes:
        values: of each cell, what is there and where that is; nearly zero where nothing is.
        keys: by which a cell is found.
        first: the state and the cell of the LSTM before the first word.
    """

    values: Float[Array, "batch cells features"]
    keys: Float[Array, "batch cells key"]
    first: tuple[Hidden, Hidden]


class Decoder(nnx.Module):
    """Write word by word, and look at the cells of the picture before each word."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        features, hidden = config.channels[-1], config.hidden_size
        normal = nnx.initializers.normal
        self.place = nnx.Param(normal(0.3)(rngs.params(), (NUM_CELLS, features)))
        self.keys = Linear(features, config.key_size, use_bias=False, rngs=rngs)
        self.query = Linear(hidden, config.key_size, use_bias=False, rngs=rngs)
        self.glance = Linear(NUM_CELLS, config.glance_size, rngs=rngs)
        self.begin = Linear(config.glance_size, 2 * hidden, rngs=rngs)
        self.words = nnx.Embed(
            NUM_WORDS, config.embedding_size, embedding_init=normal(1.0), rngs=rngs
        )
        self.cell = Cell(config.embedding_size, hidden, rngs=rngs)
        self.readout = Linear(hidden + features, hidden, rngs=rngs)
        self.vocabulary = Linear(hidden, NUM_WORDS, rngs=rngs)

    def remember(self, seen: Seen) -> Memory:
        """The values and keys of the cells; where objects are decides how to begin."""
        values = (seen.features + self.place[...]) * seen.presence[..., None]
        hidden = nnx.relu(self.glance(3 * seen.presence - 0.3))
        state, cell = jnp.split(jnp.tanh(self.begin(hidden)), 2, axis=-1)
        return Memory(values, self.keys(values), (state, cell))

    def drive(self, ids: Int[Array, "*leading"]) -> Float[Array, "*leading gates"]:
        """What words contribute to the gates."""
        return self.cell.drive(self.words.embedding[jnp.asarray(heard_as())[ids]])

    def look(
        self, memory: Memory, states: Float[Array, "batch time hidden"]
    ) -> tuple[Float[Array, "batch time cells"], Float[Array, "batch time words"]]:
        """The logarithms of the weights of all cells, and the logits of the next words."""
        scores = jnp.einsum("btk,bnk->btn", self.query(states), memory.keys)
        weights = jax.nn.log_softmax(scores * (SHARPNESS * memory.keys.shape[-1] ** -0.5))
        context = jnp.einsum("btn,bnf->btf", jnp.exp(weights), memory.values)
        hidden = jnp.tanh(self.readout(jnp.concatenate([states, context], axis=-1)))
        return weights, self.vocabulary(hidden)

    def __call__(
        self, seen: Seen, ids: Int[Array, "batch time"]
    ) -> tuple[Float[Array, "batch time cells"], Float[Array, "batch time words"]]:
        """The same after each of `ids`, which are given: teacher forcing.

        No state waits for what is seen of the cells, so that all words look at once.
        """
        memory = self.remember(seen)

        def step(state: tuple, drive: Array) -> tuple[tuple, Array]:
            state = self.cell.step(state, drive)
            return state, state[0]

        _, states = jax.lax.scan(step, memory.first, self.drive(ids.T))
        return self.look(memory, states.swapaxes(0, 1))


def assemble_decoder(params: Params, config: Config) -> Decoder:
    """The decoder with these parameters, inside a function that JAX traces."""
    return pure.assemble(pure.graph(Decoder, config), params)


def predict(
    params: Params, seen: Seen, ids: Int[Array, "batch time"], config: Config
) -> tuple[Float[Array, "batch time cells"], Float[Array, "batch time words"]]:
    """Log-weights of the cells and logits of the word after each of `ids`."""
    return assemble_decoder(params, config)(seen, ids)


def decoder_loss(params: Params, glances: Glances, config: Config) -> Scalar:
    """The mean cross-entropy of the words, and of the cells that the attention should have found.

    Where the colours of a picture have been turned, no word for one is asked for.
    """
    given, labels = glances.ids[:, :-1], glances.ids[:, 1:]
    seen = Seen(glances.presence, glances.features)
    weights, logits = predict(params, seen, given, config)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    asked = jnp.asarray(asked_words())[glances.kept.astype(jnp.int32)[:, None], labels]
    of_words = losses.mean(where=asked)
    is_there = glances.about[..., None] == glances.cells[:, None]  # [batch, time, cells]
    is_there &= (glances.about != NOTHING)[..., None]
    found = jax.nn.logsumexp(jnp.where(is_there, weights, -1e9), axis=-1)
    return of_words - ATTENTION_WEIGHT * found.mean(where=is_there.any(-1))


def decoder_loss_and_grads(
    params: Params, glances: Glances, config: Config
) -> tuple[Scalar, Params]:
    """The loss of the decoder and the gradients of all its parameters."""
    return jax.value_and_grad(decoder_loss)(params, glances, config)


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters of both networks, as a nested dict of arrays."""
    rngs = nnx.Rngs(key)
    encoder, decoder = Encoder(config, rngs=rngs), Decoder(config, rngs=rngs)
    return {"encoder": pure.arrays(encoder), "decoder": pure.arrays(decoder)}


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes, of one of the two networks."""

    params: Params
    opt_state: optax.OptState


def optimizer(num_steps: int, config: Config) -> optax.GradientTransformation:
    """Adam with warm-up, on gradients that are shortened where they are too long."""
    rates = learning_rates(num_steps, config)
    adam = optax.adam(lambda count: jnp.asarray(rates)[count])
    return optax.chain(optax.clip_by_global_norm(MAX_NORM), adam)


def start(params: Params, num_steps: int, config: Config) -> State:
    """The state of a network before the first of so many steps."""
    return State(params, optimizer(num_steps, config).init(params))


def _update(state: State, grads: Params, num_steps: int, config: Config) -> State:
    updates, opt_state = optimizer(num_steps, config).update(grads, state.opt_state)
    return State(optax.apply_updates(state.params, updates), opt_state)


def encoder_step(state: State, views: Views, config: Config) -> tuple[State, Scalar]:
    """One step of Adam for the encoder; also the loss before it."""
    value, grads = encoder_loss_and_grads(state.params, views, config)
    return _update(state, grads, config.encoder_steps, config), value


def decoder_step(state: State, glances: Glances, config: Config) -> tuple[State, Scalar]:
    """One step of Adam for the decoder; also the loss before it."""
    value, grads = decoder_loss_and_grads(state.params, glances, config)
    return _update(state, grads, config.decoder_steps, config), value


def fit_encoder(
    state: State, lessons: Pictures, choices: Viewings, config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """A step for every batch, and the losses before each: a scan over steps, one dispatch."""

    def step(state: State, now: Viewings) -> tuple[State, Scalar]:
        return encoder_step(state, view(lessons, now), config)

    return jax.lax.scan(step, state, choices)


def fit_decoder(
    state: State, lessons: Lessons, choices: Choices, config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """A step for every batch, and the losses before each: a scan over steps, one dispatch."""

    def step(state: State, now: Choices) -> tuple[State, Scalar]:
        return decoder_step(state, glance(lessons, now), config)

    return jax.lax.scan(step, state, choices)


compiled_fit_encoder = jax.jit(fit_encoder, static_argnames="config")
compiled_fit_decoder = jax.jit(fit_decoder, static_argnames="config")


# ---------------------------------------------------------------- captions


def caption(
    params: Params, pictures: UInt8[Array, "batch 48 48 3"], config: Config, *, num_beams: int = 1
) -> Int[Array, "batch length"]:
    """The best sentence, by its log-probability for each word; one beam is greedy."""
    images = to_images(pictures, params["decoder"]["place"].dtype)
    if num_beams == 1:
        return greedy(params, images, config)
    found = search(params, images, config, num_beams=num_beams)
    lengths = (found.words != PADDING).sum(-1)
    best = best_beam(found.beams.scores, lengths, found.beams.finished, alpha=1.0)
    return found.words[jnp.arange(len(pictures)), best]


class Greedy(NamedTuple):
    """What the loop of greedy search carries from word to word."""

    position: Int[Array, ""]
    state: tuple[Hidden, Hidden]
    token: Int[Array, " batch"]
    finished: Bool[Array, " batch"]
    words: Int[Array, "length batch"]


def greedy(params: Params, images: Images, config: Config) -> Int[Array, "batch length"]:
    """The most probable word each time, until all sentences have ended."""
    seen, _ = encode(params["encoder"], images, config)
    network = assemble_decoder(params["decoder"], config)
    memory, table = network.remember(seen), network.drive(jnp.arange(NUM_WORDS))

    def is_open(now: Greedy) -> Bool[Array, ""]:
        return (now.position < SENTENCE_LENGTH) & ~now.finished.all()

    def step(now: Greedy) -> Greedy:
        state = network.cell.step(now.state, table[now.token])
        _, logits = network.look(memory, state[0][:, None])
        token = jnp.where(now.finished, PADDING, logits[:, 0].argmax(-1).astype(jnp.int32))
        words = now.words.at[now.position].set(token)
        return Greedy(now.position + 1, state, token, now.finished | (token == END), words)

    token = jnp.full(len(images), START, jnp.int32)
    words = jnp.full((SENTENCE_LENGTH, len(images)), PADDING, jnp.int32)
    begun = Greedy(jnp.int32(0), memory.first, token, token == END, words)
    return jax.lax.while_loop(is_open, step, begun).words.T


class Search(NamedTuple):
    """What the loop of a search carries from word to word."""

    position: Int[Array, ""]
    state: tuple[Float[Array, "rows hidden"], Float[Array, "rows hidden"]]
    beams: Beams
    words: Int[Array, "batch beams length"]


def search(params: Params, images: Images, config: Config, *, num_beams: int) -> Search:
    """Beam search: go on with the most probable beginnings, word by word.

    The LSTM is all that remembers what has been written: each beam carries its own, and takes
    over that of its parent. The beams of a picture share what is remembered of it.
    """
    seen, _ = encode(params["encoder"], images, config)
    network, batch = assemble_decoder(params["decoder"], config), len(images)
    memory = network.remember(seen)
    table = network.drive(jnp.arange(NUM_WORDS))
    first = num_beams * jnp.arange(batch)[:, None]

    def is_open(search: Search) -> Bool[Array, ""]:
        return (search.position < SENTENCE_LENGTH) & ~search.beams.finished.all()

    def step(search: Search) -> Search:
        position, state, beams, words = search
        state = network.cell.step(state, table[beams.tokens.ravel()])
        _, logits = network.look(memory, state[0].reshape(batch, num_beams, -1))
        beams = next_beams(logits, beams, end=END)
        words = jnp.take_along_axis(words, beams.parents[..., None], axis=1)
        words = words.at[..., position].set(beams.tokens)
        rows = (first + beams.parents).ravel()
        return Search(position + 1, (state[0][rows], state[1][rows]), beams, words)

    beams = start_beams(batch, num_beams, start=START, like=seen.presence)
    words = jnp.full((batch, num_beams, SENTENCE_LENGTH), PADDING, jnp.int32)
    state, cell = (jnp.repeat(each, num_beams, axis=0) for each in memory.first)
    return jax.lax.while_loop(is_open, step, Search(jnp.int32(0), (state, cell), beams, words))


def see(
    params: Params,
    pictures: UInt8[Array, "batch 48 48 3"],
    turns: Float[Array, "batch 3 3"],
    config: Config,
):
    """What the encoder makes of pictures whose colours are mixed: for the decoder, and logits."""
    return encode(params, turn_colors(pictures, turns), config)


compiled_caption = jax.jit(caption, static_argnames=("config", "num_beams"))
compiled_see = jax.jit(see, static_argnames="config")
compiled_predict = jax.jit(predict, static_argnames="config")
