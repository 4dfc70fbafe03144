"""The encoder-decoder in JAX: a Flax NNX model, its training, and its search for a translation.

Time comes first in all arrays that a loop over words reads or writes.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.layers.in_jax import Linear
from tutorials_lib.layers.recurrent import in_jax as recurrent
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.sequences.seq2seq.problem import MAX_NORM, Config, learning_rates
from tutorials_lib.text.beams import Beams, best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import END, START, Sentences
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Source = Int[Array, "batch source_time"]
Target = Int[Array, "batch target_time"]
Hidden = Float[Array, "batch hidden"]
Context = Float[Array, "batch hidden"]
Word = Float[Array, "batch features"]
Weights = Float[Array, "batch source_time"]
Scalar = Float[Array, ""]


class Memory(NamedTuple):
    """What the encoder hands to the decoder.

    Attributes:
        states: of both directions at every word, side by side.
        keys: what attention compares with the state of the decoder; None without attention.
        mask: True at words, False at padding.
        last: what each direction remembers after its last word.
        start: the first state of the decoder.
    """

    states: Float[Array, "batch source_time hidden"]
    keys: Float[Array, "batch source_time hidden"] | None
    mask: Bool[Array, "batch source_time"]
    last: Float[Array, "batch hidden"]
    start: Float[Array, "batch hidden"]


class Network(nnx.Module):
    """Read the source in both directions, then write the target word by word."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        features, hidden = config.embedding_size, config.hidden_size
        table = nnx.initializers.normal(0.5)
        self.source = nnx.Embed(config.source_words, features, embedding_init=table, rngs=rngs)
        self.target = nnx.Embed(config.target_words, features, embedding_init=table, rngs=rngs)
        self.forward = recurrent.GRU(features, hidden // 2, rngs=rngs)
        self.backward = recurrent.GRU(features, hidden // 2, rngs=rngs)
        self.bridge = Linear(hidden, hidden, rngs=rngs)
        self.attention = Attention(hidden, rngs=rngs) if config.attention else None
        self.decoder = recurrent.GRU(features, hidden, rngs=rngs)
        self.context = Linear(hidden, 3 * hidden, use_bias=False, rngs=rngs)
        self.readout = Linear(2 * hidden + features, hidden, rngs=rngs)
        self.vocabulary = Linear(hidden, config.target_words, rngs=rngs)

    def __call__(
        self, source: Source, target: Target, *, hoist: bool = False, recompute: bool = True
    ) -> Float[Array, "target_time batch vocab"]:
        """The logits of the word after each of `target`, which is given: teacher forcing.

        Args:
            source: English words, padded.
            target: the French words that are given, `START` first, padded.
            hoist: whether products of the inputs alone are computed before the loops.
            recompute: whether the way back computes the attention again, instead of keeping for
                every word what was compared with all of the source.
        """
        memory = self.encode(source, hoist=hoist)
        return self.decode(memory, target, hoist=hoist, recompute=recompute)

    def encode(self, source: Source, *, hoist: bool = False) -> Memory:
        """Both directions stand still at padding, so that each ends at a real word."""
        words, mask = self.source.embedding[source.T], source != PADDING
        zeros = jnp.zeros((len(source), self.bridge.in_features // 2), words.dtype)
        run = partial(recurrent.run, initial=zeros, hoist=hoist)
        last_forward, forward = run(self.forward, words, mask=mask.T)
        last_backward, backward = run(self.backward, words[::-1], mask=mask.T[::-1])
        states = jnp.concatenate([forward, backward[::-1]], axis=-1).swapaxes(0, 1)
        last = jnp.concatenate([last_forward, last_backward], axis=-1)
        keys = None if self.attention is None else self.attention.keys(states)
        return Memory(states, keys, mask, last, jnp.tanh(self.bridge(last)))

    def look(
        self, memory: Memory, state: Hidden, *, recompute: bool = True
    ) -> tuple[Context, Weights]:
        """What the decoder sees of the source before its next word, and the weights of that."""
        if self.attention is None:
            return memory.last, jnp.zeros(memory.mask.shape, state.dtype)
        look = Attention.__call__
        if recompute:
            look = jax.checkpoint(look, prevent_cse=False)
        return look(self.attention, memory, state)

    def write(
        self,
        memory: Memory,
        state: Hidden,
        drive: Float[Array, "batch gates"],
        *,
        recompute: bool = True,
    ) -> tuple[Hidden, Context]:
        """The next state, for a `drive` of the word before, and the context that it has seen."""
        context, _ = self.look(memory, state, recompute=recompute)
        return self.decoder.step(state, drive + self.context(context)), context

    def decode(
        self, memory: Memory, target: Target, *, hoist: bool = False, recompute: bool = True
    ) -> Float[Array, "target_time batch vocab"]:
        """The logits of the word after each of `target`."""
        words = self.target.embedding[target.T]

        def step(state: Hidden, this: Array) -> tuple[Hidden, tuple[Hidden, Context]]:
            drive = this if hoist else self.decoder.drive(this)
            state, context = self.write(memory, state, drive, recompute=recompute)
            return state, (state, context)

        inputs = self.decoder.drive(words) if hoist else words
        _, (states, contexts) = jax.lax.scan(step, memory.start, inputs)
        return self.logits(states, contexts, words)

    def logits(
        self,
        state: Float[Array, "*steps batch hidden"],
        context: Float[Array, "*steps batch hidden"],
        word: Float[Array, "*steps batch features"],
    ) -> Float[Array, "*steps batch vocab"]:
        """Of the next word, by the new state, the context and the word before."""
        seen = jnp.concatenate([state, context, word], axis=-1)
        return self.vocabulary(jnp.tanh(self.readout(seen)))


class Attention(nnx.Module):
    r"""A mean of the encoder's states, weighted anew for every word (Bahdanau et al. 2015).

    The score of word $j$ is $v^\top \tanh(W h_j + U s)$ for the decoder's state $s$; the weights
    are the softmax of the scores over all words that are not padding.
    """

    def __init__(self, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.keys = Linear(hidden, hidden, rngs=rngs)
        self.query = Linear(hidden, hidden, use_bias=False, rngs=rngs)
        self.score = Linear(hidden, 1, use_bias=False, rngs=rngs)

    def __call__(self, memory: Memory, state: Hidden) -> tuple[Context, Weights]:
        """The mean, and the weights of all words."""
        compared = jnp.tanh(memory.keys + self.query(state)[:, None])  # pyright: ignore[reportOptionalOperand]
        scores = compared @ self.score.kernel[:, 0]
        weights = jax.nn.softmax(jnp.where(memory.mask, scores, -jnp.inf))
        return jnp.einsum("bs,bsh->bh", weights, memory.states), weights


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as a nested dict of arrays."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


def assemble(params: Params, config: Config) -> Network:
    """The network with these parameters, inside a function that JAX traces."""
    return pure.assemble(pure.graph(Network, config), params)


def stages(params: Params, batch: Sentences, config: Config) -> dict[str, Array]:
    """What a batch becomes on its way, by name, in order; the axis of sentences comes first."""
    network = assemble(params, config)
    memory = network.encode(batch.source)
    return {
        "English words": batch.source,
        "their vectors": network.source.embedding[batch.source],
        "encoder states": memory.states,
        "first decoder state": memory.start,
        "logits of French words": network.decode(memory, batch.target[:, :-1]).swapaxes(0, 1),
    }


# ---------------------------------------------------------------- training


def predict(
    params: Params, source: Source, target: Target, config: Config
) -> Float[Array, "target_time batch vocab"]:
    """The logits of the word after each of `target`, which is given: teacher forcing."""
    return assemble(params, config)(source, target)


def loss(params: Params, batch: Sentences, config: Config, **how: bool) -> Scalar:
    """The mean cross-entropy of all French words and ends, given those before them, in nats.

    `how` it is computed is told to the network.
    """
    logits = assemble(params, config)(batch.source, batch.target[:, :-1], **how)
    labels = batch.target[:, 1:].T
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return losses.mean(where=labels != PADDING)


def loss_and_grads(params: Params, batch: Sentences, config: Config) -> tuple[Scalar, Params]:
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


def train_step(state: State, batch: Sentences, config: Config) -> tuple[State, Scalar]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, config)
    return update(state, grads, config), value


def fit(
    state: State, sentences: Sentences, batches: Int[Array, "steps batch"], config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """A step for every batch, and the losses before each: a scan over steps, one dispatch."""

    def step(state: State, places: Int[Array, " batch"]) -> tuple[State, Scalar]:
        batch = Sentences(sentences.source[places], sentences.target[places])
        return train_step(state, batch, config)

    return jax.lax.scan(step, state, batches)


compiled_fit = jax.jit(fit, static_argnames="config")


# ---------------------------------------------------------------- translation


class Found(NamedTuple):
    """What a search has found, and how.

    Attributes:
        words: of every sentence that is kept, padded behind its end.
        beams: their log-probabilities, and whether they have ended.
        history: the same after every word, until all sentences had ended; zeros behind.
    """

    words: Int[Array, "batch beams longest_target"]
    beams: Beams
    history: Beams


class Search(NamedTuple):
    """What the loop of a search carries from word to word."""

    position: Int[Array, ""]
    state: Float[Array, "rows hidden"]
    beams: Beams
    words: Int[Array, "batch beams longest_target"]
    history: Beams


def search(params: Params, source: Source, config: Config, *, num_beams: int) -> Found:
    """Beam search: go on with the most probable beginnings, word by word.

    The state of the decoder is all that it remembers of what it has written, so that nothing is
    read again: each beam carries its own, and takes over that of its parent.
    """
    network, batch = assemble(params, config), len(source)
    repeat = partial(jnp.repeat, repeats=num_beams, axis=0)
    memory: Memory = jax.tree.map(repeat, network.encode(source))
    first = num_beams * jnp.arange(batch)[:, None]

    def is_open(search: Search) -> Bool[Array, ""]:
        return (search.position < config.longest_target) & ~search.beams.finished.all()

    def step(search: Search) -> Search:
        position, state, beams, words, history = search
        word = network.target.embedding[beams.tokens.ravel()]
        state, context = network.write(memory, state, network.decoder.drive(word))
        logits = network.logits(state, context, word).reshape(batch, num_beams, -1)
        beams = next_beams(logits, beams, end=END)
        words = jnp.take_along_axis(words, beams.parents[..., None], axis=1)
        words = words.at[..., position].set(beams.tokens)
        state = state[(first + beams.parents).ravel()]
        history = jax.tree.map(lambda all, now: all.at[position].set(now), history, beams)
        return Search(position + 1, state, beams, words, history)

    beams = start_beams(batch, num_beams, start=START, like=memory.start)
    room = config.longest_target
    history = jax.tree.map(lambda each: jnp.zeros((room, *each.shape), each.dtype), beams)
    words = jnp.full((batch, num_beams, room), PADDING, jnp.int32)
    begun = Search(jnp.int32(0), memory.start, beams, words, history)
    found = jax.lax.while_loop(is_open, step, begun)
    return Found(found.words, found.beams, found.history)


def translate(
    params: Params, source: Source, config: Config, *, num_beams: int = 1
) -> Int[Array, "batch longest_target"]:
    """The best that has ended, by its log-probability for each word; one beam is greedy."""
    found = search(params, source, config, num_beams=num_beams)
    lengths = (found.words != PADDING).sum(-1)
    best = best_beam(found.beams.scores, lengths, found.beams.finished, alpha=1.0)
    return found.words[jnp.arange(len(source)), best]


def alignments(
    params: Params, source: Source, target: Target, config: Config
) -> Float[Array, "target_time batch source_time"]:
    """How much attention each word of the source gets before the word after each of `target`."""
    network = assemble(params, config)
    memory = network.encode(source)

    def step(state: Hidden, word: Word) -> tuple[Hidden, Array]:
        _, weights = network.look(memory, state)
        state, _ = network.write(memory, state, network.decoder.drive(word))
        return state, weights

    return jax.lax.scan(step, memory.start, network.target.embedding[target.T])[1]


compiled_search = jax.jit(search, static_argnames=("config", "num_beams"))
compiled_translate = jax.jit(translate, static_argnames=("config", "num_beams"))
compiled_alignments = jax.jit(alignments, static_argnames="config")
