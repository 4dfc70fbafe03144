"""GPT-2 in JAX: a Flax NNX model, its loss, the compiled training and the compiled generation."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.layers.in_jax import Linear
from tutorials_lib.runtime import RUN_ONCE
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

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Batch = Int[Array, "batch time"]
Vectors = Float[Array, "batch time width"]
PerHead = Float[Array, "batch heads time features"]
Memory = Float[Array, "batch heads context features"]
Logits = Float[Array, "batch time vocab"]
LastLogits = Float[Array, "batch vocab"]
Matrix = Float[Array, "inputs outputs"]


class LayerCache(NamedTuple):
    """The keys and values of one block, for all tokens up to now; zeros for those to come."""

    keys: Memory
    values: Memory


Cache = tuple[LayerCache, ...]


class Attention(nnx.Module):
    """Every token gathers from the tokens before it, in several heads."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.num_heads = config.num_heads
        self.project_in = dense(config.width, 3 * config.width, rngs=rngs)
        deep = (2 * config.num_layers) ** -0.5
        self.project_out = dense(config.width, config.width, scale=deep, rngs=rngs)

    def __call__(
        self, x: Vectors, past: LayerCache | None, position: int | Int[Array, ""]
    ) -> tuple[Vectors, LayerCache]:
        """The output, and all keys and values, with those of `x` from `position` on."""
        batch, time, width = x.shape
        # x[b, t, d] -> q, k, v[b, h, t, f]
        projected = self.project_in(x).reshape(batch, time, 3, self.num_heads, -1)
        queries, *new = projected.transpose(2, 0, 3, 1, 4)
        if past is None:
            now = LayerCache(*new)
        else:
            place = partial(jax.lax.dynamic_update_slice_in_dim, start_index=position, axis=2)
            now = LayerCache(place(past.keys, new[0]), place(past.values, new[1]))
        y = attend(queries, *now, position)
        return self.project_out(y.transpose(0, 2, 1, 3).reshape(batch, time, width)), now


def attend(
    queries: PerHead, keys: Memory, values: Memory, position: int | Int[Array, ""] = 0
) -> PerHead:
    r"""$\mathrm{softmax}(q k^\top / \sqrt{d})\, v$, where no query sees a later key.

    The first query stands at `position` among the keys.
    """
    scores = queries @ keys.swapaxes(-1, -2) * queries.shape[-1] ** -0.5
    places = position + jnp.arange(queries.shape[2])
    seen = jnp.arange(keys.shape[2]) <= places[:, None]
    return jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ values


class Mlp(nnx.Module):
    """Two layers, four times as wide between them."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.widen = dense(config.width, 4 * config.width, rngs=rngs)
        deep = (2 * config.num_layers) ** -0.5
        self.narrow = dense(4 * config.width, config.width, scale=deep, rngs=rngs)

    def __call__(self, x: Vectors) -> Vectors:
        """Each token for itself."""
        return self.narrow(nnx.gelu(self.widen(x), approximate=True))


class Block(nnx.Module):
    """Attention, then the two layers; each reads a normalized copy and adds to the rest."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.norm_1 = layer_norm(config, rngs=rngs)
        self.attention = Attention(config, rngs=rngs)
        self.norm_2 = layer_norm(config, rngs=rngs)
        self.mlp = Mlp(config, rngs=rngs)

    def __call__(
        self, x: Vectors, past: LayerCache | None, position: int | Int[Array, ""]
    ) -> tuple[Vectors, LayerCache]:
        """The vectors after this block, and its keys and values."""
        gathered, now = self.attention(self.norm_1(x), past, position)
        x = x + gathered
        return x + self.mlp(self.norm_2(x)), now


class Gpt2(nnx.Module):
    """Tokens to the logits of the next one (Radford et al. 2019)."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        embed = partial(
            nnx.Embed,
            features=config.width,
            rngs=rngs,
        )
        small = nnx.initializers.normal(0.05)
        self.tokens = embed(config.vocab_size, embedding_init=small)
        self.positions = embed(config.context, embedding_init=waves)
        self.blocks = nnx.List(Block(config, rngs=rngs) for _ in range(config.num_layers))
        self.norm = layer_norm(config, rngs=rngs)

    def __call__(
        self, tokens: Batch, past: Cache | None = None, position: int | Int[Array, ""] = 0
    ) -> tuple[Vectors, Cache]:
        """The vector of every token after all blocks, and the cache with these tokens in it."""
        places = position + jnp.arange(tokens.shape[1])
        # Not `self.tokens(tokens)`, which would fix the precision that the model was made in.
        x = self.tokens.embedding[tokens] + self.positions.embedding[places]
        now: list[LayerCache] = []
        for i, block in enumerate(self.blocks):
            x, layer = block(x, past[i] if past else None, position)
            now.append(layer)
        return self.norm(x), tuple(now)

    def logits(self, x: Float[Array, "*rest width"]) -> Float[Array, "*rest vocab"]:
        """How much each token of the vocabulary is like the vector: the embedding, used twice."""
        return x @ self.tokens.embedding[...].T


def dense(inputs: int, outputs: int, *, scale: float = 1.0, rngs: nnx.Rngs) -> Linear:
    """A linear layer that keeps the variance of its input; GPT-2's 0.02 is for a wide model."""
    init = nnx.initializers.normal(scale * inputs**-0.5)
    return Linear(inputs, outputs, kernel_init=init, rngs=rngs)


def waves(key: PRNGKeyArray, shape: tuple[int, int], dtype: Any) -> Float[Array, "context width"]:
    """Positions start as sines and cosines of growing wavelengths (Vaswani et al. 2017, 3.5).

    GPT-2 starts them at random. A short training finds the token before sooner from here.
    """
    context, width = shape
    wavelengths = 1000 ** (jnp.arange(width // 2) / (width // 2))
    angles = jnp.arange(context, dtype=wavelengths.dtype)[:, None] / wavelengths
    return 0.05 * jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1).astype(dtype)


def layer_norm(config: Config, *, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """The normalization of GPT-2; its variance is that of the centered numbers."""
    return nnx.LayerNorm(config.width, epsilon=1e-5, use_fast_variance=False, rngs=rngs)


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Gpt2(config, rngs=nnx.Rngs(key)))


def model(params: Params, config: Config) -> Gpt2:
    """Put the model together."""
    return pure.assemble(pure.graph(Gpt2, config), params)


def predict(params: Params, tokens: Batch, config: Config) -> Logits:
    """The logits of the token after each of `tokens`."""
    gpt2 = model(params, config)
    return gpt2.logits(gpt2(tokens)[0])


def loss(params: Params, tokens: Batch, config: Config) -> Float[Array, ""]:
    """The mean cross-entropy of every token but the first, given those before it, in nats."""
    return token_losses(params, tokens, config).mean()


def loss_and_grads(
    params: Params, tokens: Batch, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss and the gradients of all parameters."""
    return jax.value_and_grad(loss)(params, tokens, config)


def token_losses(params: Params, tokens: Batch, config: Config) -> Float[Array, "batch time-1"]:
    """The cross-entropy of every token but the first, given those before it, in nats."""
    logits = predict(params, tokens[:, :-1], config)
    return optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:])


@partial(jax.jit, static_argnames="config")
def window_losses(
    params: Params, tokens: Int[Array, "windows time"], config: Config
) -> Float[Array, "windows time-1"]:
    """`token_losses` of many windows, see `problem.windows`, a few at a time."""
    return jax.lax.map(
        lambda window: token_losses(params, window[None], config)[0], tokens, batch_size=8
    )


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


def muon(*, learning_rate: optax.Schedule) -> optax.GradientTransformation:
    """Momentum whose every step is made orthogonal, for matrices (Jordan et al. 2024)."""

    def update(grads: Params, state: MuonState, params: Params | None = None):
        momentum = jax.tree.map(lambda m, g: MOMENTUM * m + g, state.momentum, grads)
        rate = learning_rate(state.steps)

        def step(m: Matrix, g: Matrix) -> Matrix:
            longer = max(1, m.shape[1] / m.shape[0]) ** 0.5
            return -rate * longer * orthogonalize(MOMENTUM * m + g)

        return jax.tree.map(step, momentum, grads), MuonState(state.steps + 1, momentum)

    def init(params: Params) -> MuonState:
        return MuonState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params))

    return optax.GradientTransformation(init, update)  # pyright: ignore[reportArgumentType]


class MuonState(NamedTuple):
    """What Muon remembers: the steps taken, and a running sum of the gradients."""

    steps: Int[Array, ""]
    momentum: Params


def orthogonalize(matrix: Matrix) -> Matrix:
    r"""Nearly $U V^\top$ of the singular value decomposition $U S V^\top$, by products alone.

    Each round takes every singular value $s$ to $a s + b s^3 + c s^5$, which tends to about one.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (jnp.linalg.norm(x) + 1e-7)
    a, b, c = QUINTIC

    def one_round(_: Int[Array, ""], x: Matrix) -> Matrix:
        square = x @ x.T
        return a * x + (b * square + c * square @ square) @ x

    x = jax.lax.fori_loop(0, NUM_ROUNDS, one_round, x)  # unrolled, it takes longer to compile
    return x if wide else x.T


def optimizer(config: Config) -> optax.GradientTransformation:
    """Muon for the matrices of the blocks, Adam for everything else."""
    rates = learning_rates(config)

    def rate(count: Int[Array, ""]) -> Float[Array, ""]:
        return jnp.asarray(rates)[count]  # the last one from there on

    def labels(params: Params) -> Params:
        return jax.tree.map_with_path(
            lambda path, _: "muon" if path[-1].key == "kernel" else "adam", params
        )

    return optax.multi_transform(
        {
            "muon": muon(learning_rate=lambda count: MUON_SHARE * rate(count)),
            "adam": optax.adam(learning_rate=rate, b1=0.9, b2=0.99, eps=ADAM_EPSILON),
        },
        labels,
    )


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(state: State, tokens: Batch, config: Config) -> tuple[State, Float[Array, ""]]:
    """One step of Muon and Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, tokens, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


@partial(jax.jit, static_argnames="config")
def fit(
    state: State, text: Int[Array, " time"], key: PRNGKeyArray, config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """Train on windows of `text` from random places: a scan over steps, one dispatch."""
    shape = config.num_steps, config.batch_size
    starts = jax.random.randint(key, shape, 0, len(text) - config.context)

    def step(state: State, starts: Int[Array, " batch"]) -> tuple[State, Float[Array, ""]]:
        tokens = text[starts[:, None] + jnp.arange(config.context + 1)]
        return train_step(state, tokens, config)

    return jax.lax.scan(step, state, starts)


# ---------------------------------------------------------------- generation


def empty_cache(params: Params, batch: int, length: int, config: Config) -> Cache:
    """Room for the keys and values of `length` tokens in every block."""
    shape = batch, config.num_heads, length, config.width // config.num_heads
    zeros = jnp.zeros(shape, params["tokens"]["embedding"].dtype)
    return tuple(LayerCache(zeros, zeros) for _ in params["blocks"])


def extend(
    params: Params, cache: Cache, tokens: Batch, position: int | Int[Array, ""], config: Config
) -> tuple[LastLogits, Cache]:
    """Read `tokens`, which stand from `position` on; the logits of the token after the last.

    The cache keeps its shape, whatever is in it: a mask hides the rows that are not yet written.
    """
    gpt2 = model(params, config)
    x, cache = gpt2(tokens, cache, position)
    return gpt2.logits(x[:, -1]), cache


def next_token(
    params: Params,
    cache: Cache,
    tokens: Batch,
    position: int | Int[Array, ""],
    noise: Float[Array, "batch vocab"],
    strategy: Strategy,
    config: Config,
) -> tuple[Int[Array, "batch 1"], Cache]:
    """`extend` by `tokens`, then choose the one after the last of them."""
    logits, cache = extend(params, cache, tokens, position, config)
    return choose(strategy(logits), noise)[:, None], cache


def generate(
    params: Params,
    prompt: Batch,
    noise: Float[Array, "batch new vocab"],
    strategy: Strategy,
    config: Config,
) -> Int[Array, "batch new"]:
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
    first, cache = next_token(params, cache, prompt, 0, noise[:, 0], strategy, config)
    positions = jnp.arange(prompt.shape[1], length - 1)

    def step(
        carry: tuple[Int[Array, "batch 1"], Cache],
        now: tuple[Int[Array, ""], Float[Array, "batch vocab"]],
    ) -> tuple[tuple[Int[Array, "batch 1"], Cache], Int[Array, "batch 1"]]:
        (token, cache), (position, noise) = carry, now
        token, cache = next_token(params, cache, token, position, noise, strategy, config)
        return (token, cache), token

    _, others = jax.lax.scan(step, (first, cache), (positions, noise.swapaxes(0, 1)[1:]))
    return jnp.concatenate([first[None], others])[..., 0].T


def generate_without_cache(
    params: Params,
    prompt: Batch,
    noise: Float[Array, "batch new vocab"],
    strategy: Strategy,
    config: Config,
) -> Int[Array, "batch new"]:
    """The same tokens as `generate`; the whole text is read again for each of them.

    A compiled program has fixed shapes, so that what is read always has the final length; the
    tokens that are not yet chosen are seen by nobody.
    """
    batch, length = config.check_lengths(prompt.shape, noise.shape)
    text = jnp.zeros((batch, length), prompt.dtype).at[:, : prompt.shape[1]].set(prompt)
    positions = jnp.arange(prompt.shape[1], length)

    def step(text: Batch, now: tuple[Int[Array, ""], Float[Array, "batch vocab"]]):
        position, noise = now
        gpt2 = model(params, config)
        last = jnp.take(gpt2(text)[0], position - 1, axis=1)
        token = choose(strategy(gpt2.logits(last)), noise)
        return text.at[:, position].set(token), token

    return jax.lax.scan(step, text, (positions, noise.swapaxes(0, 1)))[1].T
