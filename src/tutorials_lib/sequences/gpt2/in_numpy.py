"""GPT-2 in NumPy, with gradients by hand and a cache of keys and values.

Parameters are the nested dict that the Flax model has, and every layer takes its part of it by
keyword: the names of the parameters are the names of the arguments.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.attention.in_numpy import (
    attention_weights,
    causal_mask,
    causal_self_attention,
    gelu,
    layer_norm,
    merge_heads,
)
from tutorials_lib.layers.in_numpy import softmax_cross_entropy
from tutorials_lib.layers.linear.in_numpy import embed, linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.sequences.gpt2.problem import (
    ADAM_EPSILON,
    MOMENTUM,
    MUON_SHARE,
    NUM_ROUNDS,
    QUINTIC,
    Config,
    learning_rates,
)
from tutorials_lib.text.decoding import Strategy, choose
from tutorials_lib.trees import tree_map

Params = dict[Any, Any]
"""`{"tokens": {"embedding"}, "positions": {"embedding"}, "blocks": {i: ...}, "norm": ...}`.

A block is `{"norm_1", "attention": {...}, "norm_2", "mlp": {...}}`, with the linear layers
`project_in` and `project_out` in its attention, `widen` and `narrow` in its MLP; a linear layer
has `kernel` and `bias`, a normalization `scale` and `bias`."""

Batch = Int[np.ndarray, "batch time"]
Vectors = Float[np.ndarray, "batch time width"]
PerHead = Float[np.ndarray, "3 batch heads time features"]
Logits = Float[np.ndarray, "batch time vocab"]
LastLogits = Float[np.ndarray, "batch vocab"]
Matrix = Float[np.ndarray, "inputs outputs"]


# ---------------------------------------------------------------- forwards


def predict(params: Params, tokens: Batch, config: Config) -> Logits:
    """The logits of the token after each of `tokens`."""
    return _hidden(params, tokens, config) @ params["tokens"]["embedding"].T


def _hidden(params: Params, tokens: Batch, config: Config) -> Vectors:
    """The vector of every token after all blocks and the last normalization."""
    x = _embed(params, tokens)[0]
    for block in params["blocks"].values():
        x = _block(x, **block, config=config)[0]
    return layer_norm(x, **params["norm"])[0]


def _embed(params: Params, tokens: Batch) -> tuple[Vectors, Callable[[Vectors], Params]]:
    """What the token is, plus where it is."""
    x, tokens_vjp = embed(params["tokens"]["embedding"], tokens)
    positions, time = params["positions"]["embedding"], tokens.shape[1]

    def vjp(dx: Vectors) -> Params:
        dpositions = np.zeros_like(positions)
        dpositions[:time] = dx.sum(0)
        return {"tokens": {"embedding": tokens_vjp(dx)}, "positions": {"embedding": dpositions}}

    return x + positions[:time], vjp


def _block(
    x: Vectors, norm_1: Params, attention: Params, norm_2: Params, mlp: Params, *, config: Config
) -> tuple[Vectors, Callable[[Vectors], tuple[Vectors, Params]]]:
    """Attention, then the two layers; each reads a normalized copy and adds to the rest."""
    y, norm_1_vjp = layer_norm(x, **norm_1)
    y, attention_vjp = causal_self_attention(y, **attention, num_heads=config.num_heads)
    x = x + y
    y, norm_2_vjp = layer_norm(x, **norm_2)
    y, mlp_vjp = _mlp(y, **mlp)

    def vjp(dx: Vectors) -> tuple[Vectors, Params]:
        dy, dmlp = mlp_vjp(dx)
        dy, dnorm_2 = norm_2_vjp(dy)
        dx = dx + dy
        dy, dproject_in, dproject_out = attention_vjp(dx)
        dy, dnorm_1 = norm_1_vjp(dy)
        return dx + dy, {
            "norm_1": dnorm_1,
            "attention": {"project_in": dproject_in, "project_out": dproject_out},
            "norm_2": dnorm_2,
            "mlp": dmlp,
        }

    return x + y, vjp


def _mlp(
    x: Vectors, widen: Params, narrow: Params
) -> tuple[Vectors, Callable[[Vectors], tuple[Vectors, Params]]]:
    """Two layers, four times as wide between them, each token for itself."""
    y, widen_vjp = linear(x, **widen)
    y, gelu_vjp = gelu(y)
    y, narrow_vjp = linear(y, **narrow)

    def vjp(dy: Vectors) -> tuple[Vectors, Params]:
        dy, dnarrow = narrow_vjp(dy)
        dx, dwiden = widen_vjp(gelu_vjp(dy))
        return dx, {"widen": dwiden, "narrow": dnarrow}

    return y, vjp


def attention_maps(
    params: Params, tokens: Batch, config: Config
) -> list[Float[np.ndarray, "batch heads queries keys"]]:
    """How much each token takes from each, in every block; to look at, not to compute with."""
    x = _embed(params, tokens)[0]
    maps = []
    for block in params["blocks"].values():
        y = layer_norm(x, **block["norm_1"])[0]
        queries, keys, _ = _project(y, block["attention"]["project_in"], config)
        maps.append(attention_weights(queries, keys, causal_mask(tokens.shape[1])))
        x = _block(x, **block, config=config)[0]
    return maps


# ---------------------------------------------------------------- training


def loss(params: Params, tokens: Batch, config: Config) -> np.floating:
    """The mean cross-entropy of every token but the first, given those before it, in nats."""
    logits = predict(params, tokens[:, :-1], config)
    return softmax_cross_entropy(logits.reshape(-1, config.vocab_size), tokens[:, 1:].ravel())[0]


def loss_and_grads(params: Params, tokens: Batch, config: Config) -> tuple[np.floating, Params]:
    """The loss and the gradients of all parameters."""
    x, embed_vjp = _embed(params, tokens[:, :-1])
    vjps = {}
    for i, block in params["blocks"].items():
        x, vjps[i] = _block(x, **block, config=config)
    x, norm_vjp = layer_norm(x, **params["norm"])
    rows, embedding = x.reshape(-1, config.width), params["tokens"]["embedding"]
    value, loss_vjp = softmax_cross_entropy(rows @ embedding.T, tokens[:, 1:].ravel())

    dlogits = loss_vjp(1.0)
    dx, dnorm = norm_vjp((dlogits @ embedding).reshape(x.shape))
    dblocks = {}
    for i, vjp in reversed(vjps.items()):
        dx, dblocks[i] = vjp(dx)
    grads = {**embed_vjp(dx), "blocks": dblocks, "norm": dnorm}
    grads["tokens"]["embedding"] += dlogits.T @ rows  # the embedding is used at both ends
    return value, grads


class MuonState(NamedTuple):
    """What Muon remembers: the steps taken, and a running sum of the gradients."""

    steps: np.int32
    momentum: Params


class OptState(NamedTuple):
    """What both optimizers remember: Muon of the matrices in the blocks, Adam of all the rest."""

    muon: MuonState
    adam: AdamState


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: OptState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    matrices, others = split(params)
    muon = MuonState(np.int32(0), tree_map(np.zeros_like, matrices))
    return State(params, OptState(muon, adam_start(others)))


def train_step(state: State, tokens: Batch, config: Config) -> tuple[State, np.floating]:
    """One step of Muon and Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, tokens, config)
    muon, adam = state.opt_state
    rate = schedules.at(learning_rates(config), adam.steps)
    (matrices, others), (dmatrices, dothers) = split(state.params), split(grads)
    momentum = tree_map(lambda m, g: MOMENTUM * m + g, muon.momentum, dmatrices)
    matrices = tree_map(partial(_muon_step, MUON_SHARE * rate), matrices, momentum, dmatrices)
    others, adam = adam_update(
        others, dothers, adam, learning_rate=rate, b1=0.9, b2=0.99, eps=ADAM_EPSILON
    )
    params = _join(matrices, others, like=state.params)
    return State(params, OptState(MuonState(np.int32(muon.steps + 1), momentum), adam)), value


def _muon_step(rate: Any, matrix: Matrix, momentum: Matrix, gradient: Matrix) -> Matrix:
    longer = max(1, matrix.shape[1] / matrix.shape[0]) ** 0.5
    return matrix - rate * longer * orthogonalize(MOMENTUM * momentum + gradient)


def orthogonalize(matrix: Matrix) -> Matrix:
    r"""Nearly $U V^\top$ of the singular value decomposition $U S V^\top$, by products alone.

    Each round takes every singular value $s$ to $a s + b s^3 + c s^5$, which tends to about one.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (np.linalg.norm(x) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(NUM_ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.T


def split(tree: Params) -> tuple[Params, Params]:
    """The matrices of the linear layers, for Muon, and all the rest, for Adam."""
    matrices, others = {}, {}
    for name, branch in tree.items():
        if isinstance(branch, dict):
            parts = split(branch)
        else:
            parts = (branch, None) if name == "kernel" else (None, branch)
        for half, part in zip((matrices, others), parts, strict=True):
            if part is not None and not (isinstance(part, dict) and not part):
                half[name] = part
    return matrices, others


def _join(matrices: Params, others: Params, *, like: Params) -> Params:
    """The inverse of `split`, in the order of `like`."""
    return {
        name: _join(matrices.get(name, {}), others.get(name, {}), like=branch)
        if isinstance(branch, dict)
        else (matrices if name == "kernel" else others)[name]
        for name, branch in like.items()
    }


# ---------------------------------------------------------------- generation


class LayerCache(NamedTuple):
    """The keys and values of one block, with room for those to come."""

    keys: Float[np.ndarray, "batch heads length features"]
    values: Float[np.ndarray, "batch heads length features"]


Cache = tuple[LayerCache, ...]


def empty_cache(params: Params, batch: int, length: int, config: Config) -> Cache:
    """Room for the keys and values of `length` tokens in every block."""
    shape = batch, config.num_heads, length, config.width // config.num_heads
    dtype = params["tokens"]["embedding"].dtype
    return tuple(
        LayerCache(np.zeros(shape, dtype), np.zeros(shape, dtype)) for _ in params["blocks"]
    )


def extend(
    params: Params, cache: Cache, tokens: Batch, position: int, config: Config
) -> tuple[LastLogits, Cache]:
    """Read `tokens`, which stand from `position` on; the logits of the token after the last.

    Their keys and values are written into `cache` in place, which is returned. Nothing is kept
    for gradients: for a single token that would cost as much as the arithmetic.
    """
    stop = position + tokens.shape[1]
    x = params["tokens"]["embedding"][tokens] + params["positions"]["embedding"][position:stop]
    mask = None if tokens.shape[1] == 1 else causal_mask(tokens.shape[1], stop)
    for block, memory in zip(params["blocks"].values(), cache, strict=True):
        y = _normalize(x, **block["norm_1"])
        queries, keys, values = _project(y, block["attention"]["project_in"], config)
        memory.keys[:, :, position:stop] = keys
        memory.values[:, :, position:stop] = values
        weights = attention_weights(queries, memory.keys[:, :, :stop], mask)
        y = merge_heads(weights @ memory.values[:, :, :stop])
        x += _affine(y, **block["attention"]["project_out"])
        y = _affine(_normalize(x, **block["norm_2"]), **block["mlp"]["widen"])
        x += _affine(gelu(y)[0], **block["mlp"]["narrow"])
    last = _normalize(x[:, -1], **params["norm"])
    return last @ params["tokens"]["embedding"].T, cache


def _project(x: Vectors, project_in: Params, config: Config) -> PerHead:
    """Queries, keys and values of every head."""
    batch, time, _ = x.shape
    # x[b, t, d] -> q, k, v[b, h, t, f]
    projected = _affine(x, **project_in).reshape(batch, time, 3, config.num_heads, -1)
    return projected.transpose(2, 0, 3, 1, 4)


def _affine(
    x: Float[np.ndarray, "*rest inputs"], kernel: Matrix, bias: np.ndarray
) -> Float[np.ndarray, "*rest outputs"]:
    """What `linear` computes."""
    y = x @ kernel
    y += bias
    return y


def _normalize(
    x: Float[np.ndarray, "*rest width"], scale: np.ndarray, bias: np.ndarray
) -> Float[np.ndarray, "*rest width"]:
    """What `layer_norm` computes."""
    width = x.shape[-1]
    x = x - np.add.reduce(x, -1, keepdims=True) * (1 / width)
    x *= scale / np.sqrt(np.vecdot(x, x)[..., None] * (1 / width) + 1e-5)
    x += bias
    return x


def next_token(
    params: Params,
    cache: Cache,
    tokens: Batch,
    position: int,
    noise: Float[np.ndarray, "batch vocab"],
    strategy: Strategy,
    config: Config,
) -> tuple[Int[np.ndarray, "batch 1"], Cache]:
    """`extend` by `tokens`, then choose the one after the last of them."""
    logits, cache = extend(params, cache, tokens, position, config)
    return choose(strategy(logits), noise)[:, None], cache


def generate(
    params: Params,
    prompt: Batch,
    noise: Float[np.ndarray, "batch new vocab"],
    strategy: Strategy,
    config: Config,
) -> Int[np.ndarray, "batch new"]:
    """Continue every prompt; each new token is read once, its keys and values are kept.

    Args:
        params: the parameters.
        prompt: the tokens to continue, at least one.
        noise: Gumbel noise for each new token, see `tutorials_lib.text.decoding.choose`.
        strategy: what may be chosen.
        config: the shape of the model.

    Raises:
        ValueError: prompt and new tokens are more than the context, or there is no prompt.
    """
    batch, length = config.check_lengths(prompt.shape, noise.shape)
    cache = empty_cache(params, batch, length, config)
    tokens, position, chosen = prompt, 0, []
    for now in noise.swapaxes(0, 1):
        token, cache = next_token(params, cache, tokens, position, now, strategy, config)
        chosen.append(token)
        position, tokens = position + tokens.shape[1], token
    return np.concatenate(chosen, axis=1)


def generate_without_cache(
    params: Params,
    prompt: Batch,
    noise: Float[np.ndarray, "batch new vocab"],
    strategy: Strategy,
    config: Config,
) -> Int[np.ndarray, "batch new"]:
    """The same tokens as `generate`; the whole text is read again for each of them."""
    config.check_lengths(prompt.shape, noise.shape)
    text = prompt
    for now in noise.swapaxes(0, 1):
        last = _hidden(params, text, config)[:, -1]
        token = choose(strategy(last @ params["tokens"]["embedding"].T), now)
        text = np.concatenate([text, token[:, None]], axis=1)
    return text[:, prompt.shape[1] :]
