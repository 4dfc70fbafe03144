"""BERT in JAX: a Flax NNX encoder, its two heads, and the compiled pretraining and fine-tuning."""

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
from tutorials_lib.sequences.bert.problem import (
    EPSILON,
    MOMENTS,
    Config,
    Masked,
    learning_rates,
    pretraining_rates,
)

Params = dict[Any, Any]
"""The same nested dict as in NumPy."""

Ids = Int[Array, "batch time"]
Vectors = Float[Array, "batch time width"]
PerHead = Float[Array, "batch heads time features"]
Seen = Bool[Array, "batch time"]
Places = Int[Array, "batch masked"]
Guesses = Float[Array, "batch masked vocab"]
Logits = Float[Array, "batch classes"]
Labels = Int[Array, " batch"]


class Embeddings(nnx.Module):
    """What a piece is, plus where it stands, plus to which text it belongs; normalized."""

    def __init__(self, config: Config, num_pieces: int, *, rngs: nnx.Rngs) -> None:
        init = nnx.initializers.normal(0.1)
        embed = partial(nnx.Embed, features=config.width, embedding_init=init, rngs=rngs)
        self.pieces = embed(num_pieces)
        self.positions = embed(config.num_positions)
        self.types = embed(config.num_types)
        self.norm = layer_norm(config, rngs=rngs)

    def __call__(self, ids: Ids, types: Ids | None) -> Vectors:
        """The vectors; without `types` all pieces are of the first."""
        # Not `self.pieces(ids)`, which would fix the precision that the model was made in.
        x = self.pieces.embedding[ids] + self.positions.embedding[: ids.shape[1]]
        kinds = self.types.embedding[...]
        return self.norm(x + (kinds[0] if types is None else kinds[types]))


class Attention(nnx.Module):
    """Every piece gathers from all pieces of its text, in several heads."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.num_heads = config.num_heads
        self.project_in = dense(config.width, 3 * config.width, rngs=rngs)
        self.project_out = dense(config.width, config.width, rngs=rngs)

    def __call__(self, x: Vectors, seen: Seen) -> Vectors:
        """One product for queries, keys and values; then attention."""
        queries, keys, values = self.project(x)
        y = attention_weights(queries, keys, seen) @ values
        return self.project_out(y.transpose(0, 2, 1, 3).reshape(x.shape))

    def project(self, x: Vectors) -> Float[Array, "3 batch heads time features"]:
        """Queries, keys and values of every head."""
        batch, time, _ = x.shape
        # x[b, t, d] -> q, k, v[b, h, t, f]
        projected = self.project_in(x).reshape(batch, time, 3, self.num_heads, -1)
        return projected.transpose(2, 0, 3, 1, 4)


def attention_weights(
    queries: PerHead, keys: PerHead, seen: Seen
) -> Float[Array, "batch heads time keys"]:
    r"""$\mathrm{softmax}(q k^\top / \sqrt{d})$ over the keys that are no padding."""
    scores = queries @ keys.swapaxes(-1, -2) * queries.shape[-1] ** -0.5
    return jax.nn.softmax(jnp.where(seen[:, None, None], scores, -jnp.inf))


class Mlp(nnx.Module):
    """Two layers, four times as wide between them, each piece for itself."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.widen = dense(config.width, 4 * config.width, rngs=rngs)
        self.narrow = dense(4 * config.width, config.width, rngs=rngs)

    def __call__(self, x: Vectors) -> Vectors:
        """The vectors that are to be added."""
        return self.narrow(nnx.gelu(self.widen(x), approximate=False))


class Block(nnx.Module):
    """Attention, then the two layers; what they give is added, and the sum normalized."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.attention = Attention(config, rngs=rngs)
        self.norm_1 = layer_norm(config, rngs=rngs)
        self.mlp = Mlp(config, rngs=rngs)
        self.norm_2 = layer_norm(config, rngs=rngs)

    def __call__(self, x: Vectors, seen: Seen) -> Vectors:
        """The vectors after this block."""
        x = self.norm_1(x + self.attention(x, seen))
        return self.norm_2(x + self.mlp(x))


class Encoder(nnx.Module):
    """Pieces to vectors that know their surroundings (Devlin et al. 2019)."""

    def __init__(self, config: Config, num_pieces: int, *, rngs: nnx.Rngs) -> None:
        self.embeddings = Embeddings(config, num_pieces, rngs=rngs)
        self.blocks = nnx.List(Block(config, rngs=rngs) for _ in range(config.num_layers))

    def __call__(self, ids: Ids, types: Ids | None = None) -> Vectors:
        """The vectors after the last block."""
        x = self.embeddings(ids, types)
        for block in self.blocks:
            x = block(x, ids != 0)
        return x


class MaskedHead(nnx.Module):
    """Guesses a piece from its vector: a layer, and a comparison with every piece of the table."""

    def __init__(self, config: Config, num_pieces: int, *, rngs: nnx.Rngs) -> None:
        self.dense = dense(config.width, config.width, rngs=rngs)
        self.norm = layer_norm(config, rngs=rngs)
        self.bias = nnx.Param(jnp.zeros(num_pieces))

    def __call__(
        self, x: Float[Array, "*rest width"], table: Float[Array, "vocab width"]
    ) -> Float[Array, "*rest vocab"]:
        """The logits of every piece."""
        x = self.norm(nnx.gelu(self.dense(x), approximate=False))
        return x @ table.T + self.bias[...]


class Classifier(nnx.Module):
    """The label of a text from the vector of its beginning."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.pooler = dense(config.width, config.width, rngs=rngs)
        self.readout = nnx.Linear(
            config.width, config.num_classes, kernel_init=nnx.initializers.zeros, rngs=rngs
        )

    def __call__(self, x: Vectors) -> Logits:
        """The logits of every class."""
        return self.readout(jnp.tanh(self.pooler(x[:, 0])))


def dense(inputs: int, outputs: int, *, rngs: nnx.Rngs) -> Linear:
    """A linear layer that keeps the variance of its input; BERT's 0.02 is for a wide one."""
    return Linear(inputs, outputs, kernel_init=nnx.initializers.normal(inputs**-0.5), rngs=rngs)


def layer_norm(config: Config, *, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """The normalization of BERT; its variance is that of the centered numbers."""
    return nnx.LayerNorm(config.width, epsilon=EPSILON, use_fast_variance=False, rngs=rngs)


@partial(jax.jit, static_argnames=("config", "num_pieces"), compiler_options=RUN_ONCE)
def create(config: Config, num_pieces: int, key: PRNGKeyArray) -> Params:
    """Fresh parameters of the encoder and of both heads, as nested dicts of arrays."""
    encoder, masked, classifier = jax.random.split(key, 3)
    return {
        "encoder": pure.arrays(Encoder(config, num_pieces, rngs=nnx.Rngs(encoder))),
        "masked": pure.arrays(MaskedHead(config, num_pieces, rngs=nnx.Rngs(masked))),
        "classifier": pure.arrays(Classifier(config, rngs=nnx.Rngs(classifier))),
    }


# ---------------------------------------------------------------- forwards


def _encoder(params: Params, config: Config) -> Encoder:
    num_pieces = len(params["encoder"]["embeddings"]["pieces"]["embedding"])
    return pure.assemble(pure.graph(Encoder, config, num_pieces), params["encoder"])


def encode(params: Params, ids: Ids, config: Config, types: Ids | None = None) -> Vectors:
    """The vector of every piece after the last block."""
    return _encoder(params, config)(ids, types)


def guess(
    params: Params, ids: Ids, places: Places, config: Config, types: Ids | None = None
) -> Guesses:
    """The logits of the pieces at some places of each text."""
    x = encode(params, ids, config, types)
    x = jnp.take_along_axis(x, places[..., None], axis=1)
    table = params["encoder"]["embeddings"]["pieces"]["embedding"]
    head = pure.assemble(pure.graph(MaskedHead, config, len(table)), params["masked"])
    return head(x, table)


def predict(params: Params, ids: Ids, config: Config) -> Logits:
    """The logits of the labels."""
    x = encode(params, ids, config)
    return pure.assemble(pure.graph(Classifier, config), params["classifier"])(x)


def stages(params: Params, ids: Ids, config: Config) -> dict[str, Array]:
    """What `predict` passes through, by name."""
    encoder = _encoder(params, config)
    named: dict[str, Array] = {"pieces": ids, "vectors": (x := encoder.embeddings(ids, None))}
    for number, block in enumerate(encoder.blocks, start=1):
        named[f"vectors after block {number}"] = x = block(x, ids != 0)
    return named | {"vector of [CLS]": x[:, 0], "logits": predict(params, ids, config)}


def attention_maps(
    params: Params, ids: Ids, config: Config
) -> list[Float[Array, "batch heads time keys"]]:
    """How much each piece takes from each, in every block; to look at, not to compute with."""
    encoder = _encoder(params, config)
    x, seen, maps = encoder.embeddings(ids, None), ids != 0, []
    for block in encoder.blocks:
        queries, keys, _ = block.attention.project(x)
        maps.append(attention_weights(queries, keys, seen))
        x = block(x, seen)
    return maps


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes; the parameters are the encoder and one of the heads."""

    params: Params
    opt_state: optax.OptState


def pretraining_optimizer(config: Config) -> optax.GradientTransformation:
    """Adam for filling gaps."""
    rates = pretraining_rates(config)
    return optax.chain(
        optax.clip_by_global_norm(config.max_norm),
        optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count], **MOMENTS),
    )


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam with weight decay for fine-tuning (Loshchilov and Hutter 2019)."""
    rates = learning_rates(config)
    return optax.chain(
        optax.clip_by_global_norm(config.max_norm),
        optax.adamw(
            learning_rate=lambda count: jnp.asarray(rates)[count],
            weight_decay=config.weight_decay,
            **MOMENTS,
        ),
    )


def start_pretraining(params: Params, config: Config) -> State:
    """The state before the first step of pretraining."""
    params = {name: params[name] for name in ("encoder", "masked")}
    return State(params, pretraining_optimizer(config).init(params))


def start(params: Params, config: Config) -> State:
    """The state before the first step of fine-tuning."""
    params = {name: params[name] for name in ("encoder", "classifier")}
    return State(params, optimizer(config).init(params))


def masked_loss(params: Params, ids: Ids, batch: Masked, config: Config) -> Float[Array, ""]:
    """The mean cross-entropy of the pieces to be guessed, in nats."""
    texts = ids[batch.rows]
    at = jnp.arange(len(texts))[:, None], jnp.asarray(batch.places)
    logits = guess(params, texts.at[at].set(batch.shown), at[1], config)
    return optax.softmax_cross_entropy_with_integer_labels(logits, texts[at]).mean()


def masked_loss_and_grads(
    params: Params, ids: Ids, batch: Masked, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss of guessing, and its gradients."""
    return jax.value_and_grad(masked_loss)(params, ids, batch, config)


def loss(params: Params, ids: Ids, labels: Labels, config: Config) -> Float[Array, ""]:
    """The mean cross-entropy of the labels, in nats."""
    logits = predict(params, ids, config)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def loss_and_grads(
    params: Params, ids: Ids, labels: Labels, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss of the labels, and its gradients."""
    return jax.value_and_grad(loss)(params, ids, labels, config)


def pretrain_step(
    state: State, ids: Ids, batch: Masked, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of filling gaps; also the loss before it."""
    value, grads = masked_loss_and_grads(state.params, ids, batch, config)
    return _update(state, grads, pretraining_optimizer(config)), value


def train_step(
    state: State, ids: Ids, labels: Labels, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of fine-tuning; also the loss before it."""
    value, grads = loss_and_grads(state.params, ids, labels, config)
    return _update(state, grads, optimizer(config)), value


def _update(state: State, grads: Params, optimizer: optax.GradientTransformation) -> State:
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state)


def pretrain(
    state: State, ids: Int[Array, "posts time"], batches: Masked, config: Config
) -> tuple[State, Float[Array, " steps"]]:
    """Fill gaps in the texts of every batch: a scan over steps, one dispatch."""

    def step(state: State, batch: Masked) -> tuple[State, Float[Array, ""]]:
        return pretrain_step(state, ids, batch, config)

    return jax.lax.scan(step, state, batches)


def fit(
    state: State,
    ids: Int[Array, "steps batch time"],
    labels: Int[Array, "steps batch"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """Fine-tune on every batch: a scan over steps, one dispatch."""

    def step(state: State, batch: tuple[Ids, Labels]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (ids, labels))


compiled_pretrain = jax.jit(pretrain, static_argnames="config")
compiled_fit = jax.jit(fit, static_argnames="config")
compiled_predict = jax.jit(predict, static_argnames="config")
compiled_guess = jax.jit(guess, static_argnames="config")
