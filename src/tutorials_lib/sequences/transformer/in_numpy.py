"""The transformer in NumPy, with gradients by hand and a cache of keys and values.

Padding is never computed with. The words of all sentences of a batch lie under one another, as
rows; only attention, which looks from word to word, puts them back into sentences. The shapes
change from batch to batch, which NumPy does not mind.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.attention.in_numpy import (
    attention,
    attention_weights,
    causal_mask,
    layer_norm,
    merge_heads,
    split_heads,
)
from tutorials_lib.layers.in_numpy import relu
from tutorials_lib.layers.linear.in_numpy import embed, linear
from tutorials_lib.layers.losses.smoothed import smoothed_cross_entropy
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
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
"""`{"source", "target", "encoder": {i: ...}, "encoder_norm", "decoder": {i: ...}, "decoder_norm"}`.

A block has `norm_1`, `attention`, `norm_2` and `mlp`; in the decoder `cross` stands before `mlp`,
and `norm_3` belongs to the latter. A linear layer has `kernel` and `bias`, a normalization `scale`
and `bias`, a table of words `embedding`."""

Ids = Int[np.ndarray, "batch time"]
Rows = Float[np.ndarray, "words width"]
Memory = Float[np.ndarray, "their_words width"]
"""A row for every word of the source."""

Heads = Float[np.ndarray, "batch heads time features"]
Maps = Float[np.ndarray, "batch heads queries keys"]


class CrossLook(NamedTuple):
    """How a block of the decoder looks at the source: scores, and the weights they become."""

    scores: Maps
    weights: Maps


class Layout(NamedTuple):
    """Where the words of a batch stand among all its places.

    Attributes:
        shape: sentences, and places in each.
        places: of the words, counted through all sentences.
    """

    shape: tuple[int, int]
    places: Int[np.ndarray, " words"]

    @property
    def mask(self) -> np.ndarray:
        """True where there is a word, for attention: `[batch, 1, 1, time]`."""
        mask = np.zeros(self.shape[0] * self.shape[1], bool)
        mask[self.places] = True
        return mask.reshape(self.shape[0], 1, 1, self.shape[1])


def layout_of(ids: Ids) -> Layout:
    """The layout of the words that are no padding."""
    return Layout((ids.shape[0], ids.shape[1]), np.flatnonzero(ids.ravel() != PADDING))


def unpack(rows: Rows, layout: Layout) -> Float[np.ndarray, "batch time width"]:
    """The rows back in their sentences, zeros as padding."""
    x = np.zeros((layout.shape[0] * layout.shape[1], rows.shape[1]), rows.dtype)
    x[layout.places] = rows
    return x.reshape(*layout.shape, -1)


def pack(x: Float[np.ndarray, "batch time width"], layout: Layout) -> Rows:
    """The rows of the words."""
    return x.reshape(-1, x.shape[-1])[layout.places]


# ---------------------------------------------------------------- layers


def _self_attention(
    rows: Rows, project_in: Params, project_out: Params, *, layout: Layout, mask: Any, heads: int
) -> tuple[Rows, Callable[[Rows], tuple[Rows, Params]]]:
    """Every word gathers from the words of its sentence that the mask lets it see."""
    projected, in_vjp = linear(rows, **project_in)
    parts = unpack(projected, layout).reshape(*layout.shape, 3, heads, -1)
    queries, keys, values = parts.transpose(2, 0, 3, 1, 4)
    mixed, attention_vjp = attention(queries, keys, values, mask)
    y, out_vjp = linear(pack(merge_heads(mixed), layout), **project_out)

    def vjp(dy: Rows) -> tuple[Rows, Params]:
        dmerged, dproject_out = out_vjp(dy)
        dparts = np.empty_like(parts)
        for i, dpart in enumerate(attention_vjp(split_heads(unpack(dmerged, layout), heads))):
            dparts[:, :, i] = dpart.transpose(0, 2, 1, 3)
        dx, dproject_in = in_vjp(pack(dparts.reshape(*layout.shape, -1), layout))
        return dx, {"project_in": dproject_in, "project_out": dproject_out}

    return y, vjp


def _cross_attention(
    rows: Rows,
    memory: Memory,
    queries: Params,
    keys_values: Params,
    project_out: Params,
    *,
    layouts: tuple[Layout, Layout],
    mask: Any,
    heads: int,
) -> tuple[Rows, Callable[[Rows], tuple[Rows, Memory, Params]]]:
    """Every word of the target gathers from the words of its source."""
    theirs, ours = layouts
    asked, queries_vjp = linear(rows, **queries)
    offered, offered_vjp = linear(memory, **keys_values)
    parts = unpack(offered, theirs).reshape(*theirs.shape, 2, heads, -1)
    keys, values = parts.transpose(2, 0, 3, 1, 4)
    mixed, attention_vjp = attention(split_heads(unpack(asked, ours), heads), keys, values, mask)
    y, out_vjp = linear(pack(merge_heads(mixed), ours), **project_out)

    def vjp(dy: Rows) -> tuple[Rows, Memory, Params]:
        dmerged, dproject_out = out_vjp(dy)
        dqueries, *dparts = attention_vjp(split_heads(unpack(dmerged, ours), heads))
        dx, dproject_queries = queries_vjp(pack(merge_heads(dqueries), ours))
        doffered = np.empty_like(parts)
        for i, dpart in enumerate(dparts):
            doffered[:, :, i] = dpart.transpose(0, 2, 1, 3)
        dmemory, dkeys_values = offered_vjp(pack(doffered.reshape(*theirs.shape, -1), theirs))
        grads = {"queries": dproject_queries, "keys_values": dkeys_values}
        return dx, dmemory, {**grads, "project_out": dproject_out}

    return y, vjp


def _mlp(
    rows: Rows, widen: Params, narrow: Params
) -> tuple[Rows, Callable[[Rows], tuple[Rows, Params]]]:
    """Two layers, four times as wide between them, each word for itself."""
    y, widen_vjp = linear(rows, **widen)
    y, relu_vjp = relu(y)
    y, narrow_vjp = linear(y, **narrow)

    def vjp(dy: Rows) -> tuple[Rows, Params]:
        dy, dnarrow = narrow_vjp(dy)
        dx, dwiden = widen_vjp(relu_vjp(dy))
        return dx, {"widen": dwiden, "narrow": dnarrow}

    return y, vjp


def _add(
    layer: Callable[..., Any], x: Rows, norm: Params, *others: Any, **settings: Any
) -> tuple[Rows, Callable[[Rows], tuple[Any, ...]]]:
    """The layer reads a normalized copy of `x` and adds to it; gradients of the norm come last."""
    normal, norm_vjp = layer_norm(x, **norm)
    y, layer_vjp = layer(normal, *others, **settings)
    y += x

    def vjp(dy: Rows) -> tuple[Any, ...]:
        dnormal, *rest = layer_vjp(dy)
        dx, dnorm = norm_vjp(dnormal)
        dx += dy
        return dx, *rest, dnorm

    return y, vjp


def _encoder_block(
    x: Rows, block: Params, *, layout: Layout, mask: Any, heads: int
) -> tuple[Rows, Callable[[Rows], tuple[Rows, Params]]]:
    """Attention to the whole sentence, then two layers."""
    seen = {"layout": layout, "mask": mask, "heads": heads}
    x, attention_vjp = _add(_self_attention, x, block["norm_1"], **block["attention"], **seen)
    x, mlp_vjp = _add(_mlp, x, block["norm_2"], **block["mlp"])

    def vjp(dx: Rows) -> tuple[Rows, Params]:
        dx, dmlp, dnorm_2 = mlp_vjp(dx)
        dx, dattention, dnorm_1 = attention_vjp(dx)
        grads = {"norm_1": dnorm_1, "attention": dattention, "norm_2": dnorm_2, "mlp": dmlp}
        return dx, grads

    return x, vjp


def _decoder_block(
    x: Rows, memory: Memory, block: Params, *, layouts: tuple[Layout, Layout], mask: Any, heads: int
) -> tuple[Rows, Callable[[Rows], tuple[Rows, Memory, Params]]]:
    """Attention to the words written so far, then to the source, then two layers."""
    ours = layouts[1]
    before = {"layout": ours, "mask": causal_mask(ours.shape[1]), "heads": heads}
    there = {"layouts": layouts, "mask": mask, "heads": heads}
    x, attention_vjp = _add(_self_attention, x, block["norm_1"], **block["attention"], **before)
    x, cross_vjp = _add(_cross_attention, x, block["norm_2"], memory, **block["cross"], **there)
    x, mlp_vjp = _add(_mlp, x, block["norm_3"], **block["mlp"])

    def vjp(dx: Rows) -> tuple[Rows, Memory, Params]:
        dx, dmlp, dnorm_3 = mlp_vjp(dx)
        dx, dmemory, dcross, dnorm_2 = cross_vjp(dx)
        dx, dattention, dnorm_1 = attention_vjp(dx)
        norms = {"norm_1": dnorm_1, "norm_2": dnorm_2, "norm_3": dnorm_3}
        return dx, dmemory, {**norms, "attention": dattention, "cross": dcross, "mlp": dmlp}

    return x, vjp


# ---------------------------------------------------------------- the network


def _read(
    table: Params, ids: Ids, layout: Layout, start: int, config: Config
) -> tuple[Rows, Callable[[Rows], Params]]:
    """What each word is, plus where it stands."""
    scale = config.width**0.5
    positions = waves(config.num_positions, config.width).astype(table["embedding"].dtype)
    rows, embed_vjp = embed(table["embedding"], ids.ravel()[layout.places])
    rows *= scale
    rows += positions[start + layout.places % layout.shape[1]]
    return rows, lambda dy: {"embedding": embed_vjp(dy * scale)}


def encode(
    params: Params, source: Ids, layout: Layout, start: int, config: Config
) -> tuple[Rows, Callable[[Rows], Params]]:
    """A row for every word of the source, which has seen all others."""
    x, read_vjp = _read(params["source"], source, layout, start, config)
    vjps, mask = {}, layout.mask
    for i, block in params["encoder"].items():
        x, vjps[i] = _encoder_block(x, block, layout=layout, mask=mask, heads=config.num_heads)
    memory, norm_vjp = layer_norm(x, **params["encoder_norm"])

    def vjp(dmemory: Rows) -> Params:
        dx, dnorm = norm_vjp(dmemory)
        dblocks = {}
        for i, block_vjp in reversed(vjps.items()):
            dx, dblocks[i] = block_vjp(dx)
        return {"source": read_vjp(dx), "encoder": dblocks, "encoder_norm": dnorm}

    return memory, vjp


def decode(
    params: Params,
    memory: Memory,
    target: Ids,
    layouts: tuple[Layout, Layout],
    start: int,
    config: Config,
) -> tuple[Rows, Callable[[Rows], tuple[Memory, Params]]]:
    """A row for every word of the target, which has seen those before it and the source."""
    x, read_vjp = _read(params["target"], target, layouts[1], start, config)
    seen = {"layouts": layouts, "mask": layouts[0].mask, "heads": config.num_heads}
    vjps = {}
    for i, block in params["decoder"].items():
        x, vjps[i] = _decoder_block(x, memory, block, **seen)
    y, norm_vjp = layer_norm(x, **params["decoder_norm"])

    def vjp(dy: Rows) -> tuple[Memory, Params]:
        dx, dnorm = norm_vjp(dy)
        dmemory, dblocks = np.zeros_like(memory), {}
        for i, block_vjp in reversed(vjps.items()):
            dx, dmemory_here, dblocks[i] = block_vjp(dx)
            dmemory += dmemory_here
        return dmemory, {"target": read_vjp(dx), "decoder": dblocks, "decoder_norm": dnorm}

    return y, vjp


def predict(params: Params, batch: Batch, config: Config) -> Float[np.ndarray, "batch time vocab"]:
    """The logits of the word after each word of the target; zeros behind the end."""
    layouts, written = _layouts(batch)
    source_start, target_start = map(int, batch.starts)
    memory, _ = encode(params, batch.source, layouts[0], source_start, config)
    rows, _ = decode(params, memory, written, layouts, target_start, config)
    return unpack(rows @ params["target"]["embedding"].T, layouts[1])


def _layouts(batch: Batch) -> tuple[tuple[Layout, Layout], Ids]:
    """Of the source, and of the words of the target that have a successor; and these words."""
    return (layout_of(batch.source), layout_of(batch.target[:, 1:])), batch.target[:, :-1]


def loss(params: Params, batch: Batch, config: Config) -> np.floating:
    """The smoothed cross-entropy of the words of the target, given those before, in nats."""
    return loss_and_grads(params, batch, config)[0]


def loss_and_grads(params: Params, batch: Batch, config: Config) -> tuple[np.floating, Params]:
    """The loss and the gradients of all parameters."""
    layouts, written = _layouts(batch)
    source_start, target_start = map(int, batch.starts)
    memory, encode_vjp = encode(params, batch.source, layouts[0], source_start, config)
    rows, decode_vjp = decode(params, memory, written, layouts, target_start, config)
    embedding = params["target"]["embedding"]
    labels = batch.target[:, 1:].ravel()[layouts[1].places]
    value, dlogits = smoothed_cross_entropy(rows @ embedding.T, labels, smoothing=config.smoothing)
    dmemory, grads = decode_vjp(dlogits @ embedding)
    grads["target"]["embedding"] += dlogits.T @ rows  # the table is used at both ends
    return value, {**encode_vjp(dmemory), **grads}


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    del config  # Adam needs no settings to start
    return State(params, adam_start(params))


def train_step(state: State, batch: Batch, config: Config) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, config)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    grads = clip_by_global_norm(grads, MAX_NORM)
    params, opt_state = adam_update(
        state.params, grads, state.opt_state, learning_rate=rate, **MOMENTS
    )
    return State(params, opt_state), value


def fit(
    state: State, sentences: Sentences, batches: Batches, config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """A step for every batch; the losses before each."""
    losses = np.empty(len(batches.places), state.params["source"]["embedding"].dtype)
    for i, (places, starts) in enumerate(zip(*batches, strict=True)):
        batch = Batch(sentences.source[places], sentences.target[places], starts)
        state, losses[i] = train_step(state, batch, config)
    return state, losses


# ---------------------------------------------------------------- translation


class LayerCache(NamedTuple):
    """Keys and values of one block of the decoder.

    Attributes:
        keys: of the words written so far, with room for those to come.
        values: of the same.
        their_keys: of the source.
        their_values: of the source.
    """

    keys: Heads
    values: Heads
    their_keys: Heads
    their_values: Heads


def start_cache(
    params: Params, source: Ids, layout: Layout, num_beams: int, config: Config
) -> tuple[LayerCache, ...]:
    """Read the source once; there is room for `num_beams` translations of each sentence."""
    memory, _ = encode(params, source, layout, 0, config)
    batch, heads, dtype = len(source), config.num_heads, memory.dtype
    room = batch * num_beams, heads, config.max_length, config.width // heads
    caches = []
    for block in params["decoder"].values():
        offered, _ = linear(memory, **block["cross"]["keys_values"])
        parts = unpack(offered, layout).reshape(*layout.shape, 2, heads, -1)
        theirs = parts.transpose(2, 0, 3, 1, 4)
        caches.append(LayerCache(np.zeros(room, dtype), np.zeros(room, dtype), *theirs))
    return tuple(caches)


def extend(
    params: Params,
    caches: tuple[LayerCache, ...],
    mask: Any,
    words: Int[np.ndarray, "batch beams"],
    position: int,
    config: Config,
) -> Float[np.ndarray, "batch beams vocab"]:
    """The logits of the word after `words`, which stand at `position`.

    Their keys and values are written into the caches in place; what was written before is not
    computed again.
    """
    (batch, beams), heads = words.shape, config.num_heads
    embedding = params["target"]["embedding"]
    x = embedding[words.ravel()] * config.width**0.5
    x += waves(config.num_positions, config.width)[position]
    for block, cache in zip(params["decoder"].values(), caches, strict=True):
        y, _ = linear(layer_norm(x, **block["norm_1"])[0], **block["attention"]["project_in"])
        queries, keys, values = y.reshape(len(x), 3, heads, -1).transpose(1, 0, 2, 3)
        cache.keys[:, :, position], cache.values[:, :, position] = keys, values
        now = slice(position + 1)
        y = attention_weights(queries[:, :, None], cache.keys[:, :, now]) @ cache.values[:, :, now]
        x += linear(y.reshape(x.shape), **block["attention"]["project_out"])[0]
        y, _ = linear(layer_norm(x, **block["norm_2"])[0], **block["cross"]["queries"])
        queries = split_heads(y.reshape(batch, beams, -1), heads)
        y = attention_weights(queries, cache.their_keys, mask) @ cache.their_values
        x += linear(merge_heads(y).reshape(x.shape), **block["cross"]["project_out"])[0]
        x += _mlp(layer_norm(x, **block["norm_3"])[0], **block["mlp"])[0]
    y, _ = layer_norm(x, **params["decoder_norm"])
    return (y @ embedding.T).reshape(batch, beams, -1)


def translate(
    params: Params, source: Ids, config: Config, *, num_beams: int = 1
) -> Int[np.ndarray, "batch max_length"]:
    """The best translation that beam search finds; with one beam, always the most probable word.

    Args:
        params: the parameters.
        source: English sentences.
        config: the shape of the network.
        num_beams: how many beginnings are kept of every sentence.

    Returns:
        Word ids, padded behind `END`.
    """
    layout = layout_of(source)
    caches, mask = start_cache(params, source, layout, num_beams, config), layout.mask

    def next_logits(words: Int[np.ndarray, "batch beams time"], beams: Beams) -> np.ndarray:
        if num_beams > 1:  # what each beam has read moves with it
            rows = (beams.parents + num_beams * np.arange(len(source))[:, None]).ravel()
            for cache in caches:
                for past in (cache.keys, cache.values):
                    past[...] = past[rows]
        return extend(params, caches, mask, words[:, :, -1], words.shape[2] - 1, config)

    return _search(next_logits, len(source), num_beams, params, config)


def _search(
    next_logits: Callable[[Any, Beams], np.ndarray],
    batch: int,
    num_beams: int,
    params: Params,
    config: Config,
) -> Int[np.ndarray, "batch max_length"]:
    """Word after word, until every sentence that is kept has ended."""
    beams = start_beams(batch, num_beams, start=START, like=params["target"]["embedding"])
    words = np.full((batch, num_beams, config.max_length + 1), PADDING, np.int32)
    words[:, :, 0] = START
    for position in range(config.max_length):
        logits = next_logits(words[:, :, : position + 1], beams)
        beams = next_beams(logits, beams, end=END)
        words = np.take_along_axis(words, beams.parents[:, :, None], axis=1)
        words[:, :, position + 1] = beams.tokens
        if beams.finished.all():
            break
    lengths = (words[:, :, 1:] != PADDING).sum(-1)
    best = best_beam(beams.scores, lengths, beams.finished, alpha=1.0)
    return words[np.arange(batch), best, 1:]


def translate_without_cache(
    params: Params, source: Ids, config: Config, *, num_beams: int = 1
) -> Int[np.ndarray, "batch max_length"]:
    """The same as `translate`; all words so far are read again for each new one."""
    repeated = source.repeat(num_beams, axis=0)
    theirs = layout_of(repeated)
    memory, _ = encode(params, repeated, theirs, 0, config)

    def next_logits(words: Int[np.ndarray, "batch beams time"], beams: Beams) -> np.ndarray:
        flat = words.reshape(len(repeated), -1)
        ours = layout_of(flat)
        rows, _ = decode(params, memory, flat, (theirs, ours), 0, config)
        last = unpack(rows, ours)[:, -1] @ params["target"]["embedding"].T
        return last.reshape(*beams.tokens.shape, -1)

    return _search(next_logits, len(source), num_beams, params, config)


def cross_looks(params: Params, batch: Batch, config: Config) -> list[CrossLook]:
    """How each word of the target looks at those of the source, in every block."""
    layouts, written = _layouts(batch)
    source_start, target_start = map(int, batch.starts)
    memory, _ = encode(params, batch.source, layouts[0], source_start, config)
    x, _ = _read(params["target"], written, layouts[1], target_start, config)
    heads, mask, looks = config.num_heads, layouts[0].mask, []
    before = {"layout": layouts[1], "mask": causal_mask(layouts[1].shape[1]), "heads": heads}
    for block in params["decoder"].values():
        y, _ = _add(_self_attention, x, block["norm_1"], **block["attention"], **before)
        asked, _ = linear(layer_norm(y, **block["norm_2"])[0], **block["cross"]["queries"])
        offered, _ = linear(memory, **block["cross"]["keys_values"])
        queries = split_heads(unpack(asked, layouts[1]), heads)
        keys = split_heads(unpack(offered[:, : config.width], layouts[0]), heads)
        scores = queries @ keys.swapaxes(-1, -2) * queries.shape[-1] ** -0.5
        looks.append(CrossLook(scores, attention_weights(queries, keys, mask)))
        x, _ = _decoder_block(x, memory, block, layouts=layouts, mask=mask, heads=heads)
    return looks
