"""The transformer in JAX: a Flax NNX model, its training and its translation, each one program."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.layers.in_jax import Linear
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.sequences.transformer.problem import (
    MAX_NORM,
    MOMENTS,
    Batch,
    Batches,
    Config,
    learning_rates,
    waves,
)
from tutorials_lib.text.beams import Beams, best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import END, START, Sentences
from tutorials_lib.text.vocabulary import PADDING

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Ids = Int[Array, "batch time"]
Position = int | Int[Array, ""]
Vectors = Float[Array, "batch time width"]
Memory = Float[Array, "batch source_time width"]
Queries = Float[Array, "batch heads queries features"]
Keys = Float[Array, "batch heads keys features"]
Mask = Bool[Array, "..."]
Translations = Int[Array, "batch max_length"]


class Past(NamedTuple):
    """Keys and values of one block of the decoder, with room for words to come."""

    keys: Float[Array, "rows heads room features"]
    values: Float[Array, "rows heads room features"]


# ---------------------------------------------------------------- layers


def attend(queries: Queries, keys: Keys, values: Keys, mask: Mask) -> Queries:
    r"""$\mathrm{softmax}(q k^\top / \sqrt{d})\, v$ over the keys that the mask lets a query see."""
    scores = queries @ keys.swapaxes(-1, -2) * queries.shape[-1] ** -0.5
    return jax.nn.softmax(jnp.where(mask, scores, -jnp.inf)) @ values


def split_heads(x: Float[Array, "batch time parts_width"], parts: int, heads: int) -> Array:
    """`[batch, time, parts * width]` to `[parts, batch, heads, time, features]`."""
    batch, time, _ = x.shape
    return x.reshape(batch, time, parts, heads, -1).transpose(2, 0, 3, 1, 4)


def merge_heads(x: Queries) -> Vectors:
    """The heads side by side again."""
    batch, _, time, _ = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, time, -1)


def dense(inputs: int, outputs: int, *, scale: float = 1.0, rngs: nnx.Rngs) -> Linear:
    """A linear layer that keeps the variance of its input, times `scale` squared."""
    init = nnx.initializers.normal(scale * inputs**-0.5)
    return Linear(inputs, outputs, kernel_init=init, rngs=rngs)


def layer_norm(config: Config, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """The normalization; its variance is that of the centered numbers."""
    return nnx.LayerNorm(config.width, epsilon=1e-5, use_fast_variance=False, rngs=rngs)


class SelfAttention(nnx.Module):
    """Every word gathers from the words of its own sentence, in several heads."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.num_heads = config.num_heads
        self.project_in = dense(config.width, 3 * config.width, rngs=rngs)
        self.project_out = dense(config.width, config.width, scale=0.5, rngs=rngs)

    def __call__(
        self, x: Vectors, mask: Mask, past: Past | None = None, position: Position = 0
    ) -> tuple[Vectors, Past]:
        """The output, and all keys and values: those of `x` stand from `position` on."""
        queries, keys, values = split_heads(self.project_in(x), 3, self.num_heads)
        now = Past(keys, values)
        if past is not None:
            place = partial(jax.lax.dynamic_update_slice_in_dim, start_index=position, axis=2)
            now = Past(*(place(old, new) for old, new in zip(past, now, strict=True)))
        return self.project_out(merge_heads(attend(queries, *now, mask))), now


class CrossAttention(nnx.Module):
    """Every word of the target gathers from the words of its source, in several heads."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.num_heads = config.num_heads
        self.queries = dense(config.width, config.width, rngs=rngs)
        self.keys_values = dense(config.width, 2 * config.width, rngs=rngs)
        self.project_out = dense(config.width, config.width, scale=0.5, rngs=rngs)

    def read(self, memory: Memory) -> Past:
        """Keys and values of the source, which are the same for every word that is written."""
        return Past(*split_heads(self.keys_values(memory), 2, self.num_heads))

    def __call__(self, x: Vectors, theirs: Past, mask: Mask) -> Vectors:
        """The output for `theirs`, see `read`."""
        (queries,) = split_heads(self.queries(x), 1, self.num_heads)
        return self.project_out(merge_heads(attend(queries, *theirs, mask)))


class Mlp(nnx.Module):
    """Two layers, four times as wide between them."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.widen = dense(config.width, 4 * config.width, rngs=rngs)
        self.narrow = dense(4 * config.width, config.width, scale=0.5, rngs=rngs)

    def __call__(self, x: Vectors) -> Vectors:
        """Each word for itself."""
        return self.narrow(jax.nn.relu(self.widen(x)))


class EncoderBlock(nnx.Module):
    """Attention to the whole sentence, then two layers; each adds to a copy of what it read."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.norm_1, self.norm_2 = layer_norm(config, rngs), layer_norm(config, rngs)
        self.attention = SelfAttention(config, rngs=rngs)
        self.mlp = Mlp(config, rngs=rngs)

    def __call__(self, x: Vectors, mask: Mask) -> Vectors:
        """The vectors after this block."""
        x = x + self.attention(self.norm_1(x), mask)[0]
        return x + self.mlp(self.norm_2(x))


class DecoderBlock(nnx.Module):
    """Attention to the words written so far, then to the source, then two layers."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.norm_1, self.norm_2 = layer_norm(config, rngs), layer_norm(config, rngs)
        self.norm_3 = layer_norm(config, rngs)
        self.attention = SelfAttention(config, rngs=rngs)
        self.cross = CrossAttention(config, rngs=rngs)
        self.mlp = Mlp(config, rngs=rngs)

    def __call__(
        self,
        x: Vectors,
        theirs: Past,
        masks: tuple[Mask, Mask],
        past: Past | None = None,
        position: Position = 0,
    ) -> tuple[Vectors, Past]:
        """The vectors after this block, and keys and values of all words written so far."""
        gathered, now = self.attention(self.norm_1(x), masks[1], past, position)
        x = x + gathered
        batch, _, width = x.shape
        # Beams are rows of their own for the words, but share their source: they are queries to it.
        asking = self.norm_2(x).reshape(len(theirs.keys), -1, width)
        x = x + self.cross(asking, theirs, masks[0]).reshape(batch, -1, width)
        return x + self.mlp(self.norm_3(x)), now


class Transformer(nnx.Module):
    """Source and target to the logits of the next word (Vaswani et al. 2017)."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.config = config
        table = partial(
            nnx.Embed,
            features=config.width,
            embedding_init=nnx.initializers.normal(config.width**-0.5),
            rngs=rngs,
        )
        self.source, self.target = table(config.source_words), table(config.target_words)
        blocks = range(config.num_layers)
        self.encoder = nnx.List(EncoderBlock(config, rngs=rngs) for _ in blocks)
        self.decoder = nnx.List(DecoderBlock(config, rngs=rngs) for _ in blocks)
        self.encoder_norm, self.decoder_norm = layer_norm(config, rngs), layer_norm(config, rngs)

    def read(self, table: nnx.Embed, ids: Ids, start: Position) -> Vectors:
        """What each word is, plus where it stands."""
        x = table.embedding[ids] * self.config.width**0.5
        positions = jnp.asarray(waves(self.config.num_positions, self.config.width), x.dtype)
        return x + jax.lax.dynamic_slice_in_dim(positions, start, ids.shape[1])

    def encode(self, source: Ids, start: Position = 0) -> tuple[tuple[Past, ...], Mask]:
        """Keys and values of the source for each block of the decoder, and where it has words."""
        mask = (source != PADDING)[:, None, None]
        x = self.read(self.source, source, start)
        for block in self.encoder:
            x = block(x, mask)
        memory = self.encoder_norm(x)
        return tuple(block.cross.read(memory) for block in self.decoder), mask

    def decode(
        self,
        theirs: tuple[Past, ...],
        mask: Mask,
        words: Ids,
        start: Position = 0,
        pasts: tuple[Past, ...] | None = None,
    ) -> tuple[Vectors, tuple[Past, ...]]:
        """The vectors of `words`, and keys and values of these and of all words before them."""
        x, time = self.read(self.target, words, start), words.shape[1]
        if pasts is None:
            seen = jnp.tri(time, dtype=bool)
        else:
            seen = jnp.arange(pasts[0].keys.shape[2]) <= start
        now = []
        for i, block in enumerate(self.decoder):
            past = None if pasts is None else pasts[i]
            x, layer = block(x, theirs[i], (mask, seen), past, start)
            now.append(layer)
        return self.decoder_norm(x), tuple(now)

    def logits(self, x: Float[Array, "*rest width"]) -> Float[Array, "*rest vocab"]:
        """How much each word is like the vector: the table of the target, used twice."""
        return x @ self.target.embedding[...].T


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Transformer(config, rngs=nnx.Rngs(key)))


def model(params: Params, config: Config) -> Transformer:
    """Put the model together."""
    return pure.assemble(pure.graph(Transformer, config), params)


# ---------------------------------------------------------------- training


def predict(params: Params, batch: Batch, config: Config) -> Float[Array, "batch time vocab"]:
    """The logits of the word after each word of the target; zeros behind the end."""
    transformer = model(params, config)
    theirs, mask = transformer.encode(batch.source, batch.starts[0])
    x, _ = transformer.decode(theirs, mask, batch.target[:, :-1], batch.starts[1])
    return jnp.where((batch.target[:, 1:] != PADDING)[..., None], transformer.logits(x), 0)


def loss(params: Params, batch: Batch, config: Config) -> Float[Array, ""]:
    """The smoothed cross-entropy of the words of the target, given those before, in nats."""
    logits, labels = predict(params, batch, config), batch.target[:, 1:]
    wanted = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    losses = jax.nn.logsumexp(logits, axis=-1) - (1 - config.smoothing) * wanted
    if config.smoothing:
        losses -= config.smoothing * logits.mean(-1)
    is_word = (labels != PADDING).astype(losses.dtype)
    return (losses * is_word).sum() / is_word.sum()


def loss_and_grads(params: Params, batch: Batch, config: Config) -> tuple[Float[Array, ""], Params]:
    """The loss and the gradients of all parameters."""
    return jax.value_and_grad(loss)(params, batch, config)


def stages(params: Params, batch: Batch, config: Config) -> dict[str, Array]:
    """What a batch becomes on its way through the network, by name."""
    transformer = model(params, config)
    source, written = batch.source, batch.target[:, :-1]
    theirs, mask = transformer.encode(source)
    x, _ = transformer.decode(theirs, mask, written)
    return {
        "English words": source,
        "vectors with positions": transformer.read(transformer.source, source, 0),
        "keys of the encoder's last output": theirs[-1].keys,
        "vectors of the French words": x,
        "logits of the next French word": transformer.logits(x),
    }


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam with warm-up, on gradients that are shortened where they are too long."""
    rates = learning_rates(config)
    adam = optax.adam(lambda count: jnp.asarray(rates)[count], **MOMENTS)
    return optax.chain(optax.clip_by_global_norm(MAX_NORM), adam)


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(state: State, batch: Batch, config: Config) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def fit(
    state: State, sentences: Sentences, batches: Batches, config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """A step for every batch; the losses before each. A scan over steps, one dispatch."""

    def step(state: State, now: Batches) -> tuple[State, Float[Array, ""]]:
        batch = Batch(sentences.source[now.places], sentences.target[now.places], now.starts)
        return train_step(state, batch, config)

    return jax.lax.scan(step, state, batches)


compiled_fit = jax.jit(fit, static_argnames="config")


# ---------------------------------------------------------------- translation


class Search(NamedTuple):
    """What beam search carries from word to word."""

    position: Int[Array, ""]
    words: Int[Array, "batch beams room"]
    beams: Beams
    pasts: tuple[Past, ...]


def translate(params: Params, source: Ids, config: Config, *, num_beams: int = 1) -> Translations:
    """The best translation that beam search finds; with one beam, always the most probable word.

    Args:
        params: the parameters.
        source: English sentences.
        config: the shape of the network.
        num_beams: how many beginnings are kept of every sentence.

    Returns:
        Word ids, padded behind `END`.
    """
    transformer = model(params, config)
    theirs, mask = transformer.encode(source)
    batch, heads = len(source), config.num_heads
    room = batch * num_beams, heads, config.max_length, config.width // heads
    zeros = jnp.zeros(room, theirs[0].keys.dtype)
    pasts = (Past(zeros, zeros),) * config.num_layers

    def next_logits(search: Search) -> tuple[Array, tuple[Past, ...]]:
        pasts = search.pasts
        if num_beams > 1:  # what each beam has read moves with it
            first = num_beams * jnp.arange(batch)[:, None]
            rows = (search.beams.parents + first).ravel()
            pasts = jax.tree.map(lambda past: past[rows], pasts)
        last = search.beams.tokens.reshape(-1, 1)
        x, pasts = transformer.decode(theirs, mask, last, search.position, pasts)
        return transformer.logits(x[:, 0]).reshape(batch, num_beams, -1), pasts

    return _search(next_logits, pasts, batch, num_beams, config, params)


def _search(
    next_logits: Callable[[Search], tuple[Array, tuple[Past, ...]]],
    pasts: tuple[Past, ...],
    batch: int,
    num_beams: int,
    config: Config,
    params: Params,
) -> Translations:
    """Word after word, until every sentence that is kept has ended."""
    beams = start_beams(batch, num_beams, start=START, like=params["target"]["embedding"])
    words = jnp.full((batch, num_beams, config.max_length + 1), PADDING, jnp.int32)
    words = words.at[:, :, 0].set(START)

    def is_open(search: Search) -> Bool[Array, ""]:
        return (search.position < config.max_length) & ~search.beams.finished.all()

    def step(search: Search) -> Search:
        logits, pasts = next_logits(search)
        beams = next_beams(logits, search.beams, end=END)
        words = jnp.take_along_axis(search.words, beams.parents[:, :, None], axis=1)
        words = words.at[:, :, search.position + 1].set(beams.tokens)
        return Search(search.position + 1, words, beams, pasts)

    found = jax.lax.while_loop(is_open, step, Search(jnp.int32(0), words, beams, pasts))
    lengths = (found.words[:, :, 1:] != PADDING).sum(-1)
    best = best_beam(found.beams.scores, lengths, found.beams.finished, alpha=1.0)
    return found.words[jnp.arange(batch), best, 1:]


def translate_without_cache(
    params: Params, source: Ids, config: Config, *, num_beams: int = 1
) -> Translations:
    """The same as `translate`; all words so far are read again for each new one.

    A compiled program has fixed shapes, so that what is read always has the final length; words
    that are not yet written are seen by nobody.
    """
    transformer = model(params, config)
    theirs, mask = transformer.encode(source)
    batch = len(source)
    theirs = jax.tree.map(lambda each: jnp.repeat(each, num_beams, axis=0), theirs)
    mask = jnp.repeat(mask, num_beams, axis=0)

    def next_logits(search: Search) -> tuple[Array, tuple[Past, ...]]:
        words = search.words.reshape(batch * num_beams, -1)[:, :-1]
        x, _ = transformer.decode(theirs, mask, words)
        last = jax.lax.dynamic_index_in_dim(x, search.position, axis=1, keepdims=False)
        return transformer.logits(last).reshape(batch, num_beams, -1), ()

    return _search(next_logits, (), batch, num_beams, config, params)


compiled_translate = jax.jit(translate, static_argnames=("config", "num_beams"))
