"""BERT in NumPy, with gradients by hand.

Texts have different lengths. Everything that treats each piece for itself, which is all but
attention, computes on the pieces of all texts one after the other, without padding: *packed*.
Only the queries, keys and values are spread into an array with padding, and gathered again.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from tutorials_lib import schedules
from tutorials_lib.layers.attention.in_numpy import attention, layer_norm
from tutorials_lib.layers.gelu.in_numpy import gelu
from tutorials_lib.layers.in_numpy import softmax_cross_entropy
from tutorials_lib.layers.linear.in_numpy import embed, linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.sequences.bert.problem import (
    EPSILON,
    MOMENTS,
    Config,
    Masked,
    learning_rates,
    pretraining_rates,
)
from tutorials_lib.trees import tree_map

Params = dict[Any, Any]
"""`{"encoder": {"embeddings", "blocks"}, "masked": {...}, "classifier": {"pooler", "readout"}}`.

A block has
`{"attention": {"project_in", "project_out"}, "norm_1", "mlp": {"widen", "narrow"}, "norm_2"}`;
a linear layer has `kernel` and `bias`, a normalization `scale` and `bias`.
"""

Ids = Int[np.ndarray, "batch time"]
Packed = Float[np.ndarray, "pieces width"]
Vectors = Float[np.ndarray, "batch time width"]
Seen = Bool[np.ndarray, "batch longest"]
Places = Int[np.ndarray, "batch masked"]
Guesses = Float[np.ndarray, "batch masked vocab"]
Logits = Float[np.ndarray, "batch classes"]
Labels = Int[np.ndarray, " batch"]

Vjp = Callable[[Packed], tuple[Packed, Params]]


# ---------------------------------------------------------------- the encoder


def _encode(
    encoder: Params, ids: Ids, config: Config, types: Ids | None = None
) -> tuple[Packed, Seen, Callable[[Packed], Params]]:
    """The packed vectors after the last block, and where in `ids` they belong."""
    longest = int((ids != 0).sum(1).max())
    ids = ids[:, :longest]
    seen = ids != 0
    kinds = np.zeros_like(ids) if types is None else types[:, :longest]
    x, embed_vjp = _embed(encoder["embeddings"], ids, kinds, seen)
    vjps = {}
    for i, block in encoder["blocks"].items():
        x, vjps[i] = _block(x, seen, **block, config=config)

    def vjp(dx: Packed) -> Params:
        dblocks = {}
        for i, block_vjp in reversed(vjps.items()):
            dx, dblocks[i] = block_vjp(dx)
        return {"embeddings": embed_vjp(dx), "blocks": dblocks}

    return x, seen, vjp


def _embed(
    embeddings: Params, ids: Ids, types: Ids, seen: Seen
) -> tuple[Packed, Callable[[Packed], Params]]:
    """What a piece is, plus where it stands, plus to which text it belongs; normalized."""
    chosen = {"pieces": ids[seen], "positions": np.nonzero(seen)[1], "types": types[seen]}
    vectors, vjps = {}, {}
    for name, numbers in chosen.items():
        vectors[name], vjps[name] = embed(embeddings[name]["embedding"], numbers)
    x = vectors["pieces"] + vectors["positions"]
    x += vectors["types"]
    y, norm_vjp = _norm(x, **embeddings["norm"])

    def vjp(dy: Packed) -> Params:
        dx, dnorm = norm_vjp(dy)
        tables = {name: {"embedding": each(dx)} for name, each in vjps.items()}
        return {**tables, "norm": dnorm}

    return y, vjp


def _block(
    x: Packed,
    seen: Seen,
    attention: Params,
    norm_1: Params,
    mlp: Params,
    norm_2: Params,
    *,
    config: Config,
) -> tuple[Packed, Vjp]:
    """Attention, then the two layers; what they give is added, and the sum normalized."""
    y, attention_vjp = _self_attention(x, seen, **attention, config=config)
    y += x
    x, norm_1_vjp = _norm(y, **norm_1)
    y, mlp_vjp = _mlp(x, **mlp)
    y += x
    x, norm_2_vjp = _norm(y, **norm_2)

    def vjp(dx: Packed) -> tuple[Packed, Params]:
        dsum, dnorm_2 = norm_2_vjp(dx)
        dx, dmlp = mlp_vjp(dsum)
        dx += dsum
        dsum, dnorm_1 = norm_1_vjp(dx)
        dx, dattention = attention_vjp(dsum)
        dx += dsum
        return dx, {"attention": dattention, "norm_1": dnorm_1, "mlp": dmlp, "norm_2": dnorm_2}

    return x, vjp


def _self_attention(
    x: Packed, seen: Seen, project_in: Params, project_out: Params, *, config: Config
) -> tuple[Packed, Vjp]:
    """Every piece gathers from all pieces of its text: one product for queries, keys and values."""
    projected, in_vjp = linear(x, **project_in)
    parts = _to_heads(projected, seen, 3, config.num_heads)
    mixed, attention_vjp = attention(*parts, mask=seen[:, None, None])
    y, out_vjp = linear(_from_heads(mixed, seen), **project_out)

    def vjp(dy: Packed) -> tuple[Packed, Params]:
        dmerged, dproject_out = out_vjp(dy)
        (dmixed,) = _to_heads(dmerged, seen, 1, config.num_heads)
        dparts = [_from_heads(dpart, seen) for dpart in attention_vjp(dmixed)]
        dx, dproject_in = in_vjp(np.concatenate(dparts, axis=-1))
        return dx, {"project_in": dproject_in, "project_out": dproject_out}

    return y, vjp


def _to_heads(
    x: Packed, seen: Seen, num_parts: int, num_heads: int
) -> Float[np.ndarray, "parts batch heads longest features"]:
    """Parts that lie side by side in the packed vectors, by head, with zeros in the padding."""
    batch, longest = seen.shape
    features = x.shape[1] // (num_parts * num_heads)
    rows, places = np.nonzero(seen)
    heads = np.zeros((num_parts, batch, num_heads, longest, features), x.dtype)
    heads[:, rows, :, places] = x.reshape(len(x), num_parts, num_heads, features)
    return heads


def _from_heads(heads: Float[np.ndarray, "batch heads longest features"], seen: Seen) -> Packed:
    """The packed vectors of one part, the heads side by side."""
    rows, places = np.nonzero(seen)
    return heads[rows, :, places].reshape(len(rows), -1)


def _spread(
    x: Float[np.ndarray, "pieces features"], seen: Seen
) -> Float[np.ndarray, "batch longest features"]:
    """The packed vectors in their places, zeros in the padding."""
    spread = np.zeros((*seen.shape, x.shape[1]), x.dtype)
    spread[seen] = x
    return spread


def _mlp(x: Packed, widen: Params, narrow: Params) -> tuple[Packed, Vjp]:
    """Two layers, four times as wide between them, each piece for itself."""
    y, widen_vjp = linear(x, **widen)
    y, gelu_vjp = gelu(y)
    y, narrow_vjp = linear(y, **narrow)

    def vjp(dy: Packed) -> tuple[Packed, Params]:
        dy, dnarrow = narrow_vjp(dy)
        dx, dwiden = widen_vjp(gelu_vjp(dy))
        return dx, {"widen": dwiden, "narrow": dnarrow}

    return y, vjp


_norm = partial(layer_norm, epsilon=EPSILON)


# ---------------------------------------------------------------- the heads


def _guess(
    masked: Params, table: Float[np.ndarray, "vocab width"], x: Packed
) -> tuple[
    Float[np.ndarray, "pieces vocab"],
    Callable[[Float[np.ndarray, "pieces vocab"]], tuple[Packed, Params, np.ndarray]],
]:
    """The logits of every piece of the table; its gradient is the third that `vjp` returns."""
    y, dense_vjp = linear(x, **masked["dense"])
    y, gelu_vjp = gelu(y)
    y, norm_vjp = _norm(y, **masked["norm"])
    logits = y @ table.T
    logits += masked["bias"]

    def vjp(
        dlogits: Float[np.ndarray, "pieces vocab"],
    ) -> tuple[Packed, Params, np.ndarray]:
        dy, dnorm = norm_vjp(dlogits @ table)
        dx, ddense = dense_vjp(gelu_vjp(dy))
        return dx, {"dense": ddense, "norm": dnorm, "bias": dlogits.sum(0)}, dlogits.T @ y

    return logits, vjp


def _classify(classifier: Params, x: Packed) -> tuple[Logits, Callable[[Logits], Any]]:
    """The logits of every class from the vector of each text's beginning."""
    y, pooler_vjp = linear(x, **classifier["pooler"])
    pooled = np.tanh(y)
    logits, readout_vjp = linear(pooled, **classifier["readout"])

    def vjp(dlogits: Logits) -> tuple[Packed, Params]:
        dpooled, dreadout = readout_vjp(dlogits)
        dx, dpooler = pooler_vjp(dpooled * (1 - pooled * pooled))
        return dx, {"pooler": dpooler, "readout": dreadout}

    return logits, vjp


def _rows(seen: Seen) -> Int[np.ndarray, "batch longest"]:
    """Which packed vector belongs to each place that has one."""
    return np.cumsum(seen).reshape(seen.shape) - 1


def encode(params: Params, ids: Ids, config: Config, types: Ids | None = None) -> Vectors:
    """The vector of every piece after the last block; zeros in the padding."""
    x, seen, _ = _encode(params["encoder"], ids, config, types)
    padded = np.zeros((*ids.shape, x.shape[1]), x.dtype)
    padded[:, : seen.shape[1]] = _spread(x, seen)
    return padded


def guess(
    params: Params, ids: Ids, places: Places, config: Config, types: Ids | None = None
) -> Guesses:
    """The logits of the pieces at some places of each text."""
    x, seen, _ = _encode(params["encoder"], ids, config, types)
    chosen = np.take_along_axis(_rows(seen), places, axis=1).ravel()
    table = params["encoder"]["embeddings"]["pieces"]["embedding"]
    return _guess(params["masked"], table, x[chosen])[0].reshape(*places.shape, -1)


def predict(params: Params, ids: Ids, config: Config) -> Logits:
    """The logits of the labels."""
    x, seen, _ = _encode(params["encoder"], ids, config)
    return _classify(params["classifier"], x[_rows(seen)[:, 0]])[0]


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes; the parameters are the encoder and one of the heads."""

    params: Params
    opt_state: AdamState


def start_pretraining(params: Params, config: Config) -> State:
    """The state before the first step of pretraining."""
    params = {name: params[name] for name in ("encoder", "masked")}
    return State(params, adam_start(params))


def start(params: Params, config: Config) -> State:
    """The state before the first step of fine-tuning."""
    params = {name: params[name] for name in ("encoder", "classifier")}
    return State(params, adam_start(params))


def masked_loss(params: Params, ids: Ids, batch: Masked, config: Config) -> np.floating:
    """The mean cross-entropy of the pieces to be guessed, in nats."""
    texts, targets = _hide(ids, batch)
    logits = guess(params, texts, batch.places, config)
    return softmax_cross_entropy(logits.reshape(targets.size, -1), targets)[0]


def masked_loss_and_grads(
    params: Params, ids: Ids, batch: Masked, config: Config
) -> tuple[np.floating, Params]:
    """The loss of guessing, and its gradients."""
    texts, targets = _hide(ids, batch)
    x, seen, encode_vjp = _encode(params["encoder"], texts, config)
    chosen = np.take_along_axis(_rows(seen), batch.places, axis=1).ravel()
    table = params["encoder"]["embeddings"]["pieces"]["embedding"]
    logits, guess_vjp = _guess(params["masked"], table, x[chosen])
    value, loss_vjp = softmax_cross_entropy(logits, targets)

    dchosen, dmasked, dtable = guess_vjp(loss_vjp(1.0))
    dx = np.zeros_like(x)
    dx[chosen] = dchosen  # no place is chosen twice
    dencoder = encode_vjp(dx)
    dencoder["embeddings"]["pieces"]["embedding"] += dtable  # the table is used at both ends
    return value, {"encoder": dencoder, "masked": dmasked}


def _hide(
    ids: Ids, batch: Masked
) -> tuple[Int[np.ndarray, "texts time"], Int32[np.ndarray, " guesses"]]:
    """The texts of a batch with pieces hidden, and those pieces."""
    texts = ids[batch.rows]
    at = np.arange(len(texts))[:, None], batch.places
    targets = texts[at].ravel()
    texts[at] = batch.shown
    return texts, targets


def loss(params: Params, ids: Ids, labels: Labels, config: Config) -> np.floating:
    """The mean cross-entropy of the labels, in nats."""
    return softmax_cross_entropy(predict(params, ids, config), labels)[0]


def loss_and_grads(
    params: Params, ids: Ids, labels: Labels, config: Config
) -> tuple[np.floating, Params]:
    """The loss of the labels, and its gradients."""
    x, seen, encode_vjp = _encode(params["encoder"], ids, config)
    first = _rows(seen)[:, 0]
    logits, classify_vjp = _classify(params["classifier"], x[first])
    value, loss_vjp = softmax_cross_entropy(logits, labels)

    dfirst, dclassifier = classify_vjp(loss_vjp(1.0))
    dx = np.zeros_like(x)
    dx[first] = dfirst
    return value, {"encoder": encode_vjp(dx), "classifier": dclassifier}


def pretrain_step(
    state: State, ids: Ids, batch: Masked, config: Config
) -> tuple[State, np.floating]:
    """One step of filling gaps; also the loss before it."""
    value, grads = masked_loss_and_grads(state.params, ids, batch, config)
    return _update(state, grads, pretraining_rates(config), config), value


def train_step(state: State, ids: Ids, labels: Labels, config: Config) -> tuple[State, np.floating]:
    """One step of fine-tuning; also the loss before it."""
    value, grads = loss_and_grads(state.params, ids, labels, config)
    rates = learning_rates(config)
    return _update(state, grads, rates, config, weight_decay=config.weight_decay), value


def _update(
    state: State,
    grads: Params,
    rates: schedules.Schedule,
    config: Config,
    *,
    weight_decay: float = 0.0,
) -> State:
    rate = schedules.at(rates, state.opt_state.steps)
    grads = clip_by_global_norm(grads, config.max_norm)
    kept = 1 - float(rate) * weight_decay
    params = tree_map(lambda leaf: leaf * kept, state.params) if weight_decay else state.params
    return State(*adam_update(params, grads, state.opt_state, learning_rate=rate, **MOMENTS))
